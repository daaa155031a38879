//! Opening: what is made, and what is refused before anything is changed.

use strongroom::{Actor, KeySource, MasterKey, Options, Problem, Role, Secret, Strongroom};
use strongroom_store::schema::{self, Glimpse};
use strongroom_testkit::{Backend, TestDatabase};

use super::ground::{Ground, ground, new};

async fn refusal(options: Options) -> Problem {
    Strongroom::open_or_make(options).await.expect_err("a refusal")
}

fn with_file(database: &TestDatabase, path: std::path::PathBuf) -> Options {
    Options { key: KeySource::FileOrNew(path), ..Options::new(database.url(), "") }
}

#[tokio::test]
async fn what_was_stored_is_there_when_it_is_opened_again() {
    let ground = ground().await;
    ground.make(new("one")).await;
    ground.room.close().await.expect("nothing is lost");
    let again = ground.node().await;
    let read = again.credentials(Actor::library()).get_credential("one", None).await.unwrap().unwrap();
    assert_eq!(read.api_key.expose(), "key of one");
    assert_eq!(again.master_fingerprint(), MasterKey::parse(ground.key.expose()).unwrap().fingerprint());
    assert_eq!(again.audit().verify(&[]).await.unwrap().faults, []);
    let made = ground
        .database
        .query_text("SELECT count(*) FROM audit_logs WHERE action = 'installation.create'")
        .await;
    assert_eq!(made[0][0].as_deref(), Some("1"));
}

