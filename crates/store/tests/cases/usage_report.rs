//! Sums by what people ask for, records that are repriced, and those that are deleted.

use std::collections::BTreeMap;

use strongroom_model::limit::{Unit, Window};
use strongroom_model::{LedgerText, Millis, Uid, UserId};
use strongroom_store::counter::{self, CounterKey, Delta};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_figures::Figures;
use strongroom_store::usage_record::Whose;
use strongroom_store::usage_report;
use strongroom_store::usage_sums::{self, Dim, GroupSums, SumsFilter, SumsQuery};

use super::counter::record as counter_record;
use super::ground::{Ground, NOW, ground, provider, uid};

const DAY: i64 = 86_400_000;

/// A record whose identity begins with its instant, as all have.
fn record(number: u8, credential: Option<Uid>, at: Millis) -> Record {
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    Record { uid: Uid::from_bytes(bytes), ..counter_record(number, credential, at) }
}

async fn write(ground: &Ground, records: &[Record]) {
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, records).await.expect("an answer");
    tx.commit().await.expect("an answer");
}

async fn groups(ground: &Ground, query: SumsQuery) -> Vec<GroupSums> {
    usage_sums::of_days(&mut ground.read().await, &query).await.expect("an answer")
}

/// Sums by one dimension, each with its group.
async fn sums(ground: &Ground, by: Dim, from: i64, to: i64) -> Vec<(String, Figures)> {
    let filter = SumsFilter::default();
    let query = SumsQuery { by, split: None, filter, from: Millis(from), to: Millis(to) };
    groups(ground, query).await.into_iter().map(|sums| (sums.group_key, sums.figures)).collect()
}

#[tokio::test]
async fn sums_are_told_apart_by_what_is_asked_for() {
    let ground = ground().await;
    let yesterday = Millis(NOW.0 - DAY);
    let of_library =
        Record { actor: LedgerText::named("library").unwrap(), user: None, ..record(3, None, NOW) };
    let groq = Record {
        provider: provider("groq"),
        model: LedgerText::named("llama").unwrap(),
        user: Some(UserId(8)),
        status: 429,
        cost_nano_usd: None,
        client_requests: 0,
        ..record(4, Some(uid(2)), NOW)
    };
    write(&ground, &[record(1, Some(uid(1)), NOW), record(2, Some(uid(1)), yesterday), of_library, groq])
        .await;
    let today = NOW.0 - NOW.0.rem_euclid(DAY);
    let keys = async |by| -> Vec<(String, i64)> {
        let found = sums(&ground, by, 0, i64::MAX).await;
        found.into_iter().map(|(key, figures)| (key, figures.requests)).collect()
    };
    let named = |pairs: &[(&str, i64)]| -> Vec<(String, i64)> {
        pairs.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
    };
    let (one, two) = (uid(1).to_string(), uid(2).to_string());
    assert_eq!(keys(Dim::Credential).await, named(&[("", 1), (&one, 2), (&two, 1)]));
    assert_eq!(keys(Dim::Provider).await, named(&[("groq", 1), ("openai", 3)]));
    let versions = keys(Dim::Version).await;
    assert_eq!(versions.iter().map(|(_, count)| count).sum::<i64>(), 4, "{versions:?}");
    assert_eq!(keys(Dim::Model).await, named(&[("gpt-test", 3), ("llama", 1)]));
    assert_eq!(keys(Dim::Token).await, named(&[(&uid(90).to_string(), 3)]));
    assert_eq!(keys(Dim::User).await, named(&[("", 1), ("7", 2), ("8", 1)]));
    let (now, before) = (today.to_string(), (today - DAY).to_string());
    assert_eq!(keys(Dim::Day).await, named(&[(&before, 1), (&now, 3)]));
    let (_, groq) = sums(&ground, Dim::Provider, today, today + DAY).await[0].clone();
    assert_eq!((groq.client_requests, groq.errors_client, groq.unpriced, groq.cost_nano_usd), (0, 1, 1, 0));
    assert_eq!((groq.input_tokens, groq.output_tokens), (10, 5));
    assert_eq!(sums(&ground, Dim::Provider, 0, today).await.len(), 1);
}

#[tokio::test]
async fn a_record_is_repriced_with_the_sums_of_its_day() {
    let ground = ground().await;
    let unpriced = Record { cost_nano_usd: None, ..record(2, Some(uid(1)), NOW) };
    let without = Record { raw_usage: None, ..record(3, Some(uid(1)), NOW) };
    write(&ground, &[record(1, Some(uid(1)), NOW), unpriced, without]).await;
    let page = async |after: &str| {
        usage_report::list_priced(&mut ground.read().await, Millis(0), after, 10).await.unwrap()
    };
    let found = page("").await;
    assert_eq!(found.len(), 2, "a record without figures cannot be priced");
    assert_eq!(page(&found[0].uid).await, found[1..]);
    let mut tx = ground.write().await;
    assert!(usage_report::set_cost(&mut tx, &found[0], Some(250)).await.unwrap());
    assert!(!usage_report::set_cost(&mut tx, &found[0], Some(300)).await.unwrap(), "priced meanwhile");
    assert!(usage_report::set_cost(&mut tx, &found[1], Some(7)).await.unwrap());
    tx.commit().await.unwrap();
    let (_, of_day) = sums(&ground, Dim::Day, 0, i64::MAX).await[0].clone();
    assert_eq!((of_day.cost_nano_usd, of_day.unpriced), (250 + 7 + 100, 0));
}

