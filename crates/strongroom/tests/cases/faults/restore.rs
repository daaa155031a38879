//! Restores that are killed at every statement: the database is empty, says that it is half restored and takes the backup
//! again, or is whole.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use strongroom::backup::{OpenWindows, Restored, Step, restore};
use strongroom::{
    Actor, Clock, CredentialPatch, Millis, NewCredential, Options, Problem, ProblemKind, Strongroom,
};
use strongroom_store::schema::{self, Glimpse};
use strongroom_testkit::TestDatabase;
use tracing::Instrument;

use super::super::ground::{Ground, NOW, ground, new};
use super::child::{BEGINS, VARIABLE, count_statements, give_up};
use super::site::{Kill, send};
use super::{points, report, times};

const TEST: &str = "faults::restore::a_restore_is_done_or_takes_the_backup_again";
const CREDENTIALS: usize = 12;

#[derive(Debug, Serialize, Deserialize)]
struct Errand {
    database: String,
    key: String,
    kill_at: Option<u64>,
    folder: PathBuf,
}

impl Errand {
    fn backup(&self) -> File {
        File::open(self.folder.join("backup")).expect("a backup")
    }

    fn options(&self) -> Options {
        let clock = Clock::fixed(NOW.plus_seconds(60));
        Options { clock, ..Options::new(self.database.as_str(), self.key.as_str()) }
    }

    async fn restore(&self) -> Result<Restored, Problem> {
        let (options, mut quiet) = (self.options(), |_: Step| Ok::<(), Problem>(()));
        restore(&mut self.backup(), &options, OpenWindows::Close, &Actor::library(), &mut quiet).await
    }

    /// What the process that is killed does.
    async fn run(&self) {
        let seen = count_statements(self.kill_at, &Arc::default());
        std::io::stdout().write_all(format!("{BEGINS}\n").as_bytes()).expect("a parent that reads");
        let began = Instant::now();
        if let Err(problem) = self.restore().instrument(tracing::info_span!("operation")).await {
            give_up(&format!("{problem:?}"));
        }
        let measured = format!("{} {}", seen.load(Ordering::SeqCst), began.elapsed().as_micros());
        std::fs::write(self.folder.join("measured"), measured).expect("a file");
    }
}

fn of_environment() -> Option<Errand> {
    let text = std::env::var(VARIABLE).ok()?;
    Some(serde_json::from_str(&text).expect("an errand"))
}

/// A ground of which there is a backup in this folder.
async fn backed_up(folder: &std::path::Path) -> Ground {
    let ground = ground().await;
    for number in 0..CREDENTIALS {
        let made = ground.make(NewCredential { rate_limit: Some(50), ..new(&format!("c-{number}")) }).await;
        let value = Some(format!("second key of c-{number}").into());
        let patch = CredentialPatch { api_key: value, ..CredentialPatch::default() };
        ground.service().update(made.id, patch, None).await.expect("a change");
        ground.service().get_credential(&made.name, None).await.expect("an answer").expect("a credential");
    }
    let backup = ground.room.backups(Actor::library()).create().await.expect("a backup");
    let bytes: Vec<u8> = backup.into_stream().try_concat().await.expect("all of it");
    std::fs::write(folder.join("backup"), bytes).expect("a file");
    ground
}

/// All that was in the backup is there and opens, the chain verifies, and no limit lets anything more through.
async fn assert_whole(room: &Strongroom) {
    let service = room.credentials(Actor::library());
    let all = service.list_credentials().await.expect("a list");
    assert_eq!(all.len(), CREDENTIALS);
    for credential in &all {
        let problem = service.get_credential(&credential.name, None).await.expect_err("its month is closed");
        assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem:?}");
        let patch = CredentialPatch { rate_limit: Some(None), ..CredentialPatch::default() };
        service.update(credential.id, patch, None).await.expect("a change");
        let read = service.get_credential(&credential.name, None).await.expect("an answer");
        let key = read.expect("a credential").api_key;
        assert_eq!(key.expose(), format!("second key of {}", credential.name));
    }
    assert_eq!(room.audit().verify(&[]).await.expect("a verification").faults, []);
    assert_eq!(room.usage(Actor::library()).verify(Millis(0)).await.expect("an answer"), []);
}

