//! Backups: whole, proven, and back into an empty database of either kind, with no limit exceeded.

#[path = "backup/home.rs"]
pub(crate) mod home;
#[path = "backup/lived_in.rs"]
pub(crate) mod lived_in;
#[path = "backup/under_load.rs"]
mod under_load;

use std::io::Cursor;

use futures::TryStreamExt;
use strongroom::backup::{OpenWindows, Proof, Restored, Step, inspect, prove, restore};
use strongroom::call::{CallTarget, NewCall};
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::{
    Actor, Clock, CredentialPatch, KeySource, MasterKey, Millis, NewCredential, Options, Problem,
    ProblemKind, Role, Secret, Strongroom,
};
use strongroom_crypto::digest::Digest;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::usage::CallBound;
use strongroom_testkit::{Backend, TestDatabase};

use super::ground::{Ground, NOW, ground, new, provider};

pub(crate) async fn backup_of(room: &Strongroom) -> Vec<u8> {
    let backup = room.backups(Actor::library()).create().await.expect("a backup");
    backup.into_stream().try_concat().await.expect("all of it")
}

fn quiet(_: Step) -> Result<(), Problem> {
    Ok(())
}

pub(crate) async fn proof_of(bytes: &[u8], key: &Secret) -> Result<Proof, Problem> {
    let master = MasterKey::parse(key.expose()).expect("a key");
    prove(&mut Cursor::new(bytes), &[master], &mut quiet).await.map(|(_, proof)| proof)
}

fn options(database: &TestDatabase, key: &Secret, now: Millis) -> Options {
    Options { clock: Clock::fixed(now), ..Options::new(database.url(), key.clone()) }
}

async fn restored(bytes: &[u8], options: &Options, windows: OpenWindows) -> Result<Restored, Problem> {
    restore(&mut Cursor::new(bytes), options, windows, &Actor::library(), &mut quiet).await
}

/// A bit of everything: versions, a deleted credential, a token, users, uses, limits.
async fn full_ground() -> Ground {
    let ground = ground().await;
    let user = strongroom::user::NewUser { name: "ada".into(), role: Role::Gateway, id: None };
    let user = ground.room.users(Actor::library()).create(user).await.expect("a user");
    let one = ground.make(NewCredential { rate_limit: Some(100), ..new("one") }).await;
    let patch = CredentialPatch {
        api_key: Some("another".into()),
        endpoint: Some(Some("https://one.example".into())),
        ..CredentialPatch::default()
    };
    ground.service().update(one.id, patch, None).await.expect("a change");
    ground.make(NewCredential { is_global: false, user: Some(user.id), ..new("hers") }).await;
    let gone = ground.make(new("gone")).await;
    ground.service().delete(gone.id, None).await.expect("a deletion");
    let request =
        TokenRequest { user: Some(user.id), ..TokenRequest::new("it's \"hers\" \u{1f511}", Role::Reader) };
    ground.room.tokens(Actor::library()).create(request).await.expect("a token");
    for _ in 0..3 {
        ground.service().get_credential("one", None).await.expect("an answer").expect("a key");
    }
    let limits = ground.room.limits(Actor::library());
    for (unit, window) in
        [(Unit::Tokens, Window::Day), (Unit::NanoUsd, Window::Prepaid), (Unit::Requests, Window::Minute)]
    {
        limits.set(&Bound::Credential("one".into()), unit, window, 1_000_000).await.expect("a limit");
    }
    ground
}

#[tokio::test]
async fn a_backup_is_whole_without_the_key_and_all_of_it_opens_with_it() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    let contents = inspect(bytes.as_slice()).expect("a whole backup");
    let rows = |name: &str| contents.tables.iter().find(|table| table.name == name).expect("a table").rows;
    assert_eq!(
        (rows("api_credentials"), rows("credential_versions"), rows("tokens"), rows("users")),
        (3, 4, 1, 1)
    );
    assert_eq!(contents.masters, [ground.room.master_fingerprint()]);
    assert_eq!((contents.created_at, contents.bytes), (NOW, bytes.len() as u64));
    assert_eq!(contents.audit_heads, ground.room.audit().heads().await.expect("heads"));
    let made = ground.entries("backup.create").await;
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].entry.target.id.as_deref(), Some(contents.uid.as_str()));

    let proof = proof_of(&bytes, &ground.key).await.expect("a proof");
    assert_eq!(proof.faults, [""; 0]);
    assert_eq!((proof.credentials, proof.values, proof.tokens, proof.users), (3, 4, 1, 1));
    assert_eq!(proof.audit_entries as i64, contents.audit_heads[0].seq);
    // Not even what is no secret stands open in the file.
    for hidden in ["one.example", "key of one", "another", "credential.create"] {
        assert!(!bytes.windows(hidden.len()).any(|window| window == hidden.as_bytes()), "{hidden}");
    }
    let other = MasterKey::generate().to_hex();
    let problem = proof_of(&bytes, &other).await.expect_err("another key");
    assert!(problem.message.contains(ground.room.master_fingerprint()), "{problem}");
}

