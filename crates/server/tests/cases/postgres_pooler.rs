//! A real `PgBouncer` between the servers and PostgreSQL, as Debian installs it: in session and in transaction mode.

use std::sync::Arc;

use nix::sys::signal::Signal;
use serde_json::json;
use strongroom_testkit::TestDatabase;
use strongroom_testkit::fake_upstream::Mode;
use strongroom_testkit::pooler::{PoolMode, Pooler};
use tokio::task::JoinSet;

use crate::BACKEND;
use crate::cases::exactness::{assert_ledger, used};
use crate::cases::stage::{Stage, question};
use crate::support::server::Installation;

const PATH: &str = "/openai/v1/chat/completions";
const LIMIT: u64 = 100;

/// An installation whose database is behind a pooler of few connections; it is told of by the parameter.
async fn behind(mode: PoolMode) -> (Installation, Pooler) {
    let installation = Installation::new(BACKEND).await;
    let pooler = Pooler::start(installation.database.url(), mode, 12);
    let url = format!("{}?pgbouncer=true", pooler.url_of(installation.database.url()));
    (installation.set("STRONGROOM_DATABASE_URL", url), pooler)
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_pooler_limits_hold_and_everything_else_works() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let (installation, pooler) = behind(mode).await;
        let stage = Stage::with(|it| {
            drop(it);
            installation
                .set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
                .set("STRONGROOM_DATABASE_MAX_CONNECTIONS", "5")
        })
        .await;
        let url = format!("{}?pgbouncer=true", pooler.url_of(stage.server.installation.database.url()));
        let other = stage.server.installation.second_node();
        let other = other
            .set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
            .set("STRONGROOM_DATABASE_MAX_CONNECTIONS", "5")
            .set("STRONGROOM_DATABASE_URL", &url)
            .start();
        let key = stage.credential("one", "openai", Mode::Ok, json!({ "rateLimit": LIMIT })).await;
        let mut calls = JoinSet::new();
        for number in 0..300 {
            let server = if number % 2 == 0 { &stage.server } else { &other };
            let call = server.post(PATH, question("gpt-4o-mini")).token(&stage.token);
            calls.spawn(async move { call.await.status });
        }
        let statuses = calls.join_all().await;
        let served = statuses.iter().filter(|status| **status == 200).count() as u64;
        assert_eq!((served, stage.fake.count(&key)), (LIMIT, LIMIT), "{mode:?}: {statuses:?}");
        assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{mode:?}: {statuses:?}");
        // Each server writes down what ended on it when it is asked; the other's are there once it was.
        used(&stage.server, "one").await;
        assert_eq!(used(&other, "one").await, LIMIT, "{mode:?}");
        assert_ledger(&other).await;
        let entries = stage.server.verified_entries().await;
        assert!(entries > 0, "{mode:?}");

        // Killed, started again, migrated by hand, backed up and restored into another database behind the same pooler.
        drop(other);
        let Stage { server, .. } = stage;
        let installation = server.installation.clone();
        server.end(Signal::SIGKILL);
        let run = |installation: &Installation, arguments: &[&str]| {
            let done = installation.command(arguments).output().expect("the binary runs");
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(done.status.success(), "{mode:?}, {arguments:?}: {said}");
        };
        run(&installation, &["migrate"]);
        let file = installation.home().join("one.backup");
        let file = file.to_str().expect("a path");
        run(&installation, &["backup", file]);
        let target = Installation::new(BACKEND).await;
        let url = format!("{}?pgbouncer=true", pooler.url_of(target.database.url()));
        let target = target.set("STRONGROOM_DATABASE_URL", url);
        std::fs::create_dir_all(target.data_dir()).expect("a folder");
        std::fs::copy(installation.data_dir().join("master.key"), target.data_dir().join("master.key"))
            .expect("a key");
        run(&target, &["restore", file]);
        run(&target, &["usage", "verify"]);
        let again = Arc::clone(&installation).start_again();
        assert_ledger(&again).await;
    }
}

#[tokio::test]
async fn a_pooler_that_nobody_told_of_is_told_of_with_the_mend() {
    let database = TestDatabase::new(BACKEND).await;
    let pooler = Pooler::start(database.url(), PoolMode::Transaction, 4);
    let installation =
        Installation::new(BACKEND).await.set("STRONGROOM_DATABASE_URL", pooler.url_of(database.url()));
    let done = installation.command(&["serve", "--listen", "127.0.0.1:0"]).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{said}");
    assert!(said.contains("?pgbouncer=true") && said.contains("pooler"), "{said}");
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.query_text(tables).await.len(), 0);
}
