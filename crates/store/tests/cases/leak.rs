//! Where a key was used.

use strongroom_model::Millis;
use strongroom_store::leak::{self, Address, Spent};

use super::ground::{NOW, Sums, ground, uid};

#[tokio::test]
async fn addresses_and_spend_are_those_of_one_credential_since_an_instant() {
    let ground = ground().await;
    let entry = |seq: i64, credential: u8, action: &str, outcome: &str, address: &str, at: i64| {
        format!(
            "INSERT INTO audit_logs (chain_id, seq, uid, at_ms, action, actor, target_kind, target_id, outcome, detail, \
             remote_address, key_id, link) VALUES ('main', {seq}, 'u{seq}', {at}, '{action}', 'token:a', 'credential', \
             '{}', '{outcome}', '{{}}', {address}, 'k', 'l')",
            uid(credential)
        )
    };
    let entries = [
        entry(1, 1, "credential.read", "success", "'10.0.0.1'", 100),
        entry(2, 1, "credential.read", "success", "'10.0.0.2'", 200),
        entry(3, 1, "credential.read", "success", "'10.0.0.2'", 300),
        entry(4, 1, "credential.read", "denied", "'10.0.0.3'", 300),
        entry(5, 1, "credential.update", "success", "'10.0.0.4'", 300),
        entry(6, 2, "credential.read", "success", "'10.0.0.5'", 300),
        entry(7, 1, "credential.read", "success", "NULL", 300),
    ];
    ground.database.execute(&entries.join(";")).await;
    let address = |address: &str, reads, last_ms| Address { address: address.to_owned(), reads, last_ms };
    let mut session = ground.read().await;
    assert_eq!(
        leak::addresses(&mut session, uid(1), Millis(0)).await.unwrap(),
        [address("10.0.0.2", 2, 300), address("10.0.0.1", 1, 100)]
    );
    assert_eq!(
        leak::addresses(&mut session, uid(1), Millis(250)).await.unwrap(),
        [address("10.0.0.2", 1, 300)]
    );

    let day = NOW.0 - NOW.0.rem_euclid(86_400_000);
    let sums = |credential: u8, actor: &'static str, start: i64, requests: i64| Sums {
        actor,
        credential: uid(credential).to_string(),
        day_start_ms: start,
        requests,
        ..Sums::default()
    };
    let rows = [
        sums(1, "token:a", day, 2),
        sums(1, "token:a", day - 86_400_000, 3),
        sums(1, "token:b", day, 9),
        sums(2, "token:c", day, 1),
    ];
    ground.put_sums(&rows).await;
    let spent = |actor: &str, requests, cost_nano_usd| Spent {
        actor: actor.to_owned(),
        requests,
        cost_nano_usd,
        last_day_ms: day,
    };
    assert_eq!(
        leak::spent(&mut session, uid(1), Millis(0)).await.unwrap(),
        [spent("token:b", 9, 7), spent("token:a", 5, 14)]
    );
    assert_eq!(
        leak::spent(&mut session, uid(1), NOW).await.unwrap(),
        [spent("token:b", 9, 7), spent("token:a", 2, 7)]
    );
}
