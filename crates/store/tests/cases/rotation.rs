//! Rotations of the data key.

use strongroom_model::Millis;
use strongroom_store::StoreError;
use strongroom_store::rotation::{self, RotationRow};

use super::ground::{NOW, ground};

#[tokio::test]
async fn one_rotation_is_open_at_a_time_and_the_last_one_is_told() {
    let ground = ground().await;
    let (first, second) = ground.put_keys().await;
    assert_eq!(rotation::latest(&mut ground.read().await).await.unwrap(), None);
    let mut tx = ground.write().await;
    rotation::begin(&mut tx, &first, "asked", 12, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let open = RotationRow {
        key_id: first.clone(),
        reason: "asked".to_owned(),
        is_open: true,
        started_at_ms: NOW.0,
        texts: 12,
        finished_at_ms: None,
        broken: 0,
    };
    assert_eq!(rotation::latest(&mut ground.read().await).await.unwrap(), Some(open.clone()));

    let mut tx = ground.write().await;
    let refused = rotation::begin(&mut tx, &second, "age", 0, NOW).await;
    assert!(matches!(refused, Err(StoreError::Taken(_))), "{refused:?}");
    drop(tx);

    let later = Millis(NOW.0 + 5);
    let mut tx = ground.write().await;
    assert!(rotation::finish(&mut tx, &first, 2, later).await.unwrap());
    assert!(!rotation::finish(&mut tx, &first, 3, NOW).await.unwrap(), "it is ended");
    let ended = RotationRow { is_open: false, finished_at_ms: Some(later.0), broken: 2, ..open };
    assert_eq!(rotation::latest(&mut tx).await.unwrap(), Some(ended));
    rotation::begin(&mut tx, &second, "age", 0, NOW).await.unwrap();
    tx.commit().await.unwrap();
    let last = rotation::latest(&mut ground.read().await).await.unwrap().unwrap();
    assert_eq!((last.key_id, last.is_open), (second, true));
}
