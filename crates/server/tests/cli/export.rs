//! Credentials for people: without their keys, with them on request, and in again elsewhere.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::Value;

use crate::harness::{KEY, Place};

/// When the key of the first one ends.
const END: &str = "2099-01-01T00:00:00Z";
const ODD: &str = "it's $a \\ canary \"key\"";

async fn place() -> Place {
    let mut place = Place::without_server().await;
    turn_to(&mut place, "a");
    let dates = ["--expires-at", END, "--rotate-after-days", "90"];
    for (name, key, more) in [("one", KEY, dates.as_slice()), ("two", ODD, &[])] {
        let add = ["credential", "add", name, "--provider", "openai", "--api-key-stdin"];
        let done = place.run_with_stdin(&[add.as_slice(), more].concat(), key).await;
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    place
}

fn turn_to(place: &mut Place, name: &str) {
    let folder = place.home.path().join(name);
    place.set("STRONGROOM_DATA_DIR", folder.to_str().unwrap());
}

#[tokio::test]
async fn keys_are_written_only_on_request_and_each_is_read_and_counted() {
    let place = place().await;
    for format in ["dotenv", "json", "yaml"] {
        let done = place.run(&["export", "--format", format]).await;
        assert!(done.code == 0 && done.stdout.contains("one"), "{}", done.stderr);
        done.shows_no_canary();
    }
    let list = place.run(&["credential", "list", "--format", "json"]).await;
    let list: Value = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!(list[0]["usageCount"], 0);

    let taken = place.home.path().join("taken");
    std::fs::write(&taken, "mine").unwrap();
    let done = place.run(&["export", "--reveal", "--file", taken.to_str().unwrap()]).await;
    assert!(done.code == 7 && done.stderr.contains("is there already"), "{done:?}");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "mine");
    // And nothing was read for it.
    let done = place.run(&["export", "--reveal"]).await;
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(!done.stderr.contains("canary"), "{}", done.stderr);
    assert!(done.stdout.contains(&format!("\nOPENAI_API_KEY='{KEY}'\n")), "{}", done.stdout);
    let list = place.run(&["credential", "list", "--format", "json"]).await;
    let list: Value = serde_json::from_str(&list.stdout).unwrap();
    assert_eq!((&list[0]["usageCount"], &list[1]["usageCount"]), (&1.into(), &1.into()));
    let audit = place.run(&["audit", "list", "--action", "credential.read", "--format", "json"]).await;
    let audit: Value = serde_json::from_str(&audit.stdout).unwrap();
    assert_eq!(audit.as_array().map(Vec::len), Some(2), "{audit}");
}

#[tokio::test]
async fn what_was_exported_goes_in_elsewhere_and_is_the_same() {
    let mut place = place().await;
    for (number, format) in ["json", "yaml", "dotenv"].into_iter().enumerate() {
        turn_to(&mut place, "a");
        let file = place.home.path().join(format!("list.{format}"));
        let path = file.to_str().unwrap();
        let done = place.run(&["export", "--reveal", "--file", path, "--format", format]).await;
        assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{}", done.stderr);
        turn_to(&mut place, &format!("b-{number}"));
        let import: &[&str] = if format == "dotenv" {
            &["import", "env", "--file", path, "--yes"]
        } else {
            &["import", "file", path, "--yes"]
        };
        let done = place.run(import).await;
        assert_eq!(done.code, 0, "{format}: {}", done.stderr);
        if format != "dotenv" {
            let shown = place.run(&["credential", "show", "one", "--format", "json"]).await;
            let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
            assert_eq!(
                (&shown["expiresAt"], &shown["rotateAfterDays"]),
                (&END.into(), &90.into()),
                "{format}"
            );
        }
        // A key that has not its provider's form goes into no credential of a `.env` unasked, and is told of.
        assert_eq!(done.stderr.contains("is left out"), format == "dotenv", "{format}: {}", done.stderr);
        let names: &[&str] = if format == "dotenv" { &["openai-primary"] } else { &["one", "two"] };
        for (name, key) in names.iter().zip([KEY, ODD]) {
            let read = place.run(&["credential", "get", name, "--reveal"]).await;
            assert_eq!(
                (read.code, read.stdout.trim_end_matches('\n')),
                (0, key),
                "{format}: {}",
                read.stderr
            );
        }
    }
    let odd = place.home.path().join("odd.json");
    std::fs::write(&odd, "[{\"name\":\"x\",\"apiKey\":\"sk-canary\",\"wrong\":1}]").unwrap();
    let done = place.run(&["import", "file", odd.to_str().unwrap(), "--yes"]).await;
    assert_eq!(done.code, 2, "{}", done.stderr);
    done.shows_no_canary();
}