#[tokio::test]
async fn what_was_tampered_with_before_the_backup_is_named_by_its_proof() {
    let ground = full_ground().await;
    ground.edit("UPDATE api_credentials SET endpoint = 'https://thief.example' WHERE name = 'one'").await;
    ground.edit("UPDATE tokens SET role = 'admin'").await;
    ground.edit("UPDATE audit_logs SET actor = 'nobody' WHERE seq = 3").await;
    let proof = proof_of(&backup_of(&ground.room).await, &ground.key).await.expect("a proof");
    let faults = proof.faults.join("\n");
    for part in
        ["the row of credential \"one\"", "the api_key of credential \"one\"", "the row of token", "entry 3"]
    {
        assert!(faults.contains(part), "{part}: {faults}");
    }
}

#[tokio::test]
async fn a_file_that_is_cut_or_changed_anywhere_is_found_without_the_key() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    for length in (0..bytes.len()).step_by(37).chain([bytes.len() - 1]) {
        assert!(inspect(&bytes[..length]).is_err(), "cut to {length}");
    }
    for at in (0..bytes.len()).step_by(41) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(inspect(changed.as_slice()).is_err(), "changed at {at}");
    }
    let longer = [bytes.as_slice(), b"\n"].concat();
    assert_eq!(inspect(longer.as_slice()).expect_err("more").kind, ProblemKind::Integrity);
    let none = inspect(&b"PK\x03\x04 something else entirely"[..]).expect_err("none");
    assert_eq!((none.kind, none.message.contains("no backup")), (ProblemKind::Invalid, true));
    let newer = inspect(&b"strongroom backup 2\n\0\0\0\0"[..]).expect_err("newer");
    assert!(newer.message.contains("another version"), "{newer}");
}

/// The frames of a file, the head first. The digest at the end is left out.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize;
    let mut at = 20 + 4 + number(20);
    let mut frames = vec![bytes[..at].to_vec()];
    while bytes[at] != b'E' {
        let length = match bytes[at] {
            b'R' => 11 + number(at + 7),
            _ => 5 + number(at + 1),
        };
        frames.push(bytes[at..at + length].to_vec());
        at += length;
    }
    frames
}

fn hex_digest(bytes: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(bytes);
    digest.hex()
}

/// A file of these frames with every open digest computed again: what somebody can write who does not have the key.
fn forged(mut frames: Vec<Vec<u8>>) -> Vec<u8> {
    let manifest = frames.iter().position(|frame| frame[0] == b'M').expect("a manifest");
    let mut counts: serde_json::Value = serde_json::from_slice(&frames[manifest][5..]).expect("JSON");
    for (number, count) in counts["tables"].as_array_mut().expect("tables").iter_mut().enumerate() {
        let of_table = |frame: &&Vec<u8>| {
            frame[0] == b'R' && usize::from(u16::from_be_bytes([frame[1], frame[2]])) == number
        };
        let own: Vec<_> = frames.iter().filter(of_table).cloned().collect();
        let rows =
            own.iter().map(|frame| u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]])).sum::<u32>();
        count["rows"] = rows.into();
        count["chunks"] = own.len().into();
        count["sha256"] = hex_digest(&own.concat()).into();
    }
    let text = counts.to_string().into_bytes();
    let length = u32::try_from(text.len()).expect("short").to_be_bytes();
    frames[manifest] = [&b"M"[..], &length, &text].concat();
    let mut bytes = [frames.concat().as_slice(), b"E"].concat();
    let mut digest = Digest::default();
    digest.update(&bytes);
    bytes.extend_from_slice(&digest.bytes());
    bytes
}

