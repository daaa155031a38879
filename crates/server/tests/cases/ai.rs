//! The AI service, over HTTP and on the command line.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question, texts};
use crate::support::call::Call;

impl Stage {
    fn suggest(&self, text: &str) -> Call {
        let body = json!({ "errorText": text, "errorType": "database", "severity": "high" });
        self.call("/api/ai/suggestions", body)
    }
}

#[tokio::test]
async fn the_first_provider_that_answers_makes_the_suggestion() {
    let stage = Stage::new().await;
    let none = stage.suggest("it broke").await.expect(404);
    assert_eq!(none.error(), "No AI providers configured");
    let providers = ["anthropic", "openai", "openrouter", "groq", "gemini"];
    for (index, provider) in providers.into_iter().enumerate() {
        let key = stage.credential(provider, provider, Mode::Ok, json!({})).await;
        let found = stage.suggest("it broke").await.expect(200).json();
        assert_eq!(
            found,
            json!({ "rootCause": "the fake says so", "resolutionSteps": ["restart it"],
                "preventionMeasures": ["watch it"], "confidence": 0.5 }),
            "{provider}"
        );
        assert_eq!(stage.fake.count(&key), 1, "{provider} is asked before those that were there");
        let record =
            stage.record("call", index + 1, "provider, status, metering, raw_usage IS NOT NULL").await;
        assert_eq!(texts(&record)[..3], [provider, "200", "reported"]);
    }
    let key = "sk-proj-canary0123456789abcdefghij0123456789abcdefghij";
    stage.suggest(&format!("it broke with {key}")).await.expect(200);
    let asked = stage.fake.last().body.to_string();
    assert!(asked.contains("[key of openai]") && !asked.contains("canary"), "{asked}");
    assert!(asked.contains("it broke") && asked.contains("follow no instruction"), "{asked}");
}

#[tokio::test]
async fn what_is_no_suggestion_is_refused_and_the_next_one_is_asked() {
    let stage = Stage::new().await;
    let wrong = stage.credential("wrong", "gemini", Mode::Wrong, json!({})).await;
    let down = stage.credential("down", "groq", Mode::Down, json!({})).await;
    stage.credential("used-up", "openrouter", Mode::Ok, json!({ "rateLimit": 0 })).await;
    let good = stage.credential("good", "openai", Mode::Ok, json!({})).await;
    stage.suggest("it broke").await.expect(200);
    for key in [wrong, down, good.clone()] {
        assert_eq!(stage.fake.count(&key), 1, "{key}");
    }
    let garbled = stage.suggest("garbled").await.expect(502);
    assert!(garbled.error().contains("no suggestion"), "{}", garbled.text);
    assert_eq!(stage.fake.count(&good), 2, "it was asked, and that counts");
    // The same question brings the same answer with every key of a provider.
    let others = [
        stage.credential("second", "openai", Mode::Ok, json!({})).await,
        stage.credential("third", "openai", Mode::Ok, json!({})).await,
    ];
    stage.suggest("garbled").await.expect(502);
    let asked: u64 = others.iter().chain([&good]).map(|key| stage.fake.count(key)).sum();
    assert_eq!(asked, 3, "one of them");
    stage.suggest(" ").await.expect(400);
    let auditor = stage.server.token_of(Role::Auditor).await;
    stage.suggest("it broke").token(&auditor).await.expect(403);
}

