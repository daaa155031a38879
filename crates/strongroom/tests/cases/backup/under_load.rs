//! Backups that are made while everything goes on: each is of one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom::backup::OpenWindows;
use strongroom::limit::Bound;
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, ProblemKind, Strongroom};
use strongroom_model::limit::{Unit, Window};
use strongroom_testkit::TestDatabase;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::super::ground::{NOW, ground, new, provider};
use super::home::call;
use super::{backup_of, options, proof_of, restored};

const BACKUPS: u64 = 4;

/// What goes on, until it is over.
#[derive(Clone)]
struct Bustle {
    room: Strongroom,
    is_over: Arc<AtomicBool>,
    /// A change for each use: what is changed all the time serves nobody.
    turns: Arc<Semaphore>,
}

impl Bustle {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.turns.close();
    }

    /// A credential of its own through its whole life, again and again.
    async fn live(self, number: u64) {
        let (service, leaks) = (self.room.credentials(Actor::library()), self.room.leaks(Actor::library()));
        let made = NewCredential { provider: provider("groq"), ..new(&format!("own-{number}")) };
        let id = service.create(made).await.expect("a credential").id;
        for step in 0_u64.. {
            let Ok(turn) = self.turns.acquire().await else { return };
            turn.forget();
            let key = format!("key {step} of own-{number}").into();
            let done = match step % 9 {
                0 => {
                    let patch = CredentialPatch { api_key: Some(key), ..CredentialPatch::default() };
                    service.update(id, patch, None).await
                }
                1 => service.stage(id, key, None, None).await,
                2 => service.canary(id, 50, true, None).await,
                3 if step % 2 == 0 => service.promote(id, true, None).await,
                3 => service.abort(id, None).await,
                4 => {
                    let current = service.require(id).await.expect("a credential").version_number;
                    let (_, versions) = service.versions(id).await.expect("its versions");
                    let older = versions.iter().find(|it| it.number != current && it.erased.is_none());
                    service.destroy_version(id, older.expect("an older one").number, None).await
                }
                5 => leaks.freeze(id).await,
                6 => leaks.unfreeze(id).await,
                7 => service
                    .delete(id, None)
                    .await
                    .and(service.list_deleted().await)
                    .map(|mut it| it.remove(0)),
                _ => service.undelete(id, None).await,
            };
            done.expect("a change");
        }
    }

    /// Calls and reads.
    async fn keep_using(self) {
        while !self.is_over() {
            let called = call(&self.room, &Actor::library(), "openai").await.map(|_| ());
            let read = self.room.credentials(Actor::library()).get_credential("used", None).await.map(|_| ());
            for used in [called, read] {
                match used {
                    Ok(()) => self.turns.add_permits(1),
                    Err(problem) => assert_eq!(problem.kind, ProblemKind::Unavailable, "{problem:?}"),
                }
            }
        }
    }

    async fn keep_rotating(self) {
        while !self.is_over() {
            self.room.keys().rotate(&Actor::library()).await.expect("a rotation");
            self.room.keys().go_on().await.expect("its end");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_whole_and_of_one_moment() {
    let ground = ground().await;
    ground.make(NewCredential { rate_limit: Some(1_000_000), ..new("used") }).await;
    let limits = ground.room.limits(Actor::library());
    let used = Bound::Credential("used".into());
    limits.set(&used, Unit::Tokens, Window::Day, 1_000_000_000).await.unwrap();
    let bustle =
        Bustle { room: ground.room.clone(), is_over: Arc::default(), turns: Arc::new(Semaphore::new(0)) };
    let mut tasks = JoinSet::new();
    for number in 0..3 {
        tasks.spawn(bustle.clone().live(number));
    }
    for _ in 0..2 {
        tasks.spawn(bustle.clone().keep_using());
    }
    tasks.spawn(bustle.clone().keep_rotating());

    let mut entries = 0;
    for number in 0..BACKUPS {
        let bytes = backup_of(&ground.room).await;
        let proof = proof_of(&bytes, &ground.key).await.expect("a proof");
        assert_eq!(proof.faults, [""; 0]);
        assert!(proof.audit_entries > entries, "nothing went on meanwhile");
        entries = proof.audit_entries;
        let database = TestDatabase::new(super::super::BACKEND).await;
        let own = options(&database, &ground.key, NOW);
        let windows = if number % 2 == 0 { OpenWindows::Keep } else { OpenWindows::Close };
        let done = restored(&bytes, &own, windows).await.expect("a restore");
        assert_eq!(done.proof.faults, [""; 0]);
        let room = Strongroom::open(own).await.expect("a strongroom");
        room.keys().go_on().await.expect("a rotation goes on");
        let rotation = room.keys().status().await.expect("a status").rotation;
        assert!(rotation.is_none_or(|it| (it.is_open, it.left, it.broken) == (false, 0, 0)));
        assert_eq!(room.prove().await.expect("a proof").faults, [""; 0]);
        assert_eq!(room.usage(Actor::library()).verify(Millis(0)).await.expect("an answer"), []);
        room.close().await.expect("nothing is lost");
    }
    bustle.end();
    tasks.join_all().await;
    for kind in ["call", "read"] {
        let used = format!("SELECT count(*) FROM usage_records WHERE kind = '{kind}'");
        assert_ne!(ground.value(&used).await, "0", "no {kind} went through meanwhile");
    }
    for action in ["credential.destroy", "credential.undelete", "key.rotate_finish"] {
        assert!(!ground.entries(action).await.is_empty(), "{action}");
    }
    ground.assert_sound().await;
}
