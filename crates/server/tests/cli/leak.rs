//! Keys that were found where they should not be: ours or not, frozen, and looked for in files and history.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::Value;
use strongroom_testkit::{Backend, TestDatabase};

use crate::harness::{KEY, Place};

const OTHER: &str = "gsk_canary9876543210zyxwvutsrqponmlkjihgfedcba";

/// A data directory with a credential in it.
async fn place() -> Place {
    let mut place = Place::without_server().await;
    let folder = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
    let add = ["credential", "add", "one", "--provider", "openai", "--api-key-stdin"];
    let done = place.run_with_stdin(&add, KEY).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    place
}

#[tokio::test]
async fn a_key_of_ours_is_known_by_its_exit_code_and_never_shown() {
    let place = place().await;
    let done = place.run_with_stdin(&["leak", "check"], &format!("{OTHER}\n\n{KEY}\n")).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("one") && done.stdout.contains("in use"), "{}", done.stdout);
    assert!(done.stderr.contains("1 of 2 keys are ours"), "{}", done.stderr);
    assert!(!done.stdout.contains(KEY) && !done.stdout.contains(OTHER));
    let done = place.run_with_stdin(&["leak", "check", "--format", "json"], OTHER).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, &report["keys"][0]["isOurs"]), (3, &Value::Bool(false)), "{}", done.stderr);
    done.shows_no_canary();
    assert_eq!(place.run_with_stdin(&["leak", "check"], "\n").await.code, 2);
}

#[tokio::test]
async fn a_key_that_was_hidden_in_the_database_is_named_instead_of_overlooked() {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let mut place = Place::without_server().await;
    let folder = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
    place.set("STRONGROOM_DATABASE_URL", database.url());
    let add = ["credential", "add", "one", "--provider", "openai", "--api-key-stdin"];
    let done = place.run_with_stdin(&add, KEY).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(database.execute("UPDATE credential_values SET fingerprint = 'x'").await, 1);
    let done = place.run_with_stdin(&["leak", "check"], KEY).await;
    assert_eq!(done.code, 6, "{done:?}");
    assert!(done.stderr.contains("version 1 of credential \"one\" was changed"), "{}", done.stderr);
    done.shows_no_canary();
}

#[tokio::test]
async fn a_key_of_ours_is_found_in_the_line_that_it_was_pasted_with() {
    let place = place().await;
    for around in ["OPENAI_API_KEY=…", "export X=\"…\"", "\"…\"", "Authorization: Bearer …", "'…',"]
    {
        let line = around.replace('…', KEY);
        let done = place.run_with_stdin(&["leak", "check"], &line).await;
        assert!(done.code == 0 && done.stderr.contains("1 of 1 keys are ours"), "{around}: {done:?}");
        assert!(!done.stdout.contains(KEY) && done.stdout.contains("in use"), "{}", done.stdout);
    }
    let several = format!("A={OTHER}\nB=\"{KEY}\"\nC=nothing\n");
    let done = place.run_with_stdin(&["leak", "check", "--format", "json"], &several).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let ours: Vec<_> = report["keys"].as_array().unwrap().iter().map(|key| key["isOurs"] == true).collect();
    assert_eq!((done.code, ours), (0, vec![false, true, false]), "one answer to a line");
}

#[tokio::test]
async fn a_response_freezes_until_it_is_taken_back_or_goes_on_with_a_new_key() {
    let place = place().await;
    let get = ["credential", "get", "one", "--reveal"];
    assert_eq!(place.run(&get).await.code, 0);
    let done = place.run(&["leak", "respond", "one", "--yes"]).await;
    assert!(done.code == 0 && done.stderr.contains("is frozen"), "{}", done.stderr);
    assert!(done.stdout.contains("1 requests"), "{}", done.stdout);
    assert_eq!(place.run(&get).await.code, 3, "nobody is served");
    let found = place.run_with_stdin(&["leak", "check"], KEY).await;
    assert!(found.code == 0 && found.stdout.contains("frozen"), "{}", found.stdout);
    assert_eq!(place.run(&["credential", "unfreeze", "one", "--yes"]).await.code, 0);
    assert_eq!(place.run(&get).await.code, 0);
    assert_eq!(place.run(&["credential", "freeze", "one"]).await.code, 0);
    let respond = ["leak", "respond", "one", "--api-key-stdin", "--since", "2026-01-01T00:00:00Z"];
    let done = place.run_with_stdin(&respond, "sk-fresh\n").await;
    assert!(done.code == 0 && done.stderr.contains("version 2"), "{}", done.stderr);
    let read = place.run(&get).await;
    assert_eq!((read.code, read.stdout.trim()), (0, "sk-fresh"));
    assert_eq!(place.run(&["leak", "respond", "two", "--yes"]).await.code, 3);
    assert_eq!(place.run(&["audit", "verify"]).await.code, 0);
}

