//! Commands that need no server.

use std::process::Stdio;

use serde_json::Value;

use crate::harness::Place;

#[tokio::test]
async fn help_says_what_the_exit_codes_mean() {
    let place = Place::without_server().await;
    let help = place.run(&["--help"]).await;
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    for line in ["  3  not found", "  8  server or database unavailable", "credential", "completion"] {
        assert!(help.stdout.contains(line), "{line}");
    }
    assert!(!help.stdout.contains("cli-reference"), "hidden commands stay hidden");
}

#[tokio::test]
async fn wrong_usage_exits_with_2_and_says_so_on_stderr() {
    let place = Place::without_server().await;
    for arguments in [
        &[][..],
        &["no-such-command"],
        &["credential", "add"],
        &["credential", "list", "--format", "xml"],
        &["credential", "add", "x", "-p", "openai", "--api-key-stdin", "--api-key-file", "f"],
        &["run"],
        &["run", "env"],
        &["usage", "--threshold", "80"],
        &["token", "create", "x", "--role", "root"],
        &["token", "create", "x", "--role", "reader", "--expires-in", "tomorrow"],
    ] {
        let done = place.run(arguments).await;
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(!done.stderr.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_token_is_generated_alone_on_stdout() {
    let place = Place::without_server().await;
    let done = place.run(&["token", "generate"]).await;
    let token = done.stdout.strip_suffix('\n').unwrap();
    assert_eq!(done.code, 0);
    assert!(strongroom_crypto::token::id_of(token).is_some(), "{token}");
    assert!(!done.stderr.contains(token));
    let json: Value =
        serde_json::from_str(&place.run(&["token", "generate", "--format", "json"]).await.stdout).unwrap();
    assert_eq!(strongroom_crypto::token::id_of(json["token"].as_str().unwrap()), json["id"].as_str());
    assert_eq!(std::fs::read_dir(place.home.path()).unwrap().count(), 0, "nothing is stored");
}

#[tokio::test]
async fn a_master_key_is_generated_alone_on_stdout() {
    let place = Place::without_server().await;
    let done = place.run(&["key", "generate"]).await;
    let key = done.stdout.strip_suffix('\n').unwrap();
    let fingerprint = strongroom_crypto::MasterKey::parse(key).unwrap().fingerprint();
    assert!(done.code == 0 && key.len() == 64);
    assert!(done.stderr.contains(&fingerprint) && !done.stderr.contains(key), "{}", done.stderr);
}

#[tokio::test]
async fn every_shell_has_its_completion() {
    let place = Place::without_server().await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = place.run(&["completion", shell]).await;
        assert_eq!((done.code, done.stderr.as_str()), (0, ""));
        assert!(done.stdout.contains("credential"), "{shell}");
    }
}

#[tokio::test]
async fn the_reference_does_not_depend_on_the_terminal_or_the_environment() {
    let mut place = Place::without_server().await;
    let plain = place.run(&["cli-reference"]).await;
    place.set("COLUMNS", "40");
    place.set("STRONGROOM_URL", "https://canary.example");
    assert_eq!(place.run(&["cli-reference"]).await.stdout, plain.stdout);
    assert!(plain.code == 0 && plain.stdout.starts_with("# Command line reference\n"));
}

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure() {
    let place = Place::without_server().await;
    let mut child = place.command(&["cli-reference"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[tokio::test]
async fn the_configuration_is_checked() {
    let mut place = Place::without_server().await;
    let done = place.run(&["config", "check", "--format", "json"]).await;
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, &report["ok"]), (0, &Value::Bool(true)), "{}", done.stderr);
    place.set("STRONGROOM_LISTEN", "nowhere");
    let done = place.run(&["config", "check"]).await;
    assert!(done.code == 2 && done.stderr.starts_with("error: "), "{}", done.stderr);
}
