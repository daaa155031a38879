//! Encryption keys and their wraps.

use strongroom_model::Millis;
use strongroom_store::StoreError;
use strongroom_store::key::{self, MasterRow, WrapRow};

use super::ground::{NOW, ground, uid, wrapped};

#[tokio::test]
async fn keys_and_wraps_read_back_the_oldest_key_first() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    for fingerprint in ["other", "master", "master"] {
        key::insert_master(&mut tx, fingerprint, NOW).await.unwrap();
    }
    let (young, young_wrap) = wrapped(&uid(1).to_string(), "data", NOW);
    let (old, old_wrap) = wrapped(&uid(2).to_string(), "audit", Millis(5));
    key::insert(&mut tx, &young, &young_wrap).await.unwrap();
    key::insert(&mut tx, &old, &old_wrap).await.unwrap();
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    assert_eq!(key::list_masters(&mut session).await.unwrap(), ["master", "other"]);
    assert_eq!(key::list(&mut session).await.unwrap(), [old, young]);
    assert_eq!(key::list_wraps(&mut session).await.unwrap(), [young_wrap, old_wrap], "by the key's id");
}

#[tokio::test]
async fn a_purpose_has_one_current_key_and_every_wrap_a_known_master() {
    let ground = ground().await;
    ground.put_keys().await;
    let mut tx = ground.write().await;
    let (second, wrap) = wrapped(&uid(3).to_string(), "data", NOW);
    let refused = key::insert(&mut tx, &second, &wrap).await;
    assert!(matches!(refused, Err(StoreError::Taken(_))), "{refused:?}");
    drop(tx);
    let mut tx = ground.write().await;
    let (token, mut wrap) = wrapped(&uid(3).to_string(), "token", NOW);
    wrap.master_fingerprint = "unknown".to_owned();
    let refused = key::insert(&mut tx, &token, &wrap).await;
    assert!(matches!(refused, Err(StoreError::Dangling(_))), "{refused:?}");
}

#[tokio::test]
async fn seals_are_counted_per_key() {
    let ground = ground().await;
    let (data, fingerprint) = ground.put_keys().await;
    let mut tx = ground.write().await;
    assert!(key::count_seals(&mut tx, &data, 2, 5).await.unwrap());
    assert!(key::count_seals(&mut tx, &data, 3, 5).await.unwrap(), "as many as it may");
    assert!(!key::count_seals(&mut tx, &data, 1, 5).await.unwrap(), "one more than it may");
    assert!(!key::count_seals(&mut tx, "unknown", 1, 5).await.unwrap());
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(key::seal_count(&mut session, &data).await.unwrap(), Some(5));
    assert_eq!(key::seal_count(&mut session, &fingerprint).await.unwrap(), Some(0));
    assert_eq!(key::seal_count(&mut session, "unknown").await.unwrap(), None);
}

#[tokio::test]
async fn nothing_is_sealed_under_a_key_that_was_superseded() {
    let ground = ground().await;
    let (data, fingerprint) = ground.put_keys().await;
    let mut tx = ground.write().await;
    key::lock(&mut tx).await.unwrap();
    key::supersede(&mut tx, "data").await.unwrap();
    let (next, wrap) = wrapped(&uid(3).to_string(), "data", NOW);
    key::insert(&mut tx, &next, &wrap).await.unwrap();
    assert!(!key::count_seals(&mut tx, &data, 1, 5).await.unwrap());
    assert!(key::count_seals(&mut tx, &next.id, 1, 5).await.unwrap());
    assert_eq!(key::retire(&mut tx, "data", Millis(7)).await.unwrap(), 1);
    assert_eq!(key::retire(&mut tx, "data", Millis(8)).await.unwrap(), 0, "it is retired already");
    tx.commit().await.unwrap();
    let keys = key::list(&mut ground.read().await).await.unwrap();
    let of = |id: &str| keys.iter().find(|key| key.id == id).unwrap();
    assert_eq!((of(&data).is_current, of(&data).retired_at_ms), (false, Some(7)));
    assert_eq!((of(&next.id).is_current, of(&next.id).retired_at_ms), (true, None));
    assert_eq!((of(&fingerprint).is_current, of(&fingerprint).retired_at_ms), (true, None));
}

#[tokio::test]
async fn a_master_goes_with_its_wraps_and_leaves_the_others() {
    let ground = ground().await;
    let (data, fingerprint) = ground.put_keys().await;
    let mut tx = ground.write().await;
    key::insert_master(&mut tx, "next", Millis(9)).await.unwrap();
    for id in [&data, &fingerprint] {
        let wrap = WrapRow {
            key_id: id.clone(),
            master_fingerprint: "next".to_owned(),
            wrapped: "wrapped again".to_owned(),
        };
        key::insert_wrap(&mut tx, &wrap, NOW).await.unwrap();
    }
    tx.commit().await.unwrap();
    let row =
        |fingerprint: &str, first_seen_ms| MasterRow { fingerprint: fingerprint.to_owned(), first_seen_ms };
    let masters = key::masters(&mut ground.read().await).await.unwrap();
    assert_eq!(masters, [row("master", NOW.0), row("next", NOW.0 + 1)], "the next one is newer by any clock");
    let mut tx = ground.write().await;
    assert_eq!(key::remove_master(&mut tx, "master").await.unwrap(), 2);
    assert_eq!(key::remove_master(&mut tx, "master").await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    assert_eq!(key::list_masters(&mut session).await.unwrap(), ["next"]);
    let wraps = key::list_wraps(&mut session).await.unwrap();
    assert!(wraps.len() == 2 && wraps.iter().all(|wrap| wrap.wrapped == "wrapped again"), "{wraps:?}");
}
