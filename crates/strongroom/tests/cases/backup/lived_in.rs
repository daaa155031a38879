//! Backups of a database in the middle of everything: all of it comes back as it was, what was begun goes on, and no window
//! gains room.

use std::fmt::Debug;

use strongroom::backup::OpenWindows;
use strongroom::leak::Found;
use strongroom::usage::Dim;
use strongroom::{Actor, Credential, MasterKey, Millis, Problem, ProblemKind, Role, Secret, Strongroom};
use strongroom_model::limit::Window;
use strongroom_testkit::{Backend, TestDatabase};

use super::super::ground::new;
use super::home::{DAY, Home, PLAIN, call, key_of, lived_in, morning};
use super::{backup_of, proof_of, restored};

/// Everything that people can see, a line each.
async fn picture(room: &Strongroom) -> Vec<String> {
    let actor = Actor::library;
    let mut lines = Vec::new();
    let mut note = |what: &str, it: &dyn Debug| lines.push(format!("{what}: {it:?}"));
    let service = room.credentials(actor());
    for credential in service.list_credentials().await.expect("a list") {
        let (credential, versions) = service.versions(credential.id).await.expect("versions");
        note("credential", &credential);
        versions.iter().for_each(|version| note("version", version));
    }
    note("deleted", &service.list_deleted().await.expect("a list"));
    note("tokens", &room.tokens(actor()).list().await.expect("a list"));
    note("users", &room.users(actor()).list().await.expect("a list"));
    for standing in room.limits(actor()).list().await.expect("a list") {
        note("limit", &standing);
    }
    for by in [Dim::Version, Dim::Model, Dim::Token, Dim::User, Dim::Day] {
        let sums = room.usage(actor()).sums(by, Millis(0), Millis(i64::MAX)).await.expect("sums");
        note("usage", &sums);
    }
    let status = room.keys().status().await.expect("a status");
    status.keys.iter().for_each(|key| note("key", key));
    for master in &status.masters {
        note("master", &(&master.fingerprint, master.first_seen, master.wraps));
    }
    note("rotation", &status.rotation);
    lines
}

/// From one database to the next; the last of them.
async fn moved(home: &Home, stations: &[Backend]) -> TestDatabase {
    let before = picture(&home.ground.room).await;
    let mut bytes = backup_of(&home.ground.room).await;
    let first = proof_of(&bytes, &home.ground.key).await.expect("a proof");
    assert_eq!(first.faults, [""; 0]);
    let mut last = None;
    for station in stations {
        let database = TestDatabase::new(*station).await;
        let options = home.options(&database);
        let done = restored(&bytes, &options, OpenWindows::Keep).await.expect("a restore");
        assert_eq!((done.proof.faults, done.closed, done.recovered), (vec![], 0, 0));
        let room = Strongroom::open(options).await.expect("a strongroom");
        assert_eq!(picture(&room).await, before, "on {station:?}");
        bytes = backup_of(&room).await;
        room.close().await.expect("nothing is lost");
        last = Some(database);
    }
    let end = proof_of(&bytes, &home.next_key).await.expect("a proof");
    assert_eq!(end.faults, [""; 0]);
    // What was still to be told counts as told.
    let moves = ["audit_logs", "audit_heads", "key_holders", "alert_incidents", "alert_deliveries"];
    for (one, other) in first.tables.iter().zip(&end.tables) {
        assert!(one == other || moves.contains(&one.0.as_str()), "the rows of {} are others", one.0);
    }
    last.expect("a station")
}

pub(crate) async fn everything_comes_back_and_goes_on(stations: &[Backend]) {
    let home = Box::pin(lived_in()).await;
    let database = moved(&home, stations).await;
    let room = Strongroom::open(home.options(&database)).await.expect("a strongroom");
    assert_goes_on(&home, &database, &room).await;
    room.close().await.expect("nothing is lost");
}

/// What was begun goes on in this room of this database, and what was over is over.
pub(crate) async fn assert_goes_on(home: &Home, database: &TestDatabase, room: &Strongroom) {
    assert_keys_are_replaced(home, database, room).await;
    // That of "gone", and half a minute after the old server has spoken of its call, that of "busy".
    for seconds in [31, 46] {
        home.ground.clock.set(morning().plus_seconds(seconds));
        assert_eq!(room.drain_versions().await.expect("an answer"), 1, "after {seconds} seconds");
    }
    assert_versions_go_on(room).await;
    assert_lost_and_found(room).await;

    let service = room.credentials(Actor::library());
    assert_eq!(service.remind().await.expect("an answer"), 0, "what was said is not said again");
    home.ground.clock.set(morning().plus_seconds(8 * DAY));
    assert_eq!(service.remind().await.expect("an answer"), 1, "it has expired");

    let tokens = room.tokens(Actor::library());
    let program = tokens.authenticate(&home.program).await.expect("a token that is known");
    assert_eq!((program.role, program.user), (Role::Gateway, Some(home.user)));
    assert!(tokens.authenticate(&home.revoked).await.is_err());
    let hers = service.get_credential("hers", Some(home.user)).await.expect("an answer");
    assert_eq!(hers.expect("her own").api_key.expose(), "key of hers");
    assert_eq!(room.prove().await.expect("a proof").faults, [""; 0]);
    // Records from before that were let go.
    let kept_from = morning().plus_seconds(-5 * DAY);
    assert_eq!(room.usage(Actor::library()).verify(kept_from).await.expect("an answer"), []);
}

