//! Sums of days by one dimension and under conditions, names of what they are of, and marks of what is new.

use strongroom_model::tag::TagSet;
use strongroom_model::{LedgerText, Millis, Uid};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_sums::ranking::{self, Order};
use strongroom_store::usage_sums::{self, Dim, SumsFilter, SumsQuery};
use strongroom_store::{Session, pulse, usage_rollup};

use super::counter::record as counter_record;

use super::ground::{Ground, NOW, ground, provider, row, uid};

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
    let ask =
        |by: Dim, filter: SumsFilter| SumsQuery { by, split: None, filter, from: ALWAYS.0, to: ALWAYS.1 };
    let everything = SumsFilter::default;
    for (by, expected) in [
        (Dim::Provider, series(&[("openai", 3), ("groq", 1)])),
        (Dim::Model, series(&[("gpt-test", 3), ("llama", 1)])),
        (Dim::Credential, series(&[(&uid(1).to_string(), 3), (&uid(2).to_string(), 1)])),
        (Dim::Nothing, series(&[("", 4)])),
    ] {
        for order in [Order::Calls, Order::Tokens, Order::Cost] {
            let query = ask(by.clone(), everything());
            let found = ranking::largest(&mut session, &query, None, order, 10).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|it| (it.group_key, it.figures.requests)).collect();
            assert_eq!(found, expected, "{by:?} {order:?}");
        }
    }
    let query = ask(Dim::Provider, everything());
    let first = ranking::largest(&mut session, &query, None, Order::Calls, 1).await.unwrap();
    assert_eq!(first.len(), 1);
    let groq = ["groq".to_owned()];
    let found = ranking::largest(&mut session, &query, Some(&groq), Order::Errors, 10).await.unwrap();
    assert_eq!(found.into_iter().map(|it| it.group_key).collect::<Vec<_>>(), groq);
    assert!(ranking::largest(&mut session, &query, Some(&[]), Order::Errors, 10).await.unwrap().is_empty());
    for filter in [
        SumsFilter { provider: Some("groq".to_owned()), ..everything() },
        SumsFilter { model: Some("llama".to_owned()), ..everything() },
        SumsFilter { credential: Some(uid(2)), ..everything() },
    ] {
        let query = ask(Dim::Provider, filter);
        let found = ranking::largest(&mut session, &query, None, Order::Calls, 10).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|it| (it.group_key, it.figures.requests)).collect();
        assert_eq!(found, series(&[("groq", 1)]), "{query:?}");
    }
    let today = NOW.0 - NOW.0.rem_euclid(DAY);
    let days = ranking::by_day(&mut session, &query, &["openai".to_owned()]).await.unwrap();
    let days: Vec<_> =
        days.into_iter().map(|it| (it.day_start_ms, it.group_key, it.figures.requests)).collect();
    let openai = || "openai".to_owned();
    assert_eq!(days, [(today - DAY, openai(), 1), (today, openai(), 2)]);
    assert!(ranking::by_day(&mut session, &query, &[]).await.unwrap().is_empty());
}

/// Keys of groups with their uses.
type Groups<'a> = Vec<(&'a str, &'a str, i64)>;

/// Writes roll-ups of all days that are behind.
async fn roll_up(ground: &Ground) {
    let mut session = ground.read().await;
    for day in usage_rollup::list_changed(&mut session).await.expect("an answer") {
        let rollup = usage_rollup::sum_up(&mut session, day).await.expect("an answer");
        let mut tx = ground.write().await;
        assert!(usage_rollup::replace(&mut tx, &rollup, NOW).await.expect("an answer"));
        tx.commit().await.expect("an answer");
    }
}

