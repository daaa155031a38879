//! What pages change: everything that the command line does to credentials, versions, limits, tokens and users, by forms alone.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider};

use crate::BACKEND;
use crate::support::server::{Installation, Server};
use crate::support::visitor::{Page, Visitor};

/// A visitor who is signed in, with the token of their forms.
pub(crate) struct Hand {
    pub(crate) visitor: Visitor,
    form: String,
}

impl Hand {
    pub(crate) async fn of(server: &Server, token: &str) -> Self {
        let visitor = Visitor::at_own_name(server).signed_in(token).await;
        let form = visitor.form_token().await;
        Self { visitor, form }
    }

    pub(crate) async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut fields = fields.to_vec();
        fields.push(("form", &self.form));
        self.visitor.post(path, &fields).await
    }

    /// Sends it, and follows to where it leads.
    pub(crate) async fn done(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.send(path, fields).await.expect(303);
        let to = page.location.expect("a target");
        self.visitor.get(&to).await.expect(200)
    }
}

#[tokio::test]
async fn a_credential_lives_its_whole_life_in_forms() {
    let fake = FakeProvider::start().await.unwrap();
    let server = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let mut hand = Hand::of(&server, &server.admin).await;
    let (endpoint, key) = (fake.endpoint(Api::OpenAi), Behaviour::Ok.key());
    let new = [
        ("name", "first"),
        ("provider", "openai"),
        ("api_key", &*key),
        ("endpoint", &*endpoint),
        ("rate_limit", "1,000"),
        ("expires", "2999-12-31"),
        ("tags", "project=search"),
        ("once", "1"),
    ];
    let made = hand.done("/dashboard/credentials", &new).await;
    assert!(made.text.contains("Stored.") && made.text.contains("2999-12-31") && !made.text.contains(&key));
    let id =
        server.get("/api/admin/credentials").await.expect(200).json()[0]["id"].as_i64().expect("a number");
    let own = format!("/dashboard/credentials/{id}");

    let tested = hand.done(&format!("{own}/test"), &[]).await;
    assert!(tested.text.contains("Its provider accepts the key"), "{}", tested.text);
    let wrong = Behaviour::WrongKey.key();
    let staged = hand.done(&format!("{own}/stage"), &[("api_key", &wrong), ("once", "2")]).await;
    assert!(staged.text.contains("Staged.") && staged.text.contains("staged"));
    let refused = hand.send(&format!("{own}/canary"), &[("percent", "10")]).await.expect(422);
    assert!(
        refused.text.contains("bad_key") && refused.text.contains("name=\"percent\" value=\"10\""),
        "{}",
        refused.text
    );
    hand.done(&format!("{own}/abort"), &[]).await;
    hand.done(&format!("{own}/stage"), &[("api_key", &key), ("once", "3")]).await;
    let canary = hand.done(&format!("{own}/canary"), &[("percent", "10")]).await;
    assert!(canary.text.contains("10 % of calls"), "{}", canary.text);
    let promoted = hand.done(&format!("{own}/promote"), &[]).await;
    assert!(promoted.text.contains("Promoted."));
    let compared = hand.visitor.get(&format!("{own}?tab=versions&compare=3&compare=1")).await.expect(200);
    assert!(compared.text.contains("Version 1 beside version 3: key <b>same</b>"), "{}", compared.text);
    let back = hand.done(&format!("{own}/versions/1/roll-back"), &[("once", "4")]).await;
    assert!(back.text.contains("Rolled back."));
    hand.send(&format!("{own}/versions/3/destroy"), &[("confirm", "other")]).await.expect(400);
    hand.done(&format!("{own}/versions/3/destroy"), &[("confirm", "first")]).await;

    let shown = hand.visitor.get(&own).await.expect(200);
    let revision = shown.field("revision");
    let dated = [("expires", "2888-01-01"), ("rotate_after_days", "30"), ("revision", &*revision)];
    let page = hand.done(&format!("{own}/dates"), &dated).await;
    assert!(page.text.contains("2888-01-01"), "{}", page.text);
    let old = hand.send(&format!("{own}/dates"), &dated).await;
    assert_eq!(old.status, 412, "a page that is old changes nothing that it does not show");
    assert!(page.text.contains("project=search"), "{}", page.text);
    let odd = [("tags", "project"), ("revision", &*page.field("revision"))];
    let odd = hand.send(&format!("{own}/tags"), &odd).await.expect(400);
    assert!(
        odd.text.contains("name=\"tags\" value=\"project\""),
        "what was typed is still there: {}",
        odd.text
    );
    let tags = [("tags", "project=chat, env=prod"), ("revision", &*page.field("revision"))];
    let page = hand.done(&format!("{own}/tags"), &tags).await;
    assert!(page.text.contains("project=chat") && page.text.contains("env=prod"), "{}", page.text);
    let told = server.get(&format!("/api/admin/credentials/{id}")).await.expect(200).json();
    assert_eq!(told["tags"], json!({ "project": "chat", "env": "prod" }));
    assert!(hand.visitor.get("/dashboard/credentials").await.expect(200).text.contains("env=prod"));
    let revision = page.field("revision");
    let off = hand.done(&format!("{own}/activity"), &[("state", "no"), ("revision", &revision)]).await;
    assert!(off.text.contains("inactive"), "{}", off.text);
    hand.send(&format!("{own}/delete"), &[("confirm", "firs")]).await.expect(400);
    let gone = hand.done(&format!("{own}/delete"), &[("confirm", "first")]).await;
    assert!(gone.text.contains("undelete"));
    hand.visitor.get(&own).await.expect(404);
    let list = hand.visitor.get("/dashboard/credentials/deleted").await.expect(200);
    assert!(list.text.contains("first"));
    let back = hand.done(&format!("{own}/undelete"), &[]).await;
    let facts = [
        ("name", "second"),
        ("endpoint", &*endpoint),
        ("priority", "3"),
        ("revision", &*back.field("revision")),
    ];
    let changed = hand.done(&format!("{own}/facts"), &facts).await;
    assert!(
        changed.text.contains("<h1><bdi class=\"name\">second") && changed.text.contains("Priority"),
        "{}",
        changed.text
    );
    hand.send(&format!("{own}/minter"), &[("minter", "none")]).await.expect(400);
    hand.done(&format!("{own}/delete"), &[("confirm", "second")]).await;
    hand.send(&format!("{own}/purge"), &[("confirm", "first")]).await.expect(400);
    let erased = hand.done(&format!("{own}/purge"), &[("confirm", "second")]).await;
    assert!(erased.text.contains("Erased."));
    server.verified_entries().await;
}

