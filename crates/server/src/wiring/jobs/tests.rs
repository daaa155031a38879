//! The loop of a job: how often and where it runs, what it says of failures, and that it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use strongroom::{MasterKey, Options, ProblemKind};
use strongroom_testkit::{Backend, TestDatabase};
use tokio::sync::mpsc;

use super::*;

async fn rooms() -> (TestDatabase, Strongroom, Strongroom) {
    let database = TestDatabase::new(Backend::Sqlite).await;
    let key = MasterKey::generate().to_hex();
    let open = async || Strongroom::open(Options::new(database.url(), key.clone())).await.unwrap();
    let (one, two) = (open().await, open().await);
    (database, one, two)
}

/// A job that says that it ran.
fn telling(every: Duration) -> (Job, mpsc::UnboundedReceiver<()>) {
    let (tell, told) = mpsc::unbounded_channel();
    let job = Job::new("test", every, move |_| {
        let tell = tell.clone();
        async move {
            tell.send(()).unwrap();
            Ok(())
        }
    });
    (job, told)
}

#[tokio::test]
async fn a_job_runs_again_and_again_until_it_is_stopped() {
    let (_database, room, _) = rooms().await;
    let stop = CancellationToken::new();
    let (job, mut told) = telling(Duration::from_millis(1));
    let watch = async {
        for _ in 0..3 {
            told.recv().await.unwrap();
        }
        stop.cancel();
    };
    tokio::join!(job.work(room, stop.clone()), watch);
}

#[tokio::test]
async fn a_job_that_begins_after_a_pause_does_not_run_before() {
    let (_database, room, _) = rooms().await;
    let (job, mut told) = telling(Duration::from_secs(3600));
    let stop = CancellationToken::new();
    stop.cancel();
    job.after_pause().work(room.clone(), stop.clone()).await;
    assert!(told.try_recv().is_err());
    let (job, mut told) = telling(Duration::from_secs(3600));
    job.work(room, stop).await;
    assert!(told.try_recv().is_ok(), "one that begins at once does");
}

#[tokio::test]
async fn a_job_for_all_runs_on_one_server_and_one_of_each_on_both() {
    let (_database, one, two) = rooms().await;
    let stop = CancellationToken::new();
    stop.cancel();
    for (is_in_cluster, wanted) in [(true, 1), (false, 2)] {
        let runs = Arc::new(AtomicUsize::new(0));
        for room in [&one, &two] {
            let runs = Arc::clone(&runs);
            let job = Job::new("test", Duration::from_secs(3600), move |_| {
                runs.fetch_add(1, Ordering::SeqCst);
                std::future::ready(Ok(()))
            });
            let job = if is_in_cluster { job.in_cluster() } else { job };
            job.work(room.clone(), stop.clone()).await;
        }
        assert_eq!(runs.load(Ordering::SeqCst), wanted);
    }
    one.release_jobs().await.unwrap();
    let (job, mut told) = telling(Duration::from_secs(3600));
    job.in_cluster().work(two, stop).await;
    assert!(told.try_recv().is_ok(), "the other server gave it back");
}

#[tokio::test]
async fn a_job_that_fails_goes_on_and_is_logged_once_for_each_way_of_failing() {
    let (_database, room, _) = rooms().await;
    let messages = ["full", "full", "full", "", "full", "gone"];
    let log = Log::default();
    let stop = CancellationToken::new();
    let runs = AtomicUsize::new(0);
    let stop_at_end = stop.clone();
    let job = Job::new("test", Duration::from_millis(1), move |_| {
        let run = runs.fetch_add(1, Ordering::SeqCst);
        if run + 1 == messages.len() {
            stop_at_end.cancel();
        }
        let done = match messages[run] {
            "" => Ok(()),
            message => Err(Problem::new(ProblemKind::Unavailable, message)),
        };
        std::future::ready(done)
    });
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).without_time().with_ansi(false).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    job.work(room, stop).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("failed to run a job")).collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].contains("full") && lines[1].contains("full") && lines[2].contains("gone"), "{text}");
    assert!(lines.iter().all(|line| line.contains("job=\"test\"") && line.contains("WARN")), "{text}");
}

#[test]
fn every_job_has_a_name_of_its_own() {
    let options = JobOptions {
        audit_head_interval: Duration::from_secs(60),
        usage_days: 30,
        key_policy: Policy { days: 0, seals: 1 },
    };
    let jobs = all(options);
    let names: std::collections::BTreeSet<_> = jobs.iter().map(|job| job.name).collect();
    assert_eq!(names.len(), jobs.len());
    assert!(jobs.iter().all(|job| !job.every.is_zero()));
}

/// The log as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl tracing_subscriber::fmt::MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
