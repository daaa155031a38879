//! Sums stop at their ceiling, and whatever stands in a table can be read: with amounts from one end of 64 bits to the other.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use strongroom_model::limit::{Unit, Window};
use strongroom_model::usage::TokenUsage;
use strongroom_model::{Amount, Millis, Uid};
use strongroom_store::counter::{self, CounterKey, Delta};
use strongroom_store::usage::{self, Record};
use strongroom_store::usage_sums::{self, Dim, SumsFilter, SumsQuery};
use strongroom_store::{CEILING, credential, leak, node};

use super::counter::record;
use super::ground::{Ground, NOW, ground, provider, row, uid};

/// Figures that callers and providers are fond of, and any others.
fn figure() -> impl Strategy<Value = i64> {
    prop_oneof![
        prop::sample::select(vec![
            i64::MIN,
            -CEILING - 1,
            -CEILING,
            -1,
            0,
            1,
            CEILING,
            CEILING + 1,
            i64::MAX
        ]),
        any::<i64>(),
        -10_000_i64..10_000,
    ]
}

fn delta() -> impl Strategy<Value = Delta> {
    (figure(), figure(), figure(), figure(), any::<i64>()).prop_map(
        |(settled, held, leased, adjusted, at)| Delta {
            settled,
            held,
            leased,
            adjusted,
            last_used: Some(Millis(at)),
        },
    )
}

/// What a sum stops at, in wide arithmetic.
fn stopped(sum: i64, more: i64) -> i64 {
    let ceiling = i128::from(CEILING);
    let wide = i128::from(sum) + i128::from(more).clamp(-ceiling, ceiling);
    i64::try_from(wide.clamp(-ceiling, ceiling)).expect("within bounds")
}