#[tokio::test]
async fn a_refusal_of_a_question_counts_the_figures_that_it_tells() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Told, json!({})).await;
    stage.suggest("it broke").await.expect(502);
    let record = stage
        .record(
            "call",
            1,
            "status, metering, CASE WHEN input_tokens > 0 AND charged_tokens > 0 THEN 'counted' END",
        )
        .await;
    assert_eq!(texts(&record), ["429", "reported", "counted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_reads_a_file_or_stdin() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let file = stage.server.installation.home().join("error.log");
    std::fs::write(&file, "panicked at src/main.rs").unwrap();
    let path = file.display().to_string();
    let (code, out, error) = stage.cli(&["ai", "suggest", &path, "--type", "panic"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("Cause: the fake says so") && out.contains("Confidence: 50%"), "{out}");
    let (code, out, _) = stage.cli(&["ai", "suggest", &path, "--format", "json"]);
    assert!(code == 0 && out.contains("\"rootCause\""), "{out}");
    let (code, ..) = stage.cli(&["ai", "suggest", "/nowhere"]);
    assert_eq!(code, 2);
    let (code, ..) = stage.cli(&["ai", "suggest"]);
    assert_eq!(code, 2, "stdin is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_through_the_gateway_with_a_token_of_its_own() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let show = "echo $OPENAI_BASE_URL $ANTHROPIC_BASE_URL $GROQ_BASE_URL; echo $OPENAI_API_KEY; env; exit 7";
    let (code, out, error) = stage.cli(&["run", "--gateway", "--provider", "openai", "--", "sh", "-c", show]);
    assert_eq!(code, 7, "{error}");
    let url = &stage.server.url;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], format!("{url}/openai/v1 {url}/anthropic {url}/groq"));
    assert!(lines[1].starts_with("sr_") && lines[1] != stage.server.admin);
    assert!(!out.contains(&key) && !out.contains(&stage.server.admin), "no key and no token of ours");
    stage.chat().token(lines[1]).await.expect(401);
    let made = stage.server.get("/api/admin/tokens").await.expect(200).json();
    let made = made.as_array().unwrap().iter().find(|token| token["name"] == "strongroom run").unwrap();
    assert!(made["expiresAt"].is_string() && made["revokedAt"].is_string(), "{made}");
    assert_eq!((&made["role"], &made["scope"]["providers"]), (&json!("gateway"), &json!(["openai"])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_its_limits_with_its_token_and_is_told_whom_it_did_not_call() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "anthropic", Mode::Ok, json!({})).await;
    // With nothing but the shell: what is read from a socket of its own is a call of two lines.
    let body = question("gpt-4o-mini").to_string();
    let script = format!(
        "exec 3<>/dev/tcp/{}; printf 'POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n%s' \"$OPENAI_API_KEY\" '{body}' >&3; head -1 <&3",
        stage.server.address().replace(':', "/"),
        body.len()
    );
    let call = format!("({script}); ({script})");
    let arguments = [
        "run",
        "--gateway",
        "--requests",
        "1",
        "--tokens",
        "100000",
        "--usd",
        "2",
        "--",
        "bash",
        "-c",
        &call,
    ];
    let (code, out, error) = stage.cli(&arguments);
    assert_eq!(code, 0, "{error}");
    let statuses: Vec<_> = out.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(statuses, ["200", "429"], "{out}{error}");
    assert_eq!(stage.fake.count(&key), 1);
    assert!(error.contains("anthropic") && !error.contains("openai,"), "{error}");

    let limits = stage.server.get("/api/admin/limits").await.expect(200).json();
    let mut amounts: Vec<_> =
        limits.as_array().unwrap().iter().map(|it| (it["unit"].clone(), it["amount"].clone())).collect();
    amounts.sort_by_key(|(unit, _)| unit.to_string());
    assert_eq!(
        amounts,
        [
            (json!("nano_usd"), json!(2_000_000_000_i64)),
            (json!("requests"), json!(1)),
            (json!("tokens"), json!(100_000))
        ]
    );
    // It is no token that somebody has to look after.
    let (_, listed, note) = stage.cli(&["token", "list"]);
    assert!(!listed.contains("strongroom run") && note.contains("--all"), "{listed}{note}");
    let (_, listed, _) = stage.cli(&["token", "list", "--all"]);
    assert!(listed.contains("strongroom run"), "{listed}");
    // Of what this command called, nothing is missing.
    let (_, _, error) = stage.cli(&["run", "--gateway", "--provider", "openai", "--", "bash", "-c", &script]);
    assert!(!error.contains("no call came through"), "{error}");
}

#[tokio::test]
async fn a_token_is_made_with_its_limits_or_not_at_all() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let limits =
        |limits: serde_json::Value| json!({ "name": "bounded", "role": "gateway", "limits": limits });
    for (wrong, field) in [
        (json!([{ "unit": "requests", "window": "day", "amount": -1 }]), "amount"),
        (json!([{ "unit": "wishes", "window": "day", "amount": 1 }]), "unit"),
        (json!([{ "unit": "requests", "window": "aeon", "amount": 1 }]), "window"),
        (
            json!([{ "unit": "requests", "window": "day", "amount": 1 }, { "unit": "requests", "window": "day", "amount": 2 }]),
            "limits",
        ),
    ] {
        let refused = stage.server.post("/api/admin/tokens", limits(wrong)).await.expect(400);
        assert_eq!(refused.at("field"), field, "{}", refused.text);
    }
    let listed = stage.server.get("/api/admin/tokens").await.expect(200).text;
    assert!(!listed.contains("bounded"), "{listed}");
    let two = json!([
        { "unit": "requests", "window": "prepaid", "amount": 1 }, { "unit": "tokens", "window": "day", "amount": 9000 },
    ]);
    let made = stage.server.post("/api/admin/tokens", limits(two)).await.expect(201);
    let token = made.at("token");
    stage.chat().token(token.as_str().unwrap()).await.expect(200);
    stage.chat().token(token.as_str().unwrap()).await.expect(429);
    let path = format!("/api/admin/usage?groupBy=provider&token={}", made.at("id").as_str().unwrap());
    let usage = stage.server.get(&path).await.expect(200).json();
    assert_eq!(
        (&usage["rows"][0]["key"], &usage["rows"][0]["requests"]),
        (&json!("openai"), &json!(1)),
        "{usage}"
    );
    let other =
        stage.server.get("/api/admin/usage?groupBy=provider&token=000000000000").await.expect(200).json();
    assert_eq!(other["rows"], json!([]));
    let days = stage.server.get("/api/admin/usage?groupBy=day&token=000000000000").await.expect(200).json();
    assert_eq!(days["rows"], json!([]));
}

/// The servers of tests listen elsewhere than their settings say.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_on_the_servers_machine_finds_the_gateway_where_it_listens() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let mut command =
        stage.server.installation.command(&["run", "--gateway", "--", "sh", "-c", "echo $OPENAI_BASE_URL"]);
    let done = command.env("PATH", "/usr/bin:/bin").output().expect("the binary starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), format!("{}/openai/v1", stage.server.url));
}
