//! Roll-ups of usage: each equals the records, through late ones, prices that change, folding, and being made again.

use std::collections::BTreeMap;

use strongroom_model::tag::TagSet;
use strongroom_model::{Amount, LedgerText, Millis, Uid, UserId};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::usage_hours::{self, HourDim, HourSums, HoursQuery};
use strongroom_store::usage_record::Whose;
use strongroom_store::usage_sums::ranking::Order;
use strongroom_store::usage_sums::{self, Dim, GroupSums, SumsFilter, SumsQuery, hours as subject_hours};
use strongroom_store::usage_top::{self, Period};
use strongroom_store::{usage_proof, usage_report, usage_rollup};

use super::counter::record as counter_record;
use super::ground::{Ground, NOW, ground, provider, uid};

const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;
const TODAY: i64 = NOW.0 - NOW.0 % DAY;

/// A record of so many milliseconds after now whose identity begins with its instant, as all have.
fn record(number: u8, after: i64) -> Record {
    let at = Millis(NOW.0 + after);
    let mut bytes = [number; 16];
    bytes[..6].copy_from_slice(&at.0.to_be_bytes()[2..]);
    Record { uid: Uid::from_bytes(bytes), ..counter_record(number, Some(uid(1)), at) }
}

async fn write(ground: &Ground, records: &[Record]) {
    let mut tx = ground.write().await;
    usage::insert_all(&mut tx, records).await.expect("an answer");
    tx.commit().await.expect("an answer");
}

