//! Answers that were given under an `Idempotency-Key`.

use strongroom_model::Millis;
use strongroom_store::StoreError;
use strongroom_store::idempotency::{self, Remembered};

use super::ground::ground;

#[tokio::test]
async fn an_answer_is_remembered_per_actor_and_key_until_it_is_too_old() {
    let ground = ground().await;
    let answer = Remembered { request_hash: "hash".to_owned(), status: 201, body: "{}".to_owned() };
    let mut tx = ground.write().await;
    idempotency::put(&mut tx, "token:a", "k", &answer, Millis(0), Millis(100)).await.unwrap();
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    for (actor, key, since, is_there) in [
        ("token:a", "k", 100, true),
        ("token:a", "k", 101, false),
        ("token:b", "k", 0, false),
        ("token:a", "K", 0, false),
    ] {
        let found = idempotency::get(&mut session, actor, key, Millis(since)).await.unwrap();
        assert_eq!(found, is_there.then(|| answer.clone()), "{actor} {key} {since}");
    }
}

#[tokio::test]
async fn a_key_is_taken_until_its_answer_is_forgotten() {
    let ground = ground().await;
    let answer = Remembered { request_hash: "hash".to_owned(), status: 201, body: "{}".to_owned() };
    let mut tx = ground.write().await;
    idempotency::put(&mut tx, "token:a", "k", &answer, Millis(0), Millis(100)).await.unwrap();
    idempotency::put(&mut tx, "token:a", "other", &answer, Millis(0), Millis(200)).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = ground.write().await;
    let taken = idempotency::put(&mut tx, "token:a", "k", &answer, Millis(100), Millis(150)).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    drop(tx);

    let newer = Remembered { request_hash: "newer".to_owned(), ..answer };
    let mut tx = ground.write().await;
    idempotency::put(&mut tx, "token:a", "k", &newer, Millis(101), Millis(300)).await.unwrap();
    tx.commit().await.unwrap();
    let found = idempotency::get(&mut ground.read().await, "token:a", "k", Millis(0)).await.unwrap();
    assert_eq!(found, Some(newer));
    let left = ground.database.query_text("SELECT count(*) FROM idempotency_keys").await;
    assert_eq!(left[0][0].as_deref(), Some("2"), "what is younger stays");

    let mut tx = ground.write().await;
    idempotency::forget(&mut tx, "token:b", "k").await.unwrap();
    idempotency::forget(&mut tx, "token:a", "k").await.unwrap();
    tx.commit().await.unwrap();
    let left = ground.database.query_text("SELECT idempotency_key FROM idempotency_keys").await;
    assert_eq!(left, [[Some("other".to_owned())]]);
}