#[tokio::test]
async fn a_file_that_was_reassembled_without_the_key_does_not_open() {
    let ground = full_ground().await;
    for number in 0..600 {
        let name = format!("many-{number}");
        let user = strongroom::user::NewUser { name, role: Role::Reader, id: None };
        ground.room.users(Actor::library()).create(user).await.expect("a user");
    }
    let bytes = backup_of(&ground.room).await;
    let whole = frames(&bytes);
    assert_eq!(proof_of(&forged(whole.clone()), &ground.key).await.expect("the same file").faults, [""; 0]);
    let rows: Vec<_> = (0..whole.len()).filter(|at| whole[*at][0] == b'R').collect();
    let same_table =
        rows.windows(2).find(|pair| whole[pair[0]][1..3] == whole[pair[1]][1..3]).expect("two chunks");
    type Forge<'a> = &'a dyn Fn(&mut Vec<Vec<u8>>);
    let forgeries: [(&str, Forge<'_>); 5] = [
        ("a chunk left out", &|frames| drop(frames.remove(rows[3]))),
        ("a chunk doubled", &|frames| frames.insert(rows[3], whole[rows[3]].clone())),
        ("two chunks in each other's place", &|frames| frames.swap(same_table[0], same_table[1])),
        ("a byte changed", &|frames| frames[rows[3]][20] ^= 1),
        ("the head changed", &|frames| {
            let at = frames[0].windows(9).position(|it| it == b"\"schema\":").expect("a schema") + 9;
            let digits = frames[0][at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            frames[0][at + digits - 1] ^= 1;
        }),
    ];
    for (what, forge) in forgeries {
        let mut frames = whole.clone();
        forge(&mut frames);
        let forgery = forged(frames);
        inspect(forgery.as_slice()).unwrap_or_else(|problem| panic!("{what}: {problem}"));
        assert!(proof_of(&forgery, &ground.key).await.is_err(), "{what}");
        let database = TestDatabase::new(super::BACKEND).await;
        let refused = restored(&forgery, &options(&database, &ground.key, NOW), OpenWindows::Close).await;
        assert!(refused.is_err(), "{what}");
    }
}

/// From one database to the next: the rows stay the same, and all of them work in the last one.
pub(crate) async fn round_trip(stations: &[Backend]) {
    let ground = full_ground().await;
    let first = backup_of(&ground.room).await;
    let before = proof_of(&first, &ground.key).await.expect("a proof");
    let (mut bytes, mut databases) = (first, Vec::new());
    for station in stations {
        let database = TestDatabase::new(*station).await;
        let options = options(&database, &ground.key, NOW);
        let done = restored(&bytes, &options, OpenWindows::Keep).await.expect("a restore");
        assert_eq!((done.proof.faults, done.closed, done.recovered), (vec![], 0, 0));
        let room = Strongroom::open(options).await.expect("a strongroom");
        bytes = backup_of(&room).await;
        room.close().await.expect("nothing is lost");
        databases.push(database);
    }
    let back = databases.last().expect("a station");
    let after = proof_of(&bytes, &ground.key).await.expect("a proof");
    // Each backup and each restore added its entry; everything else is what it was.
    assert_eq!(after.audit_entries, before.audit_entries + 2 * stations.len() as u64);
    // What was still to be told counts as told.
    let moves = ["audit_logs", "audit_heads", "key_holders", "alert_incidents", "alert_deliveries"];
    for (one, other) in
        before.tables.iter().zip(&after.tables).filter(|(one, _)| !moves.contains(&one.0.as_str()))
    {
        assert_eq!(one, other);
    }
    let room = Strongroom::open(options(back, &ground.key, NOW)).await.expect("a strongroom");
    let service = room.credentials(Actor::library());
    let read = service.get_credential("one", None).await.expect("an answer").expect("a credential");
    assert_eq!((read.api_key.expose(), read.usage_count), ("another", 4));
    let made = service.create(new("next")).await.expect("a credential");
    let highest = ground.value("SELECT MAX(id) FROM api_credentials").await;
    assert_eq!(made.id.0, highest.parse::<i64>().expect("a number") + 1, "numbers go on");
    let restores = room.audit();
    let filter =
        strongroom_model::audit::Filter { action: Some("installation.restore".into()), ..Default::default() };
    let entries = restores.list(&filter, false, None, 10).await.expect("entries").items;
    assert_eq!(entries.len(), stations.len());
    assert!(entries[0].entry.detail.contains("\"limits\":\"kept\""), "{}", entries[0].entry.detail);
    assert_eq!(restores.verify(&[]).await.expect("an answer").faults, []);
}

#[tokio::test]
async fn a_backup_goes_into_a_database_of_the_same_kind_and_back() {
    round_trip(&[super::BACKEND, super::BACKEND]).await;
}

#[tokio::test]
async fn a_restore_that_is_cut_short_serves_nothing_and_is_done_again() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    let mut steps = Vec::new();
    let database = TestDatabase::new(super::BACKEND).await;
    let own = options(&database, &ground.key, NOW);
    let mut note = |step| {
        steps.push(step);
        Ok(())
    };
    restore(&mut Cursor::new(&bytes), &own, OpenWindows::Close, &Actor::library(), &mut note)
        .await
        .expect("a restore");
    assert!(
        steps.len() > 10 && steps.contains(&Step::Filled) && steps.contains(&Step::Settling),
        "{steps:?}"
    );

    let database = TestDatabase::new(super::BACKEND).await;
    let own = options(&database, &ground.key, NOW);
    for cut in 1..steps.len() {
        let mut seen = 0;
        let mut stop = |_| {
            seen += 1;
            if seen > cut { Err(Problem::internal("cut short")) } else { Ok(()) }
        };
        let mut file = Cursor::new(&bytes);
        let problem = restore(&mut file, &own, OpenWindows::Close, &Actor::library(), &mut stop).await;
        assert_eq!(problem.expect_err("cut short").message, "cut short");
        let refused = Strongroom::open(own.clone()).await.expect_err("half restored");
        assert!(refused.message.contains("half restored"), "after {cut} steps: {refused}");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        let with_file = Options { key: KeySource::FileOrNew(path.clone()), ..own.clone() };
        let refused = Strongroom::open(with_file).await.expect_err("half restored");
        assert!(!path.exists(), "{refused}");
    }
    restored(&bytes, &own, OpenWindows::Close).await.expect("done again");
    let room = Strongroom::open(own).await.expect("a strongroom");
    assert_eq!(room.prove().await.expect("a proof").faults, [""; 0]);
}

#[tokio::test]
async fn a_restore_goes_into_an_empty_database_only_and_with_the_right_key() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    let before = ground.value("SELECT COUNT(*) FROM audit_logs").await;
    let refused = restored(&bytes, &ground.options(), OpenWindows::Close).await.expect_err("not empty");
    assert_eq!((refused.kind, refused.message.contains("not empty")), (ProblemKind::Conflict, true));
    assert_eq!(ground.value("SELECT COUNT(*) FROM audit_logs").await, before);

    let foreign = TestDatabase::new(super::BACKEND).await;
    foreign.execute("CREATE TABLE theirs (id BIGINT)").await;
    let refused = restored(&bytes, &options(&foreign, &ground.key, NOW), OpenWindows::Close).await;
    assert_eq!(refused.expect_err("foreign").kind, ProblemKind::Conflict);

    let empty = TestDatabase::new(super::BACKEND).await;
    let wrong = options(&empty, &MasterKey::generate().to_hex(), NOW);
    let refused = restored(&bytes, &wrong, OpenWindows::Close).await.expect_err("another key");
    assert!(refused.message.contains(ground.room.master_fingerprint()), "{refused}");
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Options { key: KeySource::FileOrNew(folder.path().join("master.key")), ..wrong };
    let refused = restored(&bytes, &missing, OpenWindows::Close).await.expect_err("no key");
    assert!(refused.message.contains("there is no encryption key"), "{refused}");
    assert!(!folder.path().join("master.key").exists());
    let early = options(&empty, &ground.key, Millis(NOW.0 - 3_600_000));
    let refused = restored(&bytes, &early, OpenWindows::Close).await.expect_err("a clock");
    assert!(refused.message.contains("3600 seconds later"), "{refused}");
    let mut cut = bytes.clone();
    cut.truncate(bytes.len() / 2);
    assert!(restored(&cut, &options(&empty, &ground.key, NOW), OpenWindows::Close).await.is_err());
    // None of them left a trace: a first start makes its own.
    Strongroom::open(Options {
        clock: Clock::fixed(NOW),
        ..Options::new(empty.url(), MasterKey::generate().to_hex())
    })
    .await
    .expect("an empty database");
}

