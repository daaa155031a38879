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
async fn a_key_is_checked_before_it_does_harm_and_its_exit_code_says_how_it_is() {
    let mut place = Place::without_server().await;
    let data = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
    let missing = place.run(&["key", "check"]).await;
    assert!(missing.code == 2 && missing.stderr.contains("master.key"), "{}", missing.stderr);
    assert!(!data.exists(), "checking makes nothing");
    let fresh = strongroom_crypto::MasterKey::generate().to_hex();
    let early = place.run_with_stdin(&["key", "check", "--key-stdin"], fresh.expose()).await;
    assert!(early.code == 0 && early.stdout.contains("there is no database yet"), "{}", early.stderr);

    let made = place.run(&["token", "create", "first", "--role", "admin"]).await;
    assert_eq!(made.code, 0, "this makes database and key: {}", made.stderr);
    let file = data.join("master.key");
    let right = std::fs::read_to_string(&file).unwrap();
    let right = right.trim();
    assert_eq!(place.run(&["key", "check"]).await.code, 0);
    let with = |edit: &dyn Fn(&mut String)| {
        let mut text = right.to_owned();
        edit(&mut text);
        text
    };
    let another = |digit: &str| if digit == "7" { "8" } else { "7" };
    let slip = with(&|text| text.replace_range(20..21, another(&right[20..21])));
    for (text, code, says) in [
        (right.to_owned(), 0, ""),
        (right.to_uppercase(), 0, ""),
        (with(&|text| text.truncate(40)), 2, "40 characters"),
        (with(&|text| text.truncate(63)), 2, "a character is missing at place"),
        (with(&|text| text.insert(64, '0')), 2, "is too many"),
        (with(&|text| text.replace_range(20..21, "O")), 2, "character 21 is wrong"),
        (format!("{right}{right}"), 2, "128 characters"),
        ("0".repeat(64), 2, "can be guessed"),
        (slip, 3, "character 21 is wrong"),
        (fresh.expose().to_owned(), 3, "is not the database's"),
    ] {
        for from_file in [false, true] {
            let done = if from_file {
                let path = place.home.path().join("key");
                std::fs::write(&path, format!("{text}\n")).unwrap();
                place.run(&["key", "check", "--key-file", path.to_str().unwrap()]).await
            } else {
                place.run_with_stdin(&["key", "check", "--key-stdin"], &text).await
            };
            assert_eq!(done.code, code, "{}", done.stderr);
            assert!(done.stderr.contains(says), "{says}: {}", done.stderr);
            let is_another = code == 3 && !says.contains("is wrong");
            assert_eq!(done.stderr.contains("new master key"), is_another, "{}", done.stderr);
            let shown = format!("{}{}", done.stdout, done.stderr);
            assert!(!shown.contains(&text) && !shown.contains(right), "{shown}");
        }
    }
    // What the server would start with is what is checked when nothing else is named.
    place.set("ENCRYPTION_KEY", fresh.expose());
    let done = place.run(&["key", "check", "--format", "json"]).await;
    let shown: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (done.code, &shown["fits"], &shown["from"]),
        (3, &Value::Bool(false), &Value::from("ENCRYPTION_KEY"))
    );
    assert_eq!(place.run(&["key", "check", right]).await.code, 2, "a key is no argument");
    place.set("STRONGROOM_DATABASE_URL", "postgres://127.0.0.1:1/none");
    assert_eq!(place.run(&["key", "check"]).await.code, 8, "nobody there to compare with");
}

#[tokio::test]
async fn the_data_key_is_rotated_without_a_server_too() {
    let mut place = Place::without_server().await;
    place.set("STRONGROOM_DATA_DIR", place.home.path().join("data").to_str().unwrap().to_owned().as_str());
    let add = ["credential", "add", "one", "--provider", "openai", "--api-key-stdin"];
    assert_eq!(place.run_with_stdin(&add, crate::harness::KEY).await.code, 0);
    let done = place.run(&["key", "rotate", "--format", "json"]).await;
    let shown: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.stderr));
    assert_eq!((done.code, &shown["isOpen"], &shown["left"]), (0, &Value::Bool(false), &Value::from(0)));
    let status = place.run(&["key", "status"]).await;
    assert!(status.stdout.contains("retired") && status.stderr.contains("nothing to do"), "{status:?}");
    assert!(place.run(&["credential", "get", "one", "--reveal"]).await.stdout.contains(crate::harness::KEY));
    let refused = place.run(&["key", "rotate", "--finish"]).await;
    assert_eq!(refused.code, 2, "--finish is of --master");
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

#[tokio::test]
async fn what_keeps_a_server_from_starting_is_told_by_the_check() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let (empty, away) = (empty.to_str().unwrap(), "/nowhere/cert.pem");
    let tls = |cert, key| vec![("STRONGROOM_TLS_CERT_FILE", cert), ("STRONGROOM_TLS_KEY_FILE", key)];
    for (variables, named) in [
        (vec![("ENCRYPTION_KEY", "planted-value")], "ENCRYPTION_KEY"),
        (vec![("ENCRYPTION_KEY_PREVIOUS", "planted-value")], "ENCRYPTION_KEY_PREVIOUS"),
        (vec![("STRONGROOM_ADMIN_TOKEN", "planted-value")], "STRONGROOM_ADMIN_TOKEN"),
        (tls(empty, away), "no certificate in PEM"),
        (tls(away, empty), "the TLS certificate /nowhere/cert.pem"),
        (vec![("STRONGROOM_PRICES_FILE", away)], away),
    ] {
        let mut place = Place::without_server().await;
        for (name, value) in &variables {
            place.set(name, value);
        }
        for command in [&["config", "check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let done = place.run(command).await;
            assert_ne!(done.code, 0, "{command:?} {named}");
            assert!(done.stderr.contains(named), "{command:?} {named}: {}", done.stderr);
            assert!(!done.stderr.contains("planted-value"), "{}", done.stderr);
        }
    }
}
