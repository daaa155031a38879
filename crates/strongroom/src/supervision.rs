//! Background tasks: each runs for as long as somebody has custody of its database, and begins again when it panics.

use std::panic::AssertUnwindSafe;
use std::sync::Weak;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::custody::Custody;

/// Before a task that panicked is run again: one that panics at once does not take a whole core.
const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// Runs a task until it ends by itself. `state` is what it keeps when it panics and is run again: the queue that it takes
/// its work from, for one.
pub(crate) async fn supervise<S: Send>(
    name: &'static str,
    custody: Weak<Custody>,
    mut state: S,
    run: impl for<'s> Fn(&'s mut S) -> BoxFuture<'s, ()> + Send,
) {
    while AssertUnwindSafe(run(&mut state)).catch_unwind().await.is_err() {
        let Some(custody) = custody.upgrade() else { return };
        custody.counters.task_restarts.add_one();
        drop(custody);
        tracing::error!(task = name, "restarted a background task that panicked");
        tokio::time::sleep(RESTART_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_crypto::MasterKey;
    use strongroom_testkit::{Backend, TestDatabase};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{Options, Strongroom};

    #[tokio::test]
    async fn a_task_that_panics_begins_again_and_keeps_its_queue() {
        let database = TestDatabase::new(Backend::Sqlite).await;
        let options = Options::new(database.url(), MasterKey::generate().to_hex());
        let room = Strongroom::open(options).await.unwrap();
        let (work, queue) = mpsc::channel::<u32>(8);
        let (done, mut results) = mpsc::channel(8);
        let task = supervise("test", Arc::downgrade(&room.0.custody), (queue, done), |(queue, done)| {
            async move {
                while let Some(number) = queue.recv().await {
                    assert_ne!(number % 2, 0, "an even number");
                    done.send(number).await.unwrap();
                }
            }
            .boxed()
        });
        for number in [1, 2, 3, 4, 5] {
            work.send(number).await.unwrap();
        }
        drop(work);
        task.await;
        let mut seen = Vec::new();
        while let Some(number) = results.recv().await {
            seen.push(number);
        }
        assert_eq!((seen, room.counters().task_restarts.get()), (vec![1, 3, 5], 2));
    }

    #[test]
    fn every_task_of_this_crate_is_supervised() {
        let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![sources];
        let mut spawned = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                for line in
                    text.lines().filter(|line| line.contains(".spawn(") && !line.contains(".contains("))
                {
                    spawned += 1;
                    assert!(line.contains(".spawn(supervise("), "{}: {line}", path.display());
                }
            }
        }
        assert!(spawned >= 5, "{spawned} tasks were found");
    }
}
