//! `strongroom credential` and `strongroom usage`.

use serde_json::{Value, json};

use crate::harness::{KEY, Place, credential, problem, revealed};

const LIST: &str = "/api/admin/credentials";

#[tokio::test]
async fn a_list_is_a_table_an_array_or_a_sequence() {
    let place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "openai-primary", "openai"))).await;
    let table = place.run(&["credential", "list"]).await;
    assert!(table.code == 0 && table.stderr.is_empty(), "{table:?}");
    assert!(table.stdout.starts_with("ID  NAME            PROVIDER  PRIORITY"), "{}", table.stdout);
    let array = place.run(&["credential", "list", "--format", "json"]).await;
    let expected: Value = serde_json::from_str(&credential(1, "openai-primary", "openai")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&array.stdout).unwrap(), json!([expected]));
    let yaml = place.run(&["--format", "yaml", "credential", "list"]).await;
    assert!(yaml.stdout.starts_with("- id: 1\n"), "{}", yaml.stdout);
}

#[tokio::test]
async fn a_key_is_masked_in_every_format_until_it_is_to_be_revealed() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/credentials/openai-primary", 200, revealed(1, "openai", KEY)).await;
    for format in ["table", "json", "yaml"] {
        let done = place.run(&["credential", "get", "openai-primary", "--format", format]).await;
        assert!(done.code == 0 && done.stdout.contains("sk-proj-…wxyz"), "{done:?}");
        assert!(done.stderr.contains("--reveal"));
        done.shows_no_canary();
    }
    let get = ["credential", "get", "openai-primary", "--reveal"];
    let done = place.run(&get).await;
    assert_eq!((done.stdout, done.stderr.as_str()), (format!("{KEY}\n"), ""));
    let done = place.run(&[&get[..], &["--field", "api-secret"]].concat()).await;
    assert_eq!(done.stdout, format!("second-{KEY}\n"));
    let done = place.run(&[&get[..], &["--format", "json"]].concat()).await;
    assert_eq!(serde_json::from_str::<Value>(&done.stdout).unwrap()["apiKey"], KEY);
    let done = place.run(&["credential", "get", "openai-primary", "--field", "api-secret"]).await;
    done.shows_no_canary();
}

#[tokio::test]
async fn a_key_comes_in_by_stdin_by_file_or_with_a_warning() {
    let place = Place::with_server().await;
    place.answers("POST", LIST, 201, credential(1, "a", "openai")).await;
    let file = place.home.path().join("key");
    std::fs::write(&file, format!("{KEY}\r\n")).unwrap();
    let add = ["credential", "add", "a", "--provider", "openai"];

    let stdin = place.run_with_stdin(&[&add[..], &["--api-key-stdin"]].concat(), &format!("{KEY}\n")).await;
    let file = place.run(&[&add[..], &["--api-key-file", file.to_str().unwrap()]].concat()).await;
    let value = place.run(&[&add[..], &["--api-key", KEY]].concat()).await;
    for (done, warns) in [(&stdin, false), (&file, false), (&value, true)] {
        assert_eq!((done.code, done.stderr.contains("warning: ")), (0, warns), "{done:?}");
        done.shows_no_canary();
    }
    let mut calls = place.server.received_requests().await.unwrap();
    // After each the versions are asked for, of which another may have the same key.
    let asked = calls.extract_if(.., |call| call.url.path().ends_with("/1/versions")).count();
    assert_eq!((calls.len(), asked), (3, 3));
    for call in calls {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(body, json!({"name": "a", "provider": "openai", "apiKey": KEY}));
    }
    assert_eq!(place.run(&add).await.code, 2, "there is no terminal for the prompt");
}

#[tokio::test]
async fn a_name_wins_over_a_number() {
    let place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "7", "openai"))).await;
    place.answers("GET", "/api/admin/credentials/7", 200, credential(7, "other", "openai")).await;
    assert!(place.run(&["credential", "show", "7"]).await.stdout.contains("name             7\n"));
    place.server.reset().await;
    place.answers("GET", LIST, 200, "[]").await;
    place.answers("GET", "/api/admin/credentials/7", 200, credential(7, "other", "openai")).await;
    assert!(place.run(&["credential", "show", "7"]).await.stdout.contains("name             other\n"));
    let missing = place.run(&["credential", "show", "nobody"]).await;
    assert!(missing.code == 3 && missing.stderr.contains("\"nobody\""), "{missing:?}");
}