#[tokio::test]
async fn a_key_is_shown_with_a_reason_to_whoever_reads_keys_and_to_nobody_else() {
    let server = Installation::new(BACKEND).await.start();
    let global = server.credential("global", json!({})).await;
    let ada = server.user_of("ada", Role::Reader).await;
    let hers = server.credential("hers", json!({ "isGlobal": false, "userId": ada })).await;
    let others = server.user_of("bob", Role::Reader).await;
    let his = server.credential("his", json!({ "isGlobal": false, "userId": others })).await;
    let token = server.token(json!({ "name": "adas", "role": "reader", "userId": ada })).await;
    let mut reader = Hand::of(&server, &token).await;
    let mine = reader.visitor.get("/dashboard/mine").await.expect(200);
    assert!(
        mine.text.contains("global") && mine.text.contains("hers") && !mine.text.contains("his<"),
        "{}",
        mine.text
    );
    let path = |id: i64| format!("/dashboard/credentials/{id}/reveal");
    let reason = [("reason", "to enter it into the printer"), ("ticket", "OPS-7")];
    for (id, key) in [(global, "sk-of-global"), (hers, "sk-of-hers")] {
        reader.visitor.get(&path(id)).await.expect(200);
        let shown = reader.send(&path(id), &reason).await.expect(200);
        assert_eq!(shown.text.matches(key).count(), 1, "{}", shown.text);
        assert_eq!(shown.headers["cache-control"], "no-store");
        let request = shown.headers["x-request-id"].to_str().expect("text").to_owned();
        let entry = &server.entries_of(&request).await[0];
        assert_eq!((&entry["action"], &entry["outcome"]), (&json!("credential.read"), &json!("success")));
        let detail = entry["detail"].to_string();
        for said in ["to enter it into the printer", "OPS-7", "a browser"] {
            assert!(detail.contains(said), "{detail}");
        }
        assert!(!detail.contains(key));
    }
    let missing = reader.send(&path(999_999), &reason).await.expect(404);
    let denied = reader.send(&path(his), &reason).await.expect(404);
    let without_id =
        |text: &str| text.split("Request").next().expect("a part").replace(&format!("/{his}/"), "/999999/");
    assert_eq!(
        without_id(&denied.text),
        without_id(&missing.text),
        "in the same words whether it is there or not"
    );
    let short = reader.send(&path(global), &[("reason", "because")]).await.expect(400);
    assert!(
        short.text.contains("reason must be 10") && !short.text.contains("sk-of-global"),
        "{}",
        short.text
    );
    for role in [Role::Auditor, Role::Gateway] {
        let mut other = Hand::of(&server, &server.token_of(role).await).await;
        other.send(&path(global), &reason).await.expect(403);
    }
    let mut admin = Hand::of(&server, &server.admin).await;
    let shown = admin.send(&path(his), &reason).await.expect(200);
    assert!(shown.text.contains("sk-of-his"));
    // Ten minutes later a proof is asked for with the reason.
    let back = "UPDATE sessions SET made_at_ms = made_at_ms - 600001, seen_at_ms = seen_at_ms - 1";
    server.installation.database.execute(back).await;
    let old = admin.send(&path(his), &reason).await;
    assert_ne!(old.status, 200, "a session that was changed, or is old, shows nothing: {}", old.text);
    assert!(!old.text.contains("sk-of-his"));
}