async fn git(place: &Place, arguments: &[&str]) {
    let who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let mut command = tokio::process::Command::new("git");
    command
        .env("HOME", place.home.path())
        .arg("-C")
        .arg(place.home.path().join("code"))
        .args(who)
        .args(arguments);
    let done = command.output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn keys_in_files_and_in_history_are_found_and_not_shown_whole() {
    let mut place = Place::without_server().await;
    let folder = place.home.path().join("code");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let scan = ["scan", folder.to_str().unwrap(), "--format", "json"];
    std::fs::write(folder.join("src/clean.py"), "print('sk-')\n").unwrap();
    let done = place.run(&scan).await;
    assert_eq!((done.code, done.stdout.trim()), (0, "[]"), "{}", done.stderr);

    git(&place, &["init", "-q"]).await;
    std::fs::write(folder.join(".env"), format!("A=1\nOPENAI_API_KEY={KEY}\n")).unwrap();
    git(&place, &["add", "."]).await;
    git(&place, &["commit", "-q", "-m", "one"]).await;
    std::fs::remove_file(folder.join(".env")).unwrap();
    std::fs::write(folder.join("src/app.py"), format!("key = \"{OTHER}\"\n")).unwrap();
    git(&place, &["add", "."]).await;
    git(&place, &["commit", "-q", "-m", "two"]).await;

    place.set("STRONGROOM_URL", &place.server.uri());
    place.set("STRONGROOM_TOKEN", crate::harness::TOKEN);
    let held = r#"{"keys":[{"isOurs":true,"credentials":[],"token":{"kind":"token","id":"000000000000","name":"n","role":"reader"}},
        {"isOurs":false,"credentials":[],"token":null}]}"#;
    place.answers("POST", "/api/admin/leaks/check", 200, held).await;
    let done = place.run(&scan).await;
    assert_eq!(done.code, 1, "{}", done.stderr);
    let found: Value = serde_json::from_str(&done.stdout).unwrap();
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 2, "{}", done.stdout);
    // What stands in a file is told first, then what only history has.
    assert_eq!((&found[0]["kind"], &found[0]["count"]), (&"groq".into(), &2.into()));
    assert!(found[0]["places"][0].as_str().unwrap().ends_with("src/app.py:1"), "{}", done.stdout);
    assert_eq!((&found[1]["kind"], &found[1]["ours"]), (&"openai".into(), &"no".into()));
    assert!(found[1]["places"][0].as_str().unwrap().ends_with(":.env"), "{}", done.stdout);
    assert_eq!(found[0]["ours"], "token 000000000000");
    assert!(!done.stdout.contains(KEY) && !done.stdout.contains(OTHER));
    assert!(done.stderr.contains("2 commits read"), "{}", done.stderr);

    let only_files = place.run(&["scan", folder.to_str().unwrap(), "--no-history", "--format", "json"]).await;
    let found: Value = serde_json::from_str(&only_files.stdout).unwrap();
    assert_eq!((only_files.code, found.as_array().unwrap().len()), (1, 1));

    place.unset("STRONGROOM_URL");
    place.unset("STRONGROOM_TOKEN");
    place.set("PATH", "/nowhere");
    let done = place.run(&scan).await;
    assert!(done.stderr.contains("git is not installed"), "{}", done.stderr);
    assert!(done.stderr.contains("no server is at hand"), "{}", done.stderr);
    assert!(!place.home.path().join(".local").exists(), "nothing is made to ask");
    assert_eq!(place.run(&["scan", "/no/such/place"]).await.code, 2);
}

#[tokio::test]
async fn a_token_of_ours_is_told_live_with_what_ends_it_or_revoked() {
    let place = place().await;
    let made = place.run(&["token", "create", "ci", "--role", "reader", "--format", "json"]).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    let (id, text) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let live = place.run_with_stdin(&["leak", "check", "--format", "json"], text).await;
    let report: Value = serde_json::from_str(&live.stdout).unwrap();
    assert_eq!((live.code, &report["keys"][0]["tokenState"]), (0, &Value::from("live")), "{}", live.stdout);
    assert!(live.stderr.contains(&format!("strongroom token revoke {id}")), "{}", live.stderr);
    assert_eq!(place.run(&["token", "revoke", id, "--yes"]).await.code, 0);
    let dead = place.run_with_stdin(&["leak", "check"], text).await;
    assert!(dead.code == 0 && dead.stdout.contains("revoked, reader"), "{}", dead.stdout);
    assert!(!dead.stderr.contains("token revoke"), "{}", dead.stderr);
}
