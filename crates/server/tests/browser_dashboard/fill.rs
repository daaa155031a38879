//! A team's month: credentials in every state, tokens, limits, and calls.

use serde_json::json;
use strongroom_model::limit::Window;
use strongroom_model::{Clock, Role};

use super::support::server::Server;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Puts a team's month into it: credentials in every state, tokens, limits, and calls. Gives the number of the busiest credential.
pub(super) async fn fill(server: &Server) -> i64 {
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
    let tags = json!({ "tags": { "project": "search", "env": "prod" } });
    server.patch(&format!("/api/admin/credentials/{}", ids[0]), tags).await.expect(200);
    put_days(server).await;
    put_hours(server).await;
    put_uses(server).await;
    put_health(server).await;
    use_up_limits(server).await;
    ids[0]
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
    // Where the first of them stood in between, and what it refused.
    for back in 0..40_i64 {
        statements.push(format!(
            "INSERT INTO limit_samples SELECT uid, {}, {}, 'main', amount, amount / 100 * {}, 0, 0, 0, 0 FROM limits \
             WHERE unit = 'nano_usd' AND window_kind = 'month'",
            Window::Month.start(now).0,
            now.0 - 60_000 - back * HOUR_MS,
            45 - back
        ));
    }
    for back in [2, 3, 9_i64] {
        statements.push(format!(
            "INSERT INTO limit_refusals SELECT uid, {}, {}, 'main', {} FROM limits WHERE unit = 'nano_usd' AND window_kind = 'month'",
            Window::Month.start(now).0,
            now.0 - back * HOUR_MS,
            back * 4
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

/// The last two weeks by the hour: of everything, with how long answers took, and of each credential.
async fn put_hours(server: &Server) {
    let database = &server.installation.database;
    let rows = database.query_text("SELECT uid, provider FROM api_credentials ORDER BY id").await;
    let now = Clock::default().local_now().0;
    let hour = now - now.rem_euclid(HOUR_MS);
    let mut statements = Vec::new();
    for (number, row) in (0_i64..).zip(&rows) {
        let [Some(uid), Some(provider)] = row.as_slice() else { panic!("{row:?}") };
        for back in 0..14 * 24_i64 {
            let start = hour - back * HOUR_MS;
            let calls = (40 + (back * 17 + number * 29) % 31) / (number + 1) + 1;
            let errors = i64::from((back + number) % 5 == 0);
            let cost = calls * 11_000_000;
            statements.push(format!(
                "INSERT INTO usage_subject_hours VALUES ('credential', '{uid}', {start}, 'main', {calls}, {calls}, {errors}, 0, {}, 0, 0, \
                 {}, 0, {cost}, 0, {}, {calls}, {}, {calls})",
                calls * 900,
                calls * 300,
                calls * 320,
                calls * 2100
            ));
            for (status, part) in [(2, calls - errors), (4, errors)] {
                let class = usize::try_from((back + number) % 4).unwrap() + 2;
                let (mut first, mut total) = ([0; 12], [0; 12]);
                (first[class], total[class + 1]) = (part, part);
                let classes: Vec<_> = first.iter().chain(&total).map(ToString::to_string).collect();
                statements.push(format!(
                    "INSERT INTO usage_hours VALUES ({start}, 'main', 'call', '{provider}', '{provider}-large', 'database', {status}, {part}, \
                     {part}, {part}, {}, 0, 0, {}, 0, {}, 0, {}, {part}, {}, {part}, {}, {})",
                    part * 900,
                    part * 300,
                    part * 11_000_000,
                    part * 320,
                    part * 2100,
                    part * 1780,
                    classes.join(", ")
                ));
            }
        }
    }
    database.execute(&statements.join(";")).await;
}

/// Single uses of the last hour, some of which failed.
async fn put_uses(server: &Server) {
    let now = Clock::default().local_now().0;
    let mut statements = Vec::new();
    for (status, context) in [(200, "c-ok"), (429, "c-limited"), (500, "c-failed"), (0, "c-none")] {
        statements.push(format!(
            "INSERT INTO usage_contexts VALUES ('{context}', 'main', '0-large', {status}, 'reported')"
        ));
    }
    for number in 0..60_i64 {
        let at = now - 3_000_000 + number * 50_000;
        let context = match number % 13 {
            3 => "c-limited",
            7 => "c-failed",
            11 => "c-none",
            _ => "c-ok",
        };
        let cost = if number % 6 == 5 { "NULL".to_owned() } else { (number * 1_700_000).to_string() };
        statements.push(format!(
            "INSERT INTO usage_lines VALUES ('{at:012x}7{number:019}', 'main', '{context}', {at}, 1, 1, {}, 12, 0, 0, {}, 0, {cost}, 0, 0, \
             1, {}, {}, NULL, '{at:012x}7{number:019}')",
            number * 31 + 200,
            number * 7 + 30,
            number * 3 + 180,
            number * 40 + 900
        ));
    }
    server.installation.database.execute(&statements.join(";")).await;
}

/// What providers said of keys, now and before.
async fn put_health(server: &Server) {
    let now = Clock::default().local_now().0;
    let node = "00000000000000000000000000000009";
    let mut statements = vec![format!(
        "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
         SELECT uid, '{node}', 'main', version_uid, 'rate_limited', {}, {}, 4 FROM api_credentials WHERE name = 'gemini-batch'",
        now - 240_000,
        now + 60_000
    )];
    statements.push(format!(
        "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
         SELECT uid, '{node}', 'main', version_uid, 'bad_key', {}, {}, 2 FROM api_credentials WHERE name = 'mistral-eu'",
        now - 5 * HOUR_MS,
        now + 60_000
    ));
    for (number, (ago, before, state)) in [
        (49 * HOUR_MS, "healthy", "rate_limited"),
        (48 * HOUR_MS, "rate_limited", "healthy"),
        (3 * HOUR_MS, "healthy", "provider_down"),
        (3 * HOUR_MS - 90_000, "provider_down", "healthy"),
    ]
    .into_iter()
    .enumerate()
    {
        statements.push(format!(
            "INSERT INTO credential_transitions SELECT '{number:032}', uid, version_uid, '{node}', 'main', {}, '{before}', '{state}' \
             FROM api_credentials WHERE name = 'openai-primary'",
            now - ago
        ));
    }
    server.installation.database.execute(&statements.join(";")).await;
}