/// How it was found after a process was sent to restore it.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// It takes the backup.
    NotRestored,
    /// It says that it is half restored, and takes the backup again.
    HalfRestored,
    Whole,
}

async fn round(ground: &Ground, folder: &std::path::Path, kill: Kill) -> (Found, bool) {
    let database = TestDatabase::new(super::super::BACKEND).await;
    let errand = Errand {
        database: database.url().to_owned(),
        key: ground.key.expose().to_owned(),
        kill_at: if let Kill::At(point) = kill { Some(point) } else { None },
        folder: folder.to_owned(),
    };
    let status = send(TEST, serde_json::to_string(&errand).expect("an errand"), kill).await;
    let has_facts = match super::super::BACKEND {
        strongroom_testkit::Backend::Sqlite => {
            "SELECT count(*) FROM sqlite_master WHERE name = 'strongroom_meta'"
        }
        strongroom_testkit::Backend::Postgres => {
            "SELECT count(*) FROM pg_tables WHERE tablename = 'strongroom_meta'"
        }
    };
    let facts = "SELECT key FROM strongroom_meta WHERE key IN ('installation', 'restore') ORDER BY key";
    let is_begun = database.query_text(has_facts).await[0][0].as_deref() == Some("1");
    let facts = if is_begun { database.query_text(facts).await.len() } else { 0 };
    let is_marked = schema::glimpse(database.url()).await.expect("a glimpse") == Glimpse::HalfRestored;
    let found = match (facts, is_marked) {
        (0, false) => {
            // Nothing stands in it, not even a part of the schema, that could be taken for an installation.
            assert!(!is_begun, "{kill:?}: a part of the schema without a mark");
            Found::NotRestored
        }
        (0 | 2, true) => {
            let refused = Strongroom::open(errand.options()).await.expect_err("it is half restored");
            assert!(refused.message.contains("half restored"), "{refused:?}");
            Found::HalfRestored
        }
        _ => Found::Whole,
    };
    let again = errand.restore().await;
    match &again {
        Ok(_) => assert_ne!(found, Found::Whole),
        Err(problem) => {
            assert!(
                found == Found::Whole && problem.message.contains("not empty"),
                "{kill:?}: {found:?}: {problem:?}"
            );
        }
    }
    let room = Strongroom::open(errand.options()).await.expect("a strongroom");
    assert_whole(&room).await;
    room.close().await.expect("nothing is lost");
    (found, status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_is_done_or_takes_the_backup_again() {
    if let Some(errand) = of_environment() {
        return errand.run().await;
    }
    let folder = tempfile::tempdir().unwrap();
    let ground = backed_up(folder.path()).await;
    let (found, is_done) = round(&ground, folder.path(), Kill::Never).await;
    assert!(is_done && found == Found::Whole);
    let measured = std::fs::read_to_string(folder.path().join("measured")).unwrap();
    let (total, micros) = measured.split_once(' ').unwrap();
    let (total, micros) = (total.parse::<u64>().unwrap(), micros.parse::<u64>().unwrap());
    let mut counts = [0; 3];
    let mut count = |found: Found| counts[found as usize] += 1;
    for point in points(total) {
        count(round(&ground, folder.path(), Kill::At(point)).await.0);
    }
    let random = times(1, "STRONGROOM_VERIFY_KILLS").min(30);
    for turn in 0..random {
        let moment = Duration::from_micros(micros * (turn * 37 % 100) / 100);
        count(round(&ground, folder.path(), Kill::After(moment)).await.0);
    }
    assert!(counts[0] + counts[1] > 0, "nobody was killed in time");
    report(&format!(
        "Restore: {total} points and {random} moments: {} left it empty, {} half restored, {} whole; the backup was taken \
         again by each that was not whole",
        counts[0], counts[1], counts[2]
    ));
}