#[tokio::test]
async fn limits_are_set_raised_with_a_reason_lowered_tested_and_removed() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("one", json!({})).await;
    let mut hand = Hand::of(&server, &server.admin).await;
    let new = [("credential", "one"), ("amount", "$1,000.50"), ("unit", "usd"), ("window", "month")];
    let page = hand.send("/dashboard/limits", &new).await.expect(303);
    let path = page.location.expect("a page").split('?').next().expect("a path").to_owned();
    let shown = hand.visitor.get(&path).await.expect(200);
    assert!(shown.text.contains("$1,000.50 a month") && shown.text.contains("Burn-down"), "{}", shown.text);
    let two = hand
        .send(
            "/dashboard/limits",
            &[("credential", "one"), ("user", "1"), ("amount", "1"), ("unit", "usd"), ("window", "day")],
        )
        .await;
    assert!(two.status == 400 && two.text.contains("only one of them"), "{}", two.text);
    let odd = hand
        .send(
            "/dashboard/limits",
            &[("credential", "one"), ("amount", "much"), ("unit", "usd"), ("window", "day")],
        )
        .await;
    assert!(
        odd.status == 400 && odd.text.contains("value=\"much\""),
        "what was typed is still there: {}",
        odd.text
    );

    let raise = format!("{path}/raise");
    let short = hand.send(&raise, &[("amount", "2000"), ("reason", "because"), ("once", "1")]).await;
    assert!(short.status == 400 && short.text.contains("reason must be"), "{}", short.text);
    let less = hand.send(&raise, &[("amount", "5"), ("reason", "because it is better"), ("once", "2")]).await;
    assert_eq!(less.status, 400);
    let raised =
        hand.done(&raise, &[("amount", "2000"), ("reason", "the batch of March"), ("once", "1")]).await;
    assert!(
        raised.text.contains("$2,000.00 a month"),
        "a form that came to nothing can be sent again: {}",
        raised.text
    );
    let trail = server.get("/api/admin/audit-logs?action=limit.set&limit=1").await.expect(200).text;
    assert!(trail.contains("the batch of March"), "{trail}");
    hand.done(&format!("{path}/lower"), &[("amount", "0.1"), ("once", "3")]).await;
    let test =
        "/dashboard/limits/test?credential=one&model=gpt-4o&input_tokens=1000000&output_tokens=1000000";
    let verdict = hand.visitor.get(test).await.expect(200);
    assert!(verdict.text.contains("it would be refused"), "{}", verdict.text);
    let nobody = hand.visitor.get("/dashboard/limits/test?credential=none").await.expect(200);
    assert!(nobody.text.contains("there is no credential of that name"));
    hand.done(&format!("{path}/remove"), &[]).await;
    assert_eq!(server.get("/api/admin/limits").await.expect(200).text, "[]");
}

