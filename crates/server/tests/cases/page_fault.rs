//! What goes wrong with pages: sessions that end mid-form, forms that are sent twice, more tabs than there is room for, names that
//! nothing has, and formulas in files.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use crate::BACKEND;
use crate::support::server::{Installation, Server};
use crate::support::visitor::Visitor;

const NEW: [(&str, &str); 4] =
    [("name", "typed-at-length"), ("provider", "openai"), ("api_key", "sk-typed"), ("once", "once-1")];

fn with<'a>(fields: &[(&'a str, &'a str)], form: &'a str) -> Vec<(&'a str, &'a str)> {
    fields.iter().copied().chain([("form", form)]).collect()
}

async fn names(server: &Server) -> Vec<String> {
    let list = server.get("/api/admin/credentials").await.expect(200).json();
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_session_that_ends_mid_form_loses_nothing_that_was_typed() {
    let server = Installation::new(BACKEND).await.start();
    let mut visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let form = visitor.form_token().await;
    server.installation.database.execute("DELETE FROM sessions").await;
    let ended = visitor.post("/dashboard/credentials", &with(&NEW, &form)).await.expect(401);
    assert!(ended.text.contains("what you typed is still here"), "{}", ended.text);
    assert_eq!((ended.field("name"), ended.field("once")), ("typed-at-length".into(), "once-1".into()));
    assert!(!ended.text.contains("sk-typed") && ended.text.contains("type=\"password\" name=\"api_key\""));
    assert!(names(&server).await.is_empty());

    // Signed in again in another tab, the form of before is asked about: it has the token of no session, or of another one.
    let mut again = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let asked = again.post("/dashboard/credentials", &NEW).await.expect(403);
    assert_eq!(asked.field("name"), "typed-at-length");
    assert!(!asked.text.contains("sk-typed") && names(&server).await.is_empty());
    let form = asked.field("form");
    again.post("/dashboard/credentials", &with(&NEW, &form)).await.expect(303);
    assert_eq!(names(&server).await, ["typed-at-length"]);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_does_its_work_once() {
    let server = Installation::new(BACKEND).await.start();
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let form = visitor.form_token().await;
    let (mut one, mut other) = (visitor.clone(), visitor.clone());
    let fields = with(&NEW, &form);
    let (first, second) = tokio::join!(
        one.post("/dashboard/credentials", &fields),
        other.post("/dashboard/credentials", &fields)
    );
    let statuses = [first.status, second.status];
    assert!(statuses.contains(&303) && statuses.iter().all(|it| [303, 409].contains(it)), "{statuses:?}");
    let later = one.post("/dashboard/credentials", &fields).await.expect(303);
    assert!(later.location.is_some_and(|to| to.contains("done=created")));
    assert_eq!(names(&server).await, ["typed-at-length"]);

    let token = with(&[("name", "twice"), ("role", "gateway"), ("once", "once-2")], &form);
    one.post("/dashboard/tokens", &token).await.expect(200);
    let second = one.post("/dashboard/tokens", &token).await.expect(303);
    let told = one.get(&second.location.unwrap()).await.expect(200);
    assert!(told.text.contains("was made and shown then"), "{}", told.text);
    let tokens = server.get("/api/admin/tokens").await.expect(200).json();
    assert_eq!(tokens.as_array().unwrap().iter().filter(|it| it["name"] == "twice").count(), 1);

    // What came to nothing can be sent again under the same name.
    let bad = with(
        &[("name", "bad name\u{7}"), ("provider", "openai"), ("api_key", "x"), ("once", "once-3")],
        &form,
    );
    one.post("/dashboard/credentials", &bad).await.expect(400);
    let good =
        with(&[("name", "good"), ("provider", "openai"), ("api_key", "sk-x"), ("once", "once-3")], &form);
    one.post("/dashboard/credentials", &good).await.expect(303);
}

#[tokio::test]
async fn streams_say_what_has_moved_are_bounded_and_end_with_their_session() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("one", json!({})).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let mut stream = visitor.stream("/dashboard/events").await.expect("a stream");
    server.call("POST", &format!("/api/admin/credentials/{id}/freeze")).await.expect(200);
    let told = read_until(&mut stream, "credentials").await;
    assert!(told.contains("event: moved") && told.contains("audit"), "{told}");
    assert!(
        !told.contains("one") && !told.contains(&id.to_string()),
        "names of kinds and nothing else: {told}"
    );

    // A thousand tabs: those that find no room are told so, and everything else goes on.
    let mut open = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        match visitor.stream("/dashboard/events").await {
            Ok(stream) => open.push(stream),
            Err(status) => {
                assert_eq!(status, 503);
                refused += 1;
            }
        }
    }
    assert!(open.len() == 255 && refused == 745, "{} open, {refused} refused", open.len());
    visitor.get("/dashboard").await.expect(200);
    drop(open);

    // Ending the session ends its stream before it is told anything more.
    server.installation.database.execute("DELETE FROM sessions").await;
    server.call("POST", &format!("/api/admin/credentials/{id}/unfreeze")).await.expect(200);
    let rest = tokio::time::timeout(Duration::from_secs(30), stream.collect::<Vec<_>>()).await;
    let rest: Vec<_> = rest.expect("it ends").into_iter().flatten().collect();
    let rest = String::from_utf8_lossy(&rest.concat()).into_owned();
    assert!(!rest.contains("credentials"), "{rest}");
}