#[tokio::test]
async fn what_cannot_be_undone_asks_first() {
    let place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "a", "openai"))).await;
    place.answers("GET", "/api/admin/credentials/1/versions", 200, "[]").await;
    place
        .answers(
            "DELETE",
            "/api/admin/credentials/1",
            200,
            r#"{"message":"Credential deleted successfully"}"#,
        )
        .await;
    let done = place.run_with_stdin(&["credential", "remove", "a"], "y\n").await;
    assert!(done.code == 2 && done.stderr.contains("--yes"), "{done:?}");
    assert_eq!(place.calls().await, ["GET /api/admin/credentials"]);
    let done = place.run(&["credential", "remove", "a", "--yes", "--if-match", "3"]).await;
    assert!(done.code == 0 && done.stdout.is_empty(), "{done:?}");
    let last = place.server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!((last.method.as_str(), last.headers["if-match"].to_str().unwrap()), ("DELETE", "\"3\""));
}

#[tokio::test]
async fn an_update_sends_what_was_given_and_nothing_else() {
    let place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "a", "openai"))).await;
    place.answers("PATCH", "/api/admin/credentials/1", 200, credential(1, "a", "openai")).await;
    for (options, body) in [
        (&["--rate-limit", "15000", "--deactivate"][..], json!({"rateLimit": 15000, "isActive": false})),
        (&["--no-rate-limit", "--no-endpoint"], json!({"rateLimit": null, "endpoint": null})),
        (&["--global", "--no-api-secret"], json!({"isGlobal": true, "userId": null, "apiSecret": null})),
        (&["--user-id", "4"], json!({"isGlobal": false, "userId": 4})),
    ] {
        let done = place.run(&[&["credential", "update", "a"], options].concat()).await;
        assert_eq!(done.code, 0, "{done:?}");
        let last = place.server.received_requests().await.unwrap().pop().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&last.body).unwrap(), body);
    }
    assert_eq!(place.run(&["credential", "update", "a"]).await.code, 2, "nothing was given");
}

#[tokio::test]
async fn a_live_test_that_fails_makes_the_exit_code() {
    for (outcome, code) in [("ok", 0), ("rate_limited", 5), ("bad_key", 1), ("unreachable", 1)] {
        let place = Place::with_server().await;
        place.answers("GET", LIST, 200, format!("[{}]", credential(1, "a", "openai"))).await;
        let body = format!(
            r#"{{"message":"m","provider":"openai","usageCount":1,"currentMonthUsage":1,"rateLimit":null,
            "live":{{"outcome":"{outcome}","status":200,"detail":"d","latencyMs":5}}}}"#
        );
        place.answers("POST", "/api/admin/credentials/1/test", 200, body).await;
        assert_eq!(place.run(&["credential", "test", "a", "--live"]).await.code, code, "{outcome}");
    }
}

#[tokio::test]
async fn usage_warns_of_what_is_near_its_limit() {
    let place = Place::with_server().await;
    place.answers("GET", LIST, 200, format!("[{}]", credential(1, "openai-primary", "openai"))).await;
    let done = place.run(&["usage"]).await;
    assert!(done.stdout.contains("45/50") && done.stdout.contains("near limit"), "{done:?}");
    assert_eq!(done.stderr, "warning: openai-primary at 90% of rate limit\n");
    let done = place.run(&["usage", "--threshold", "0.9", "--format", "json"]).await;
    let rows: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&rows[0]["share"], &rows[0]["aboveThreshold"]), (&json!(0.9), &json!(false)));
    assert_eq!(done.stderr, "");
}

#[tokio::test]
async fn a_whole_token_is_not_sent_where_its_id_belongs() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/admin/tokens", 500, problem("internal_error")).await;
    let done = place.run(&["token", "revoke", "sr_abc_canary", "--yes"]).await;
    assert_eq!(done.code, 2);
    assert!(place.calls().await.is_empty());
    done.shows_no_canary();
}