#[tokio::test]
async fn tokens_and_users_are_made_changed_and_ended() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("one", json!({})).await;
    let mut hand = Hand::of(&server, &server.admin).await;
    hand.done("/dashboard/users", &[("name", "ada"), ("role", "reader"), ("once", "u1")]).await;
    let users = server.get("/api/admin/users").await.expect(200).json();
    let ada = users.as_array().expect("a list").iter().find(|user| user["name"] == "ada").expect("ada")["id"]
        .to_string();
    let new = [
        ("name", "ci"),
        ("role", "gateway"),
        ("credentials", "one"),
        ("providers", ""),
        ("user", &*ada),
        ("limit_amount", "5"),
        ("window", "day"),
        ("once", "t1"),
    ];
    let made = hand.send("/dashboard/tokens", &new).await.expect(200);
    let (_, rest) = made.text.split_once(">sr_").expect("the token, once");
    let token = format!("sr_{}", rest.split('<').next().expect("its end"));
    server.get("/v1/models").token(&token).await.expect(200);
    assert!(made.text.contains("/openai/v1") && made.headers["cache-control"] == "no-store");
    let list = hand.visitor.get("/dashboard/tokens").await.expect(200);
    assert!(list.text.contains("ci") && !list.text.contains(&token));
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    assert_eq!(limits[0]["amount"], 5_000_000_000_i64);

    let path = |verb: &str| format!("/dashboard/users/{ada}/{verb}");
    hand.done(&path("role"), &[("role", "gateway")]).await;
    let hers = Visitor::at_own_name(&server).signed_in(&token).await;
    hand.done(&path("sessions/end"), &[]).await;
    assert_eq!(hers.get("/dashboard/mine").await.status, 303, "her token's sessions have ended");
    hand.done(&path("activity"), &[("state", "no")]).await;
    server.get("/v1/models").token(&token).await.expect(401);
    hand.done(&path("activity"), &[("state", "yes")]).await;
    server.get("/v1/models").token(&token).await.expect(200);
    hand.send(&path("delete"), &[("confirm", "ada")]).await.expect(409);
    let bob = server.user_of("bob", Role::Reader).await;
    hand.send(&format!("/dashboard/users/{bob}/delete"), &[("confirm", "bo")]).await.expect(400);
    hand.done(&format!("/dashboard/users/{bob}/delete"), &[("confirm", "bob")]).await;
}

