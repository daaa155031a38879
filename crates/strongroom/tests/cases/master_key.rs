//! The master key is replaced: nothing is resealed, old and new run side by side, and the old one goes when nobody
//! needs it.

use strongroom::{Actor, MasterKey, Options, Problem, ProblemKind, Secret, Strongroom};

use super::ground::{Ground, NOW, ground, new};

fn with(ground: &Ground, key: &Secret, previous: Option<&Secret>) -> Options {
    Options {
        previous_key: previous.cloned(),
        key: strongroom::KeySource::Given(key.clone()),
        ..ground.options()
    }
}

fn print_of(key: &Secret) -> String {
    MasterKey::parse(key.expose()).expect("a key").fingerprint()
}

async fn refusal(options: Options) -> Problem {
    Strongroom::open_or_make(options).await.expect_err("a refusal")
}

/// Everything that a change of the master key leaves as it is.
async fn content(ground: &Ground) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for sql in [
        "SELECT version_uid, field, key_id, value, fingerprint FROM credential_values ORDER BY version_uid, field",
        "SELECT uid, mac FROM api_credentials ORDER BY uid",
        "SELECT id, purpose, is_current FROM encryption_keys ORDER BY id",
        "SELECT id, hash, mac FROM tokens ORDER BY id",
    ] {
        rows.extend(ground.database.query_text(sql).await);
    }
    rows
}

async fn reads(room: &Strongroom) {
    let read = room.credentials(Actor::library()).get_credential("one", None).await.expect("an answer");
    assert_eq!(read.expect("a key").api_key.expose(), "key of one");
    assert_eq!(room.audit().verify(&[]).await.expect("a verification").faults, []);
}

#[tokio::test]
async fn old_and_new_run_side_by_side_until_nobody_needs_the_old_one() {
    let ground = ground().await;
    ground.make(new("one")).await;
    ground.room.mint_first_token(None).await.unwrap();
    let (old, new_key) = (ground.key.clone(), MasterKey::generate().to_hex());
    let (old_print, new_print) = (print_of(&old), print_of(&new_key));
    let before = content(&ground).await;
    let actor = Actor::library();

    // A server that has both: it opens, and says what to do next.
    let both = Strongroom::open(with(&ground, &new_key, Some(&old))).await.unwrap();
    assert_eq!(both.master_fingerprint(), new_print);
    reads(&both).await;
    let next = both.keys().status().await.unwrap().next;
    assert!(next[0].contains("key rotate --master`") && next[0].contains(&new_print), "{next:?}");
    let early = both.keys().retire_masters(&actor).await.unwrap_err();
    assert_eq!(early.kind, ProblemKind::Conflict);
    // The new one alone opens nothing yet.
    assert!(refusal(with(&ground, &new_key, None)).await.message.contains(&old_print));

    let change = both.keys().rotate_master(&actor).await.unwrap();
    assert_eq!((change.wrapped, change.others.as_slice()), (4, std::slice::from_ref(&old_print)));
    assert_eq!(both.keys().rotate_master(&actor).await.unwrap().wrapped, 0, "it is done already");
    assert_eq!(content(&ground).await, before, "no secret, hash or key was touched");

    // Old, new, and both, side by side.
    let only_new = Strongroom::open(with(&ground, &new_key, None)).await.unwrap();
    let only_old = Strongroom::open(with(&ground, &old, None)).await.unwrap();
    for room in [&ground.room, &both, &only_new, &only_old] {
        reads(room).await;
    }
    only_new.credentials(actor.clone()).create(new("two")).await.unwrap();
    assert!(only_old.credentials(actor.clone()).get_credential("two", None).await.unwrap().is_some());

    // The old one stays as long as somebody needs it, and that is said.
    let status = only_new.keys().status().await.unwrap();
    let of = |fingerprint: &str| status.masters.iter().find(|it| it.fingerprint == *fingerprint).unwrap();
    assert_eq!((of(&old_print).needed_by.len(), of(&old_print).can_go), (2, false));
    assert_eq!((of(&new_print).needed_by.len(), of(&new_print).wraps), (1, 4));
    assert!(status.next[0].contains("Start these again"), "{:?}", status.next);
    assert_eq!(status.holders.len(), 4);
    for room in [&only_new, &both] {
        let refused = room.keys().retire_masters(&actor).await.unwrap_err();
        assert_eq!(refused.kind, ProblemKind::Conflict);
        assert!(
            refused.message.contains("still needed") && refused.message.contains("process "),
            "{refused}"
        );
    }
    // A data key that the old one did not wrap would be lost to those that have it alone.
    let refused = only_new.keys().rotate(&actor).await.unwrap_err();
    assert!(refused.kind == ProblemKind::Conflict && refused.message.contains(&old_print), "{refused}");
    both.keys().rotate(&actor).await.unwrap();
    both.keys().go_on().await.unwrap();
    for (number, room) in [&ground.room, &both, &only_new, &only_old].into_iter().enumerate() {
        reads(room).await;
        room.credentials(actor.clone()).create(new(&format!("made-{number}"))).await.unwrap();
    }

    // One ends; the other is silent for so long that it is gone.
    ground.room.close().await.expect("nothing is lost");
    assert!(only_new.keys().retire_masters(&actor).await.is_err());
    let later = NOW.plus_seconds(61);
    ground.clock.set(later);
    for node in [&only_new, &both] {
        let uid = node.keys().status().await.unwrap().holders;
        assert!(uid.is_empty(), "nobody has said anything for a minute: {uid:?}");
    }
    let status = only_new.keys().status().await.unwrap();
    assert!(status.next[0].contains("--finish"), "{:?}", status.next);
    let change = only_new.keys().retire_masters(&actor).await.unwrap();
    assert_eq!(change.retired, std::slice::from_ref(&old_print));
    assert_eq!(only_new.keys().retire_masters(&actor).await.unwrap().retired, [] as [String; 0]);
    let wraps = "SELECT count(*), count(DISTINCT master_fingerprint) FROM key_wraps";
    assert_eq!(ground.database.query_text(wraps).await, [[Some("5".to_owned()), Some("1".to_owned())]]);

    // The old one opens nothing any more; the new one, alone or first, everything.
    let refused = refusal(with(&ground, &old, None)).await;
    assert!(refused.message.contains(&new_print), "{refused}");
    let last = Strongroom::open(with(&ground, &new_key, Some(&old))).await.unwrap();
    reads(&last).await;
    let next = last.keys().status().await.unwrap().next;
    assert!(next[0].contains("remove ENCRYPTION_KEY_PREVIOUS"), "{next:?}");
    only_new.keys().rotate(&actor).await.unwrap();
    only_new.keys().go_on().await.unwrap();
    reads(&last).await;
    for action in ["key.rotate_master", "key.retire_master"] {
        assert_eq!(ground_entries(&last, action).await, 2, "{action}");
    }
}