#[tokio::test]
async fn a_new_key_file_is_made_for_a_new_database_and_used_from_then_on() {
    use std::os::unix::fs::PermissionsExt;
    let (database, folder) = (TestDatabase::new(super::BACKEND).await, tempfile::tempdir().unwrap());
    let path = folder.path().join("master.key");
    let opened = Strongroom::open_or_make(with_file(&database, path.clone())).await.unwrap();
    assert_eq!(opened.new_key_file.as_ref(), Some(&path));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(MasterKey::parse_strong(&text).unwrap().fingerprint(), opened.room.master_fingerprint());
    opened.room.close().await.expect("nothing is lost");
    let again = Strongroom::open_or_make(with_file(&database, path.clone())).await.unwrap();
    assert_eq!(again.new_key_file, None);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_wrong_key_is_refused_naming_the_one_that_is_needed() {
    let ground = ground().await;
    let needed = ground.room.master_fingerprint().to_owned();
    ground.room.close().await.expect("nothing is lost");
    let wrong = MasterKey::generate();
    let problem = refusal(Options::new(ground.database.url(), wrong.to_hex())).await;
    let text = problem.to_string();
    assert!(text.contains(&needed) && text.contains(&wrong.fingerprint()), "{text}");
    assert!(text.contains("ENCRYPTION_KEY") && !text.contains(wrong.to_hex().expose()), "{text}");
    assert!(Strongroom::open(ground.options()).await.is_ok(), "the right one opens it still");
}

#[tokio::test]
async fn a_missing_key_file_over_an_existing_database_is_refused_and_none_is_made() {
    let ground = ground().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let problem = refusal(with_file(&ground.database, path.clone())).await;
    assert!(problem.message.contains(ground.room.master_fingerprint()), "{problem}");
    assert!(problem.message.contains(&path.display().to_string()), "{problem}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_the_database_stays_empty() {
    let database = TestDatabase::new(super::BACKEND).await;
    let good = MasterKey::generate().to_hex();
    let short = &good.expose()[..62];
    let doubled = format!("{}{}", good.expose(), good.expose());
    for (key, says) in [
        ("", "empty"),
        ("your_generated_key_here", "not a hex digit"),
        (short, "62 characters"),
        (&doubled, "128 characters"),
        (&"0".repeat(64), "can be guessed"),
        (&"deadbeef".repeat(8), "can be guessed"),
        ("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "can be guessed"),
    ] {
        let problem = refusal(Options::new(database.url(), key)).await;
        assert!(problem.message.contains(says), "{problem}");
        assert!(key.is_empty() || !problem.message.contains(key), "{problem}");
        assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Empty);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    std::fs::write(&path, "too short\n").unwrap();
    let problem = refusal(with_file(&database, path.clone())).await;
    assert!(problem.message.contains(&path.display().to_string()), "{problem}");
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Empty);
}

#[tokio::test]
async fn a_malformed_key_over_an_existing_database_names_the_one_that_is_needed() {
    let ground = ground().await;
    let problem = refusal(Options::new(ground.database.url(), "abc")).await;
    assert!(problem.message.contains(ground.room.master_fingerprint()), "{problem}");
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_naming_the_way_in() {
    let database = TestDatabase::new(super::BACKEND).await;
    database.execute("CREATE TABLE api_credentials (id INTEGER PRIMARY KEY, name TEXT)").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    for options in
        [Options::new(database.url(), MasterKey::generate().to_hex()), with_file(&database, path.clone())]
    {
        let problem = refusal(options).await;
        assert!(problem.message.contains("strongroom import legacy"), "{problem}");
    }
    assert!(!path.exists());
    assert_eq!(schema::glimpse(database.url()).await.unwrap(), Glimpse::Foreign);
}

#[tokio::test]
async fn a_newer_schema_and_with_no_migrations_a_missing_one_are_refused() {
    let empty = TestDatabase::new(super::BACKEND).await;
    let options = Options { migrate: false, ..Options::new(empty.url(), MasterKey::generate().to_hex()) };
    assert!(refusal(options).await.message.contains("strongroom migrate"));
    assert_eq!(schema::glimpse(empty.url()).await.unwrap(), Glimpse::Empty);

    let ground = ground().await;
    ground.room.close().await.expect("nothing is lost");
    let opened = Strongroom::open(Options { migrate: false, ..ground.options() }).await.unwrap();
    opened.close().await.expect("nothing is lost");
    let checksum = if super::BACKEND == Backend::Sqlite { "x'00'" } else { "'\\x00'" };
    let later = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, {checksum}, 0)"
    );
    ground.database.execute(&later).await;
    for migrate in [true, false] {
        let problem = refusal(Options { migrate, ..ground.options() }).await;
        assert!(problem.message.contains("newer than this binary"), "{problem}");
    }
}

#[tokio::test]
async fn a_wrapped_key_that_was_changed_or_removed_is_named() {
    let ground = ground().await;
    ground.room.close().await.expect("nothing is lost");
    ground.database.execute("CREATE TABLE kept AS SELECT * FROM key_wraps").await;
    let swapped = "UPDATE key_wraps SET wrapped = (SELECT max(wrapped) FROM kept)";
    for edit in ["UPDATE key_wraps SET wrapped = wrapped || '00'", "DELETE FROM key_wraps", swapped] {
        ground.database.execute(edit).await;
        let problem = refusal(ground.options()).await;
        assert_eq!(problem.kind, strongroom::ProblemKind::Integrity, "{edit}: {problem}");
        assert!(problem.message.contains("encryption key "), "{problem}");
        ground.database.execute("DELETE FROM key_wraps; INSERT INTO key_wraps SELECT * FROM kept").await;
    }
    assert!(Strongroom::open(ground.options()).await.is_ok());
}

async fn assert_one_installation(database: &TestDatabase, rooms: &[Strongroom]) {
    let mut minted: Vec<Secret> = Vec::new();
    for outcome in futures::future::join_all(rooms.iter().map(|room| room.mint_first_token(None))).await {
        minted.extend(outcome.expect("an answer").map(|token| token.text));
    }
    assert_eq!(minted.len(), 1, "exactly one first token");
    for room in rooms {
        let actor = room.tokens(Actor::system()).authenticate(&minted[0]).await.expect("an actor");
        assert_eq!(actor.role, Role::Admin);
        assert_eq!(room.audit().verify(&[]).await.expect("a verification").faults, []);
    }
    let counts = "SELECT (SELECT count(*) FROM encryption_keys), (SELECT count(*) FROM key_wraps), \
                  (SELECT count(*) FROM master_keys), (SELECT count(*) FROM audit_heads), (SELECT count(*) FROM tokens)";
    let counts: Vec<_> = database.query_text(counts).await.remove(0).into_iter().flatten().collect();
    assert_eq!(counts, ["4", "4", "1", "1", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_with_one_key_that_start_at_once_make_one_installation() {
    for _ in 0..3 {
        let database = TestDatabase::new(super::BACKEND).await;
        let key = MasterKey::generate().to_hex();
        let starts = (0..4).map(|_| Strongroom::open_or_make(Options::new(database.url(), key.clone())));
        let opened: Result<Vec<_>, Problem> = futures::future::join_all(starts).await.into_iter().collect();
        let rooms: Vec<_> = opened.unwrap().into_iter().map(|opened| opened.room).collect();
        assert_one_installation(&database, &rooms).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_nodes_that_would_each_make_a_key_leave_the_one_of_the_first() {
    let database = TestDatabase::new(super::BACKEND).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |node: usize| folder.path().join(format!("{node}.key"));
    let starts = (0..4).map(|node| Strongroom::open_or_make(with_file(&database, path(node))));
    let outcomes = futures::future::join_all(starts).await;
    let mut rooms = Vec::new();
    for (node, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.is_ok(), path(node).exists(), "a key that seals nothing is not left behind");
        match outcome {
            Ok(opened) => rooms.push(opened.room),
            Err(problem) => assert!(problem.message.contains("this database needs the key"), "{problem}"),
        }
    }
    assert_eq!(rooms.len(), 1);
    assert_one_installation(&database, &rooms).await;
}

#[tokio::test]
async fn keys_are_listed_with_their_purposes_and_a_fresh_master_is_never_the_same() {
    let ground: Ground = ground().await;
    let (keys, wraps) = ground.room.keys().list().await.unwrap();
    let mut purposes: Vec<_> = keys.iter().map(|key| key.purpose.as_str()).collect();
    purposes.sort_unstable();
    assert_eq!(purposes, ["audit", "data", "fingerprint", "token"]);
    assert!(wraps.iter().all(|wrap| wrap.master_fingerprint == ground.room.master_fingerprint()));
    assert_ne!(ground.room.keys().generate(), ground.room.keys().generate());
}
