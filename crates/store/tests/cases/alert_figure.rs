//! Figures that rules of alerts look at.

use strongroom_model::{Amount, Millis};
use strongroom_store::alert::figure;
use strongroom_store::limit_history::{self, LimitSample};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_rollup;

use super::counter::record as counter_record;
use super::ground::{Ground, NOW, ground, provider, row, uid};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

fn sample(limit: u8, window: i64, at: i64, settled: i64) -> LimitSample {
    LimitSample {
        limit_uid: uid(limit).to_string(),
        window_start_ms: window,
        at_ms: at,
        amount: 100,
        settled,
        adjusted: -1,
        held: 0,
        carved: 0,
        refused: 0,
    }
}

#[tokio::test]
async fn refusals_are_summed_up_by_limit_and_five_minutes() {
    let ground = ground().await;
    let slot = NOW.0 - NOW.0 % (5 * MINUTE);
    for (region, start, refused) in [("a", slot, 3), ("b", slot, 4), ("a", slot - 5 * MINUTE, 5)] {
        let sql = format!(
            "INSERT INTO limit_refusals (limit_uid, window_start_ms, slot_start_ms, region, refused) \
             VALUES ('one', 0, {start}, '{region}', {refused})"
        );
        ground.database.execute(&sql).await;
    }
    let mut session = ground.read().await;
    let found = figure::denials(&mut session, Millis(slot - 5 * MINUTE)).await.unwrap();
    let found: Vec<_> = found.iter().map(|one| (one.slot_start_ms - slot, one.refused)).collect();
    assert_eq!(found, [(-5 * MINUTE, 5), (0, 7)]);
    assert_eq!(figure::denials(&mut session, Millis(slot)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn where_a_limit_stood_is_told_by_its_last_sample_before() {
    let ground = ground().await;
    let window = NOW.0 - DAY;
    let at = |at: i64| Millis(NOW.0 - at);
    let mut session = ground.read().await;
    assert_eq!(figure::used_at(&mut session, uid(1), Millis(window), at(HOUR)).await.unwrap(), None);
    let mut tx = ground.write().await;
    let samples = [
        sample(2, window, NOW.0 - 3 * HOUR, 1),
        sample(1, window, NOW.0 - HOUR, 20),
        sample(1, window, NOW.0 - MINUTE, 50),
    ];
    limit_history::put(&mut tx, &samples).await.unwrap();
    tx.commit().await.unwrap();
    let mut used = async |limit, before| {
        figure::used_at(&mut session, uid(limit), Millis(window), at(before)).await.unwrap()
    };
    assert_eq!(used(1, 0).await, Some(49), "corrections count");
    assert_eq!(used(1, 30 * MINUTE).await, Some(19));
    assert_eq!(used(1, 2 * HOUR).await, Some(0), "samples were taken, and this one did not move");
    assert_eq!(used(1, 4 * HOUR).await, None, "nobody took samples then");
    assert_eq!(used(1, 2 * DAY).await, Some(0), "before its window");
    let mut session = ground.read().await;
    let moved = figure::moved_limits(&mut session, at(2 * HOUR)).await.unwrap();
    assert_eq!(moved, [uid(1).to_string()]);
    let all = figure::samples(&mut session, uid(1), at(HOUR)).await.unwrap();
    let all: Vec<_> = all.iter().map(|it| (NOW.0 - it.at_ms, it.window_start_ms, it.used)).collect();
    assert_eq!(all, [(HOUR, window, 19), (MINUTE, window, 49)]);
    assert_eq!(figure::samples(&mut session, uid(1), at(HOUR - 1)).await.unwrap().len(), 1);
}

async fn spend(ground: &Ground, number: u8, at: i64, dollars: i64) {
    let at = Millis(at);
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    let record = Record {
        uid: strongroom_model::Uid::from_bytes(bytes),
        cost_nano_usd: Some(Amount::of(dollars)),
        ..counter_record(number, Some(uid(1)), at)
    };
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, &[record]).await.expect("an answer");
    tx.commit().await.expect("an answer");
    let mut session = ground.read().await;
    for day in usage_rollup::list_changed(&mut session).await.expect("days") {
        let rollup = usage_rollup::sum_up(&mut session, day).await.expect("a day");
        let mut tx = ground.write().await;
        assert!(usage_rollup::replace(&mut tx, &rollup, at).await.expect("an answer"));
        tx.commit().await.expect("an answer");
    }
}

#[tokio::test]
async fn what_subjects_spent_is_told_by_the_hour() {
    let ground = ground().await;
    spend(&ground, 1, NOW.0 - DAY, 10).await;
    spend(&ground, 2, NOW.0, 300).await;
    let hour = Millis(NOW.0 - NOW.0 % HOUR);
    let mut session = ground.read().await;
    let one = uid(1).to_string();
    let found = figure::spenders(&mut session, "credential", hour, 300).await.unwrap();
    assert_eq!(found, [(one.clone(), 300)]);
    assert_eq!(figure::spenders(&mut session, "credential", hour, 301).await.unwrap(), []);
    let hours = figure::hours_of_subject(&mut session, "credential", &one, Millis(0)).await.unwrap();
    let hours: Vec<_> =
        hours.iter().map(|it| (hour.0 - it.hour_start_ms, it.figures.cost_nano_usd)).collect();
    assert_eq!(hours, [(DAY, 10), (0, 300)]);
    for (from, least, told) in [(0, 10, true), (0, 301, false), (hour.0, 300, true), (hour.0 + 1, 10, false)]
    {
        let found =
            figure::subjects_that_spent(&mut session, "credential", Millis(from), least).await.unwrap();
        assert_eq!(found == [one.clone()], told, "{from} {least}: {found:?}");
    }
    let first = figure::first_day(&mut session, "credential", &one).await.unwrap();
    assert_eq!(first, Some(Millis(NOW.0 - NOW.0 % DAY - DAY)));
    assert_eq!(figure::first_day(&mut session, "credential", "nobody").await.unwrap(), None);
}

#[tokio::test]
async fn what_servers_know_against_keys_in_use_is_told_and_which_providers_are_left_alone() {
    let ground = ground().await;
    let (openai, groq) = (provider("openai"), provider("groq"));
    ground.put(row(1, "one", &openai)).await;
    ground.put(row(2, "two", &openai)).await;
    ground.put(row(3, "three", &groq)).await;
    let note = async |credential: u8, version: u8, node: &str, state: &str| {
        let sql = format!(
            "INSERT INTO credential_health (credential_uid, node_uid, region, version_uid, state, since_ms, until_ms, times) \
             VALUES ('{}', '{node}', 'local', '{}', '{state}', 0, 0, 1)",
            uid(credential),
            uid(version)
        );
        ground.database.execute(&sql).await;
    };
    note(1, 101, "a", "bad_key").await;
    note(1, 101, "b", "bad_key").await;
    note(3, 103, "a", "rate_limited").await;
    // Of a version that is not in use any more.
    note(2, 99, "a", "bad_key").await;
    let mut session = ground.read().await;
    let found = figure::unhealthy(&mut session).await.unwrap();
    let found: Vec<_> =
        found.iter().map(|one| (one.credential_uid.clone(), one.state.as_str(), one.nodes)).collect();
    assert_eq!(found, [(uid(1).to_string(), "bad_key", 2), (uid(3).to_string(), "rate_limited", 1)]);
    let named = |groq, openai| vec![("groq".to_owned(), groq), ("openai".to_owned(), openai)];
    assert_eq!(figure::providers(&mut session, NOW).await.unwrap(), named(true, true));
    ground.database.execute("UPDATE api_credentials SET frozen_at_ms = 1 WHERE name = 'two'").await;
    assert_eq!(figure::providers(&mut session, NOW).await.unwrap(), named(true, false));
    let soon = format!("UPDATE api_credentials SET expires_at_ms = {} WHERE name = 'three'", NOW.0);
    ground.database.execute(&soon).await;
    assert_eq!(figure::providers(&mut session, NOW).await.unwrap(), named(false, false));
    assert_eq!(figure::providers(&mut session, Millis(NOW.0 - 1)).await.unwrap(), named(true, false));
}
