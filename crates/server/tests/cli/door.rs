//! Which way the command line goes, whom it shows its token, and which exit code an answer makes.

use crate::harness::{Place, TOKEN, problem};

const STATUS: &str = r#"{"version":"9.9.9","database":"sqlite","masterFingerprint":"00ff","actor":"token:x","role":"admin",
    "environmentFallback":true}"#;

#[tokio::test]
async fn every_kind_of_failure_has_its_exit_code() {
    for (status, code, exit) in [
        (400, "invalid_request", 2),
        (401, "unauthenticated", 4),
        (403, "denied", 4),
        (404, "not_found", 3),
        (409, "conflict", 7),
        (412, "precondition_failed", 7),
        (429, "limit_reached", 5),
        (500, "integrity_failure", 6),
        (500, "internal_error", 1),
        (503, "unavailable", 8),
    ] {
        let place = Place::with_server().await;
        place.answers("GET", "/api/admin/tokens", status, problem(code)).await;
        let done = place.run(&["token", "list"]).await;
        assert_eq!((done.code, done.stdout.as_str()), (exit, ""), "{code}");
        assert!(done.stderr.starts_with("error: what went wrong\n"), "{}", done.stderr);
        assert_eq!(done.stderr.contains("request-1"), status >= 500, "{}", done.stderr);
        done.shows_no_canary();
    }
}

#[tokio::test]
async fn nobody_there_is_8_and_points_to_the_doctor() {
    let mut place = Place::with_server().await;
    place.set("STRONGROOM_URL", "http://127.0.0.1:1");
    let done = place.run(&["status"]).await;
    assert!(done.code == 8 && done.stderr.contains("strongroom doctor"), "{}", done.stderr);
    done.shows_no_canary();
}

#[tokio::test]
async fn the_token_comes_from_one_place_and_never_from_the_command_line() {
    let mut place = Place::with_server().await;
    place.answers("GET", "/api/admin/tokens", 200, "[]").await;
    let file = place.home.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.to_str().unwrap();

    assert_eq!(place.run(&["token", "list", "--token-file", file]).await.code, 2, "both are set");
    assert!(place.calls().await.is_empty());
    place.unset("STRONGROOM_TOKEN");
    assert_eq!(place.run(&["token", "list"]).await.code, 2, "none is set");
    assert_eq!(place.run(&["token", "list", "--token", TOKEN]).await.code, 2, "there is no such option");
    assert_eq!(place.run(&["token", "list", "--token-file", file]).await.code, 0);
    place.set("STRONGROOM_TOKEN_FILE", file);
    assert_eq!(place.run(&["token", "list"]).await.code, 0);
    for call in place.server.received_requests().await.unwrap() {
        assert_eq!(call.headers["authorization"], format!("Bearer {TOKEN}"));
    }
}

#[tokio::test]
async fn a_file_in_the_working_directory_sends_nobody_anywhere() {
    let mut place = Place::without_server().await;
    place.set("STRONGROOM_TOKEN", TOKEN);
    let dotenv = format!("STRONGROOM_URL={}\n", place.server.uri());
    std::fs::write(place.home.path().join(".env"), dotenv).unwrap();
    let done = place.run(&["token", "list"]).await;
    assert!(place.calls().await.is_empty(), "{}", done.stderr);
    done.shows_no_canary();
}

#[tokio::test]
async fn plaintext_does_not_leave_this_machine_unasked() {
    let mut place = Place::with_server().await;
    place.set("STRONGROOM_URL", "http://192.0.2.1:8420");
    let done = place.run(&["status"]).await;
    assert!(done.code == 2 && done.stderr.contains("--allow-plaintext"), "{}", done.stderr);
}

#[tokio::test]
async fn status_and_doctor_tell_who_answers() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/admin/status", 200, STATUS).await;
    place
        .answers("GET", "/readyz", 503, r#"{"status":"unavailable","checks":{"database":"unreachable"}}"#)
        .await;
    let done = place.run(&["status"]).await;
    assert!(done.code == 8 && done.stdout.contains("token:x"), "{done:?}");
    let done = place.run(&["doctor"]).await;
    assert_eq!(done.code, 1, "{done:?}");
    let line = |word: &str| done.stdout.lines().find(|line| line.contains(word)).unwrap_or_default();
    assert!(line("9.9.9").starts_with("warn  server"), "{done:?}");
    assert!(line("database: unreachable").starts_with("fail  dependencies"), "{done:?}");
}

#[tokio::test]
async fn the_doctor_makes_nothing_where_nothing_is() {
    let place = Place::without_server().await;
    let done = place.run(&["doctor"]).await;
    assert!(done.code == 0 && done.stdout.contains("strongroom serve"), "{done:?}");
    assert_eq!(std::fs::read_dir(place.home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_doctor_sees_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let mut place = Place::without_server().await;
    let directory = place.home.path().join("data");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    let key = directory.join("master.key");
    std::fs::write(&key, strongroom_crypto::MasterKey::generate().to_hex().expose()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    place.set("STRONGROOM_DATA_DIR", directory.to_str().unwrap());
    let done = place.run(&["doctor", "--format", "json"]).await;
    let checks: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let verdict = |name: &str| {
        let mut checks = checks.as_array().unwrap().iter();
        checks.find(|check| check["check"] == name).map(|check| check["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(done.code, 1);
    assert_eq!(verdict("data directory").as_deref(), Some("warn"), "{checks}");
    assert_eq!(verdict("master key").as_deref(), Some("fail"), "{checks}");
}

#[tokio::test]
async fn the_doctor_sees_a_directory_that_nothing_can_be_written_to() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let mut place = Place::without_server().await;
    let directory = place.home.path().join("data");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o500)).unwrap();
    place.set("STRONGROOM_DATA_DIR", directory.to_str().unwrap());
    let mut doctor = place.command(&["doctor"]);
    if nix::unistd::geteuid().is_root() {
        // To whom no permission is wanting.
        const NOBODY: u32 = 65_534;
        for path in [place.home.path(), &directory] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        doctor.uid(NOBODY).gid(NOBODY);
    }
    let done = doctor.output().await.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("fail  data directory") && said.contains("cannot be written to"), "{said}");
}
