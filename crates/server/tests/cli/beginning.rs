//! Every command where there is no installation: the few that begin make one, all others refuse or need none, and make nothing.

use std::collections::BTreeMap;

use Where::{Makes, NeedsNone, Refuses};

use crate::harness::{KEY, Place};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// It makes an installation.
    Makes,
    /// It says that there is none, and makes none.
    Refuses,
    /// It has nothing to do with one, and makes none.
    NeedsNone,
}

/// Each command with arguments that it accepts.
const COMMANDS: &[(&str, &str, Where)] = &[
    ("credential add", "n --provider openai --api-key-stdin", Makes),
    ("credential list", "", Refuses),
    ("credential show", "n", Refuses),
    ("credential get", "n --reveal", Refuses),
    ("credential update", "n --priority 3", Refuses),
    ("credential remove", "n --yes", Refuses),
    ("credential test", "n", Refuses),
    ("credential versions", "n", Refuses),
    ("credential diff", "n", Refuses),
    ("credential rollback", "n --to 1", Refuses),
    ("credential destroy", "n --version 1 --yes", Refuses),
    ("credential stage", "n --api-key-stdin", Refuses),
    ("credential canary", "n --percent 5", Refuses),
    ("credential promote", "n", Refuses),
    ("credential abort", "n", Refuses),
    ("credential rotate", "n --api-key-stdin", Refuses),
    ("credential undelete", "n", Refuses),
    ("credential purge", "n --yes", Refuses),
    ("credential unused", "", Refuses),
    ("credential freeze", "n", Refuses),
    ("credential unfreeze", "n", Refuses),
    ("token create", "n --role reader", Makes),
    ("token list", "", Refuses),
    ("token revoke", "i", Refuses),
    ("token generate", "", NeedsNone),
    ("user add", "n --role reader", Makes),
    ("user list", "", Refuses),
    ("user show", "n", Refuses),
    ("user update", "n --name m", Refuses),
    ("user remove", "n --yes", Refuses),
    ("key generate", "", NeedsNone),
    ("key check", "", NeedsNone),
    ("key status", "", Refuses),
    ("key rotate", "", Refuses),
    ("import env", "--dry-run --file keys.env", NeedsNone),
    ("import env", "--yes --file keys.env", Makes),
    ("import env", "--yes --file absent.env", NeedsNone),
    ("import env", "--yes --file none.env", NeedsNone),
    ("import env", "--file keys.env", NeedsNone),
    ("import file", "--dry-run rows.json", NeedsNone),
    ("import file", "--yes rows.json", Makes),
    ("import file", "keys.json", NeedsNone),
    ("import legacy", "--dry-run --legacy-key-file k keys.db", NeedsNone),
    ("import legacy", "--legacy-key-file k keys.db", NeedsNone),
    ("credential add", "n --provider openai --api-key changeme", NeedsNone),
    ("leak check", "", Refuses),
    ("leak respond", "n --yes", Refuses),
    ("offboard", "", Refuses),
    ("export", "", Refuses),
    ("audit list", "", Refuses),
    ("audit verify", "", Refuses),
    ("audit export", "--file trail", Refuses),
    ("open", "--print", Refuses),
    ("limit set", "--credential n --requests 5 --per day", Refuses),
    ("limit list", "", Refuses),
    ("limit show", "i", Refuses),
    ("limit update", "i --amount 5", Refuses),
    ("limit remove", "i --yes", Refuses),
    ("limit test", "--credential n", Refuses),
    ("route explain", "openai/x", Refuses),
    ("usage", "", Refuses),
    ("usage verify", "", Refuses),
    ("usage reprice", "", Refuses),
    ("alert list", "", Refuses),
    ("alert show", "i", Refuses),
    ("alert ack", "i", Refuses),
    ("alert resolve", "i", Refuses),
    ("alert silence", "--rule limit_threshold --for 2h --why test", Refuses),
    ("alert silences", "", Refuses),
    ("alert unsilence", "i", Refuses),
    ("alert rule list", "", Refuses),
    ("alert rule set", "--token t --never", Refuses),
    ("alert rule remove", "i", Refuses),
    ("alert rule test", "--days 3", Refuses),
    ("alert channel add", "ops --kind slack --address-file keys.json", Refuses),
    ("alert channel list", "", Refuses),
    ("alert channel test", "n", Refuses),
    ("alert channel enable", "n", Refuses),
    ("alert channel disable", "n", Refuses),
    ("alert channel remove", "n --yes", Refuses),
    ("alert route list", "", Refuses),
    ("alert route add", "--to n", Refuses),
    ("alert route remove", "1", Refuses),
    ("alert deliveries", "", Refuses),
    ("alert retry", "i", Refuses),
    ("credential health", "n", Refuses),
    ("limit history", "i", Refuses),
    ("usage records", "", Refuses),
    ("usage show", "i", Refuses),
    ("usage rebuild", "", Refuses),
    ("ai suggest", "", Refuses),
    ("status", "", Refuses),
    ("run", "-- true", Refuses),
    ("run", "--gateway -- true", Refuses),
    ("backup", "new.backup", Refuses),
    ("backup verify", "keys.json", NeedsNone),
    ("scan", "keys.json", NeedsNone),
    ("config check", "", NeedsNone),
    ("doctor", "", NeedsNone),
    ("completion", "bash", NeedsNone),
];