/// Both rotations go on to their ends, and the old master key opens nothing any more.
async fn assert_keys_are_replaced(home: &Home, database: &TestDatabase, room: &Strongroom) {
    room.keys().go_on().await.expect("it goes on");
    let status = room.keys().status().await.expect("a status");
    let rotation = status.rotation.expect("a rotation");
    assert_eq!((rotation.is_open, rotation.left, rotation.broken), (false, 0, 0));
    let data: Vec<_> = status.keys.iter().filter(|key| key.row.purpose == "data").collect();
    assert_eq!(
        data.iter().map(|key| key.row.retired_at_ms.is_some()).collect::<Vec<_>>(),
        [true, true, false]
    );
    assert_eq!(status.masters.len(), 2);
    let change = room.keys().retire_masters(&Actor::library()).await.expect("nobody needs the old one");
    let old = MasterKey::parse(home.ground.key.expose()).expect("a key").fingerprint();
    assert_eq!(change.retired, [old]);
    let refused = Strongroom::open(home.with(database, &home.ground.key)).await.expect_err("the old one");
    assert!(refused.message.contains(room.master_fingerprint()), "{refused}");
    let alone = Strongroom::open(home.with(database, &home.next_key)).await.expect("a strongroom");
    for number in 0..PLAIN {
        assert_eq!(key_of(&alone, &format!("plain-{number}")).await, format!("key of plain-{number}"));
    }
    alone.close().await.expect("nothing is lost");
}

/// The share of a staged version, its promotion; what was taken back and what is gone for good.
async fn assert_versions_go_on(room: &Strongroom) {
    let service = room.credentials(Actor::library());
    let id = async |name: &str| {
        let all = service.list_credentials().await.expect("a list");
        all.into_iter().find(|it| it.name == name).expect("it is there").id
    };
    let mut tried = 0;
    for _ in 0..100 {
        let key = call(room, &Actor::library(), "groq").await.expect("a call");
        tried += u64::from(key == "next key of tried");
    }
    assert_eq!((tried, key_of(room, "tried").await.as_str()), (25, "key of tried"));
    let promoted = service.promote(id("tried").await, true, None).await.expect("it comes into use");
    assert_eq!((promoted.version_number, promoted.staged), (2, None));
    assert_eq!(key_of(room, "tried").await, "next key of tried");
    assert_eq!(call(room, &Actor::library(), "groq").await.expect("a call"), "next key of tried");

    let destroyed = service.roll_back(id("destroyed").await, 1, None).await.expect_err("its values are gone");
    assert!(
        destroyed.kind == ProblemKind::Conflict && destroyed.message.contains("destroyed"),
        "{destroyed}"
    );
    assert_eq!(key_of(room, "destroyed").await, "second key of destroyed");
    let aborted = service.roll_back(id("taken-back").await, 2, None).await.expect("it has its values");
    assert_eq!((aborted.version_number, aborted.staged), (3, None));
    assert_eq!(key_of(room, "taken-back").await, "other key of taken-back");
    let made = service.create(new("made-there")).await.expect("a credential");
    // After the 31 that were made before, deleted and purged ones among them.
    assert_eq!(made.id.0, 1 + PLAIN as i64 + 11, "numbers go on");
}