#[tokio::test]
async fn spend_by_tag_is_whole_before_and_after_days_are_rolled_up() {
    let ground = ground().await;
    let tagged = |number, tags: &[(&str, &str)], at| {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Record { tags: TagSet::stored(tags), ..record(number, Some(uid(1)), at) }
    };
    let yesterday = Millis(NOW.0 - DAY);
    let records = [
        tagged(1, &[("project", "search"), ("env", "prod")], NOW),
        tagged(2, &[("project", "search")], yesterday),
        tagged(3, &[("project", "ads")], yesterday),
        tagged(4, &[("env", "prod")], yesterday),
        record(5, Some(uid(1)), yesterday),
        // No key of a tag is the beginning of another one.
        tagged(6, &[("projects", "x")], yesterday),
    ];
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, &records).await.unwrap();
    tx.commit().await.unwrap();
    let project = || Dim::Tag("project".to_owned());
    let filter = |tag: Option<(&str, &str)>| SumsFilter {
        tag: tag.map(|(key, value)| (key.to_owned(), value.to_owned())),
        ..SumsFilter::default()
    };
    let today = NOW.0 - NOW.0.rem_euclid(DAY);
    let (now, before) = (today.to_string(), (today - DAY).to_string());
    let asked: [(Dim, Option<Dim>, SumsFilter, Groups<'_>); 6] = [
        (project(), None, filter(None), vec![("", "", 3), ("ads", "", 1), ("search", "", 2)]),
        (
            project(),
            Some(Dim::Day),
            filter(None),
            vec![("", &before, 3), ("ads", &before, 1), ("search", &before, 1), ("search", &now, 1)],
        ),
        (
            Dim::Day,
            Some(project()),
            filter(None),
            vec![(&before, "", 3), (&before, "ads", 1), (&before, "search", 1), (&now, "search", 1)],
        ),
        (Dim::Day, None, filter(Some(("env", "prod"))), vec![(&before, "", 1), (&now, "", 1)]),
        (project(), None, filter(Some(("env", "prod"))), vec![("", "", 1), ("search", "", 1)]),
        (
            project(),
            Some(Dim::Provider),
            filter(None),
            vec![("", "openai", 3), ("ads", "openai", 1), ("search", "openai", 2)],
        ),
    ];
    for round in ["before", "after", "with a late one"] {
        let mut session = ground.read().await;
        for (by, split, filter, expected) in &asked {
            let query = SumsQuery {
                by: by.clone(),
                split: split.clone(),
                filter: filter.clone(),
                from: ALWAYS.0,
                to: ALWAYS.1,
            };
            let found = usage_sums::of_days(&mut session, &query).await.unwrap();
            let found: Vec<_> = found
                .iter()
                .map(|it| (it.group_key.as_str(), it.split_key.as_str(), it.figures.requests))
                .collect();
            assert_eq!(found, *expected, "{round} {query:?}");
        }
        let query =
            SumsQuery { by: project(), split: None, filter: filter(None), from: ALWAYS.0, to: ALWAYS.1 };
        let largest = ranking::largest(&mut session, &query, None, Order::Calls, 2).await.unwrap();
        let largest: Vec<_> = largest.iter().map(|it| (it.group_key.as_str(), it.figures.requests)).collect();
        assert_eq!(largest, [("", 3), ("search", 2)], "{round}");
        let days = ranking::by_day(&mut session, &query, &["search".to_owned()]).await.unwrap();
        assert_eq!(
            days.iter().map(|it| it.day_start_ms).collect::<Vec<_>>(),
            [today - DAY, today],
            "{round}"
        );
        drop(session);
        if round == "before" {
            roll_up(&ground).await;
        } else {
            // A day is behind again: it is read from the day itself.
            ground.database.execute("UPDATE usage_marks SET seen = -1").await;
        }
    }
}

#[tokio::test]
async fn credentials_and_versions_have_their_names() {
    let ground = ground().await;
    let openai = provider("openai");
    ground.put(row(1, "one", &openai)).await;
    let found = ground.database.query_text("SELECT c.uid, v.uid FROM api_credentials c JOIN credential_versions v ON v.credential_uid = c.uid").await;
    let [credential, version] = &found[0][..] else { panic!("{found:?}") };
    let [credential, version] =
        [credential, version].map(|uid| uid.as_deref().unwrap().parse::<Uid>().unwrap());
    let mut tx = ground.write().await;
    let used = Record { version: Some(version), ..record(1, Some(credential), NOW) };
    usage::insert_all(&mut tx, &[used]).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    for (by, key, name) in [
        (Dim::Credential, credential, "one"),
        (Dim::Version, version, "one v"),
        (Dim::Provider, uid(0), "openai"),
    ] {
        let query = SumsQuery {
            by: by.clone(),
            split: None,
            filter: SumsFilter::default(),
            from: ALWAYS.0,
            to: ALWAYS.1,
        };
        let found = ranking::largest(&mut session, &query, None, Order::Cost, 1).await.unwrap();
        assert!(found[0].name.starts_with(name), "{found:?}");
        assert!(by == Dim::Provider || found[0].group_key == key.to_string(), "{found:?}");
    }
}
