//! Facts about the installation.

use strongroom_store::meta;

use super::ground::{connect, ground};

#[tokio::test]
async fn a_fact_is_set_once() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    assert!(meta::claim(&mut tx, "fact", "first").await.unwrap());
    assert!(!meta::claim(&mut tx, "fact", "second").await.unwrap());
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(meta::get(&mut session, "fact").await.unwrap().as_deref(), Some("first"));
    assert_eq!(meta::get(&mut session, "other").await.unwrap(), None);
    drop(session);
    // What may change is set, whatever it was.
    for value in ["second", "third"] {
        let mut tx = ground.write().await;
        meta::set(&mut tx, "fact", value).await.unwrap();
        meta::set(&mut tx, "new", value).await.unwrap();
        tx.commit().await.unwrap();
        let mut session = ground.read().await;
        for fact in ["fact", "new"] {
            assert_eq!(meta::get(&mut session, fact).await.unwrap().as_deref(), Some(value), "{fact}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_that_claim_a_fact_at_once_exactly_one_gets_it() {
    let ground = ground().await;
    for round in 0..5 {
        let mut tasks = tokio::task::JoinSet::new();
        for node in 0..4 {
            let url = ground.database.url().to_owned();
            tasks.spawn(async move {
                let store = connect(&url).await;
                let mut tx = store.write().await.unwrap();
                let has_claimed =
                    meta::claim(&mut tx, &format!("fact {round}"), &node.to_string()).await.unwrap();
                tx.commit().await.unwrap();
                store.close().await;
                has_claimed.then(|| node.to_string())
            });
        }
        let winners: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
        let found = meta::get(&mut ground.read().await, &format!("fact {round}")).await.unwrap();
        assert_eq!(winners, [found.unwrap()]);
    }
}

#[tokio::test]
async fn a_claim_that_is_not_committed_leaves_the_fact_free() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    assert!(meta::claim(&mut tx, "fact", "first").await.unwrap());
    drop(tx);
    let mut tx = ground.write().await;
    assert!(meta::claim(&mut tx, "fact", "second").await.unwrap());
    tx.roll_back().await.unwrap();
    assert_eq!(meta::get(&mut ground.read().await, "fact").await.unwrap(), None);
}