/// Frozen, deleted and purged credentials, and keys that are ours.
async fn assert_lost_and_found(room: &Strongroom) {
    let (service, leaks) = (room.credentials(Actor::library()), room.leaks(Actor::library()));
    let keys = ["key of destroyed", "key of frozen", "key of answered", "key of gone", "key of nobody"];
    let found = leaks.check(&keys.map(Secret::from)).await.expect("an answer");
    let brief = |found: &Found| match found {
        Found::Credential(it) => (it.name.clone(), it.version, it.is_served, it.is_frozen, it.is_deleted),
        Found::Token(token) => panic!("{token:?}"),
    };
    let found: Vec<_> = found.keys.iter().map(|found| found.iter().map(brief).collect::<Vec<_>>()).collect();
    let one = |name: &str, frozen, deleted| vec![(name.to_owned(), 1, false, frozen, deleted)];
    let expected = [
        one("destroyed", false, false),
        one("frozen", true, false),
        one("answered", false, false),
        one("gone", false, true),
        vec![],
    ];
    assert_eq!(found, expected);

    assert!(service.get_credential("frozen", None).await.expect("an answer").is_none());
    let all = service.list_credentials().await.expect("a list");
    let frozen = all.iter().find(|it| it.name == "frozen").expect("it is there");
    leaks.unfreeze(frozen.id).await.expect("its row says what we wrote");
    assert_eq!(key_of(room, "frozen").await, "key of frozen");
    assert_eq!(key_of(room, "answered").await, "fresh key");

    let [gone] = <[Credential; 1]>::try_from(service.list_deleted().await.expect("a list")).expect("one");
    let back = service.undelete(gone.id, None).await.expect("its time is not over");
    assert_eq!((back.name.as_str(), back.version_number, back.current_month_usage), ("gone", 2, 2));
    assert_eq!(key_of(room, "gone").await, "second key of gone");
    service.roll_back(gone.id, 1, None).await.expect("its old version has its values");
    assert_eq!(key_of(room, "gone").await, "key of gone");
}

/// Restores a backup with one master key alone.
async fn restored_with(
    home: &Home,
    bytes: &[u8],
    (target, key): (Backend, &Secret),
    windows: OpenWindows,
) -> (TestDatabase, Strongroom) {
    let database = TestDatabase::new(target).await;
    let options = home.with(&database, key);
    let done = restored(bytes, &options, windows).await.expect("a restore");
    assert_eq!(done.proof.faults, [""; 0]);
    (database, Strongroom::open(options).await.expect("a strongroom"))
}

fn assert_used_up<T: Debug>(refused: Result<T, Problem>) {
    assert_eq!(refused.expect_err("nothing is left").kind, ProblemKind::LimitReached);
}

pub(crate) async fn no_window_gains_room(target: Backend) {
    let home = Box::pin(lived_in()).await;
    let bytes = backup_of(&home.ground.room).await;
    let library = Actor::library();
    // Records from before are deleted, of which one was.
    let kept_from = morning().plus_seconds(-5 * DAY);

    let (_database, room) = restored_with(&home, &bytes, (target, &home.ground.key), OpenWindows::Keep).await;
    let service = room.credentials(Actor::library());
    let program = room.tokens(Actor::library()).authenticate(&home.program).await.expect("a token");
    // Three of eight of the token, and four of ten of the credential, were used before.
    for _ in 0..5 {
        call(&room, &program, "openai").await.expect("a call");
    }
    assert_used_up(call(&room, &program, "openai").await);
    call(&room, &library, "openai").await.expect("the last of the credential");
    assert_used_up(call(&room, &library, "openai").await);
    assert_used_up(service.get_credential("limited", None).await);
    // Two of five, before it was deleted.
    let gone = service.list_deleted().await.expect("a list")[0].id;
    service.undelete(gone, None).await.expect("it comes back");
    for _ in 0..3 {
        key_of(&room, "gone").await;
    }
    assert_used_up(service.get_credential("gone", None).await);
    assert_eq!(room.usage(Actor::library()).verify(kept_from).await.expect("an answer"), []);
    room.close().await.expect("nothing is lost");

    let (_database, room) = restored_with(&home, &bytes, (target, &home.next_key), OpenWindows::Close).await;
    let service = room.credentials(Actor::library());
    for actor in [&program, &library] {
        assert_used_up(call(&room, actor, "openai").await);
    }
    // The token has nothing left for anybody's key, and a credential that nothing bounds serves on.
    assert_used_up(call(&room, &program, "groq").await);
    call(&room, &library, "groq").await.expect("a call");
    assert_used_up(service.get_credential("limited", None).await);
    service.undelete(gone, None).await.expect("it comes back");
    assert_used_up(service.get_credential("gone", None).await);
    let limits = room.limits(Actor::library());
    for standing in limits.list().await.expect("limits") {
        assert_eq!((standing.remaining(), standing.held), (0, 0), "{standing:?}");
    }
    assert_eq!(room.usage(Actor::library()).verify(kept_from).await.expect("an answer"), []);
    home.ground.clock.set(morning().plus_seconds(20 * DAY));
    for standing in limits.list().await.expect("limits") {
        let is_budget = standing.limit.window == Window::Prepaid;
        assert_eq!(standing.remaining(), if is_budget { 0 } else { standing.limit.amount }, "{standing:?}");
    }
    assert_eq!(key_of(&room, "gone").await, "second key of gone");
    room.close().await.expect("nothing is lost");
}

#[tokio::test]
async fn a_database_in_the_middle_of_everything_comes_back_and_goes_on() {
    Box::pin(everything_comes_back_and_goes_on(&[super::super::BACKEND])).await;
}

#[tokio::test]
async fn windows_that_were_partly_used_gain_no_room() {
    Box::pin(no_window_gains_room(super::super::BACKEND)).await;
}