#[tokio::test]
async fn several_credentials_are_changed_at_once_and_each_is_told() {
    let server = Installation::new(BACKEND).await.start();
    let (one, two) = (server.credential("one", json!({})).await, server.credential("two", json!({})).await);
    let mut hand = Hand::of(&server, &server.admin).await;
    let asked = hand
        .visitor
        .get(&format!("/dashboard/credentials/bulk?id={one}&id={two}&id=999&id=x"))
        .await
        .expect(200);
    assert!(
        asked.text.contains("2 credentials") && asked.field("ids") == format!("{one},{two}"),
        "{}",
        asked.text
    );
    let ids = format!("{one},{two},999");
    let freeze = [("ids", &*ids), ("bulk", "freeze"), ("count", "2"), ("once", "b1")];
    let refused = hand.send("/dashboard/credentials/bulk", &freeze).await.expect(400);
    assert!(refused.text.contains("type how many they are: 3"), "{}", refused.text);
    let freeze = [("ids", &*ids), ("bulk", "freeze"), ("count", "3"), ("once", "b1")];
    let done = hand.send("/dashboard/credentials/bulk", &freeze).await.expect(200);
    assert_eq!(
        (done.text.matches("> done<").count(), done.text.matches("> not done<").count()),
        (2, 1),
        "{}",
        done.text
    );
    hand.send("/dashboard/credentials/bulk", &freeze).await.expect(303);
    let ids = format!("{one},{two}");
    let limit = [
        ("ids", &*ids),
        ("bulk", "limit"),
        ("bulk_amount", "7"),
        ("unit", "usd"),
        ("window", "day"),
        ("count", "2"),
    ];
    hand.send("/dashboard/credentials/bulk", &limit).await.expect(200);
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    assert_eq!(limits.as_array().expect("a list").len(), 2);
    hand.send("/dashboard/credentials/bulk", &[("ids", &*ids), ("bulk", "odd"), ("count", "2")])
        .await
        .expect(400);
}

#[tokio::test]
async fn keys_are_replaced_and_the_trail_is_verified_in_pages() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("one", json!({})).await;
    let mut hand = Hand::of(&server, &server.admin).await;
    let before = hand.visitor.get("/dashboard/keys").await.expect(200);
    assert!(before.text.contains("of this server") && before.text.contains("in use"));
    let rotated = hand.done("/dashboard/keys/rotate", &[("once", "k1")]).await;
    assert!(rotated.text.contains("The last replacement of the data key"), "{}", rotated.text);
    hand.done("/dashboard/keys/rotate-master", &[]).await;
    let proven = hand.visitor.get("/dashboard/audit/verify").await.expect(200);
    assert!(proven.text.contains("the trail is whole"), "{}", proven.text);
    server.installation.database.execute("UPDATE audit_logs SET actor = 'nobody' WHERE seq = 1").await;
    let broken = hand.visitor.get("/dashboard/audit/verify").await.expect(200);
    assert!(
        broken.text.contains("the trail was changed") && broken.text.contains("entry 1"),
        "{}",
        broken.text
    );
    let settings = hand.visitor.get("/dashboard/settings").await.expect(200);
    assert!(
        settings.text.contains("database.url") && settings.text.contains("http.listen"),
        "{}",
        settings.text
    );
}

#[tokio::test]
async fn how_pages_look_is_kept_in_the_browser_alone() {
    let server = Installation::new(BACKEND).await.start();
    let mut hand = Hand::of(&server, &server.token_of(Role::Gateway).await).await;
    let kept = hand.send("/dashboard/display", &[("theme", "dark")]).await.expect(303);
    let cookie = kept.set_cookie.expect("a cookie");
    assert!(cookie.starts_with("strongroom-display=dark.off; Path=/dashboard"), "{cookie}");
    // The visitor keeps one cookie: the session's and this one together are what a browser sends.
    let session = Visitor::at_own_name(&server).signed_in(&server.admin).await.cookie.expect("a session");
    let mut visitor = Visitor::at_own_name(&server);
    visitor.cookie = Some(format!("{session}; strongroom-display=dark.off"));
    let page = visitor.get("/dashboard").await.expect(200);
    assert!(page.text.contains("data-theme=\"dark\"") && page.text.contains("data-letters=\"off\""));
    visitor.cookie = Some(format!("{session}; strongroom-display=\"><script>"));
    let page = visitor.get("/dashboard").await.expect(200);
    assert!(!page.text.contains("data-theme") && !page.text.contains("\"><script>"));
}