/// Runs a case per input, on one runtime and one database.
fn for_all<S: Strategy>(inputs: S, cases: u32, check: impl AsyncFn(&Ground, u32, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ground = runtime.block_on(ground());
    let mut runner =
        TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let number = std::cell::Cell::new(0);
    let done = runner.run(&inputs, |input| {
        number.set(number.get() + 1);
        runtime.block_on(check(&ground, number.get(), input));
        Ok(())
    });
    done.unwrap_or_else(|error| panic!("{error}"));
}

/// An identity of its own for each case.
fn numbered(number: u32) -> Uid {
    let mut bytes = [9; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Uid::from_bytes(bytes)
}

#[test]
fn whatever_is_added_to_a_counter_it_stops_at_the_ceiling_and_is_read_back() {
    for_all(prop::collection::vec(delta(), 1..6), 48, async |ground, number, deltas| {
        let key = CounterKey::at(numbered(number), Unit::Tokens, Window::Day, NOW);
        let server = numbered(number);
        let mut tx = ground.write().await;
        node::register(&mut tx, server, NOW, NOW).await.expect("a server");
        let mut wanted = [0; 4];
        for delta in &deltas {
            let all = BTreeMap::from([(key, *delta)]);
            counter::apply(&mut tx, &all).await.expect("a sum");
            node::apply(&mut tx, server, &all).await.expect("a sum");
            for (sum, more) in
                wanted.iter_mut().zip([delta.settled, delta.held, delta.leased, delta.adjusted])
            {
                *sum = stopped(*sum, more);
            }
        }
        let state = counter::lock_all(&mut tx, &[key]).await.expect("an answer")[&key];
        assert_eq!([state.settled, state.held, state.leased, state.adjusted], wanted, "{deltas:?}");
        assert!(state.taken() >= state.used().saturating_add(state.leased), "{state:?}");
        let holds = node::holds(&mut tx, server).await.expect("an answer");
        if let Some(hold) = holds.first() {
            assert_eq!((hold.held, hold.leased), (wanted[1], wanted[2]), "{deltas:?}");
        }
        tx.commit().await.expect("a commit");
    });
}

#[test]
fn the_sums_of_a_day_stop_at_the_ceiling_whatever_records_say() {
    let figures = prop::array::uniform4(figure());
    for_all(prop::collection::vec(figures, 1..12), 24, async |ground, number, all| {
        let credential = numbered(number);
        // As full as it gets without a billion records.
        let full = format!("UPDATE usage_days SET input_tokens = {CEILING}, requests = {}", CEILING - 1);
        let records: Vec<_> = all
            .iter()
            .enumerate()
            .map(|(place, [requests, input, cost, latency])| {
                let mut uid = *numbered(number).as_bytes();
                uid[15] = u8::try_from(place).expect("few");
                Record {
                    uid: Uid::from_bytes(uid),
                    requests: *requests,
                    client_requests: *requests,
                    tokens: TokenUsage { input: Amount::of(*input), ..TokenUsage::default() },
                    cost_nano_usd: Some(Amount::of(*cost)),
                    charged_nano_usd: Amount::of(*cost),
                    first_byte_ms: Some(*latency),
                    total_ms: Some(*latency),
                    ..record(1, Some(credential), NOW)
                }
            })
            .collect();
        let (first, rest) = records.split_at(records.len() / 2);
        for part in [first, rest] {
            let mut tx = ground.write().await;
            usage::insert_all(&mut tx, part).await.expect("records");
            tx.commit().await.expect("a commit");
            ground.database.execute(&full).await;
        }
        // Once more on top of the full sums.
        let again =
            |one: &Record| Record { uid: Uid::from_bytes([one.uid.as_bytes()[15]; 16]), ..one.clone() };
        let again: Vec<_> = records.iter().map(again).collect();
        let mut tx = ground.write().await;
        usage::insert_all(&mut tx, &again).await.expect("records");
        tx.roll_back().await.expect("nothing");
        let bounds = format!(
            "SELECT COUNT(*) FROM usage_days WHERE requests NOT BETWEEN -{CEILING} AND {CEILING} \
             OR input_tokens NOT BETWEEN 0 AND {CEILING} OR cost_nano_usd NOT BETWEEN 0 AND {CEILING} \
             OR first_byte_ms_sum NOT BETWEEN 0 AND {CEILING} OR total_ms_sum NOT BETWEEN 0 AND {CEILING}"
        );
        assert_eq!(ground.database.query_text(&bounds).await[0][0].as_deref(), Some("0"));
        let mut session = ground.read().await;
        for by in [Dim::Day, Dim::Model, Dim::Credential] {
            usage_sums::of_days(&mut session, &all_by(by)).await.expect("sums");
        }
        leak::spent(&mut session, credential, Millis(0)).await.expect("sums");
    });
}

/// All sums by a dimension.
fn all_by(by: Dim) -> SumsQuery {
    SumsQuery { by, split: None, filter: SumsFilter::default(), from: Millis(0), to: Millis(i64::MAX) }
}

#[tokio::test]
async fn whatever_stands_in_the_tables_their_sums_can_be_read() {
    let ground = ground().await;
    let provider = provider("openai");
    let id = ground.put(row(1, "one", &provider)).await;
    let mut tx = ground.write().await;
    let records: Vec<_> = (1..60)
        .map(|number| Record { status: u16::from(number), ..record(number, Some(uid(1)), NOW) })
        .collect();
    usage::insert_all(&mut tx, &records).await.expect("records");
    let months =
        (1..=12).map(|month| CounterKey::monthly_requests(uid(1), Millis(NOW.0 - month * 2_700_000_000)));
    let deltas = months.map(|key| (key, Delta::used(1, NOW))).collect();
    counter::apply(&mut tx, &deltas).await.expect("counters");
    tx.commit().await.expect("a commit");
    for figure in [i64::MIN, -CEILING, CEILING, i64::MAX] {
        let days = [
            "requests",
            "client_requests",
            "errors_client",
            "errors_provider",
            "input_tokens",
            "cost_nano_usd",
        ];
        let days = days.map(|column| format!("{column} = {figure}")).join(", ");
        let each = format!(
            "UPDATE usage_days SET {days}; UPDATE counters SET settled = {figure}, held = {figure}, adjusted = {figure}"
        );
        ground.database.execute(&each).await;
        let mut session = ground.read().await;
        for by in [Dim::Credential, Dim::Version, Dim::Provider, Dim::Model, Dim::Token, Dim::User, Dim::Day]
        {
            let sums = usage_sums::of_days(&mut session, &all_by(by.clone())).await;
            let sums = sums.unwrap_or_else(|error| panic!("{by:?} of {figure}: {error:?}"));
            assert!(
                sums.iter().all(|sums| (sums.figures.requests < 0) == (figure < 0)),
                "{figure}: {sums:?}"
            );
        }
        leak::spent(&mut session, uid(1), Millis(0)).await.expect("sums");
        let found = counter::proof::discrepancies(&mut session).await.expect("an answer");
        assert_eq!(found.len(), 12, "{figure}");
        counter::proof::limit_discrepancies(&mut session, Millis(0)).await.expect("an answer");
        let one = credential::get(&mut session, id, NOW).await.expect("an answer").expect("a credential");
        assert_eq!(one.usage_count < 0, figure < 0, "{figure}: {}", one.usage_count);
    }
}
