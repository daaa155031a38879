//! Sums of days by one dimension and under conditions, names of what they are of, and marks of what is new.

use strongroom_model::{LedgerText, Millis, Uid};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_series::{self, Conditions, Order, Split};
use strongroom_store::{Session, pulse};

use super::counter::record as counter_record;

use super::ground::{NOW, ground, provider, row, uid};

const DAY: i64 = 86_400_000;
const ALWAYS: (Millis, Millis) = (Millis(0), Millis(i64::MAX));

fn record(number: u8, credential: Option<Uid>, at: Millis) -> Record {
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    Record { uid: Uid::from_bytes(bytes), ..counter_record(number, credential, at) }
}

fn series(pairs: &[(&str, i64)]) -> Vec<(String, i64)> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn series_are_told_apart_by_one_dimension_under_all_conditions() {
    let ground = ground().await;
    let groq = |number, at| Record {
        provider: provider("groq"),
        model: LedgerText::named("llama").unwrap(),
        ..record(number, Some(uid(2)), at)
    };
    let records = [
        record(1, Some(uid(1)), NOW),
        record(2, Some(uid(1)), NOW),
        groq(3, NOW),
        record(4, Some(uid(1)), Millis(NOW.0 - DAY)),
    ];
    assert_eq!(pulse::marks(&mut ground.read().await).await.unwrap().last_line, "");
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, &records).await.unwrap();
    tx.commit().await.unwrap();

    let mut session: Session = ground.read().await;
    let newest = records.iter().map(|record| record.uid.to_string()).max().unwrap();
    assert_eq!(pulse::marks(&mut session).await.unwrap().last_line, newest);
    let everything = Conditions::default();
    for (split, expected) in [
        (Split::Provider, series(&[("openai", 3), ("groq", 1)])),
        (Split::Model, series(&[("gpt-test", 3), ("llama", 1)])),
        (Split::Credential, series(&[(&uid(1).to_string(), 3), (&uid(2).to_string(), 1)])),
        (Split::Nothing, series(&[("", 4)])),
    ] {
        for order in [Order::Calls, Order::Tokens] {
            let found =
                usage_series::largest(&mut session, split, &everything, ALWAYS, order, 10).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|it| (it.series, it.used.requests)).collect();
            assert_eq!(found, expected, "{split:?} {order:?}");
        }
    }
    let first =
        usage_series::largest(&mut session, Split::Provider, &everything, ALWAYS, Order::Calls, 1).await;
    assert_eq!(first.unwrap().len(), 1);
    for conditions in [
        Conditions { provider: Some("groq".to_owned()), ..Conditions::default() },
        Conditions { model: Some("llama".to_owned()), ..Conditions::default() },
        Conditions { credential: Some(uid(2)), ..Conditions::default() },
    ] {
        let found =
            usage_series::largest(&mut session, Split::Provider, &conditions, ALWAYS, Order::Calls, 10).await;
        let found: Vec<_> = found.unwrap().into_iter().map(|it| (it.series, it.used.requests)).collect();
        assert_eq!(found, series(&[("groq", 1)]), "{conditions:?}");
    }
    let today = NOW.0 - NOW.0.rem_euclid(DAY);
    let named = ["openai".to_owned()];
    let days =
        usage_series::by_day(&mut session, Split::Provider, &everything, ALWAYS, &named).await.unwrap();
    let mut days: Vec<_> =
        days.into_iter().map(|it| (it.day_start_ms, it.is_rest, it.series, it.used.requests)).collect();
    days.sort_unstable();
    let openai = || "openai".to_owned();
    assert_eq!(days, [(today - DAY, 0, openai(), 1), (today, 0, openai(), 2), (today, 1, String::new(), 1)]);
}

#[tokio::test]
async fn credentials_and_versions_have_their_names() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(row(1, "one", &openai)).await;
    let mut session = ground.read().await;
    let found = ground.database.query_text("SELECT c.uid, v.uid FROM api_credentials c JOIN credential_versions v ON v.credential_uid = c.uid").await;
    let [credential, version] = &found[0][..] else { panic!("{found:?}") };
    let (credential, version) = (credential.as_deref().unwrap(), version.as_deref().unwrap());
    let name = usage_series::credential_name(&mut session, credential).await.unwrap();
    assert_eq!(name.as_deref(), Some("one"));
    let name = usage_series::version_name(&mut session, version).await.unwrap();
    assert!(name.as_deref().is_some_and(|name| name.starts_with("one v")), "{name:?}");
    assert_eq!(usage_series::credential_name(&mut session, version).await.unwrap(), None);
    assert_eq!(usage_series::version_name(&mut session, credential).await.unwrap(), None);
}