#[tokio::test]
async fn what_was_kept_for_long_enough_is_deleted_and_the_sums_stay() {
    let ground = ground().await;
    let old = Millis(NOW.0 - 10 * DAY);
    write(
        &ground,
        &[record(1, Some(uid(1)), old), record(2, Some(uid(1)), old), record(3, Some(uid(1)), NOW)],
    )
    .await;
    let delta = |held| Delta { settled: 1, held, ..Delta::default() };
    let key = |number, window, at| CounterKey::at(uid(number), Unit::Requests, window, at);
    let deltas = BTreeMap::from([
        (key(1, Window::Minute, old), delta(0)),
        (key(2, Window::Day, old), delta(1)),
        (key(3, Window::Month, old), delta(0)),
        (key(4, Window::Prepaid, old), delta(0)),
        (key(5, Window::Minute, NOW), delta(0)),
    ]);
    let mut tx = ground.write().await;
    counter::apply(&mut tx, &deltas).await.unwrap();
    let before = Millis(NOW.0 - DAY);
    assert_eq!(usage_report::delete_records(&mut tx, before, 1).await.unwrap(), 1);
    assert_eq!(usage_report::delete_records(&mut tx, before, 10).await.unwrap(), 1);
    assert_eq!(usage_report::delete_counters(&mut tx, before).await.unwrap(), 1, "what is held stays");
    tx.commit().await.unwrap();
    assert_eq!(sums(&ground, Dim::Credential, 0, i64::MAX).await[0].1.requests, 3);
}

#[tokio::test]
async fn sums_of_one_actor_are_nobody_elses() {
    let ground = ground().await;
    let of_library =
        Record { actor: LedgerText::named("library").unwrap(), user: None, ..record(3, None, NOW) };
    write(&ground, &[record(1, Some(uid(1)), NOW), record(2, Some(uid(1)), NOW), of_library]).await;
    let actor = record(1, None, NOW).actor;
    let of = async |actor: &str| {
        let filter = SumsFilter { whose: Whose::Actor(actor.to_owned()), ..SumsFilter::default() };
        let (from, to) = (Millis(0), Millis(i64::MAX));
        let found = groups(&ground, SumsQuery { by: Dim::Provider, split: None, filter, from, to }).await;
        found.into_iter().map(|sums| (sums.group_key, sums.figures.requests)).collect::<Vec<_>>()
    };
    assert_eq!(of(actor.as_str()).await, [("openai".to_owned(), 2)]);
    assert_eq!(of("library").await, [("openai".to_owned(), 1)]);
    assert_eq!(of("token:nobody").await, []);
}

#[tokio::test]
async fn days_are_told_apart_by_provider_and_those_of_a_credential_by_model() {
    let ground = ground().await;
    let of = |number: u8, day: i64, credential, by: &'static str, model: &'static str| Record {
        provider: provider(by),
        model: LedgerText::named(model).unwrap(),
        ..record(number, credential, Millis(NOW.0 - day * DAY))
    };
    let records = [
        of(1, 1, Some(uid(1)), "openai", "one"),
        of(2, 1, Some(uid(1)), "openai", "two"),
        of(3, 0, Some(uid(1)), "openai", "one"),
        of(4, 0, Some(uid(2)), "groq", "one"),
        of(5, 9, Some(uid(1)), "openai", "one"),
    ];
    write(&ground, &records).await;
    let days = async |split: Dim, credential: Option<Uid>, to: Millis| {
        let filter = SumsFilter { credential, ..SumsFilter::default() };
        let from = Millis(NOW.0 - 2 * DAY);
        let found = groups(&ground, SumsQuery { by: Dim::Day, split: Some(split), filter, from, to }).await;
        let day = |start: &str| (NOW.0 - start.parse::<i64>().expect("a day")) / DAY;
        found
            .into_iter()
            .map(|it| (day(&it.group_key), it.split_key, it.figures.requests))
            .collect::<Vec<_>>()
    };
    let ever = Millis(i64::MAX);
    let expected = [(1, "openai", 2), (0, "groq", 1), (0, "openai", 1)];
    let named =
        |expected: [(i64, &str, i64); 3]| expected.map(|(day, series, uses)| (day, series.to_owned(), uses));
    assert_eq!(days(Dim::Provider, None, ever).await, named(expected));
    let expected = [(1, "one", 1), (1, "two", 1), (0, "one", 1)];
    assert_eq!(days(Dim::Model, Some(uid(1)), ever).await, named(expected));
    let until_today = days(Dim::Provider, None, Millis(NOW.0 - DAY)).await;
    assert_eq!(until_today.len(), 1, "the end is none of it");
}