async fn ground_entries(room: &Strongroom, action: &str) -> usize {
    let filter = strongroom_model::audit::Filter { action: Some(action.to_owned()), ..Default::default() };
    room.audit().list(&filter, false, None, 100).await.expect("entries").items.len()
}

#[tokio::test]
async fn from_a_file_to_the_environment_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let database = strongroom_testkit::TestDatabase::new(super::BACKEND).await;
    let file =
        Options { key: strongroom::KeySource::FileOrNew(path.clone()), ..Options::new(database.url(), "") };
    let first = Strongroom::open_or_make(file.clone()).await.unwrap().room;
    first.credentials(Actor::library()).create(new("one")).await.unwrap();
    first.close().await.expect("nothing is lost");
    let (old, key) = (Secret::new(std::fs::read_to_string(&path).unwrap()), MasterKey::generate().to_hex());
    let options = Options { previous_key: Some(old), ..Options::new(database.url(), key.clone()) };
    let both = Strongroom::open(options).await.unwrap();
    both.keys().rotate_master(&Actor::library()).await.unwrap();
    both.keys().retire_masters(&Actor::library()).await.unwrap();
    both.close().await.expect("nothing is lost");
    reads(&Strongroom::open(Options::new(database.url(), key)).await.unwrap()).await;
    assert_eq!(refusal(file).await.kind, ProblemKind::Internal);
}

#[tokio::test]
async fn wrong_keys_are_refused_and_a_previous_one_that_is_none_is_named() {
    let ground = ground().await;
    let (strange, stranger) = (MasterKey::generate().to_hex(), MasterKey::generate().to_hex());
    let needed = ground.room.master_fingerprint();
    let before = ground.database.query_text("SELECT * FROM key_wraps ORDER BY key_id").await;
    let problem = refusal(with(&ground, &strange, Some(&stranger))).await;
    for print in [needed, &print_of(&strange), &print_of(&stranger)] {
        assert!(problem.message.contains(print), "{problem}");
    }
    assert!(problem.message.contains("ENCRYPTION_KEY_PREVIOUS"), "{problem}");
    let short = Secret::from(&ground.key.expose()[..60]);
    let problem = refusal(with(&ground, &strange, Some(&short))).await;
    assert!(
        problem.message.starts_with("ENCRYPTION_KEY_PREVIOUS: ") && problem.message.contains("60 characters"),
        "{problem}"
    );
    assert!(!problem.message.contains(short.expose()));
    assert_eq!(ground.database.query_text("SELECT * FROM key_wraps ORDER BY key_id").await, before);
    // The same key twice is one key; a previous one that nothing knows does no harm.
    for previous in [&ground.key, &strange] {
        reads_nothing(&Strongroom::open(with(&ground, &ground.key, Some(previous))).await.unwrap()).await;
    }
    // A new database is made under the first one alone.
    let empty = strongroom_testkit::TestDatabase::new(super::BACKEND).await;
    let options = Options { previous_key: Some(stranger), ..Options::new(empty.url(), strange.clone()) };
    Strongroom::open(options).await.unwrap();
    let masters = empty.query_text("SELECT fingerprint FROM master_keys").await;
    assert_eq!(masters, [[Some(print_of(&strange))]]);
}

