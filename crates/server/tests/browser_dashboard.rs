//! The dashboard in a real browser: every page without a complaint, readable on every width, and usable by keys alone.
#![expect(clippy::unwrap_used, reason = "a test ends where something it stands on is missing")]

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use strongroom_model::limit::Window;
use strongroom_model::{Clock, Role};
use strongroom_server::pages::route::{PAGES, PageRoute};
use strongroom_testkit::Backend;
use strongroom_testkit::real_parts::{node_file, workspace_root};

#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

use support::server::{Installation, Server};

const DAY_MS: i64 = 86_400_000;
/// The most nodes of a page, and the most bytes before compression.
const MAX_NODES: u64 = 3_000;
const MAX_BYTES: u64 = 160_000;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_readable_on_every_width_and_says_nothing_to_the_console() {
    let installation = Installation::new(Backend::Sqlite).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1");
    let server = installation.start();
    let busy = fill(&server).await;
    put_alerts(&server).await;
    let pages = json!([
        ["overview", "/dashboard"],
        ["credentials", "/dashboard/credentials"],
        ["none", "/dashboard/credentials?q=nothing&provider=openai"],
        ["credential", format!("/dashboard/credentials/{busy}")],
        ["versions", format!("/dashboard/credentials/{busy}?tab=versions")],
        ["access", format!("/dashboard/credentials/{busy}?tab=access")],
        ["reveal", format!("/dashboard/credentials/{busy}/reveal")],
        ["usage", "/dashboard/usage"],
        ["usage-rates", "/dashboard/usage?measure=error-share&by=credential&range=30d"],
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
        check(view["bytes"].as_u64().unwrap() < MAX_BYTES, format!("{} bytes", view["bytes"]));
        for request in texts(&view["requests"]) {
            check(request.starts_with(&own_name(&server)), format!("asks {request}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let script = &seen["script"];
    let said = |name: &str| script[name].as_str().unwrap();
    assert!(said("palette").ends_with(&format!("/dashboard/credentials/{busy}")), "{}", said("palette"));
    assert!(
        said("spoken").contains("$") && said("tip").contains("Sum"),
        "{} {}",
        said("spoken"),
        said("tip")
    );
    assert!(said("live").contains("credential.freeze"), "{}", said("live"));
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
                && !["/dashboard/events", "/dashboard/usage.csv", "/dashboard/{*rest}"].contains(&page.path)
                && !page.path.starts_with("/dashboard/limits/{")
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

/// Puts a team's month into it: credentials in every state, tokens, limits, and calls. Gives the number of the busiest credential.
async fn fill(server: &Server) -> i64 {
    let mut ids = Vec::new();
    for (name, provider, more) in [
        ("openai-primary", "openai", json!({ "rateLimit": 50_000, "rotateAfterDays": 90 })),
        ("anthropic-team", "anthropic", json!({})),
        ("gemini-batch", "gemini", json!({ "rateLimit": 1000 })),
        ("openrouter-lab", "openrouter", json!({ "isActive": false })),
        ("groq-fast", "groq", json!({ "expiresAt": "2030-01-31T00:00:00Z" })),
        ("mistral-eu", "mistral", json!({})),
        (
            "a-name-that-is-much-longer-than-any-column-of-a-table-should-ever-have-to-be-wide",
            "cohere",
            json!({}),
        ),
    ] {
        let id = server.credential(name, json!({ "provider": provider })).await;
        if more.as_object().is_some_and(|more| !more.is_empty()) {
            server.patch(&format!("/api/admin/credentials/{id}"), more).await.expect(200);
        }
        ids.push(id);
    }
    server
        .patch(&format!("/api/admin/credentials/{}", ids[0]), json!({ "apiKey": "sk-second" }))
        .await
        .expect(200);
    let stage = format!("/api/admin/credentials/{}/versions", ids[0]);
    server.post(&stage, json!({ "apiKey": "sk-staged" })).await.expect(200);
    server.call("POST", &format!("/api/admin/credentials/{}/freeze", ids[6])).await.expect(200);
    for (name, role) in
        [("ci", Role::Gateway), ("nightly <batch>", Role::Gateway), ("on-call", Role::Auditor)]
    {
        server.token(json!({ "name": name, "role": role.as_str() })).await;
    }
    server.revoked_token().await;
    for (credential, unit, window, amount) in [
        ("openai-primary", "nano_usd", "month", 500_000_000_000_i64),
        ("anthropic-team", "nano_usd", "day", 40_000_000_000),
        ("gemini-batch", "tokens", "day", 5_000_000),
        ("groq-fast", "requests", "hour", 600),
    ] {
        let limit = json!({ "credential": credential, "unit": unit, "window": window, "amount": amount });
        server.post("/api/admin/limits", limit).await.expect(200);
    }
    put_days(server).await;
    use_up_limits(server).await;
    ids[0]
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

/// Counters of the limits, one of them near its end and one past it.
async fn use_up_limits(server: &Server) {
    let now = Clock::default().local_now();
    let mut statements = Vec::new();
    for (unit, window, percent) in [
        ("nano_usd", Window::Month, 46),
        ("nano_usd", Window::Day, 83),
        ("tokens", Window::Day, 100),
        ("requests", Window::Hour, 12),
    ] {
        statements.push(format!(
            "INSERT INTO counters (subject_uid, unit, window_kind, window_start_ms, region, settled, held, leased, carved, adjusted) \
             SELECT uid, unit, window_kind, {}, 'main', amount / 100 * {percent}, 0, 0, 0, 0 FROM limits \
             WHERE unit = '{unit}' AND window_kind = '{}'",
            window.start(now).0,
            window.as_str()
        ));
    }
    server.installation.database.execute(&statements.join(";")).await;
}

/// Thirty days of sums, as calls would have left them.
async fn put_days(server: &Server) {
    let database = &server.installation.database;
    let rows =
        database.query_text("SELECT uid, version_uid, provider FROM api_credentials ORDER BY id").await;
    let now = Clock::default().local_now().0;
    let today = now - now.rem_euclid(DAY_MS);
    let mut statements = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let [Some(uid), Some(version), Some(provider)] = row.as_slice() else { panic!("{row:?}") };
        for (model, part) in [("large", 3), ("small", 1)] {
            let dims = format!("{number}-{model}");
            statements.push(format!(
                "INSERT INTO usage_dims VALUES ('{dims}', 'main', 'call', 'chat.completions', 'token:somebody', 0, '', '', \
                 '{uid}', '{version}', '{provider}', '{provider}-{model}', 'database', '')"
            ));
            for back in 0..30_i64 {
                let day = today - back * DAY_MS;
                let weekday = (day / DAY_MS + 4) % 7;
                let quiet = if weekday == 0 || weekday == 6 { 3 } else { 1 };
                let order = i64::try_from(number).unwrap();
                let wave = 80 + (back * 37 + order * 53) % 41;
                let calls = part * wave * 10 / (order + 1) / quiet;
                let errors = if (back + order) % 9 == 0 { calls / 20 } else { 0 };
                let cost = calls * 11_000_000;
                let unpriced = if number == 6 { calls } else { 0 };
                let cost = if number == 6 { 0 } else { cost };
                statements.push(format!(
                    "INSERT INTO usage_days VALUES ({day}, 'main', '{dims}', {calls}, {calls}, {errors}, 0, {}, 0, 0, 0, {}, 0, \
                     {cost}, {unpriced}, 0, 0, 0, 0, 0, 0)",
                    calls * 900,
                    calls * 300
                ));
            }
        }
    }
    database.execute(&statements.join(";")).await;
}
