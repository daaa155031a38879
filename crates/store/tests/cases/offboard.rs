//! Keys that may still stand elsewhere.

use strongroom_model::CredentialId;
use strongroom_model::version::Erasure;
use strongroom_store::{credential, offboard, version};

use super::ground::{NOW, Sums, ground, provider, row, uid};

#[tokio::test]
async fn older_versions_and_imported_keys_are_told_and_no_others() {
    let ground = ground().await;
    let openai = provider("openai");
    let mut ids = Vec::new();
    for (number, name) in
        [(1, "rotated"), (2, "imported"), (3, "moved"), (4, "fresh"), (5, "gone"), (6, "staged")]
    {
        ids.push(ground.put(row(number, name, &openai)).await);
    }
    let mut tx = ground.write().await;
    // Numbers 2 to 5 of the first one: it goes on with the last, of the others one is erased and one revoked.
    for number in [51, 52, 53, 54] {
        version::insert(&mut tx, uid(1), uid(number), "system", NOW).await.unwrap();
    }
    let mut first = credential::get(&mut tx, ids[0], NOW).await.unwrap().unwrap();
    first.version = uid(54);
    assert!(credential::update(&mut tx, &first, NOW).await.unwrap());
    assert!(version::erase(&mut tx, uid(52), Erasure::Destroyed, NOW).await.unwrap());
    assert!(version::revoked(&mut tx, uid(53), NOW).await.unwrap());
    version::insert(&mut tx, uid(6), uid(61), "system", NOW).await.unwrap();
    tx.commit().await.unwrap();
    let import = |seq: i64, number: u8, name: &str, source: &str, outcome: &str| {
        format!(
            "INSERT INTO audit_logs (chain_id, seq, uid, at_ms, action, actor, target_kind, target_id, target_name, \
             outcome, detail, key_id, link) VALUES ('main', {seq}, 'u{seq}', 1, 'credential.import', 'local:a', \
             'credential', '{}', '{name}', '{outcome}', '{{\"source\":\"{source}\"}}', 'k', 'l')",
            uid(number)
        )
    };
    let edits = [
        import(1, 2, "imported", "env", "success"),
        import(2, 3, "moved", "legacy", "success"),
        import(3, 4, "fresh", "env", "failed"),
        import(4, 5, "gone", "env", "success"),
        format!("UPDATE api_credentials SET deleted_at_ms = 1 WHERE uid = '{}'", uid(5)),
        format!("UPDATE api_credentials SET staged_version_uid = '{}' WHERE uid = '{}'", uid(61), uid(6)),
    ];
    ground.database.execute(&edits.join(";")).await;
    let mut session = ground.read().await;
    let told = offboard::candidates(&mut session, "env", 10).await.unwrap();
    assert_eq!(told, [(ids[0], 1), (ids[0], 2), (ids[1], 1)]);
    assert_eq!(offboard::candidates(&mut session, "env", 1).await.unwrap().len(), 1);
    assert_eq!(told[0].0, CredentialId(1));
}

#[tokio::test]
async fn the_last_day_of_each_version_is_told() {
    let ground = ground().await;
    let day = NOW.0 - NOW.0.rem_euclid(86_400_000);
    let sums = |version: &'static str, start: i64, requests: i64, credential: u8| Sums {
        credential: uid(credential).to_string(),
        version,
        day_start_ms: start,
        requests,
        ..Sums::default()
    };
    let rows = [
        sums("old", day - 3 * 86_400_000, 2, 1),
        sums("old", day - 2 * 86_400_000, 1, 1),
        sums("old", day, 0, 1),
        sums("new", day, 5, 1),
        sums("other", day, 5, 2),
    ];
    ground.put_sums(&rows).await;
    let told = offboard::last_days(&mut ground.read().await, uid(1)).await.unwrap();
    assert_eq!(told, [("new".to_owned(), day), ("old".to_owned(), day - 2 * 86_400_000)]);
}