#[tokio::test]
async fn a_database_of_our_schema_without_anything_in_it_is_empty() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    let database = TestDatabase::new(super::BACKEND).await;
    let own = options(&database, &ground.key, NOW);
    let store = strongroom_store::StoreOptions {
        url: database.url().into(),
        max_connections: 1,
        clock: Clock::Database,
    };
    let store = strongroom_store::Store::connect(&store).await.expect("a store");
    strongroom_store::schema::migrate(&store).await.expect("a schema");
    store.close().await;
    database
        .execute(
            "INSERT INTO users (id, name, role, is_active, mac_key_id, mac, created_at_ms, updated_at_ms) \
                      VALUES (7, 'somebody', 'admin', true, 'k', 'm', 1, 1)",
        )
        .await;
    let refused = restored(&bytes, &own, OpenWindows::Close).await.expect_err("a row");
    assert!(refused.message.contains("not empty"), "{refused}");
    database.execute("DELETE FROM users").await;
    restored(&bytes, &own, OpenWindows::Close).await.expect("a restore");
}

fn chat() -> NewCall {
    let bound = CallBound::of(Some(100), Some(50));
    let target = CallTarget { provider: provider("openai"), model: Some("gpt-4o-mini".to_owned()), bound };
    NewCall { operation: "chat.completions", targets: vec![target] }
}

