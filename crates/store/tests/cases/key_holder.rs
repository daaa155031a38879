//! Who holds which master key.

use strongroom_model::Millis;
use strongroom_store::key_holder::{self, HolderRow};

use super::ground::{NOW, ground, uid};

fn holder(node: u8, master: &str, is_first: bool, lease: i64) -> HolderRow {
    HolderRow {
        node_uid: uid(node).to_string(),
        master_fingerprint: master.to_owned(),
        is_first,
        host: format!("host-{node}"),
        process_id: i64::from(node),
        started_at_ms: NOW.0 + i64::from(node),
        alive_until_ms: NOW.0 + lease,
    }
}

#[tokio::test]
async fn who_is_alive_is_told_with_what_it_holds() {
    let ground = ground().await;
    let (old, new, other) =
        (holder(1, "old", false, 100), holder(1, "new", true, 100), holder(2, "old", true, 50));
    let mut tx = ground.write().await;
    for row in [&old, &other, &new] {
        key_holder::register(&mut tx, row).await.unwrap();
    }
    tx.commit().await.unwrap();
    let at = |millis| Millis(NOW.0 + millis);
    let mut session = ground.read().await;
    let all = [new.clone(), old.clone(), other];
    assert_eq!(
        key_holder::list(&mut session, at(50)).await.unwrap(),
        all,
        "by their start, the first key first"
    );
    assert_eq!(key_holder::list(&mut session, at(51)).await.unwrap(), [new, old]);
    assert_eq!(key_holder::list(&mut session, at(101)).await.unwrap(), []);
    drop(session);

    let mut tx = ground.write().await;
    assert!(key_holder::renew(&mut tx, uid(2), at(500)).await.unwrap());
    assert!(!key_holder::renew(&mut tx, uid(3), at(500)).await.unwrap(), "nobody knows this one");
    key_holder::remove_lapsed(&mut tx, at(101)).await.unwrap();
    assert!(!key_holder::renew(&mut tx, uid(1), at(500)).await.unwrap(), "it was silent for too long");
    tx.commit().await.unwrap();
    let left = key_holder::list(&mut ground.read().await, at(101)).await.unwrap();
    assert_eq!(left, [holder(2, "old", true, 500)]);
    let mut tx = ground.write().await;
    key_holder::remove(&mut tx, uid(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(key_holder::list(&mut ground.read().await, NOW).await.unwrap(), []);
}
