//! The AI service, over HTTP and on the command line.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, texts};
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
    let asked = stage.fake.last().body.to_string();
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
    stage.suggest(" ").await.expect(400);
    let auditor = stage.server.token_of(Role::Auditor).await;
    stage.suggest("it broke").token(&auditor).await.expect(403);
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