#[tokio::test]
async fn no_limit_is_exceeded_after_a_restore_and_what_was_held_counts() {
    let ground = full_ground().await;
    let mut call = ground.room.calls(Actor::library()).begin(chat()).await.expect("a call");
    let attempt = call.next().await.expect("an answer").expect("a credential");
    let held = ground.value("SELECT SUM(held + leased) FROM node_holds").await;
    assert_ne!(held, "0");
    let bytes = backup_of(&ground.room).await;
    drop(attempt);

    let database = TestDatabase::new(super::BACKEND).await;
    let own = options(&database, &ground.key, NOW);
    let done = restored(&bytes, &own, OpenWindows::Close).await.expect("a restore");
    assert_eq!((done.recovered, done.proof.faults), (1, vec![]));
    let room = Strongroom::open(own.clone()).await.expect("a strongroom");
    for standing in room.limits(Actor::library()).list().await.expect("limits") {
        assert_eq!((standing.remaining(), standing.held), (0, 0), "{standing:?}");
        assert_eq!(standing.used, standing.limit.amount, "{standing:?}");
    }
    let refused = room.credentials(Actor::library()).get_credential("one", None).await.expect_err("closed");
    assert_eq!(refused.kind, ProblemKind::LimitReached);
    let mut call = room.calls(Actor::library()).begin(chat()).await.expect("a call");
    assert_eq!(call.next().await.map(|_| ()).expect_err("closed").kind, ProblemKind::LimitReached);
    // Every counter is still the sum of its ledger.
    let odd = room.usage(Actor::library()).verify(Millis(0)).await.expect("an answer");
    assert_eq!(odd, []);
    let sums =
        "SELECT COUNT(*) FROM counter_entries WHERE kind = 'restored' AND settled = 0 AND adjusted > 0";
    assert_eq!(database.query_text(sums).await[0][0].as_deref(), Some(done.closed.to_string().as_str()));
    room.close().await.expect("nothing is lost");

    // A clock that is a minute behind meets a window that the old one had open already: it is closed as well.
    let soon = Options { clock: Clock::fixed(Millis(NOW.0 + 60_000)), ..own };
    let room = Strongroom::open(soon).await.expect("a strongroom");
    for standing in room.limits(Actor::library()).list().await.expect("limits") {
        assert_eq!(standing.remaining(), 0, "{standing:?}");
    }
    room.close().await.expect("nothing is lost");
}

#[tokio::test]
async fn a_window_that_opens_after_the_restore_is_whole_and_a_kept_one_goes_on() {
    let ground = full_ground().await;
    let bytes = backup_of(&ground.room).await;
    let database = TestDatabase::new(super::BACKEND).await;
    let early = Millis(NOW.0 - 10 * 24 * 3_600_000);
    // The backup is of a moment ten days ahead of this clock.
    assert!(restored(&bytes, &options(&database, &ground.key, early), OpenWindows::Close).await.is_err());
    let later = Millis(NOW.0 + 3 * 24 * 3_600_000);
    restored(&bytes, &options(&database, &ground.key, later), OpenWindows::Close).await.expect("a restore");
    let march = Clock::fixed(Millis(NOW.0 + 40 * 24 * 3_600_000));
    let room = Strongroom::open(Options { clock: march, ..options(&database, &ground.key, later) })
        .await
        .expect("a room");
    for standing in room.limits(Actor::library()).list().await.expect("limits") {
        let expected = if standing.limit.window == Window::Prepaid { 0 } else { standing.limit.amount };
        assert_eq!(standing.remaining(), expected, "{standing:?}");
    }
    room.close().await.expect("nothing is lost");

    let database = TestDatabase::new(super::BACKEND).await;
    let own = options(&database, &ground.key, NOW);
    let done = restored(&bytes, &own, OpenWindows::Keep).await.expect("a restore");
    assert_eq!(done.closed, 0);
    let room = Strongroom::open(own).await.expect("a strongroom");
    let read =
        room.credentials(Actor::library()).get_credential("one", None).await.expect("open").expect("a key");
    assert_eq!(read.current_month_usage, 4);
}