async fn read_until(
    stream: &mut (impl StreamExt<Item = reqwest::Result<axum::body::Bytes>> + Unpin),
    wanted: &str,
) -> String {
    let mut told = String::new();
    while !told.contains(wanted) {
        let part = tokio::time::timeout(Duration::from_secs(30), stream.next()).await.expect("it is told");
        told.push_str(&String::from_utf8_lossy(&part.expect("a part").expect("it goes on")));
    }
    told
}

#[tokio::test]
async fn impossible_questions_about_usage_are_answered_beside_what_was_typed() {
    let server = Installation::new(BACKEND).await.start();
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    for (query, said) in [
        ("from=2026-03-02&to=2026-03-01", "the first day is behind the last one"),
        ("from=1970-01-01&to=2026-03-01", "days are shown at once"),
        ("from=x", "from must be a day"),
        ("from=2026-02-30", "from must be a day"),
        ("to=9999-12-31&from=9999-12-30", "Nothing was used in this time"),
        ("measure=odd", "there is no such figure"),
        ("by=odd", "usage is not split by that"),
        ("credential=gone", "there is no credential of that name"),
        ("user=ada", "a user is known by a number"),
        ("provider=%00", "no provider has such a name"),
        ("model=%3Cscript%3Ealert(1)%3C/script%3E", "that fits these filters"),
        ("actor=token%3Anobody&range=odd", "that fits these filters"),
        ("range=7d&by=version", "Nothing was used in this time"),
    ] {
        let page = visitor.get(&format!("/dashboard/usage?{query}")).await.expect(200);
        assert!(page.text.contains(said), "{query}: {}", page.text);
        assert!(!page.text.contains("<script>alert"), "{query}");
    }
    let long = "x".repeat(200);
    let page =
        visitor.get(&format!("/dashboard/usage?model={long}&actor=%1B[31m%E2%80%AEx")).await.expect(200);
    assert!(page.text.contains(&long) && !page.text.contains('\u{1b}') && !page.text.contains('\u{202e}'));
    visitor.get("/dashboard/usage.csv?by=odd").await.expect(400);
    for path in
        ["/dashboard/limits/odd", "/dashboard/credentials/1/versions/x", "/dashboard/credentials/x/reveal"]
    {
        visitor.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn figures_of_usage_are_those_of_the_ledger_and_their_file_holds_no_formula() {
    let server = Installation::new(BACKEND).await.start();
    let name = "=cmd()|deleted";
    let id = server.credential("to-be-renamed", json!({})).await;
    let database = &server.installation.database;
    let rows = database.query_text("SELECT uid, version_uid FROM api_credentials").await;
    let [Some(uid), Some(version)] = rows[0].as_slice() else { panic!("{rows:?}") };
    let now = strongroom_model::Clock::default().local_now().0;
    let today = now - now.rem_euclid(86_400_000);
    database
        .execute(&format!(
            "INSERT INTO usage_dims VALUES ('d1', 'main', 'call', 'chat.completions', 'token:abc', 0, '', '', '{uid}', \
             '{version}', 'openai', '{name}', 'database', ''); \
             INSERT INTO usage_days VALUES ({today}, 'main', 'd1', 7, 6, 1, 1, 900, 300, 0, 0, 100, 10, 1500000000, 2, 0, 0, \
             700, 7, 2100, 7)"
        ))
        .await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let csv = visitor.get("/dashboard/usage.csv?by=model").await.expect(200);
    assert!(csv.headers["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let line = csv.text.lines().nth(1).expect("a line");
    assert!(
        line.ends_with(
            ",\"'=cmd()|deleted\",\"'=cmd()|deleted\",6,7,1,1,900,300,100,10,1500000000,2,700,7,,"
        ),
        "{line}"
    );
    for (query, figures) in [
        ("measure=spend&by=provider", vec!["$1.50", "2 unpriced"]),
        ("measure=calls&by=credential", vec!["to-be-renamed", ">6<"]),
        ("measure=error-share&by=version", vec!["to-be-renamed v1", "28.5 %"]),
        ("measure=first-byte&by=actor", vec!["token:abc", "100 ms"]),
        ("measure=cached-share&credential=to-be-renamed", vec!["33.3 %"]),
        ("measure=tokens-per-second", vec!["71"]),
    ] {
        let page = visitor.get(&format!("/dashboard/usage?{query}")).await.expect(200);
        for figure in figures {
            assert!(page.text.contains(figure), "{query}: {figure} in {}", page.text);
        }
    }
    // What is deleted stays in every report, by the name that it had.
    server.delete(&format!("/api/admin/credentials/{id}")).await.expect(200);
    let page = visitor.get("/dashboard/usage?by=credential").await.expect(200);
    assert!(
        page.text.contains("<s><bdi class=\"name\">to-be-renamed (deleted, ")
            || page.text.contains("to-be-renamed (deleted, "),
        "{}",
        page.text
    );
    visitor.get("/dashboard").await.expect(200);
}

#[tokio::test]
async fn no_key_and_no_token_is_on_any_page() {
    let server = Installation::new(BACKEND).await.start();
    let id = server
        .credential("one", json!({ "apiSecret": "second-planted", "endpoint": "https://api.example.com/v1" }))
        .await;
    server
        .post(&format!("/api/admin/credentials/{id}/versions"), json!({ "apiKey": "sk-staged-planted" }))
        .await
        .expect(200);
    let token = server.token(json!({ "name": "shown-once", "role": "gateway" })).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let own = format!("/dashboard/credentials/{id}");
    for path in [
        "/dashboard".to_owned(),
        "/dashboard/start".to_owned(),
        "/dashboard/credentials".to_owned(),
        own.clone(),
        format!("{own}?tab=versions&compare=1&compare=2"),
        format!("{own}?tab=limits"),
        format!("{own}?tab=access"),
        format!("{own}?tab=health"),
        format!("{own}?tab=audit"),
        format!("{own}/reveal"),
        format!("{own}/versions/1"),
        "/dashboard/usage".to_owned(),
        "/dashboard/usage/records".to_owned(),
        "/dashboard/limits".to_owned(),
        "/dashboard/tokens?all=yes".to_owned(),
        "/dashboard/users".to_owned(),
        "/dashboard/audit".to_owned(),
        "/dashboard/keys".to_owned(),
        "/dashboard/settings".to_owned(),
        "/dashboard/mine".to_owned(),
        "/dashboard/sessions".to_owned(),
        "/dashboard/find?q=o".to_owned(),
    ] {
        let page = visitor.get(&path).await.expect(200);
        for secret in ["sk-of-one", "second-planted", "sk-staged-planted", &token, &server.admin] {
            assert!(!page.text.contains(secret), "{path}");
        }
        assert!(!page.text.contains("style=") && !page.text.contains("<style"), "{path}");
    }
}
