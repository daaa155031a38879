//! Versions and their sealed values.

use strongroom_model::Uid;
use strongroom_model::credential::{Credential, Field};
use strongroom_model::fingerprint::SecretFingerprint;
use strongroom_store::value::{self, Holder, SealedValue};
use strongroom_store::{StoreError, credential, version};

use super::ground::{NOW, deleted_mac, ground, provider, row, uid};

fn sealed(version: Uid, field: Field, text: &str, (data, fingerprint): &(String, String)) -> SealedValue {
    SealedValue {
        version,
        field,
        key_id: data.clone(),
        text: text.to_owned(),
        fingerprint: SecretFingerprint { key_id: fingerprint.clone(), value: format!("print of {text}") },
    }
}

#[tokio::test]
async fn versions_are_numbered_from_one_within_their_credential() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(row(1, "one", &openai)).await;
    ground.put(row(2, "two", &openai)).await;
    let mut tx = ground.write().await;
    assert_eq!(version::insert(&mut tx, uid(1), uid(201), "token:a", NOW).await.unwrap(), 2);
    assert_eq!(version::insert(&mut tx, uid(1), uid(202), "token:a", NOW).await.unwrap(), 3);
    assert_eq!(version::insert(&mut tx, uid(2), uid(203), "token:a", NOW).await.unwrap(), 2);
    tx.commit().await.unwrap();

    let mut tx = ground.write().await;
    let twice = version::insert(&mut tx, uid(2), uid(201), "token:a", NOW).await;
    assert!(matches!(twice, Err(StoreError::Taken(_))), "{twice:?}");
    drop(tx);
    let mut tx = ground.write().await;
    let orphan = version::insert(&mut tx, uid(9), uid(204), "token:a", NOW).await;
    assert!(matches!(orphan, Err(StoreError::Dangling(_))), "{orphan:?}");
}

#[tokio::test]
async fn a_value_stands_once_per_version_and_field_and_is_replaced_in_place() {
    let ground = ground().await;
    let keys = ground.put_keys().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    let (first, secret) =
        (sealed(uid(101), Field::ApiKey, "a", &keys), sealed(uid(101), Field::ApiSecret, "b", &keys));
    let second = sealed(uid(201), Field::ApiKey, "c", &keys);
    for value in [&second, &secret, &first] {
        value::put(&mut tx, value).await.unwrap();
    }
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    assert_eq!(
        value::list_of_version(&mut session, uid(101)).await.unwrap(),
        [first.clone(), secret.clone()]
    );
    assert_eq!(value::list_of_version(&mut session, uid(7)).await.unwrap(), []);
    let all = value::list_of_credential(&mut session, uid(1)).await.unwrap();
    assert_eq!(all, [first, secret.clone(), second.clone()], "by version, then field");
    drop(session);

    let replaced = sealed(uid(101), Field::ApiKey, "d", &keys);
    let mut tx = ground.write().await;
    value::put(&mut tx, &replaced).await.unwrap();
    tx.commit().await.unwrap();
    let all = value::list_of_credential(&mut ground.read().await, uid(1)).await.unwrap();
    assert_eq!(all, [replaced, secret, second]);
}

#[tokio::test]
async fn a_value_under_an_unknown_key_or_version_is_refused() {
    let ground = ground().await;
    let keys = ground.put_keys().await;
    ground.put(row(1, "one", &provider("openai"))).await;
    let unknown_key = (uid(9).to_string(), keys.1.clone());
    for value in
        [sealed(uid(101), Field::ApiKey, "a", &unknown_key), sealed(uid(99), Field::ApiKey, "a", &keys)]
    {
        let mut tx = ground.write().await;
        let refused = value::put(&mut tx, &value).await;
        assert!(matches!(refused, Err(StoreError::Dangling(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn holders_of_a_secret_are_found_in_old_versions_and_deleted_credentials_too() {
    let ground = ground().await;
    let keys = ground.put_keys().await;
    let openai = provider("openai");
    let one = ground.put(row(1, "one", &openai)).await;
    let two = ground.put(row(2, "two", &openai)).await;
    let mut three = row(3, "three", &openai);
    three.is_active = false;
    ground.put(three).await;
    let mut tx = ground.write().await;
    version::insert(&mut tx, uid(1), uid(201), "system", NOW).await.unwrap();
    for version in [uid(101), uid(102), uid(103)] {
        value::put(&mut tx, &sealed(version, Field::ApiKey, "same", &keys)).await.unwrap();
    }
    value::put(&mut tx, &sealed(uid(201), Field::ApiKey, "new", &keys)).await.unwrap();
    tx.commit().await.unwrap();
    let moved_on = Credential { version: uid(201), ..ground.get(one).await };
    let mut tx = ground.write().await;
    assert!(credential::update(&mut tx, &moved_on, NOW).await.unwrap());
    assert!(credential::delete(&mut tx, two, 1, &deleted_mac(), NOW).await.unwrap());
    tx.commit().await.unwrap();

    let holder = |number: u8, name: &str, is_deleted, is_active, is_current| Holder {
        is_frozen: false,
        version_number: 1,
        credential_uid: uid(number).to_string(),
        name: name.to_owned(),
        is_deleted,
        is_active,
        is_current,
    };
    let print = |text: &str, key: &str| SecretFingerprint {
        key_id: key.to_owned(),
        value: format!("print of {text}"),
    };
    let mut session = ground.read().await;
    assert_eq!(
        value::holders(&mut session, &print("same", &keys.1)).await.unwrap(),
        [
            holder(1, "one", false, true, false),
            holder(2, "two", true, true, true),
            holder(3, "three", false, false, true),
        ]
    );
    let new = value::holders(&mut session, &print("new", &keys.1)).await.unwrap();
    assert_eq!(new, [Holder { version_number: 2, ..holder(1, "one", false, true, true) }]);
    assert_eq!(value::holders(&mut session, &print("same", "other key")).await.unwrap(), []);
}