/// Some of everything, over three days.
fn records() -> Vec<Record> {
    let tags = |pairs: &[(&str, &str)]| {
        TagSet::stored(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    };
    vec![
        Record { tags: tags(&[("project", "search"), ("env", "prod")]), ..record(1, 0) },
        Record {
            status: 429,
            cost_nano_usd: None,
            client_requests: 0,
            kind: Kind::Attempt,
            ..record(2, -1000)
        },
        Record { status: 0, first_byte_ms: None, total_ms: None, ..record(3, -HOUR) },
        Record {
            provider: provider("groq"),
            model: LedgerText::named("llama").expect("a name"),
            credential: Some(uid(2)),
            user: Some(UserId(8)),
            first_byte_ms: Some(900),
            total_ms: Some(40_000),
            cost_nano_usd: Some(Amount::of(7000)),
            ..record(4, -DAY)
        },
        Record {
            credential: None,
            version: None,
            source: strongroom_model::credential::Source::Environment,
            actor: LedgerText::named("library").expect("a name"),
            user: None,
            ..record(5, -2 * DAY)
        },
    ]
}

async fn roll_up(ground: &Ground, now: Millis) -> usize {
    let mut session = ground.read().await;
    let changed = usage_rollup::list_changed(&mut session).await.expect("an answer");
    for day in &changed {
        let rollup = usage_rollup::sum_up(&mut session, *day).await.expect("an answer");
        let mut tx = ground.write().await;
        assert!(usage_rollup::replace(&mut tx, &rollup, now).await.expect("an answer"));
        tx.commit().await.expect("an answer");
    }
    changed.len()
}

async fn faults(ground: &Ground) -> Vec<String> {
    let mut snapshot = ground.store.snapshot().await.expect("a snapshot");
    let found = usage_proof::discrepancies(&mut snapshot, Millis(0)).await.expect("an answer");
    found
        .into_iter()
        .map(|one| format!("{} {}: {} for {}", one.subject_uid, one.unit, one.counted, one.recorded))
        .collect()
}

fn query(by: Dim, split: Option<Dim>, filter: SumsFilter) -> SumsQuery {
    SumsQuery { by, split, filter, from: Millis(0), to: Millis(i64::MAX) }
}

async fn sums(ground: &Ground, query: &SumsQuery) -> Vec<GroupSums> {
    usage_sums::of_days(&mut ground.read().await, query).await.expect("an answer")
}

async fn count(ground: &Ground, sql: &str) -> String {
    let rows = ground.database.query_text(sql).await;
    rows[0][0].clone().unwrap_or_default()
}

#[tokio::test]
async fn sums_are_the_same_before_and_after_they_are_rolled_up() {
    let ground = ground().await;
    write(&ground, &records()).await;
    let one = |change: fn(&mut SumsFilter)| {
        let mut filter = SumsFilter::default();
        change(&mut filter);
        filter
    };
    let all = SumsFilter::default;
    let queries = [
        query(Dim::Provider, None, all()),
        query(Dim::Model, Some(Dim::Day), all()),
        query(Dim::Source, None, one(|it| it.provider = Some("openai".to_owned()))),
        query(Dim::Day, None, all()),
        query(Dim::Credential, None, all()),
        query(Dim::Credential, Some(Dim::Day), all()),
        query(Dim::Token, None, all()),
        query(Dim::User, Some(Dim::Day), all()),
        query(Dim::Day, None, one(|it| it.credential = Some(uid(2)))),
        query(Dim::Day, None, one(|it| it.user = Some(7))),
        query(Dim::Day, None, one(|it| it.token = Some(uid(90).to_string()))),
        query(Dim::Day, None, one(|it| it.whose = Whose::User(8))),
        query(Dim::Day, None, one(|it| it.whose = Whose::Actor(format!("token:{}", uid(90))))),
        query(Dim::Day, None, one(|it| it.whose = Whose::Actor("library".to_owned()))),
        query(Dim::Version, Some(Dim::Provider), all()),
        query(Dim::Operation, None, one(|it| it.model = Some("llama".to_owned()))),
        query(Dim::Credential, Some(Dim::Model), one(|it| it.source = Some("database".to_owned()))),
    ];
    let mut before = Vec::new();
    for query in &queries {
        before.push(sums(&ground, query).await);
    }
    assert_eq!(before[0].iter().map(|sums| sums.figures.requests).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(
        before[2].iter().map(|sums| sums.group_key.as_str()).collect::<Vec<_>>(),
        ["database", "environment"]
    );
    assert!(before.iter().all(|sums| !sums.is_empty()));
    assert_eq!(roll_up(&ground, NOW).await, 3);
    assert_eq!(roll_up(&ground, NOW).await, 0, "nothing has changed since");
    // Nothing is left of the days that would answer for the roll-ups.
    let mut with_other_days = Vec::new();
    for query in &queries {
        with_other_days.push(sums(&ground, query).await);
    }
    for ((query, before), after) in queries.iter().zip(&before).zip(&with_other_days) {
        assert_eq!(before, after, "{query:?}");
    }
    // What is written afterwards is in the answer at once.
    write(&ground, &[record(6, -DAY)]).await;
    let providers = sums(&ground, &queries[0]).await;
    assert_eq!(providers.iter().map(|sums| sums.figures.requests).collect::<Vec<_>>(), [1, 5]);
    let changed = usage_rollup::list_changed(&mut ground.read().await).await.unwrap();
    assert_eq!(changed.iter().map(|day| day.day_start_ms).collect::<Vec<_>>(), [TODAY - DAY]);
    // Answers come from the roll-ups: a figure that is wrong there is told.
    ground.database.execute("UPDATE usage_days_mix SET requests = 1000 WHERE provider = 'groq'").await;
    roll_up(&ground, NOW).await;
    ground.database.execute("UPDATE usage_days_mix SET requests = 1000 WHERE provider = 'groq'").await;
    assert_eq!(sums(&ground, &queries[0]).await[0].figures.requests, 1000);
    assert_eq!(faults(&ground).await, ["usage_days_mix call groq llama database requests: 1000 for 1"]);
}

#[tokio::test]
async fn roll_ups_are_made_once_of_each_change() {
    let ground = ground().await;
    write(&ground, &[record(1, 0)]).await;
    let mut session = ground.read().await;
    let changed = usage_rollup::list_changed(&mut session).await.unwrap();
    let rollup = usage_rollup::sum_up(&mut session, changed[0]).await.unwrap();
    // Two servers at once: the slower one writes nothing, so that no month counts twice.
    let replace = async || {
        let mut tx = ground.write().await;
        let done = usage_rollup::replace(&mut tx, &rollup, NOW).await.unwrap();
        tx.commit().await.unwrap();
        done
    };
    assert_eq!((replace().await, replace().await), (true, false));
    assert_eq!(usage_rollup::last_made(&mut session).await.unwrap(), Some(NOW));
    let requests = "SELECT CAST(SUM(requests) AS BIGINT) FROM ";
    write(&ground, &[record(2, 0), record(3, 0)]).await;
    roll_up(&ground, NOW).await;
    for table in ["usage_subject_days", "usage_subject_months", "usage_subject_hours"] {
        let sql = format!("{requests}{table} WHERE dim = 'token'");
        assert_eq!(count(&ground, &sql).await, "3", "{table}");
    }
    let hours = "SELECT hour_start_ms FROM usage_subject_hours WHERE dim = 'token'";
    assert_eq!(count(&ground, hours).await, (NOW.0 - NOW.0 % HOUR).to_string(), "the hour of the look");
    assert_eq!(usage_rollup::list_days(&mut session, Millis(0)).await.unwrap(), [TODAY]);
    assert_eq!(usage_rollup::list_days(&mut session, Millis(TODAY + 1)).await.unwrap(), [0; 0]);
    let mut tx = ground.write().await;
    assert!(usage_rollup::delete_hours(&mut tx, Millis(NOW.0 + 1)).await.unwrap() > 0);
    tx.commit().await.unwrap();
    let told = faults(&ground).await;
    assert!(!told.is_empty() && told.iter().all(|it| it.starts_with("usage_subject_hours ")), "{told:?}");
    let mut tx = ground.write().await;
    usage_rollup::rebuild_hours(&mut tx, Millis(0)).await.unwrap();
    tx.commit().await.unwrap();
    roll_up(&ground, NOW).await;
    assert_eq!(faults(&ground).await, [""; 0]);
}

async fn hours(ground: &Ground, by: HourDim, split: Option<HourDim>) -> Vec<HourSums> {
    let (from, to) = (Millis(0), Millis(i64::MAX));
    let query = HoursQuery { by, split, provider: None, model: None, source: None, from, to };
    usage_hours::sums(&mut ground.read().await, &query).await.expect("an answer")
}

#[tokio::test]
async fn hours_tell_statuses_and_times_and_are_the_same_when_they_are_folded() {
    let ground = ground().await;
    write(&ground, &records()).await;
    let statuses = hours(&ground, HourDim::Status, None).await;
    let shown: BTreeMap<_, _> =
        statuses.iter().map(|sums| (sums.group_key.as_str(), sums.figures.requests)).collect();
    assert_eq!(shown, BTreeMap::from([("2xx", 3), ("4xx", 1), ("none", 1)]));
    let of = |key: &str| statuses.iter().find(|sums| sums.group_key == key).unwrap();
    assert_eq!((of("4xx").figures.errors_client, of("none").figures.errors_provider), (1, 1));
    let providers = hours(&ground, HourDim::Provider, Some(HourDim::Day)).await;
    let groq = &providers[0];
    assert_eq!(
        (groq.group_key.as_str(), groq.split_key.as_str()),
        ("groq", (TODAY - DAY).to_string().as_str())
    );
    assert_eq!((groq.first_byte[6], groq.total[8], groq.streamed_ms_sum), (1, 1, 39_100));
    assert_eq!(groq.first_byte.iter().sum::<i64>() + groq.total.iter().sum::<i64>(), 2);
    assert_eq!(hours(&ground, HourDim::Hour, None).await.len(), 4);

    let before = (statuses, providers, hours(&ground, HourDim::Model, Some(HourDim::Source)).await);
    roll_up(&ground, NOW).await;
    let slots = "SELECT COUNT(*) FROM usage_5m";
    let mut folded = 0;
    loop {
        let mut tx = ground.write().await;
        let is_folded = usage_hours::fold_oldest(&mut tx, Millis(TODAY)).await.unwrap();
        tx.commit().await.unwrap();
        if !is_folded {
            break;
        }
        folded += 1;
    }
    assert_eq!((folded, count(&ground, slots).await.as_str()), (2, "3"), "today's slots stay");
    let after = (
        hours(&ground, HourDim::Status, None).await,
        hours(&ground, HourDim::Provider, Some(HourDim::Day)).await,
        hours(&ground, HourDim::Model, Some(HourDim::Source)).await,
    );
    assert_eq!(before, after);
    assert_eq!(faults(&ground).await, [""; 0]);
    // A record that comes late is in the answer, in the roll-up of its day, and in its hour once that is folded again.
    write(&ground, &[record(7, -DAY)]).await;
    assert_eq!(roll_up(&ground, NOW).await, 1, "the day that it is of, and none that was folded");
    let mut tx = ground.write().await;
    assert!(usage_hours::fold_oldest(&mut tx, Millis(TODAY)).await.unwrap());
    assert!(!usage_hours::fold_oldest(&mut tx, Millis(TODAY)).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(faults(&ground).await, [""; 0]);
    let mut tx = ground.write().await;
    assert_eq!(usage_hours::delete(&mut tx, Millis(TODAY - DAY)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(faults(&ground).await[0].starts_with("usage_hours "));
}

#[tokio::test]
async fn a_price_that_changes_moves_every_roll_up() {
    let ground = ground().await;
    write(&ground, &records()).await;
    roll_up(&ground, NOW).await;
    let mut tx = ground.write().await;
    // One day is by the hour, the others in slots.
    while usage_hours::fold_oldest(&mut tx, Millis(TODAY - DAY)).await.unwrap() {}
    tx.commit().await.unwrap();
    roll_up(&ground, NOW).await;
    let priced = usage_report::list_priced(&mut ground.read().await, Millis(0), "", 10).await.unwrap();
    assert_eq!(priced.len(), 5);
    for record in &priced {
        let mut tx = ground.write().await;
        assert!(usage_report::set_cost(&mut tx, record, Some(50)).await.unwrap());
        tx.commit().await.unwrap();
    }
    let cost = async |by| {
        sums(&ground, &query(by, None, SumsFilter::default()))
            .await
            .iter()
            .map(|it| it.figures.cost_nano_usd)
            .sum::<i64>()
    };
    assert_eq!((cost(Dim::Provider).await, cost(Dim::Credential).await), (250, 250));
    let of_hours = hours(&ground, HourDim::Source, None).await;
    let of_hours = of_hours
        .iter()
        .fold((0, 0), |sum, it| (sum.0 + it.figures.cost_nano_usd, sum.1 + it.figures.unpriced));
    assert_eq!(of_hours, (250, 0));
    assert_eq!(roll_up(&ground, NOW).await, 3, "each of these days has changed");
    assert_eq!((cost(Dim::Provider).await, cost(Dim::Credential).await), (250, 250));
    assert_eq!(faults(&ground).await, [""; 0]);
}

#[tokio::test]
async fn what_was_changed_from_outside_is_told_and_made_again() {
    let ground = ground().await;
    write(&ground, &records()).await;
    roll_up(&ground, NOW).await;
    assert_eq!(faults(&ground).await, [""; 0]);
    for (table, sql) in [
        ("usage_hours", "UPDATE usage_5m SET total_3 = total_3 + 1 WHERE provider = 'groq'"),
        ("usage_hours", "DELETE FROM usage_5m WHERE provider = 'groq'"),
        ("usage_days_mix", "UPDATE usage_days_mix SET output_tokens = 0 WHERE provider = 'groq'"),
        ("usage_subject_days", "DELETE FROM usage_subject_days WHERE dim = 'user' AND subject = '8'"),
        (
            "usage_subject_months",
            "UPDATE usage_subject_months SET cost_nano_usd = 1 WHERE dim = 'credential'",
        ),
        ("usage_subject_days", "UPDATE usage_subject_days SET requests = 9 WHERE subject = 'project=search'"),
        ("usage_subject_hours", "UPDATE usage_subject_hours SET requests = requests + 3 WHERE dim = 'user'"),
        ("usage_subject_hours", "DELETE FROM usage_subject_hours WHERE dim = 'credential'"),
        ("usage_days", "UPDATE usage_days SET input_tokens = input_tokens + 1"),
    ] {
        ground.database.execute(sql).await;
        let told = faults(&ground).await;
        assert!(told.iter().any(|fault| fault.starts_with(table)), "{sql}: {told:?}");
        if table == "usage_days" {
            ground.database.execute("UPDATE usage_days SET input_tokens = input_tokens - 1").await;
        }
        for day in [TODAY - 2 * DAY, TODAY - DAY, TODAY] {
            let mut tx = ground.write().await;
            usage_hours::rebuild_day(&mut tx, Millis(day), day >= TODAY - DAY).await.unwrap();
            tx.commit().await.unwrap();
        }
        let mut tx = ground.write().await;
        usage_rollup::forget(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(faults(&ground).await, [""; 0], "what is behind is no fault");
        assert_eq!(roll_up(&ground, NOW).await, 3);
        assert_eq!(faults(&ground).await, [""; 0], "{sql}");
    }
    let mut tx = ground.write().await;
    usage_rollup::rebuild_hours(&mut tx, Millis(0)).await.unwrap();
    tx.commit().await.unwrap();
    let hours = "SELECT CAST(SUM(requests) AS BIGINT), COUNT(DISTINCT hour_start_ms) FROM usage_subject_hours WHERE dim = 'credential'";
    let rows = ground.database.query_text(hours).await;
    assert_eq!(rows, [[Some("5".to_owned()), Some("4".to_owned())]], "by the hours of the records");
    assert_eq!(roll_up(&ground, NOW).await, 3, "what hours lack is looked for");
    assert_eq!(ground.database.query_text(hours).await, rows, "and nothing is lacking");
    assert_eq!(faults(&ground).await, [""; 0]);
}

#[tokio::test]
async fn the_dearest_are_ranked_by_period() {
    let ground = ground().await;
    write(&ground, &records()).await;
    roll_up(&ground, NOW).await;
    let rank = async |period: Period, dim: &str| {
        let mut session = ground.read().await;
        let tops = usage_top::rank(&mut session, period, dim, NOW).await.unwrap();
        drop(session);
        let mut tx = ground.write().await;
        usage_top::replace(&mut tx, period, dim, &tops).await.unwrap();
        tx.commit().await.unwrap();
        let listed = usage_top::list(&mut ground.read().await, period, dim).await.unwrap();
        assert_eq!(listed, tops);
        listed.into_iter().map(|top| (top.place, top.subject, top.cost_nano_usd)).collect::<Vec<_>>()
    };
    assert_eq!(usage_top::last_made(&mut ground.read().await).await.unwrap(), None);
    let (one, two) = (uid(1).to_string(), uid(2).to_string());
    assert_eq!(rank(Period::Month, "credential").await, [(1, two.clone(), 7000), (2, one.clone(), 200)]);
    assert_eq!(rank(Period::Week, "user").await, [(1, "8".to_owned(), 7000), (2, "7".to_owned(), 200)]);
    // What was used yesterday was booked to its last hour, 24 hours ago.
    assert_eq!(rank(Period::Day, "credential").await, [(1, one.clone(), 200)]);
    assert_eq!(rank(Period::Day, "team").await, []);
    assert_eq!(usage_top::last_made(&mut ground.read().await).await.unwrap(), Some(NOW));
}

#[tokio::test]
async fn hours_of_subjects_are_told_for_the_largest_for_some_and_for_all() {
    let ground = ground().await;
    write(&ground, &[record(1, 0), record(2, 0), Record { credential: Some(uid(2)), ..record(3, 0) }]).await;
    roll_up(&ground, NOW).await;
    let hour = NOW.0 - NOW.0 % HOUR;
    let range = (Millis(hour), Millis(hour + HOUR));
    let (one, two) = (uid(1).to_string(), uid(2).to_string());
    let mut session = ground.read().await;
    let of = subject_hours::Subject::Credential;
    let largest = subject_hours::largest(&mut session, of, range, None, Order::Calls, 10).await.unwrap();
    let shown: Vec<_> = largest.iter().map(|it| (it.group_key.as_str(), it.figures.requests)).collect();
    assert_eq!(shown, [(one.as_str(), 2), (two.as_str(), 1)]);
    assert_eq!(subject_hours::largest(&mut session, of, range, None, Order::Cost, 1).await.unwrap().len(), 1);
    let keys = [two.clone()];
    let named = subject_hours::largest(&mut session, of, range, Some(&keys), Order::Calls, 10).await.unwrap();
    assert_eq!(named.iter().map(|it| it.group_key.as_str()).collect::<Vec<_>>(), [two.as_str()]);
    assert!(
        subject_hours::largest(&mut session, of, range, Some(&[]), Order::Calls, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let some = subject_hours::of_some(&mut session, of, range, &keys).await.unwrap();
    let some: Vec<_> =
        some.iter().map(|it| (it.hour_start_ms, it.subject.as_str(), it.figures.requests)).collect();
    assert_eq!(some, [(hour, two.as_str(), 1)]);
    assert!(subject_hours::of_some(&mut session, of, range, &[]).await.unwrap().is_empty());
    let all = subject_hours::of_all(&mut session, range).await.unwrap();
    assert_eq!(all.iter().map(|it| (it.hour_start_ms, it.figures.requests)).collect::<Vec<_>>(), [(hour, 3)]);
    let before = (Millis(hour - HOUR), Millis(hour));
    assert!(subject_hours::of_all(&mut session, before).await.unwrap().is_empty());
}
