//! What servers know against credentials, and how that changed.

use strongroom_model::Millis;
use strongroom_store::credential_health::{self, HealthRow, Transition};
use strongroom_store::key_holder::{self, HolderRow};

use super::ground::{NOW, ground, uid};

fn row(credential: u8, state: &'static str) -> HealthRow {
    let (since, until) = (NOW, NOW.plus_seconds(60));
    HealthRow { credential: uid(credential), version: uid(credential + 100), state, since, until, times: 2 }
}

#[tokio::test]
async fn each_server_replaces_what_it_knew_and_those_that_are_gone_know_nothing() {
    let ground = ground().await;
    let replace = async |node: u8, rows: &[HealthRow]| {
        let mut tx = ground.write().await;
        credential_health::replace(&mut tx, uid(node), rows).await.unwrap();
        tx.commit().await.unwrap();
    };
    let list = async || -> Vec<(String, String, String)> {
        let found = credential_health::list(&mut ground.read().await).await.unwrap();
        found.into_iter().map(|row| (row.credential_uid, row.node_uid, row.state)).collect()
    };
    let shown = |credential: u8, node: u8, state: &str| {
        (uid(credential).to_string(), uid(node).to_string(), state.to_owned())
    };
    replace(201, &[row(1, "bad_key"), row(2, "rate_limited")]).await;
    replace(202, &[row(1, "provider_down")]).await;
    assert_eq!(
        list().await,
        [shown(1, 201, "bad_key"), shown(1, 202, "provider_down"), shown(2, 201, "rate_limited")]
    );
    replace(201, &[row(2, "empty_account")]).await;
    assert_eq!(list().await, [shown(1, 202, "provider_down"), shown(2, 201, "empty_account")]);

    let holder = HolderRow {
        node_uid: uid(201).to_string(),
        master_fingerprint: "master".to_owned(),
        is_first: true,
        host: "here".to_owned(),
        process_id: 1,
        started_at_ms: NOW.0,
        alive_until_ms: NOW.0 + 1,
    };
    let mut tx = ground.write().await;
    strongroom_store::key::insert_master(&mut tx, "master", NOW).await.unwrap();
    key_holder::register(&mut tx, &holder).await.unwrap();
    assert_eq!(
        credential_health::delete(&mut tx, Millis(0), NOW).await.unwrap(),
        1,
        "202 is no process any more"
    );
    tx.commit().await.unwrap();
    assert_eq!(list().await, [shown(2, 201, "empty_account")]);
}

#[tokio::test]
async fn changes_are_listed_the_newest_first_and_go_when_they_are_old() {
    let ground = ground().await;
    let change = |number: u8, at: i64, before, state| Transition {
        uid: uid(number),
        credential: uid(1),
        version: uid(101),
        at: Millis(NOW.0 + at),
        before,
        state,
    };
    let changes = [change(11, 0, "healthy", "bad_key"), change(12, 1000, "bad_key", "healthy")];
    let mut tx = ground.write().await;
    for _ in 0..2 {
        credential_health::add_transitions(&mut tx, uid(201), &changes).await.unwrap();
    }
    tx.commit().await.unwrap();
    let list = async |from: i64, count| -> Vec<(String, String)> {
        let mut session = ground.read().await;
        let found =
            credential_health::list_transitions(&mut session, uid(1), Millis(from), count).await.unwrap();
        found.into_iter().map(|one| (one.before, one.state)).collect()
    };
    let text = |before: &str, state: &str| (before.to_owned(), state.to_owned());
    assert_eq!(list(0, 9).await, [text("bad_key", "healthy"), text("healthy", "bad_key")]);
    assert_eq!(list(0, 1).await, [text("bad_key", "healthy")]);
    assert_eq!(list(NOW.0 + 1, 9).await.len(), 1);
    let mut tx = ground.write().await;
    assert_eq!(credential_health::delete(&mut tx, Millis(NOW.0 + 1), NOW).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(list(0, 9).await, [text("bad_key", "healthy")]);
}
