//! Users.

use strongroom_model::user::User;
use strongroom_model::{Millis, Role, UserId};
use strongroom_store::user::{self, StoredUser};
use strongroom_store::{StoreError, credential};

use super::ground::{NOW, deleted_mac, ground, provider, row, stored_user};

#[tokio::test]
async fn a_user_is_stored_changed_and_removed() {
    let ground = ground().await;
    let mut tx = ground.write().await;
    user::lock_ids(&mut tx).await.unwrap();
    assert_eq!(user::next_id(&mut tx).await.unwrap(), UserId(1));
    user::insert(&mut tx, &stored_user(9, "ada")).await.unwrap();
    assert_eq!(user::next_id(&mut tx).await.unwrap(), UserId(10));
    user::insert(&mut tx, &stored_user(4, "bob")).await.unwrap();
    tx.commit().await.unwrap();

    let changed = StoredUser {
        user: User {
            id: UserId(9),
            name: "ada-2".to_owned(),
            role: Role::Admin,
            is_active: false,
            created_at: NOW,
            updated_at: Millis(NOW.0 + 1),
        },
        mac_key_id: "key-2".to_owned(),
        mac: "mac-2".to_owned(),
    };
    let mut tx = ground.write().await;
    assert!(user::update(&mut tx, &changed).await.unwrap());
    assert!(!user::update(&mut tx, &stored_user(5, "nobody")).await.unwrap());
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let found = user::get(&mut session, UserId(9)).await.unwrap().unwrap();
    assert_eq!(
        (found.user.name.as_str(), found.user.role, found.user.is_active),
        ("ada-2", Role::Admin, false)
    );
    assert_eq!((found.user.created_at, found.user.updated_at), (NOW, Millis(NOW.0 + 1)));
    assert_eq!((found.mac_key_id.as_str(), found.mac.as_str()), ("key-2", "mac-2"));
    assert!(user::get(&mut session, UserId(5)).await.unwrap().is_none());
    let all = user::list(&mut session).await.unwrap();
    assert_eq!(all.iter().map(|it| it.user.id.0).collect::<Vec<_>>(), [4, 9]);
    drop(session);

    let mut tx = ground.write().await;
    assert!(user::delete(&mut tx, UserId(4)).await.unwrap());
    assert!(!user::delete(&mut tx, UserId(4)).await.unwrap());
    tx.commit().await.unwrap();
    assert!(user::get(&mut ground.read().await, UserId(4)).await.unwrap().is_none());

    let mut tx = ground.write().await;
    assert!(user::delete(&mut tx, UserId(9)).await.unwrap());
    assert_eq!(user::next_id(&mut tx).await.unwrap(), UserId(10), "an id is not given twice");
    user::insert(&mut tx, &stored_user(5, "eve")).await.unwrap();
    assert_eq!(user::next_id(&mut tx).await.unwrap(), UserId(10));
}

#[tokio::test]
async fn names_and_ids_of_users_are_unique() {
    let ground = ground().await;
    ground.put_user(1).await;
    ground.put_user(2).await;
    for clash in [stored_user(1, "other"), stored_user(3, "user-1")] {
        let mut tx = ground.write().await;
        let taken = user::insert(&mut tx, &clash).await;
        assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
    }
    let mut tx = ground.write().await;
    let taken = user::update(&mut tx, &stored_user(2, "user-1")).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))), "{taken:?}");
}

#[tokio::test]
async fn a_user_that_owns_a_credential_stays_even_when_the_credential_is_deleted() {
    let ground = ground().await;
    let owner = ground.put_user(1).await;
    let openai = provider("openai");
    let mut own = row(1, "own", &openai);
    own.user = Some(owner);
    let id = ground.put(own).await;
    let mut tx = ground.write().await;
    assert!(credential::delete(&mut tx, id, 1, &deleted_mac(), NOW).await.unwrap());
    let refused = user::delete(&mut tx, owner).await;
    assert!(matches!(refused, Err(StoreError::Dangling(_))), "{refused:?}");
}

#[tokio::test]
async fn a_role_that_we_never_write_is_named_with_its_row() {
    let ground = ground().await;
    ground.put_user(3).await;
    ground.database.execute("UPDATE users SET role = 'owner'").await;
    let error = user::get(&mut ground.read().await, UserId(3)).await.unwrap_err();
    assert_eq!(error.to_string(), "users.role of row 3 holds a value that strongroom does not write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_choose_an_id_at_once_choose_two() {
    let ground = ground().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8 {
        let store = ground.store.clone();
        tasks.spawn(async move {
            let mut tx = store.write().await.unwrap();
            user::lock_ids(&mut tx).await.unwrap();
            let id = user::next_id(&mut tx).await.unwrap();
            user::insert(&mut tx, &stored_user(id.0, &format!("user-{number}"))).await.unwrap();
            tx.commit().await.unwrap();
            id.0
        });
    }
    let mut ids = tasks.join_all().await;
    ids.sort_unstable();
    assert_eq!(ids, (1..=8).collect::<Vec<_>>());
}
