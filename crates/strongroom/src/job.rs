//! Jobs that one server does for all: claimed by the database's clock, kept while they run, and given back at the end.
//!
//! Whoever does a job does it again without harm: a server whose lease ends while it works (it was stopped for long, or the
//! database was away) may be at it beside another one.

use std::convert::Infallible;
use std::time::Duration;

use strongroom_model::{Millis, Problem};
use strongroom_store::job_lease::{self, Lease};

use crate::custody::Custody;

/// The shortest lease: a pause of the disk or of the network does not end it.
const MIN_LEASE: Duration = Duration::from_secs(60);
/// A lease is prolonged so often before it would end.
const PROLONGED_PER_LEASE: u32 = 3;

/// Does a job that is due at these intervals, if no other server has it. Tells whether it was this one.
pub(crate) async fn run_claimed(
    custody: &Custody,
    job: &str,
    every: Duration,
    work: impl Future<Output = Result<(), Problem>>,
) -> Result<bool, Problem> {
    run_leased(custody, job, every.max(MIN_LEASE), work).await
}

async fn run_leased(
    custody: &Custody,
    job: &str,
    lease: Duration,
    work: impl Future<Output = Result<(), Problem>>,
) -> Result<bool, Problem> {
    if !claim(custody, job, lease).await? {
        return Ok(false);
    }
    // Side by side: the work may be in a transaction, and SQLite has one writer.
    tokio::select! {
        biased;
        done = work => done?,
        never = keep(custody, job, lease) => match never {},
    }
    // The lease stays until the job is due again.
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    let done_at = now.0.to_string();
    if job_lease::advance(&mut tx, &of(custody, job, lease, now), &done_at, now).await? {
        tx.commit().await?;
    } else {
        tx.roll_back().await?;
        tracing::warn!(
            job,
            "lost the lease of a job before it was done; another server may have done it as well"
        );
    }
    Ok(true)
}

fn of<'a>(custody: &Custody, job: &'a str, lease: Duration, now: Millis) -> Lease<'a> {
    let length_ms = i64::try_from(lease.as_millis()).unwrap_or(i64::MAX);
    Lease { job, node: custody.node, until: Millis(now.0.saturating_add(length_ms)) }
}

async fn claim(custody: &Custody, job: &str, lease: Duration) -> Result<bool, Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    let is_claimed = job_lease::claim(&mut tx, &of(custody, job, lease, now), now).await?.is_some();
    match is_claimed {
        true => tx.commit().await?,
        false => tx.roll_back().await?,
    }
    Ok(is_claimed)
}

/// Prolongs a lease again and again.
async fn keep(custody: &Custody, job: &str, lease: Duration) -> Infallible {
    loop {
        tokio::time::sleep(lease / PROLONGED_PER_LEASE).await;
        match claim(custody, job, lease).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                job,
                "failed to prolong job lease: another server has it; going on until the job is done"
            ),
            Err(problem) => tracing::warn!(job, code = problem.kind.code(), "failed to prolong job lease"),
        }
    }
}

/// Gives back what this server has, so that others need not wait for the end of its leases.
pub(crate) async fn release(custody: &Custody) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    job_lease::release_all(&mut tx, custody.node).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use strongroom_crypto::MasterKey;
    use strongroom_model::ProblemKind;
    use strongroom_testkit::{Backend, TestDatabase};

    use super::*;
    use crate::{Clock, Options, Strongroom};

    const NOW: Millis = Millis(1_769_903_999_999);

    struct Nodes {
        one: Strongroom,
        two: Strongroom,
        clock: Clock,
        database: TestDatabase,
    }

    async fn nodes() -> Nodes {
        let database = TestDatabase::new(Backend::Sqlite).await;
        let (key, clock) = (MasterKey::generate().to_hex(), Clock::fixed(NOW));
        let options = || Options { clock: clock.clone(), ..Options::new(database.url(), key.clone()) };
        let (one, two) =
            (Strongroom::open(options()).await.unwrap(), Strongroom::open(options()).await.unwrap());
        Nodes { one, two, clock, database }
    }

    #[tokio::test]
    async fn one_of_two_servers_does_a_job_until_it_is_due_again_or_given_back() {
        let Nodes { one, two, clock, .. } = nodes().await;
        let runs = AtomicUsize::new(0);
        let every = Duration::from_secs(3600);
        let run = async |room: &Strongroom| {
            let work = async {
                runs.fetch_add(1, Ordering::SeqCst);
                Ok(())
            };
            run_claimed(&room.0.custody, "job", every, work).await.unwrap()
        };
        assert!(run(&one).await);
        assert!(!run(&two).await);
        assert!(run(&one).await, "its own is due when its own clock says so");
        clock.set(NOW.plus_seconds(3599));
        assert!(!run(&two).await);
        clock.set(NOW.plus_seconds(3600));
        assert!(run(&two).await, "the other one is gone, or slower");
        assert!(!run(&one).await);
        release(&two.0.custody).await.unwrap();
        assert!(run(&one).await, "it need not wait");
        assert_eq!(runs.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn work_that_fails_is_told_of_and_keeps_its_lease() {
        let Nodes { one, two, .. } = nodes().await;
        let every = Duration::from_secs(3600);
        let broken = async { Err(Problem::new(ProblemKind::Unavailable, "the disk is full")) };
        let problem = run_claimed(&one.0.custody, "job", every, broken).await.unwrap_err();
        assert_eq!(problem.message, "the disk is full");
        let other = run_claimed(&two.0.custody, "job", every, async { panic!("it is the first one's") });
        assert!(!other.await.unwrap());
    }

    #[tokio::test]
    async fn a_lease_is_prolonged_for_as_long_as_the_work_goes_on() {
        let Nodes { one, two, clock, database } = nodes().await;
        let lease = Duration::from_millis(30);
        let work = async {
            for _ in 0..3 {
                let now = one.now().await?.0 + 25;
                clock.set(Millis(now));
                // Until the lease reaches beyond where it would have ended.
                let until = format!("SELECT CAST(until_ms >= {} AS TEXT) FROM job_leases", now + 30);
                while database.query_text(&until).await != [[Some("1".to_owned())]] {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let other =
                    run_leased(&two.0.custody, "job", lease, async { panic!("it is the first one's") });
                assert!(!other.await?);
            }
            Ok(())
        };
        assert!(run_leased(&one.0.custody, "job", lease, work).await.unwrap());
    }
}