/// They make what they need, which is what they are for.
const BEGINNINGS: [&str; 3] = ["serve", "migrate", "restore"];

#[tokio::test]
async fn only_commands_that_store_something_make_an_installation() {
    let mut place = Place::without_server().await;
    std::fs::write(place.home.path().join("keys.env"), format!("OPENAI_API_KEY={KEY}\n")).unwrap();
    std::fs::write(place.home.path().join("keys.json"), "[]").unwrap();
    std::fs::write(place.home.path().join("none.env"), "PORT=80\n").unwrap();
    let row = format!(
        r#"[{{"name": "a", "provider": "openai", "apiKey": "{KEY}", "isActive": true, "isGlobal": true}}]"#
    );
    std::fs::write(place.home.path().join("rows.json"), row).unwrap();
    for (round, (command, arguments, is)) in COMMANDS.iter().enumerate() {
        let data = place.home.path().join(format!("data-{round}"));
        place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
        let words: Vec<_> = command.split(' ').chain(arguments.split_terminator(' ')).collect();
        let done = place.run_with_stdin(&words, KEY).await;
        assert_eq!(data.exists(), *is == Makes, "{words:?}: {done:?}");
        let names_it = done.stderr.contains("there is no strongroom here")
            && done.stderr.contains(data.to_str().unwrap())
            && done.stderr.contains("STRONGROOM_DATA_DIR")
            && done.stderr.contains("strongroom serve");
        assert_eq!((done.code == 3, names_it), (*is == Refuses, *is == Refuses), "{words:?}: {done:?}");
        assert!(*is != Refuses || done.stdout.is_empty(), "{words:?}: {done:?}");
    }
    assert!(!place.home.path().join("new.backup").exists() && !place.home.path().join("trail").exists());
}

#[tokio::test]
async fn every_command_of_the_reference_is_tried_without_an_installation() {
    let place = Place::without_server().await;
    let reference = place.run(&["cli-reference"]).await.stdout;
    let mut usages = BTreeMap::new();
    for line in reference.lines() {
        let Some(usage) = line.strip_prefix("strongroom ") else { continue };
        let words =
            usage.split(' ').take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase()));
        usages.insert(words.collect::<Vec<_>>().join(" "), usage);
    }
    let has_more = |name: &str| usages.keys().any(|other| other.starts_with(&format!("{name} ")));
    let tried = |name: &str| COMMANDS.iter().any(|(command, ..)| *command == name);
    let missing: Vec<_> = usages
        .keys()
        .filter(|name| {
            !name.is_empty() && !has_more(name) && !tried(name) && !BEGINNINGS.contains(&name.as_str())
        })
        .collect();
    assert!(missing.is_empty() && usages.len() > 60, "{missing:?}");
}

#[tokio::test]
async fn a_database_that_was_only_prepared_is_no_installation_yet() {
    let mut place = Place::without_server().await;
    let data = place.home.path().join("data");
    place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
    assert_eq!(place.run(&["migrate"]).await.code, 0);
    let looked = place.run(&["audit", "verify"]).await;
    assert!(looked.code == 3 && !data.join("master.key").exists(), "{looked:?}");
    assert_eq!(place.run(&["token", "create", "t", "--role", "reader"]).await.code, 0);
    assert_eq!(place.run(&["audit", "verify"]).await.code, 0);
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_first_start_leaves_no_half_of_a_key() {
    let mut place = Place::without_server().await;
    let make = ["token", "create", "t", "--role", "reader"];
    // The process ends where the file would grow, or goes on to its end with an error.
    for (round, signal) in ["", "trap '' XFSZ; "].into_iter().enumerate() {
        let data = place.home.path().join(format!("data-{round}"));
        place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
        let full = format!("{signal}ulimit -c 0; ulimit -f 0; exec \"$0\" \"$@\"");
        let done = place.run_in_shell(&full, &make).await;
        assert!(done.code != 0 && !data.join("master.key").exists(), "{done:?}");
        let done = place.run(&make).await;
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(std::fs::read_to_string(data.join("master.key")).unwrap().trim_end().len(), 64);
        assert!(!data.join("master.key.partial").exists());
    }
}

#[tokio::test]
async fn a_database_file_that_was_cut_or_overwritten_is_said_to_be_damaged() {
    let mut place = Place::without_server().await;
    for (round, is_cut) in [true, false].into_iter().enumerate() {
        let data = place.home.path().join(format!("data-{round}"));
        place.set("STRONGROOM_DATA_DIR", data.to_str().unwrap());
        assert_eq!(place.run(&["token", "create", "t", "--role", "reader"]).await.code, 0);
        let file = data.join("strongroom.db");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, if is_cut { bytes[..8192].to_vec() } else { vec![b'x'; bytes.len()] }).unwrap();
        let done = place.run(&["token", "list"]).await;
        assert!(done.code == 6 && done.stderr.contains("damaged"), "{done:?}");
        assert!(done.stderr.contains("restore a backup"), "{done:?}");
    }
}
