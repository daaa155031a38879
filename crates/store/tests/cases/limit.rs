//! Limits, and the change counter that tells of them.

use std::collections::BTreeMap;
use std::time::Duration;

use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
use strongroom_model::{Millis, Uid, UserId};
use strongroom_store::counter::{CounterKey, Delta};
use strongroom_store::limit::LimitChange;
use strongroom_store::{change, counter, limit};

use super::ground::{Ground, NOW, ground, provider, row, uid};

const MONTHLY: (Unit, Window) = (Unit::Requests, Window::Month);

fn wanted(
    scope: &LimitScope,
    (unit, window): (Unit, Window),
    amount: Option<i64>,
    number: u8,
) -> LimitChange<'_> {
    LimitChange { scope, unit, window, amount, uid: uid(number), at: NOW }
}

async fn set(ground: &Ground, scope: &LimitScope, which: (Unit, Window), amount: Option<i64>, number: u8) {
    let mut tx = ground.write().await;
    limit::set(&mut tx, &wanted(scope, which, amount, number)).await.expect("a limit");
    tx.commit().await.expect("a commit");
}

async fn changes(ground: &Ground) -> i64 {
    change::current(&mut ground.read().await).await.expect("an answer")
}

#[tokio::test]
async fn a_credentials_limit_is_set_changed_and_removed() {
    let ground = ground().await;
    let id = ground.put(row(1, "one", &provider("openai"))).await;
    let other = ground.put(row(2, "two", &provider("openai"))).await;
    for amount in [Some(10), Some(0), Some(i64::MAX), None, None] {
        set(&ground, &LimitScope::Credential(uid(1)), MONTHLY, amount, 50).await;
        assert_eq!(ground.get(id).await.rate_limit, amount);
        assert_eq!(ground.get(other).await.rate_limit, None);
    }
}

#[tokio::test]
async fn limits_of_all_scopes_are_listed_and_found() {
    let ground = ground().await;
    let scopes =
        [LimitScope::Credential(uid(1)), LimitScope::Token("t2".to_owned()), LimitScope::User(UserId(3))];
    let mut number = 50;
    for scope in &scopes {
        for which in [MONTHLY, (Unit::NanoUsd, Window::Prepaid)] {
            number += 1;
            set(&ground, scope, which, Some(i64::from(number)), number).await;
        }
    }
    let mut session = ground.read().await;
    let all = limit::list(&mut session).await.unwrap();
    assert_eq!(all.iter().map(|it| it.amount).collect::<Vec<_>>(), [51, 52, 53, 54, 55, 56]);
    // By pages, in the same order; of one that is gone nothing is behind.
    let mut paged: Vec<Uid> = Vec::new();
    loop {
        let page = limit::page(&mut session, paged.last().copied(), 4).await.unwrap();
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        paged.extend(page.iter().map(|it| it.uid));
    }
    assert_eq!(paged, all.iter().map(|it| it.uid).collect::<Vec<_>>());
    assert_eq!(limit::page(&mut session, Some(uid(99)), 4).await.unwrap(), []);
    assert_eq!(limit::count(&mut session).await.unwrap(), 6);
    drop(session);
    // A use of 26 is half of 51, 52 and 53, and the rest is not used.
    let used = |limit: Uid, unit, window| (CounterKey::at(limit, unit, window, NOW), Delta::used(26, NOW));
    let deltas = BTreeMap::from([
        used(uid(1), Unit::Requests, Window::Month),
        used(uid(52), Unit::NanoUsd, Window::Prepaid),
        used(uid(53), Unit::Requests, Window::Month),
    ]);
    let mut tx = ground.write().await;
    counter::apply(&mut tx, &deltas).await.unwrap();
    tx.commit().await.unwrap();
    let mut session = ground.read().await;
    let amounts = |limits: Vec<Limit>| limits.iter().map(|it| it.amount).collect::<Vec<_>>();
    let well_used = limit::list_well_used(&mut session, NOW).await.unwrap();
    assert_eq!(amounts(well_used), [51, 52, 53]);
    let later = Millis(NOW.0 + 40 * 86_400_000);
    let well_used = limit::list_well_used(&mut session, later).await.unwrap();
    assert_eq!(amounts(well_used), [52], "months start over, and what is prepaid does not");
    let of_user = limit::list_of_scope(&mut session, &scopes[2], i64::MAX).await.unwrap();
    assert_eq!(of_user.iter().map(|it| it.amount).collect::<Vec<_>>(), [56, 55]);
    let found = limit::get(&mut session, uid(53)).await.unwrap().unwrap();
    assert_eq!((&found.scope, found.unit, found.window), (&scopes[1], Unit::Requests, Window::Month));
    assert_eq!((found.amount, found.created_at, found.updated_at), (53, NOW, NOW));
    assert!(limit::get(&mut session, uid(99)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_transaction_is_told_of_a_change_that_another_one_has_made_since_it_looked() {
    let ground = ground().await;
    let scope = LimitScope::Token("t2".to_owned());
    let mut tx = ground.write().await;
    let found = change::current(&mut tx).await.unwrap();
    assert!(!change::has_moved(&mut tx, found).await.unwrap());
    if super::BACKEND == strongroom_testkit::Backend::Postgres {
        set(&ground, &scope, MONTHLY, Some(1), 50).await;
        assert!(change::has_moved(&mut tx, found).await.unwrap());
    } else {
        // No other one can: the file has one writer.
        let other = tokio::time::timeout(Duration::from_millis(50), ground.store.write()).await;
        assert!(other.is_err());
    }
}

#[tokio::test]
async fn a_change_moves_the_counter_when_it_is_committed_and_a_limit_counts_from_there_on() {
    let ground = ground().await;
    let scope = LimitScope::Token("t2".to_owned());
    let before = changes(&ground).await;
    let mut tx = ground.write().await;
    limit::set(&mut tx, &wanted(&scope, MONTHLY, Some(1), 50)).await.unwrap();
    tx.roll_back().await.unwrap();
    assert_eq!(changes(&ground).await, before);
    set(&ground, &scope, MONTHLY, Some(1), 50).await;
    let after = changes(&ground).await;
    assert_eq!(after, before + 1);
    let mut session = ground.read().await;
    assert_eq!(limit::list_of_scope(&mut session, &scope, before).await.unwrap().len(), 0);
    assert_eq!(limit::list_of_scope(&mut session, &scope, after).await.unwrap().len(), 1);
    drop(session);
    // What changes nothing that an admission knows of does not disturb it.
    let mut tx = ground.write().await;
    strongroom_store::usage::insert_all(&mut tx, &[super::counter::record(1, None, Millis(0))])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(changes(&ground).await, after);
}
