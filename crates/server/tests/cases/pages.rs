//! The dashboard's doors: who is let in, by what, from where; and that nothing foreign gets through them.

use serde_json::json;
use strongroom_model::Role;
use strongroom_server::pages::route::{PAGES, PageRoute};

use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS, Server};
use crate::support::visitor::Visitor;

async fn code(server: &Server) -> String {
    let made = server.call("POST", "/api/admin/sessions/codes").await.expect(201);
    made.at("code").as_str().expect("a code").to_owned()
}

/// A path that leads to nothing, so that trying it changes nothing.
fn to_nothing(page: &PageRoute) -> String {
    let path = page.path.replace("tokens/{id}", "tokens/000000000000");
    let path = path.replace("{number}", "1");
    path.replace("{id}", "999999").replace("{file}", "none.css").replace("{*rest}", "none")
}

#[tokio::test]
async fn a_code_is_asked_about_and_begins_one_session_by_a_click() {
    let server = Installation::new(BACKEND).await.start();
    let code = code(&server).await;
    let mut visitor = Visitor::at_own_name(&server);
    let asked = visitor.post("/login", &[("code", &code), ("next", "/dashboard/audit")]).await.expect(200);
    assert!(asked.set_cookie.is_none() && asked.text.contains("token:"), "{}", asked.text);
    assert_eq!((asked.field("code"), asked.field("next")), (code.clone(), "/dashboard/audit".to_owned()));

    let fields = [("code", &*code), ("confirmed", "yes"), ("next", "/dashboard/audit")];
    let page = visitor.post("/login", &fields).await.expect(303);
    assert_eq!(page.location.as_deref(), Some("/dashboard/audit?signed-in"));
    let cookie = page.set_cookie.expect("a cookie");
    assert!(cookie.starts_with("__Host-strongroom="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let trail = visitor.get("/dashboard/audit?signed-in").await.expect(200);
    assert!(trail.text.contains("session.create") && trail.text.contains("session.offer"));

    let mut second = Visitor::at_own_name(&server);
    let again = second.post("/login", &fields).await.expect(401);
    assert!(again.set_cookie.is_none() && again.text.contains("used already"), "{}", again.text);
    let form = visitor.form_token().await;
    let out = visitor.clone().post("/logout", &[("form", &form)]).await.expect(303);
    assert!(out.set_cookie.expect("a cookie").contains("Max-Age=0"));
    assert_eq!(visitor.get("/dashboard").await.expect(303).location.as_deref(), Some("/login"));
    server.verified_entries().await;
}

#[tokio::test]
async fn a_session_id_that_somebody_else_chose_is_never_taken_over() {
    let server = Installation::new(BACKEND).await.start();
    let mut visitor = Visitor::at_own_name(&server);
    let planted = "0".repeat(64);
    visitor.cookie = Some(format!("__Host-strongroom={planted}"));
    visitor.post("/login", &[("token", &server.admin)]).await.expect(303);
    let first = visitor.cookie.clone().expect("a cookie");
    assert!(!first.contains(&planted));
    let mut planter = Visitor::at_own_name(&server);
    planter.cookie = Some(format!("__Host-strongroom={planted}"));
    assert_eq!(planter.get("/dashboard").await.status, 303, "nobody is signed in by it");

    visitor.post("/login", &[("token", &server.admin)]).await.expect(303);
    assert_ne!(visitor.cookie.as_deref(), Some(&*first), "each time another one");
    planter.cookie = Some(first.clone());
    assert_eq!(planter.get("/dashboard").await.status, 303, "and the one before has ended");
    // A second cookie of the name is somebody else's.
    planter.cookie =
        Some(format!("{}; __Host-strongroom={planted}", visitor.cookie.clone().expect("a cookie")));
    assert_eq!(planter.get("/dashboard").await.status, 303);
}

#[tokio::test]
async fn every_page_lets_in_exactly_the_roles_of_the_table() {
    let server = Installation::new(BACKEND).await.start();
    let mut wrong = Vec::new();
    for role in [None, Some(Role::Admin), Some(Role::Auditor), Some(Role::Reader), Some(Role::Gateway)] {
        let mut visitor = Visitor::at_own_name(&server);
        let mut form = String::new();
        if let Some(role) = role {
            let token = server.token_of(role).await;
            visitor = visitor.signed_in(&token).await;
            form = visitor.form_token().await;
        }
        // Signing out would end the session of the next ones.
        for page in PAGES.iter().filter(|page| page.path != "/logout") {
            if page.path == "/dashboard/events" && role.is_some() {
                // It has no end to wait for.
                assert!(visitor.stream(page.path).await.is_ok(), "{role:?}");
                continue;
            }
            let answer = match page.method {
                "POST" => visitor.clone().post(&to_nothing(page), &[("form", &form)]).await,
                _ => visitor.get(&to_nothing(page)).await,
            };
            let leads_in =
                answer.status == 303 && answer.location.as_deref().is_some_and(|to| to.starts_with("/login"));
            let is_right = match (page.roles, role) {
                (None, _) => [200, 303, 401, 404].contains(&answer.status),
                // A form of nobody comes back with what was typed, one that is none leads to the sign-in.
                (Some(_), None) => leads_in || (page.method == "POST" && answer.status == 401),
                (Some(roles), Some(role)) if roles.contains(&role) => {
                    let fields_are_empty = page.method == "POST" && [400, 409].contains(&answer.status);
                    ([200, 303, 404].contains(&answer.status) || fields_are_empty) && !leads_in
                }
                (Some(_), Some(_)) => answer.status == 403,
            };
            if !is_right {
                wrong.push(format!("{} {} for {role:?}: {}", page.method, page.path, answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_a_role_may_not_see_looks_the_same_whether_it_is_there_or_not() {
    let server = Installation::new(BACKEND).await.start();
    let there = server.credential("nobody-knows", json!({})).await;
    let reader = server.token_of(Role::Reader).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&reader).await;
    let page = async |id: i64| visitor.get(&format!("/dashboard/credentials/{id}")).await.expect(403);
    let (there, missing) = (page(there).await, page(999_999).await);
    let without_id = |text: &str| text.split("Request").next().expect("a part").to_owned();
    assert_eq!(without_id(&there.text), without_id(&missing.text));
    assert!(!there.text.contains("nobody-knows"));
    let entries = server.entries_of(there.headers["x-request-id"].to_str().expect("text")).await;
    assert_eq!(
        (&entries[0]["action"], &entries[0]["outcome"]),
        (&json!("credential.show"), &json!("denied"))
    );
}

#[tokio::test]
async fn a_cookie_opens_no_route_of_the_api_and_a_token_in_a_header_no_page() {
    let server = Installation::new(BACKEND).await.start();
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    for path in ["/api/admin/status", "/api/admin/credentials", "/openai/v1/models"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 401, "{path}: {}", answer.text);
    }
    let bearer = format!("Bearer {}", server.admin);
    let nobody = Visitor::at_own_name(&server);
    for path in ["/dashboard", "/dashboard/credentials", "/login"] {
        nobody.send("GET", path, &[("authorization", &bearer)], None).await.expect(401);
        visitor.send("GET", path, &[("authorization", &bearer)], None).await.expect(401);
    }
}

#[tokio::test]
async fn a_foreign_page_changes_nothing() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("target", json!({})).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let (path, form) = (format!("/dashboard/credentials/{id}/freeze"), visitor.form_token().await);
    let (own, host) = (format!("http://{}", visitor.host), visitor.host.clone());
    let other_port = "http://strongroom.localhost:1";
    let good = [("form", form.as_str())];
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    type Try<'a> = (&'a str, Vec<(&'a str, &'a str)>, Pairs<'a>);
    let tries: [Try<'_>; 8] = [
        ("another port", vec![("sec-fetch-site", "same-site"), ("origin", other_port)], &good),
        ("another port of an old browser", vec![("origin", other_port)], &good),
        (
            "another origin",
            vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example.com")],
            &good,
        ),
        ("an origin that is hidden", vec![("sec-fetch-site", "cross-site"), ("origin", "null")], &good),
        ("typed by nobody", vec![("sec-fetch-site", "none")], &good),
        ("no headers and no token", vec![], &[]),
        ("no token", vec![("sec-fetch-site", "same-origin"), ("origin", &own)], &[]),
        ("a wrong token", vec![("sec-fetch-site", "same-origin"), ("origin", &own)], &[("form", "0123")]),
    ];
    for (how, headers, fields) in tries {
        let page = visitor.send("POST", &path, &headers, Some(fields)).await;
        assert_eq!(page.status, 403, "{how}: {}", page.text);
        let is_offered = page.text.contains("Send it again");
        assert_eq!(is_offered, ["no token", "a wrong token"].contains(&how), "{how}: {}", page.text);
    }
    let nobody = Visitor::at_own_name(&server);
    let page = nobody.send("POST", &path, &[], Some(&good)).await.expect(401);
    assert!(!page.text.contains("Send it again"), "{}", page.text);
    let another = Visitor::at_own_name(&server).signed_in(&server.admin).await.form_token().await;
    let page = visitor.send("POST", &path, &[("origin", &own)], Some(&[("form", another.as_str())])).await;
    assert_eq!(page.status, 403, "a token of another session");
    // The same by another method or another kind of body.
    for (method, kind) in [("GET", None), ("PUT", None), ("POST", Some("text/plain"))] {
        let headers: Vec<_> = kind.iter().map(|kind| ("content-type", *kind)).collect();
        let page = visitor.send(method, &path, &headers, None).await;
        assert!([400, 403, 405].contains(&page.status), "{method}: {}", page.status);
    }
    let frozen = async || {
        !server.get(&format!("/api/admin/credentials/{id}")).await.expect(200).at("frozenAt").is_null()
    };
    assert!(!frozen().await);
    // And nobody is signed in by a foreign page either.
    for headers in
        [vec![], vec![("sec-fetch-site", "cross-site")], vec![("origin", "https://evil.example.com")]]
    {
        let page = Visitor::at_own_name(&server)
            .send("POST", "/login", &headers, Some(&[("token", &server.admin)]))
            .await;
        assert!(page.status == 403 && page.set_cookie.is_none(), "{headers:?}: {}", page.status);
    }
    let good = visitor.send("POST", &path, &[], Some(&good)).await.expect(303);
    assert_eq!(good.location, Some(format!("/dashboard/credentials/{id}?done=frozen")), "{host}");
    assert!(frozen().await, "an old browser with the form's token does");
}

#[tokio::test]
async fn a_name_that_is_not_ours_gets_no_page() {
    let installation =
        Installation::new(BACKEND).await.set("STRONGROOM_PUBLIC_URL", "https://keys.example.com");
    let server = installation.start();
    let mut visitor = Visitor::at_shared_address(&server).signed_in(&server.admin).await;
    visitor.get("/dashboard").await.expect(200);
    let port = server.address().rsplit_once(':').expect("a port").1.to_owned();
    for host in [
        format!("evil.example.com:{port}"),
        format!("127.0.0.1.evil.example.com:{port}"),
        "keys.example.com:1".into(),
    ] {
        visitor.host.clone_from(&host);
        for path in ["/dashboard", "/login", "/dashboard/assets/none.css", "/"] {
            let page = visitor.get(path).await;
            assert_eq!(page.status, 403, "{host} {path}: {}", page.text);
            assert!(
                !page.text.contains("evil") && page.text.contains("STRONGROOM_PUBLIC_URL"),
                "{}",
                page.text
            );
        }
        visitor.get("/api/admin/status").await.expect(401);
        visitor.get("/livez").await.expect(200);
    }
    let mut public = Visitor::at_own_name(&server);
    public.host = "keys.example.com".to_owned();
    let origin = [("origin", "https://keys.example.com")];
    let page = public.send("POST", "/login", &origin, Some(&[("token", &server.admin)])).await.expect(303);
    let cookie = page.set_cookie.expect("a cookie");
    assert!(cookie.starts_with("__Host-") && cookie.ends_with("; Secure"), "{cookie}");
    public.cookie = cookie.split(';').next().map(str::to_owned);
    public.get("/dashboard").await.expect(200);
}

#[tokio::test]
async fn a_cookie_that_another_port_has_seen_changes_nothing() {
    let server = Installation::new(BACKEND).await.start();
    let id = server.credential("target", json!({})).await;
    let owner = Visitor::at_shared_address(&server).signed_in(&server.admin).await;
    let mut thief = owner.clone();
    assert!(
        thief.cookie.as_deref().is_some_and(|cookie| cookie.starts_with("strongroom=")),
        "{:?}",
        thief.cookie
    );
    thief.get("/dashboard").await.expect(200);
    let (path, form) = (format!("/dashboard/credentials/{id}/freeze"), thief.form_token().await);
    thief.post(&path, &[("form", &form)]).await.expect(403);
    let reader = server.token_of(Role::Reader).await;
    for proof in ["sr_nonsense", &"0".repeat(64), &reader, "x.y.z"] {
        thief.post(&path, &[("form", &form), ("proof", proof)]).await.expect(403);
    }
    let spent = code(&server).await;
    let mut elsewhere = Visitor::at_own_name(&server);
    elsewhere.post("/login", &[("code", &spent), ("confirmed", "yes")]).await.expect(303);
    thief.post(&path, &[("form", &form), ("proof", &spent)]).await.expect(403);
    assert!(server.get(&format!("/api/admin/credentials/{id}")).await.at("frozenAt").is_null());
    // Nor does it become a session without bounds under the other name.
    let mut moved = Visitor::at_own_name(&server);
    let secret = thief.cookie.clone().expect("a cookie").replace("strongroom=", "__Host-strongroom=");
    moved.cookie = Some(secret);
    assert_eq!(moved.get("/dashboard").await.status, 303);

    let mut owner = owner;
    owner.post(&path, &[("form", &form), ("proof", &server.admin)]).await.expect(303);
    let fresh = code(&server).await;
    let unfreeze = path.replace("freeze", "unfreeze");
    owner.post(&unfreeze, &[("form", &form), ("proof", &fresh)]).await.expect(303);
    owner.post(&path, &[("form", &form), ("proof", &fresh)]).await.expect(403);
}

#[tokio::test]
async fn a_revoked_token_and_a_disabled_user_are_signed_out_within_a_second_on_every_server() {
    let server = Installation::new(BACKEND).await.start();
    let made =
        server.post("/api/admin/tokens", json!({ "name": "goes", "role": "auditor" })).await.expect(201);
    let token = made.at("token").as_str().expect("a token").to_owned();
    let visitor = Visitor::at_own_name(&server).signed_in(&token).await;
    visitor.get("/dashboard").await.expect(200);
    let id = made.at("id").as_str().expect("an id").to_owned();
    server.delete(&format!("/api/admin/tokens/{id}")).await.expect(200);
    assert_eq!(visitor.get("/dashboard").await.status, 303);

    let other = Visitor::at_own_name(&server).signed_in(&server.token_of(Role::Auditor).await).await;
    let mut admin = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let list = admin.get("/dashboard/sessions").await.expect(200);
    let (_, rest) = list.text.split_once("action=\"/dashboard/sessions/").expect("a form that ends it");
    let ended = rest.split('/').next().expect("an id").to_owned();
    let form = admin.form_token().await;
    admin.post(&format!("/dashboard/sessions/{ended}/end"), &[("form", &form)]).await.expect(303);
    assert_eq!(other.get("/dashboard").await.status, 303);
}

#[tokio::test]
async fn names_with_markup_and_hidden_characters_are_text() {
    let server = Installation::new(BACKEND).await.start();
    let name = "<script>alert(1)</script>\"'&\u{202e}gpj.exe\u{200b}שלום";
    server.post("/api/admin/tokens", json!({ "name": name, "role": "gateway" })).await.expect(201);
    server.post("/api/admin/users", json!({ "name": name, "role": "reader" })).await.expect(201);
    let long = "a-long-name-of-many-words-".repeat(5)[..128].to_owned();
    let id = server.credential(&long, json!({})).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let mut shown = 0;
    for path in [
        "/dashboard",
        "/dashboard/tokens",
        "/dashboard/audit",
        "/dashboard/audit?target=%3Cscript%3Ealert(1)%3C/script%3E&action=%22%3E%3Cb%3E",
        "/dashboard/credentials?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&provider=%3Cb%3E&state=%3Cb%3E",
        &format!("/dashboard/credentials/{id}"),
        "/login?next=%22%3E%3Cscript%3E",
        "/dashboard/none%3Cscript%3E",
    ] {
        let page = visitor.get(path).await;
        assert!(!page.text.contains("<script>alert") && !page.text.contains("<b>\""), "{path}");
        assert!(!page.text.contains('\u{202e}') && !page.text.contains('\u{200b}'), "{path}");
        assert!(
            !page.text.contains("style=") && !page.text.contains("<style") && !page.text.contains("onclick"),
            "{path}"
        );
        shown += usize::from(page.text.contains("&lt;script&gt;alert(1)"));
    }
    assert!(shown >= 3, "{shown}");
}

#[tokio::test]
async fn pages_are_sent_with_the_strictest_headers_and_files_are_kept_for_ever() {
    let server = Installation::new(BACKEND).await.start();
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    for path in ["/", "/login", "/dashboard", "/dashboard/credentials/999999", "/dashboard/assets/none.css"] {
        let page = visitor.get(path).await;
        let header = |name: &str| page.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "same-origin", "{path}");
    }
    let page = visitor.get("/dashboard").await.expect(200);
    let (_, rest) = page.text.split_once("rel=\"stylesheet\" href=\"").expect("a stylesheet");
    let style = rest.split('"').next().expect("an address");
    let style = Visitor::at_own_name(&server).get(style).await.expect(200);
    let kept = style.headers["cache-control"].to_str().expect("text");
    assert!(kept.contains("immutable") && style.text.contains("--accent"), "{kept}");
}

#[tokio::test]
async fn impossible_addresses_are_answered_with_a_page_that_leads_on() {
    let server = Installation::new(BACKEND).await.start();
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    for (path, status) in [
        ("/dashboard/credentials?cursor=x&state=odd", 200),
        ("/dashboard/credentials?cursor=-9223372036854775808", 200),
        ("/dashboard/credentials?state=odd", 200),
        ("/dashboard/credentials?state=unused&q=a&cursor=7", 200),
        ("/dashboard/credentials?state=due", 200),
        ("/dashboard/credentials?q=%00", 200),
        ("/dashboard/credentials?provider=not%20one", 200),
        ("/dashboard?range=odd&from=x", 200),
        ("/dashboard?from=2026-02-31", 200),
        ("/dashboard/usage?range=24h&by=version", 200),
        ("/dashboard/usage?from=1900-01-01&to=2100-01-01", 200),
        ("/dashboard/usage/records?from=%00&cursor=x", 200),
        ("/dashboard/usage/records?credential=none&status=odd&user=x", 200),
        ("/dashboard/usage/records/x", 404),
        ("/dashboard/usage/records/00000000000000000000000000000000", 404),
        ("/dashboard/limits/x/burn-down.csv", 404),
        ("/dashboard/audit?outcome=odd&cursor=7", 200),
        ("/dashboard/audit?cursor=x", 200),
        ("/dashboard/credentials/x", 404),
        ("/dashboard/credentials/99999999999999999999", 404),
        ("/dashboard/tokens?all=%FF", 200),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, status, "{path}: {}", page.text);
        assert!(page.text.contains("<h1>"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_opens_a_browser_with_a_code_that_is_in_no_list_of_processes() {
    use std::os::unix::fs::PermissionsExt;
    let server = Installation::new(BACKEND).await.start();
    let home = server.installation.home().to_owned();
    let (opener, seen) = (home.join("xdg-open"), home.join("seen"));
    // What a browser would be started by: it keeps what it was given, and the page.
    let script = "#!/bin/sh\necho \"$1\" > \"$HOME/given\"\ncp -p \"${1#file://}\" \"$HOME/half\" && mv \"$HOME/half\" \"$HOME/seen\"\n";
    std::fs::write(&opener, script).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = server.installation.command(&["open"]);
    command.env("PATH", format!("{}:/usr/bin:/bin", home.display()));
    let done = tokio::task::spawn_blocking(move || command.output().unwrap());
    for _ in 0..STEPS {
        if seen.exists() {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert_eq!(std::fs::metadata(&seen).unwrap().permissions().mode() & 0o777, 0o600);
    let page = std::fs::read_to_string(&seen).unwrap();
    let (_, rest) = page.split_once("/login#code=").expect("an address with a code");
    let (code, port) = (&rest[..64], server.address().rsplit_once(':').expect("a port").1);
    assert!(page.contains(&format!("url=http://strongroom.localhost:{port}/login#code=")), "{page}");
    let given = std::fs::read_to_string(home.join("given")).unwrap();
    assert!(given.starts_with("file:///") && !given.contains(code), "{given}");

    let mut visitor = Visitor::at_own_name(&server);
    let asked = visitor.post("/login", &[("code", code)]).await.expect(200);
    assert!(asked.text.contains("local:"), "{}", asked.text);
    visitor.post("/login", &[("code", code), ("confirmed", "yes")]).await.expect(303);
    visitor.get("/dashboard").await.expect(200);
    let done = done.await.unwrap();
    assert!(done.status.success(), "{done:?}");
    let file = given.trim().trim_start_matches("file://");
    assert!(!std::path::Path::new(file).exists(), "the page is gone");

    let printed = server.installation.command(&["--format", "json", "open", "--print"]).output().unwrap();
    let printed: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let address = printed["address"].as_str().unwrap();
    assert!(address.starts_with(&format!("http://strongroom.localhost:{port}/login#code=")), "{address}");
}

#[tokio::test]
async fn very_many_limits_are_shown_by_pages_and_the_fullest_on_the_first() {
    let server = Installation::new(BACKEND).await.start();
    let row = |number| json!({ "name": format!("key-{number:03}"), "provider": "openai", "apiKey": format!("sk-proj-a1B2c3D4e5F6g7H8i9J0{number:03}"), "isActive": true, "isGlobal": true, "rateLimit": 4 });
    let rows: Vec<_> = (0..205).map(row).collect();
    server.post("/api/admin/credentials/import", json!({ "source": "env", "rows": rows })).await.expect(200);
    for _ in 0..4 {
        server.get("/api/credentials/key-204").await.expect(200);
    }
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let first = visitor.get("/dashboard/limits").await.expect(200).text;
    let (fullest, all) = first.split_once("id=\"all-limits\"").expect("two lists");
    assert!(fullest.contains("key-204") && !fullest.contains("key-000"), "{fullest}");
    assert!(all.contains("All 205 limits") && all.matches("<tr>").count() <= 51, "{all:.2000}");
    let (mut page, mut names) = (first.clone(), std::collections::BTreeSet::new());
    loop {
        let all = page.split_once("id=\"all-limits\"").expect("a list").1.to_owned();
        names.extend((0..205).filter(|number| all.contains(&format!("key-{number:03}"))));
        let Some((_, next)) = all.split_once("?after=") else { break };
        let next = next.split(['#', '"']).next().expect("an identity");
        page = visitor.get(&format!("/dashboard/limits?after={next}")).await.expect(200).text;
    }
    assert_eq!(names.len(), 205);
    visitor.get("/dashboard/limits?after=odd").await.expect(404);
    let overview = visitor.get("/dashboard").await.expect(200).text;
    assert!(overview.contains("key-204") && overview.contains("of 205"), "{overview}");
}