async fn reads_nothing(room: &Strongroom) {
    let read = room.credentials(Actor::library()).get_credential("none", None).await;
    assert!(read.expect("an answer").is_none());
}

#[tokio::test]
async fn a_wrap_that_was_changed_stops_the_change_and_nothing_is_half_done() {
    let ground = ground().await;
    let key = MasterKey::generate().to_hex();
    let both = Strongroom::open(with(&ground, &key, Some(&ground.key))).await.unwrap();
    ground
        .database
        .execute(
            "UPDATE key_wraps SET wrapped = '00:11:22' WHERE key_id = (SELECT max(key_id) FROM key_wraps)",
        )
        .await;
    let problem = both.keys().rotate_master(&Actor::library()).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Integrity, "{problem}");
    assert_eq!(ground.value("SELECT count(*) FROM key_wraps").await, "4");
    assert_eq!(ground.value("SELECT count(*) FROM master_keys").await, "1");
}

#[tokio::test]
async fn a_server_with_the_old_master_key_retires_none_and_names_the_one_that_replaces_it() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (old, key) = (ground.key.clone(), MasterKey::generate().to_hex());
    let (old_print, new_print) = (print_of(&old), print_of(&key));
    let actor = Actor::library();
    // The clock went back meanwhile: what is newer is what came later.
    ground.clock.set(NOW.plus_seconds(-3600));
    let both = Strongroom::open(with(&ground, &key, Some(&old))).await.unwrap();
    both.keys().rotate_master(&actor).await.unwrap();
    ground.clock.set(NOW);
    // One holds the old one alone, one has the two the wrong way round; no other server is in the way.
    let swapped = Strongroom::open(with(&ground, &old, Some(&key))).await.unwrap();
    for room in [&ground.room, &swapped] {
        assert_eq!(room.keys().rotate_master(&actor).await.unwrap().wrapped, 0);
        let refused = room.keys().retire_masters(&actor).await.unwrap_err();
        assert_eq!(refused.kind, ProblemKind::Conflict);
        assert!(refused.message.contains(&format!("{new_print} replaces it")), "{refused}");
        let status = room.keys().status().await.unwrap();
        assert!(status.masters.iter().all(|master| !master.can_go), "{:?}", status.masters);
        assert!(
            status.next[0].contains(&format!("with {new_print} as ENCRYPTION_KEY"))
                && status.next[0].contains(&format!("retires {old_print}")),
            "{:?}",
            status.next
        );
    }
    assert_eq!(ground.value("SELECT count(*) FROM master_keys").await, "2");
    for room in [&ground.room, &swapped] {
        room.close().await.expect("nothing is lost");
    }
    assert_eq!(both.keys().retire_masters(&actor).await.unwrap().retired, [old_print]);
    both.close().await.expect("nothing is lost");
    reads(&Strongroom::open(with(&ground, &key, None)).await.unwrap()).await;
}

#[tokio::test]
async fn a_change_whose_new_master_key_was_lost_ends_with_another_new_one() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let [lost, third] = [(); 2].map(|()| MasterKey::generate().to_hex());
    let actor = Actor::library();
    let both = Strongroom::open(with(&ground, &lost, Some(&ground.key))).await.unwrap();
    both.keys().rotate_master(&actor).await.unwrap();
    both.close().await.expect("nothing is lost");
    let again = Strongroom::open(with(&ground, &third, Some(&ground.key))).await.unwrap();
    again.keys().rotate_master(&actor).await.unwrap();
    ground.room.close().await.expect("nothing is lost");
    let mut retired = again.keys().retire_masters(&actor).await.unwrap().retired;
    retired.sort_unstable();
    let mut replaced = [print_of(&lost), print_of(&ground.key)];
    replaced.sort_unstable();
    assert_eq!(retired, replaced);
    reads(&Strongroom::open(with(&ground, &third, None)).await.unwrap()).await;
}
