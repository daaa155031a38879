//! Servers that hold something, and what becomes of it when they are gone.

use std::collections::BTreeMap;

use strongroom_model::Millis;
use strongroom_store::counter::{CounterKey, Delta};
use strongroom_store::node::{self, Hold};

use super::ground::{Ground, NOW, ground, uid};

fn later(millis: i64) -> Millis {
    Millis(NOW.0 + millis)
}

async fn register(ground: &Ground, number: u8, lease: i64) {
    let mut tx = ground.write().await;
    node::register(&mut tx, uid(number), NOW, later(lease)).await.expect("a node");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn a_lease_is_renewed_batch_by_batch_and_lapses() {
    let ground = ground().await;
    register(&ground, 1, 100).await;
    register(&ground, 2, 100).await;
    let mut tx = ground.write().await;
    assert!(node::renew(&mut tx, uid(1), later(500), 2).await.unwrap());
    assert!(!node::renew(&mut tx, uid(1), later(900), 2).await.unwrap(), "this batch was there already");
    assert!(!node::renew(&mut tx, uid(3), later(900), 2).await.unwrap(), "nobody knows this one");
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(node::last_batch(&mut session, uid(1)).await.unwrap(), Some(2));
    assert_eq!(node::last_batch(&mut session, uid(2)).await.unwrap(), Some(1));
    assert_eq!(node::last_batch(&mut session, uid(3)).await.unwrap(), None);
    assert_eq!(node::lapsed(&mut session, later(100)).await.unwrap(), []);
    assert_eq!(node::lapsed(&mut session, later(101)).await.unwrap(), [uid(2)]);
    assert_eq!(node::lapsed(&mut session, later(501)).await.unwrap(), [uid(1), uid(2)]);
    drop(session);
    let mut tx = ground.write().await;
    assert!(node::lock_lapsed(&mut tx, uid(2), later(101)).await.unwrap());
    assert!(!node::lock_lapsed(&mut tx, uid(1), later(101)).await.unwrap());
    tx.roll_back().await.unwrap();
}

#[tokio::test]
async fn what_a_server_holds_is_added_up_and_forgotten() {
    let ground = ground().await;
    register(&ground, 1, 100).await;
    register(&ground, 2, 100).await;
    let (one, two) = (CounterKey::monthly_requests(uid(11), NOW), CounterKey::monthly_requests(uid(12), NOW));
    let hold = |held, leased| Delta { held, leased, settled: 99, ..Delta::default() };
    let mut tx = ground.write().await;
    let both = BTreeMap::from([(one, hold(3, 10)), (two, hold(1, 0))]);
    node::apply(&mut tx, uid(1), &both).await.unwrap();
    node::apply(&mut tx, uid(2), &both).await.unwrap();
    node::apply(&mut tx, uid(1), &BTreeMap::from([(one, hold(-1, -4)), (two, hold(-1, 0))])).await.unwrap();
    tx.commit().await.unwrap();
    let held = |key, held, leased| Hold { key, held, leased };
    let of_one = node::holds(&mut ground.read().await, uid(1)).await.unwrap();
    assert_eq!(of_one, [held(one, 2, 6), held(two, 0, 0)]);
    let mut tx = ground.write().await;
    node::clear_holds(&mut tx, uid(1), false).await.unwrap();
    assert_eq!(node::holds(&mut tx, uid(1)).await.unwrap(), [held(one, 2, 6)]);
    tx.commit().await.unwrap();
    let mut tx = ground.write().await;
    node::clear_holds(&mut tx, uid(1), true).await.unwrap();
    node::remove(&mut tx, uid(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(node::last_batch(&mut session, uid(1)).await.unwrap(), None);
    assert_eq!(node::holds(&mut session, uid(2)).await.unwrap().len(), 2, "another's holds stay");
}
