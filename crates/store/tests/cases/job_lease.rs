//! Leases of jobs: one server at a time, by the database's clock, and never two that go on from the same place.

use strongroom_model::{Millis, Uid};
use strongroom_store::job_lease::{self, Lease};

use super::ground::{Ground, NOW, ground, uid};

fn lease(node: Uid, until: i64) -> Lease<'static> {
    Lease { job: "retire usage", node, until: Millis(NOW.0 + until) }
}

async fn claim(ground: &Ground, lease: Lease<'_>, at: i64) -> Option<String> {
    let mut tx = ground.write().await;
    let cursor = job_lease::claim(&mut tx, &lease, Millis(NOW.0 + at)).await.expect("an answer");
    tx.commit().await.expect("a commit");
    cursor
}

async fn advance(ground: &Ground, lease: Lease<'_>, cursor: &str, at: i64) -> bool {
    let mut tx = ground.write().await;
    let is_ours = job_lease::advance(&mut tx, &lease, cursor, Millis(NOW.0 + at)).await.expect("an answer");
    tx.commit().await.expect("a commit");
    is_ours
}

#[tokio::test]
async fn a_job_is_one_servers_until_its_lease_ends_and_the_next_one_goes_on_where_it_was() {
    let ground = ground().await;
    let (one, two) = (uid(1), uid(2));
    assert_eq!(claim(&ground, lease(one, 100), 0).await.as_deref(), Some(""));
    assert_eq!(claim(&ground, lease(two, 150), 50).await, None);
    assert_eq!(claim(&ground, Lease { job: "another", ..lease(two, 150) }, 50).await.as_deref(), Some(""));
    assert!(advance(&ground, lease(one, 200), "half", 60).await);
    assert_eq!(claim(&ground, lease(one, 200), 70).await.as_deref(), Some("half"), "its own is prolonged");
    assert_eq!(claim(&ground, lease(two, 300), 199).await, None);
    assert_eq!(claim(&ground, lease(two, 300), 200).await.as_deref(), Some("half"));
    // Whoever was silent for that long writes nothing any more.
    assert!(!advance(&ground, lease(one, 900), "all", 210).await);
    assert_eq!(claim(&ground, lease(one, 900), 210).await, None);
    assert!(advance(&ground, lease(two, 300), "all", 299).await);
    assert!(!advance(&ground, lease(two, 900), "more", 300).await, "its own lease has ended as well");
    assert_eq!(claim(&ground, lease(one, 900), 300).await.as_deref(), Some("all"));
}

#[tokio::test]
async fn a_server_that_stops_gives_its_jobs_back_and_nobody_elses() {
    let ground = ground().await;
    let (one, two) = (uid(1), uid(2));
    claim(&ground, lease(one, 100), 0).await.expect("it is free");
    let other = Lease { job: "another", ..lease(two, 100) };
    claim(&ground, other, 0).await.expect("it is free");
    let mut tx = ground.write().await;
    job_lease::release_all(&mut tx, one).await.expect("done");
    tx.commit().await.expect("a commit");
    assert_eq!(claim(&ground, lease(two, 100), 1).await.as_deref(), Some(""));
    assert_eq!(claim(&ground, Lease { node: one, ..other }, 1).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_servers_that_claim_a_job_at_once_one_gets_it() {
    let ground = ground().await;
    for round in 0..5 {
        let mut servers = tokio::task::JoinSet::new();
        for number in 0..8 {
            let store = ground.store.clone();
            servers.spawn(async move {
                let mut tx = store.write().await.expect("a transaction");
                let job = format!("job {round}");
                let lease = Lease { job: &job, node: uid(number), until: Millis(NOW.0 + 100) };
                let claimed = job_lease::claim(&mut tx, &lease, NOW).await.expect("an answer");
                tx.commit().await.expect("a commit");
                claimed.is_some()
            });
        }
        let claimed = servers.join_all().await;
        assert_eq!(claimed.iter().filter(|is_claimed| **is_claimed).count(), 1, "round {round}");
    }
}
