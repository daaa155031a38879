//! Samples of limits, and what they refused.

use std::collections::BTreeMap;

use strongroom_model::Millis;
use strongroom_model::limit::{LimitScope, Unit, Window};
use strongroom_store::counter::{self, CounterKey, Delta};
use strongroom_store::limit::{self, LimitChange};
use strongroom_store::limit_history::{self, Refused, SLOT_MS};

use super::ground::{Ground, NOW, ground, uid};

async fn set(ground: &Ground, number: u8, scope: &LimitScope, unit: Unit, window: Window) {
    let mut tx = ground.write().await;
    let change = LimitChange { scope, unit, window, amount: Some(100), uid: uid(number), at: NOW };
    limit::set_on_new(&mut tx, &change).await.expect("an answer");
    tx.commit().await.expect("a commit");
}

async fn count(ground: &Ground, key: CounterKey, amount: i64, at: Millis) {
    let mut tx = ground.write().await;
    let delta = Delta { held: 3, leased: 4, ..Delta::used(amount, at) };
    counter::apply(&mut tx, &BTreeMap::from([(key, delta)])).await.expect("an answer");
    tx.commit().await.expect("a commit");
}

#[tokio::test]
async fn limits_that_have_moved_are_sampled_where_they_stand() {
    let ground = ground().await;
    let (token, credential) = (LimitScope::Token("t".to_owned()), LimitScope::Credential(uid(50)));
    set(&ground, 1, &token, Unit::Tokens, Window::Day).await;
    set(&ground, 2, &token, Unit::Tokens, Window::Minute).await;
    set(&ground, 3, &token, Unit::NanoUsd, Window::Prepaid).await;
    set(&ground, 4, &credential, Unit::Requests, Window::Month).await;
    set(&ground, 5, &token, Unit::Requests, Window::Hour).await;
    let at = |number, unit, window| CounterKey::at(uid(number), unit, window, NOW);
    let used = Millis(NOW.0 - 90_000);
    count(&ground, at(1, Unit::Tokens, Window::Day), 10, used).await;
    count(&ground, at(2, Unit::Tokens, Window::Minute), 10, used).await;
    count(&ground, at(3, Unit::NanoUsd, Window::Prepaid), 30, used).await;
    count(&ground, at(50, Unit::Requests, Window::Month), 40, used).await;
    // It has counted nothing for long, and has just refused something.
    count(&ground, at(5, Unit::Requests, Window::Hour), 100, Millis(NOW.0 - 600_000)).await;
    let slot = Millis(NOW.0 - NOW.0 % SLOT_MS);
    let refused = |number, count| Refused {
        limit: uid(number),
        window_start: Window::Hour.start(NOW),
        slot_start: slot,
        count,
    };
    let mut tx = ground.write().await;
    limit_history::add_refusals(&mut tx, &[refused(5, 2)]).await.unwrap();
    limit_history::add_refusals(&mut tx, &[refused(5, 3), refused(6, 1)]).await.unwrap();
    tx.commit().await.unwrap();

    let mut session = ground.read().await;
    let moved = limit_history::moved(&mut session, Millis(NOW.0 - 100_000), NOW).await.unwrap();
    let shown: Vec<_> =
        moved.iter().map(|it| (it.limit_uid.clone(), it.settled, it.held, it.refused, it.amount)).collect();
    let expected = [(1, 10, 0), (3, 30, 0), (4, 40, 0), (5, 100, 5)];
    assert_eq!(
        shown,
        expected.map(|(number, settled, refused)| (uid(number).to_string(), settled, 7, refused, 100))
    );
    let later = Millis(NOW.0 + 3_600_000);
    assert_eq!(limit_history::moved(&mut session, Millis(NOW.0 - 60_000), NOW).await.unwrap().len(), 1);
    assert_eq!(limit_history::moved(&mut session, Millis(later.0 - 60_000), later).await.unwrap(), []);
    let slots = limit_history::list_refusals(&mut session, uid(5), Millis(0)).await.unwrap();
    assert_eq!(slots.iter().map(|it| (it.slot_start_ms, it.refused)).collect::<Vec<_>>(), [(slot.0, 5)]);
    assert_eq!(limit_history::list_refusals(&mut session, uid(5), Millis(slot.0 + 1)).await.unwrap(), []);
}

#[tokio::test]
async fn samples_are_written_once_an_instant_thinned_and_deleted() {
    let ground = ground().await;
    set(&ground, 1, &LimitScope::Token("t".to_owned()), Unit::Tokens, Window::Day).await;
    let key = CounterKey::at(uid(1), Unit::Tokens, Window::Day, NOW);
    count(&ground, key, 10, NOW).await;
    let one = limit_history::moved(&mut ground.read().await, NOW, NOW).await.unwrap().remove(0);
    let hour = 3_600_000;
    let start = NOW.0 - NOW.0 % hour;
    let at = |at_ms: i64, settled| limit_history::LimitSample { at_ms, settled, ..one.clone() };
    let mut tx = ground.write().await;
    let samples = [at(start, 1), at(start + 60_000, 2), at(start + hour, 3), at(start + hour + 60_000, 4)];
    limit_history::put(&mut tx, &samples).await.unwrap();
    limit_history::put(&mut tx, &[at(start, 1), at(start + hour + 60_000, 5)]).await.unwrap();
    tx.commit().await.unwrap();
    let list = async |from: i64| -> Vec<i64> {
        let found =
            limit_history::list_samples(&mut ground.read().await, uid(1), Millis(from)).await.unwrap();
        found.into_iter().map(|sample| sample.settled).collect()
    };
    assert_eq!(list(0).await, [1, 2, 3, 5]);
    assert_eq!(list(start + hour).await, [3, 5]);
    let mut tx = ground.write().await;
    assert_eq!(
        limit_history::thin(&mut tx, Millis(start + hour)).await.unwrap(),
        1,
        "the last one of its hour stays"
    );
    tx.commit().await.unwrap();
    assert_eq!(list(0).await, [2, 3, 5]);
    let mut tx = ground.write().await;
    let refused = Refused { limit: uid(1), window_start: NOW, slot_start: Millis(start), count: 1 };
    limit_history::add_refusals(&mut tx, &[refused]).await.unwrap();
    assert_eq!(limit_history::delete(&mut tx, Millis(start + hour)).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(list(0).await, [3, 5]);
}
