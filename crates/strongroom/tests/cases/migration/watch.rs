//! How much room a database takes while something is done to it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use strongroom_testkit::{Backend, TestDatabase};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const MEGABYTE: u64 = 1_000_000;

/// Bytes before, at the most, and after.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Disk {
    before: u64,
    most: u64,
    after: u64,
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [before, most, after] = [self.before, self.most, self.after].map(|bytes| bytes / MEGABYTE);
        write!(f, "{before} MB before, {most} MB at the most, {after} MB after")
    }
}

impl Disk {
    /// By how much, at the most.
    pub(super) fn grew(&self) -> u64 {
        self.most - self.before
    }
}

/// Somebody who looks again and again.
pub(super) struct Watch {
    stop: oneshot::Sender<()>,
    task: JoinSet<Disk>,
}

impl Watch {
    pub(super) async fn told(mut self) -> Disk {
        drop(self.stop);
        self.task.join_next().await.expect("a watch").expect("it does not panic")
    }
}

impl Disk {
    /// Looks until it is asked.
    pub(super) fn watch(database: &Arc<TestDatabase>) -> Watch {
        let database = Arc::clone(database);
        let (stop, mut stopped) = oneshot::channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut disk = Self { before: bytes(&database).await, ..Self::default() };
            loop {
                disk.after = bytes(&database).await;
                disk.most = disk.most.max(disk.after);
                tokio::select! {
                    _ = &mut stopped => break,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
            disk.after = bytes(&database).await;
            disk
        });
        Watch { stop, task }
    }
}

/// What the database and its log take now.
async fn bytes(database: &TestDatabase) -> u64 {
    match database.backend() {
        Backend::Sqlite => {
            let path = database.url().trim_start_matches("sqlite:");
            let size = |path: String| std::fs::metadata(Path::new(&path)).map_or(0, |file| file.len());
            size(path.to_owned()) + size(format!("{path}-wal"))
        }
        Backend::Postgres => {
            let sql = "SELECT pg_database_size(current_database()) + (SELECT SUM(size) FROM pg_ls_waldir())";
            let told = database.query_text(sql).await;
            told[0][0].as_deref().and_then(|bytes| bytes.parse().ok()).expect("a number")
        }
    }
}
