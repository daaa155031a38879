//! The dashboard in a real browser: every page without a complaint, readable on every width, and usable by keys alone.
#![expect(clippy::unwrap_used, reason = "a test ends where something it stands on is missing")]

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use strongroom_model::{Clock, Role};
use strongroom_server::pages::route::{PAGES, PageRoute};
use strongroom_testkit::Backend;
use strongroom_testkit::real_parts::{node_file, workspace_root};

#[path = "browser_dashboard/fill.rs"]
mod fill;
#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

use fill::fill;
use support::server::{Installation, Server};

/// The most nodes of a page, and of those, the most within the first screen.
const MAX_NODES: u64 = 3_000;
const MAX_FIRST_NODES: u64 = 1_500;
/// The most bytes of a page, compressed; and of a page with everything that it loads, the first time.
const MAX_BYTES: u64 = 15 * 1024;
const MAX_FIRST_BYTES: u64 = 45 * 1024;
/// The most bytes of the script, compressed.
const MAX_SCRIPT_BYTES: u64 = 8 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_readable_on_every_width_and_says_nothing_to_the_console() {
    let installation = Installation::new(Backend::Sqlite).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1");
    let server = installation.start();
    let busy = fill(&server).await;
    put_alerts(&server).await;
    let pages = json!([
        ["overview", "/dashboard"],
        ["overview-day", "/dashboard?range=24h"],
        ["credentials", "/dashboard/credentials"],
        ["none", "/dashboard/credentials?q=nothing&provider=openai"],
        ["credential", format!("/dashboard/credentials/{busy}")],
        ["versions", format!("/dashboard/credentials/{busy}?tab=versions")],
        ["credential-day", format!("/dashboard/credentials/{busy}?range=24h")],
        ["health", format!("/dashboard/credentials/{busy}?tab=health")],
        ["access", format!("/dashboard/credentials/{busy}?tab=access")],
        ["reveal", format!("/dashboard/credentials/{busy}/reveal")],
        ["usage", "/dashboard/usage"],
        ["usage-rates", "/dashboard/usage?measure=error-share&by=credential&range=30d"],
        ["usage-p", "/dashboard/usage?measure=first-byte-p95&by=model&range=24h"],
        ["usage-long", "/dashboard/usage?from=2026-01-01&to=2026-12-31&measure=calls&by=credential"],
        ["usage-ninety", "/dashboard/usage?range=90d&measure=tokens&by=model"],
        ["records", "/dashboard/usage/records"],
        ["record", record_page(&server).await],
        ["limits", "/dashboard/limits"],
        ["limit", limit_page(&server).await],
        ["users", "/dashboard/users"],
        ["keys", "/dashboard/keys"],
        ["settings", "/dashboard/settings"],
        ["start", "/dashboard/start"],
        ["find", "/dashboard/find?q=o"],
        ["tokens", "/dashboard/tokens"],
        ["alerts", "/dashboard/alerts"],
        ["alerts-over", "/dashboard/alerts?state=resolved"],
        ["alerts-none", "/dashboard/alerts?state=open&rule=clock_skew"],
        ["alert", format!("/dashboard/alerts/{ALERT}")],
        ["alert-rules", "/dashboard/alerts/rules"],
        ["alert-test", "/dashboard/alerts/rules/test?credential=openai-primary&at=10,50&days=30"],
        ["alert-channels", "/dashboard/alerts/channels"],
        ["alert-silences", "/dashboard/alerts/silences"],
        ["alert-deliveries", "/dashboard/alerts/deliveries"],
        ["audit", "/dashboard/audit"],
        ["mine", "/dashboard/mine"],
        ["sessions", "/dashboard/sessions"],
        ["missing", "/dashboard/credentials/999999"],
    ]);
    let roles = roles(&server, busy).await;
    let seen = look_at(&server, &pages, busy, &roles);
    let views = seen["views"].as_array().unwrap();
    let of_roles: usize =
        roles.as_array().unwrap().iter().map(|it| it[2].as_array().unwrap().len() + 1).sum();
    assert_eq!(views.len(), 6 * (pages.as_array().unwrap().len() + 1) + of_roles);
    let mut wrong = Vec::new();
    for view in views {
        let name = format!(
            "{} at {} px, {}, script: {}",
            view["name"], view["width"], view["scheme"], view["script"]
        );
        let complaints: Vec<_> = texts(&view["complaints"])
            .into_iter()
            // The browser says by itself that a page was answered with 404.
            .filter(|complaint| !(view["name"] == "missing" && complaint.contains("404")))
            .collect();
        let mut check = |is_right: bool, what: String| {
            if !is_right {
                wrong.push(format!("{name}: {what}"));
            }
        };
        check(complaints.is_empty(), format!("{complaints:?}"));
        check(texts(&view["findings"]).is_empty(), format!("{:?}", texts(&view["findings"])));
        check(texts(&view["tooWide"]).is_empty(), format!("too wide: {:?}", texts(&view["tooWide"])));
        check(view["pageWidth"].as_u64() <= view["roomWidth"].as_u64(), "it scrolls sideways".to_owned());
        check(view["styled"] == 0, "a style or script of its own".to_owned());
        check(view["nodes"].as_u64().unwrap() < MAX_NODES, format!("{} nodes", view["nodes"]));
        check(
            view["firstNodes"].as_u64().unwrap() <= MAX_FIRST_NODES,
            format!("{} nodes on the first screen", view["firstNodes"]),
        );
        check(view["bytes"].as_u64().unwrap() <= MAX_BYTES, format!("{} bytes", view["bytes"]));
        for request in texts(&view["requests"]) {
            check(request.starts_with(&own_name(&server)), format!("asks {request}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (weight, heaviest) = (&seen["weight"], views.iter().filter_map(|view| view["bytes"].as_u64()).max());
    assert!(heaviest.unwrap() > 2_000, "pages are weighed: {heaviest:?}");
    let bytes = |name: &str| weight[name].as_u64().unwrap();
    assert!(bytes("script") > 1_000 && bytes("script") <= MAX_SCRIPT_BYTES, "{weight}");
    assert!(heaviest.unwrap() + bytes("files") <= MAX_FIRST_BYTES, "{heaviest:?} {weight}");
    for page in seen["print"].as_array().unwrap() {
        assert_eq!((&page["navigation"], &page["forms"]), (&json!(false), &json!(false)), "{page}");
        assert!(
            page["tables"].as_u64().unwrap() > 0 && page["closed"] == 0,
            "tables are open on paper: {page}"
        );
        assert!(page["pageWidth"].as_u64() <= page["roomWidth"].as_u64(), "{page}");
    }
    let paper = |scheme: &str| views.iter().find(|view| view["scheme"] == scheme).unwrap()["paper"].clone();
    assert_ne!(paper("light"), paper("dark"));
    for round in ["plain", "quick"] {
        let done = seen[round]["done"].as_array().unwrap();
        assert!(done.len() >= 10, "{round}: {done:?}");
        assert_eq!(texts(&seen[round]["complaints"]), Vec::<&str>::new(), "{round}");
        let text = |name: &str| done.iter().find(|it| it["name"] == name).unwrap()["text"].as_str().unwrap();
        assert!(text("freeze it").contains("Every call with its key is refused"), "{round}");
        assert!(text("show its key").contains("sk-by-keyboard"), "{round}");
        assert!(text("verify the trail").contains("the trail is whole"), "{round}");
    }
    keep_pictures();
    said_by_the_script(&seen["script"], busy);
}

/// What the script adds did what it should.
fn said_by_the_script(script: &Value, busy: i64) {
    let said = |name: &str| script[name].as_str().unwrap();
    let own = format!("/dashboard/credentials/{busy}");
    assert!(said("palette").ends_with(&own), "{}", said("palette"));
    assert!(said("verb").ends_with(&format!("{own}?open=freeze")), "{}", said("verb"));
    assert_eq!(script["verbForm"], true, "the form is open, and nothing was done");
    assert!(
        said("spoken").contains("$") && said("tip").contains("Sum"),
        "{} {}",
        said("spoken"),
        said("tip")
    );
    assert!(!said("tip").contains("Single"), "{}", said("tip"));
    assert_ne!(said("one"), said("spoken"), "the arrow down tells one series alone");
    assert!(said("records").contains("/dashboard/usage/records?from="), "{}", said("records"));
    for (letter, path) in [
        ("o", ""),
        ("c", "/credentials"),
        ("u", "/usage"),
        ("l", "/limits"),
        ("t", "/tokens"),
        ("a", "/audit"),
    ] {
        assert!(
            script["went"][letter].as_str().unwrap().ends_with(&format!("/dashboard{path}")),
            "g {letter}: {}",
            script["went"]
        );
    }
    assert_eq!(script["search"], "q", "the slash leads to the search of the page");
    let rows = script["rows"].as_array().unwrap();
    assert!(rows[0] != rows[1] && rows[0] == rows[2], "j goes on and k back: {rows:?}");
    assert!(said("opened").contains("/dashboard/credentials/"), "{}", said("opened"));
    assert_eq!(script["silent"], true, "no letter does anything once they are switched off");
    assert!(said("live").contains("credential.freeze"), "{}", said("live"));
    assert_eq!(script["paused"], true, "what is paused stays as it is");
    assert!(said("resumed").contains("credential.unfreeze"), "{}", said("resumed"));
    assert!(
        said("shown").contains("sk-second") && !said("hidden").contains("sk-second"),
        "{}",
        said("hidden")
    );
    assert_eq!(texts(&script["findings"]), Vec::<&str>::new());
    assert_eq!(texts(&script["complaints"]), Vec::<&str>::new());
}

/// Every other role, with a token of its own and each page that it sees.
async fn roles(server: &Server, busy: i64) -> Value {
    let mut all = Vec::new();
    for role in [Role::Auditor, Role::Reader, Role::Gateway] {
        let sees = |page: &&PageRoute| {
            page.method == "GET"
                && page.roles.is_some_and(|roles| roles.contains(&role))
                && !["/dashboard/events", "/dashboard/{*rest}"].contains(&page.path)
                && !page.path.ends_with(".csv")
                && !page.path.starts_with("/dashboard/limits/{")
                && !page.path.starts_with("/dashboard/usage/records/{")
        };
        let paths = PAGES.iter().filter(sees).map(|page| {
            let path = page.path.replace("alerts/{id}", &format!("alerts/{ALERT}"));
            path.replace("{id}", &busy.to_string()).replace("{number}", "1")
        });
        let paths: Vec<_> = paths.collect();
        all.push(json!([role.as_str(), server.token_of(role).await, paths]));
    }
    json!(all)
}

/// The page of the limit that is nearest to its end in a month.
async fn limit_page(server: &Server) -> String {
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    let month =
        limits.as_array().unwrap().iter().find(|it| it["window"] == "month" && it["unit"] == "nano_usd");
    format!("/dashboard/limits/{}", month.unwrap()["id"].as_str().unwrap())
}

/// The page of the newest single use.
async fn record_page(server: &Server) -> String {
    let found = server.get("/api/admin/usage/records?limit=1").await.expect(200).json();
    format!("/dashboard/usage/records/{}", found["records"][0]["id"].as_str().unwrap())
}

/// The pictures of the README, when it is asked for: `REGENERATE=1`.
fn keep_pictures() {
    if std::env::var_os("REGENERATE").is_none() {
        return;
    }
    let (from, to) = (workspace_root().join("target/screenshots"), workspace_root().join("docs/images"));
    std::fs::create_dir_all(&to).unwrap();
    for (shot, picture) in [
        ("dashboard-1280-light-overview", "dashboard-overview"),
        ("dashboard-1280-dark-credential", "dashboard-credential-dark"),
        ("dashboard-1280-light-usage", "dashboard-usage"),
        ("dashboard-390-light-overview", "dashboard-phone"),
    ] {
        std::fs::copy(from.join(format!("{shot}.png")), to.join(format!("{picture}.png"))).unwrap();
    }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

fn own_name(server: &Server) -> String {
    server.url.replace("127.0.0.1", "strongroom.localhost")
}

/// Drives the browser; the screenshots are left in `target/screenshots`.
fn look_at(server: &Server, pages: &Value, credential: i64, roles: &Value) -> Value {
    let output = Command::new("node")
        .arg(workspace_root().join("testkit/browser/dashboard.mjs"))
        .arg(node_file("playwright-core/index.mjs"))
        .arg(node_file("axe-core/axe.min.js"))
        .args([&own_name(server), &server.url, &server.admin])
        .arg(workspace_root().join("target/screenshots"))
        .arg(pages.to_string())
        .arg(credential.to_string())
        .arg(roles.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("node is on the PATH: `cargo xtask test --only browser` installs what this test needs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nand the server: {}", server.said());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The alert whose page is looked at.
const ALERT: &str = "0193f1c2a4b87d3e9c5f6a7b8c9d0e01";

/// Alerts in every state, a channel that nobody listens at, a route, a rule and a silence.
async fn put_alerts(server: &Server) {
    let database = &server.installation.database;
    let uid = database.query_text("SELECT uid FROM api_credentials ORDER BY id LIMIT 1").await;
    let uid = uid[0][0].as_deref().unwrap().to_owned();
    let channel = json!({ "name": "on-call", "kind": "webhook", "address": "http://127.0.0.1:9/planted" });
    server.post("/api/admin/alerts/channels", channel).await.expect(201);
    let route =
        json!({ "routes": [{ "fromLevel": "high", "channels": ["on-call"], "quiet": "22:00-07:00" }] });
    server.post("/api/admin/alerts/routes", route).await.expect(200);
    let rule = json!({ "credential": "openai-primary", "at": [50, 80] });
    server.post("/api/admin/alerts/rules", rule).await.expect(200);
    let silence = json!({ "rule": "spend_spike", "seconds": 3600, "reason": "a load test that takes until the evening" });
    server.post("/api/admin/alerts/silences", silence).await.expect(200);
    let now = Clock::default().local_now().0;
    let row = |last: i64, rule: &str, kind: &str, id: &str, level: &str, mark: i64, more: &str| {
        format!(
            "INSERT INTO alert_incidents (uid, region, rule, subject_kind, subject_id, mark, window_start_ms, episode, level, value, \
             threshold, peak, fired_at_ms, fanned_out_at_ms, told_at_ms, reminders, acknowledged_at_ms, acknowledged_by, note, \
             masked_at_ms, resolved_at_ms, cause, resolution_told_at_ms) VALUES ('0193f1c2a4b87d3e9c5f6a7b8c9d0e0{last}', 'main', \
             '{rule}', '{kind}', '{id}', {mark}, 0, {last}, '{level}', 9000000000, 4000000000, 9000000000, {}, {now}, {now}, 0, {more})",
            now - last * 3_600_000
        )
    };
    let open = "NULL, NULL, NULL, NULL, NULL, NULL, NULL";
    let taken =
        format!("{now}, 'token:abcdefghijkl', 'I talk to the team of the batch', NULL, NULL, NULL, NULL");
    let masked = format!("NULL, NULL, NULL, {now}, NULL, NULL, NULL");
    let over = format!("NULL, NULL, NULL, NULL, {now}, 'somebody ended it', {now}");
    let statements = [
        row(1, "leak", "credential", &uid, "critical", 2, open),
        row(2, "leak", "token", "abcdefghijkl", "critical", 2, &taken),
        row(3, "integrity", "node", "0193f1c2a4b87d3e9c5f6a7b8c9d0eff", "critical", 0, open),
        row(4, "spend_spike", "credential", &uid, "warn", 0, &masked),
        row(5, "spend_spike", "credential", &uid, "warn", 0, &over),
        row(6, "authority_changed", "token", "abcdefghijkl", "high", 0, &over),
    ];
    database.execute(&statements.join(";")).await;
    let deliveries = [("firing", "delivered_at_ms", 1), ("reminder:1", "dead_at_ms", 10)].map(|(notice, when, attempts)| {
        format!(
            "INSERT INTO alert_deliveries (uid, region, incident_uid, channel_uid, notice, rule, level, made_at_ms, not_before_ms, \
             attempts, {when}, last_error) SELECT '{attempts}0', 'main', '{ALERT}', uid, '{notice}', 'leak', 'critical', {now}, {now}, \
             {attempts}, {now}, 'HTTP 500: the receiver says in many words that it cannot take this message just now' FROM alert_channels"
        )
    });
    database.execute(&deliveries.join(";")).await;
}
