//! A backup of a data directory, its proof, and its way into another one.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::harness::{KEY, Place};

struct Moved {
    place: Place,
    file: PathBuf,
}

impl Moved {
    fn folder(&self, name: &str) -> PathBuf {
        self.place.home.path().join(name)
    }

    /// Commands work on this data directory from now on.
    fn turn_to(&mut self, name: &str) {
        let folder = self.folder(name);
        self.place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
    }

    /// Makes a data directory that has nothing but the key of the first one.
    fn give_key(&self, name: &str) {
        std::fs::create_dir_all(self.folder(name)).unwrap();
        std::fs::copy(self.folder("a").join("master.key"), self.folder(name).join("master.key")).unwrap();
    }

    fn file(&self) -> &str {
        self.file.to_str().unwrap()
    }
}

/// A data directory `a` with a credential in it, and a backup of it.
async fn moved() -> Moved {
    let place = Place::without_server().await;
    let file = place.home.path().join("strongroom.backup");
    let mut moved = Moved { place, file };
    moved.turn_to("a");
    let add = ["credential", "add", "one", "--provider", "openai", "--rate-limit", "9", "--api-key-stdin"];
    let done = moved.place.run_with_stdin(&add, KEY).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let done = moved.place.run(&["backup", moved.file(), "--format", "json"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    let tables = told["tables"].as_array().unwrap();
    let credentials = tables.iter().find(|table| table["name"] == "api_credentials").unwrap();
    assert_eq!(credentials["rows"], 1);
    done.shows_no_canary();
    moved
}

#[tokio::test]
async fn a_backup_is_verified_without_and_with_the_key_and_restored_elsewhere() {
    let mut moved = moved().await;
    assert_eq!(std::fs::metadata(&moved.file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = moved.place.run(&["backup", moved.file()]).await;
    assert_eq!(again.code, 7, "no backup takes another's place: {}", again.stderr);
    let done = moved.place.run(&["backup", "verify", moved.file(), "--with-key", "--format", "json"]).await;
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((done.code, &told["proof"]["sealedTexts"]), (0, &Value::from(1)), "{}", done.stderr);
    assert_eq!(told["proof"]["faults"], Value::Array(vec![]));
    done.shows_no_canary();

    moved.turn_to("b");
    let done = moved.place.run(&["backup", "verify", moved.file()]).await;
    assert!(done.code == 0 && done.stderr.contains("was not tried"), "{}", done.stderr);
    assert_eq!(moved.place.run(&["backup", "verify", moved.file(), "--with-key"]).await.code, 1);
    assert!(!moved.folder("b").exists(), "nothing is made by looking");
    let refused = moved.place.run(&["restore", moved.file()]).await;
    assert!(refused.code == 2 && refused.stderr.contains("there is no encryption key"), "{}", refused.stderr);

    moved.give_key("b");
    let done = moved.place.run(&["restore", moved.file()]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("closed until they end: 1;"), "{}", done.stderr);
    let read = moved.place.run(&["credential", "get", "one", "--reveal"]).await;
    assert_eq!(read.code, 5, "its month is closed: {}", read.stderr);
    let refused = moved.place.run(&["restore", moved.file()]).await;
    assert!(refused.code == 7 && refused.stderr.contains("not empty"), "{}", refused.stderr);

    moved.turn_to("c");
    moved.give_key("c");
    let done = moved.place.run(&["restore", moved.file(), "--limits", "keep"]).await;
    assert!(done.code == 0 && done.stderr.contains("may exceed"), "{}", done.stderr);
    let read = moved.place.run(&["credential", "get", "one", "--reveal"]).await;
    assert_eq!((read.code, read.stdout.trim()), (0, KEY), "{}", read.stderr);
    assert_eq!(moved.place.run(&["audit", "verify"]).await.code, 0);
}

#[tokio::test]
async fn a_damaged_backup_is_an_integrity_failure_and_changes_nothing() {
    let mut moved = moved().await;
    let mut bytes = std::fs::read(&moved.file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&moved.file, &bytes).unwrap();
    moved.turn_to("b");
    moved.give_key("b");
    for command in [&["backup", "verify", moved.file()][..], &["restore", moved.file()]] {
        let done = moved.place.run(command).await;
        assert!(done.code == 6 && done.stderr.contains("damaged"), "{command:?}: {}", done.stderr);
    }
    assert!(!moved.folder("b").join("strongroom.db").exists());
    std::fs::write(&moved.file, "").unwrap();
    let done = moved.place.run(&["backup", "verify", moved.file()]).await;
    assert!(done.code == 6 && done.stderr.contains("it is empty"), "{}", done.stderr);
    let folder = moved.folder("b");
    for command in ["verify", "restore"] {
        let folder = folder.to_str().unwrap();
        let words =
            if command == "verify" { vec!["backup", "verify", folder] } else { vec!["restore", folder] };
        let done = moved.place.run(&words).await;
        assert!(done.code == 1 && done.stderr.contains("it is a directory"), "{words:?}: {}", done.stderr);
    }
    moved.place.set("STRONGROOM_URL", "http://127.0.0.1:1");
    assert_eq!(moved.place.run(&["restore", moved.file()]).await.code, 2, "a restore goes through no server");
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_a_database_that_takes_it_again() {
    let mut moved = moved().await;
    for (round, grown_to) in [1, 20_000, 60_000, 100_000, 200_000].into_iter().enumerate() {
        let name = format!("killed-{round}");
        moved.turn_to(&name);
        moved.give_key(&name);
        let log = moved.folder(&name).join("strongroom.db-wal");
        let mut child = moved.place.command(&["restore", moved.file(), "--limits", "keep"]).spawn().unwrap();
        let size = || std::fs::metadata(&log).map_or(0, |file| file.len());
        while child.try_wait().unwrap().is_none() && size() < grown_to {
            tokio::task::yield_now().await;
        }
        // SIGKILL; one that is done already is not there to be killed.
        let _ = child.kill().await;
        let again = moved.place.run(&["restore", moved.file(), "--limits", "keep"]).await;
        let was_done = again.code == 7 && again.stderr.contains("not empty");
        assert!(again.code == 0 || was_done, "{}", again.stderr);
        let read = moved.place.run(&["credential", "get", "one", "--reveal"]).await;
        assert_eq!((read.code, read.stdout.trim()), (0, KEY), "{}", read.stderr);
        assert_eq!(moved.place.run(&["audit", "verify"]).await.code, 0);
    }
}

/// The disk that ends early is a bound on how large a file may grow: the process ends where it would grow beyond.
#[tokio::test]
async fn a_restore_that_ends_anywhere_is_never_taken_for_a_new_installation() {
    let mut moved = moved().await;
    let mut half = 0;
    for (round, blocks) in (0..1600).step_by(80).enumerate() {
        let name = format!("bounded-{round}");
        moved.turn_to(&name);
        moved.give_key(&name);
        let bound = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let bounded = moved.place.run_in_shell(&bound, &["restore", moved.file(), "--limits", "keep"]).await;
        if bounded.code == 0 {
            assert!(half > 0, "no bound cut it short");
            break;
        }
        let list = moved.place.run(&["credential", "list"]).await;
        let is_nothing = list.code == 3 && list.stderr.contains("there is no strongroom here");
        let is_half = list.code == 7 && list.stderr.contains("half restored");
        assert!(is_nothing || is_half, "{blocks} blocks: {list:?}");
        let served = moved.place.run(&["token", "create", "x", "--role", "admin"]).await;
        if is_half {
            half += 1;
            assert!(served.code == 7 && served.stderr.contains("half restored"), "{served:?}");
            let again = moved.place.run(&["restore", moved.file(), "--limits", "keep"]).await;
            assert_eq!(again.code, 0, "{blocks} blocks: {}", again.stderr);
            let read = moved.place.run(&["credential", "get", "one", "--reveal"]).await;
            assert_eq!((read.code, read.stdout.trim()), (0, KEY), "{}", read.stderr);
        }
    }
    assert!(half > 1, "{half}");
}
