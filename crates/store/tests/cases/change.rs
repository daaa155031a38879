//! The change log: what each change says of itself, and what a server reads of it.

use std::collections::BTreeSet;

use strongroom_model::limit::{LimitScope, Unit, Window};
use strongroom_model::version::Erasure;
use strongroom_model::{Provider, Uid, UserId};
use strongroom_store::change::{self, Changes, MAX_CHANGES, Subject};
use strongroom_store::limit::LimitChange;
use strongroom_store::{Write, credential, limit, token, user, version};

use super::ground::{Ground, NOW, deleted_mac, ground, provider, row, stored_user, uid};
use super::token::stored;

fn of(scope: LimitScope) -> Subject {
    Subject::Scope(scope)
}

fn of_token(id: &str) -> Subject {
    of(LimitScope::Token(id.to_owned()))
}

fn of_credential(number: u8) -> Subject {
    of(LimitScope::Credential(uid(number)))
}

fn of_provider(name: &str) -> Subject {
    Subject::Provider(Provider::stored(name.to_owned()))
}

fn shown(subjects: impl IntoIterator<Item = Subject>) -> BTreeSet<String> {
    subjects.into_iter().map(|subject| format!("{subject:?}")).collect()
}

async fn since(ground: &Ground, value: i64) -> Changes {
    change::since(&mut ground.read().await, value).await.expect("an answer")
}

async fn current(ground: &Ground) -> i64 {
    change::current(&mut ground.read().await).await.expect("an answer")
}

/// Does something in a transaction; the subjects that the log has of it.
async fn changed(ground: &Ground, act: impl AsyncFnOnce(&mut Write)) -> BTreeSet<String> {
    let before = current(ground).await;
    let mut tx = ground.write().await;
    act(&mut tx).await;
    tx.commit().await.expect("a commit");
    let changes = since(ground, before).await;
    let log = changes.log.expect("all of it is known");
    assert!(log.iter().all(|change| change.value == before + 1), "one transaction, one value: {log:?}");
    assert_eq!(changes.value, before + i64::from(!log.is_empty()));
    shown(log.into_iter().map(|change| change.subject))
}

fn daily<'a>(scope: &'a LimitScope, amount: Option<i64>, number: u8) -> LimitChange<'a> {
    LimitChange { scope, unit: Unit::Tokens, window: Window::Day, amount, uid: uid(number), at: NOW }
}

/// An identity that [`uid`] gives nobody.
fn far_uid(number: i64) -> Uid {
    let [.., low] = number.to_be_bytes();
    Uid::from_bytes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, low])
}

#[tokio::test]
async fn new_tokens_and_users_move_nothing_and_each_change_names_its_subjects() {
    let ground = ground().await;
    let scope = LimitScope::Token("one".to_owned());
    let made = changed(&ground, async |tx| {
        user::insert(tx, &stored_user(1, "ada")).await.unwrap();
        token::insert(tx, &stored("one", NOW)).await.unwrap();
        limit::set_on_new(tx, &daily(&scope, Some(7), 70)).await.unwrap();
        limit::set_on_new(tx, &daily(&LimitScope::Token("none".to_owned()), None, 71)).await.unwrap();
    });
    assert_eq!(made.await, shown([]));
    let mut session = ground.read().await;
    let limits = limit::list_of_scope(&mut session, &scope, 0).await.unwrap();
    assert_eq!(limits.iter().map(|it| it.amount).collect::<Vec<_>>(), [7], "it counts from the start");
    drop(session);

    let limited =
        changed(&ground, async |tx| limit::set(tx, &daily(&scope, Some(9), 99)).await.unwrap()).await;
    assert_eq!(limited, shown([of_token("one"), Subject::Limit(uid(70))]));
    let revoked = changed(&ground, async |tx| {
        let mut stored = stored("one", NOW);
        stored.token.revoked_at = Some(NOW);
        assert!(token::revoke(tx, &stored).await.unwrap());
    });
    assert_eq!(revoked.await, shown([of_token("one"), Subject::Limit(uid(70))]));
    let removed = changed(&ground, async |tx| limit::set(tx, &daily(&scope, None, 99)).await.unwrap()).await;
    assert_eq!(removed, shown([of_token("one"), Subject::Limit(uid(70))]));
    let nothing = changed(&ground, async |tx| limit::set(tx, &daily(&scope, None, 99)).await.unwrap()).await;
    assert_eq!(nothing, shown([]), "there was none to remove");

    let of_user = of(LimitScope::User(UserId(1)));
    let updated =
        changed(&ground, async |tx| assert!(user::update(tx, &stored_user(1, "eve")).await.unwrap()));
    assert_eq!(updated.await, shown([of_user.clone()]));
    let deleted = changed(&ground, async |tx| assert!(user::delete(tx, UserId(1)).await.unwrap())).await;
    assert_eq!(deleted, shown([of_user]));
}

#[tokio::test]
async fn a_credential_is_changed_with_the_lists_that_it_was_in_and_is_in_now() {
    let ground = ground().await;
    let openai = provider("openai");
    let before = current(&ground).await;
    let id = ground.put(row(1, "one", &openai)).await;
    let log = since(&ground, before).await.log.expect("all of it is known");
    assert_eq!(shown(log.into_iter().map(|change| change.subject)), shown([of_provider("openai")]));

    let scope = LimitScope::Credential(uid(1));
    let limited =
        changed(&ground, async |tx| limit::set(tx, &daily(&scope, Some(9), 70)).await.unwrap()).await;
    assert_eq!(limited, shown([of_credential(1), Subject::Limit(uid(70))]));
    let all = |providers: &[&str]| {
        let providers = providers.iter().map(|name| of_provider(name));
        shown([of_credential(1), Subject::Limit(uid(70))].into_iter().chain(providers))
    };
    let mut moved = ground.get(id).await;
    moved.provider = provider("groq");
    let updated =
        changed(&ground, async |tx| assert!(credential::update(tx, &moved, NOW).await.unwrap())).await;
    assert_eq!(updated, all(&["openai", "groq"]));
    let erased = changed(&ground, async |tx| {
        assert!(version::erase(tx, uid(101), Erasure::Destroyed, NOW).await.unwrap());
    });
    assert_eq!(erased.await, all(&["groq"]));
    let mac = deleted_mac();
    let deleted =
        changed(&ground, async |tx| assert!(credential::delete(tx, id, 2, &mac, NOW).await.unwrap()));
    assert_eq!(deleted.await, all(&["groq"]));
    let back = changed(&ground, async |tx| {
        assert!(credential::deleted::undelete(tx, id, 3, &mac, NOW).await.unwrap());
        assert!(credential::delete(tx, id, 4, &mac, NOW).await.unwrap());
        assert!(credential::deleted::purge(tx, id, 5, NOW).await.unwrap());
    });
    assert_eq!(back.await, all(&["groq"]), "each subject once");
}

#[tokio::test]
async fn what_is_rolled_back_is_in_no_log() {
    let ground = ground().await;
    let before = current(&ground).await;
    let mut tx = ground.write().await;
    limit::set(&mut tx, &daily(&LimitScope::Token("one".to_owned()), Some(1), 70)).await.unwrap();
    tx.roll_back().await.unwrap();
    assert_eq!(since(&ground, before).await, Changes { since: before, value: before, log: Some(Vec::new()) });
}

#[tokio::test]
async fn a_server_that_is_too_far_behind_is_told_that_anything_may_have_changed() {
    let ground = ground().await;
    let scope = LimitScope::Token("one".to_owned());
    let begin = current(&ground).await;
    let set = async |amount: i64| {
        let mut tx = ground.write().await;
        limit::set(&mut tx, &daily(&scope, Some(amount), 70)).await.unwrap();
        tx.commit().await.unwrap();
    };
    set(1).await;
    set(2).await;
    let known = since(&ground, begin).await;
    let values: BTreeSet<_> = known.log.expect("all of it").iter().map(|change| change.value).collect();
    assert_eq!(values, BTreeSet::from([begin + 1, begin + 2]));
    assert_eq!(since(&ground, -1).await.log, None, "it knows nothing");
    assert_eq!(since(&ground, begin + 3).await.log, None, "it knows of more than there was");

    // Of the two values the first one has no row: it was moved by a version that wrote none, or its row was deleted.
    ground.database.execute(&format!("DELETE FROM change_log WHERE value = {}", begin + 1)).await;
    assert_eq!(since(&ground, begin).await.log, None);
    assert!(since(&ground, begin + 1).await.log.is_some());
    ground.database.execute(&format!("DELETE FROM change_log WHERE value = {}", begin + 2)).await;
    assert_eq!(since(&ground, begin + 1).await.log, None);

    // A kind that a newer version writes may be anything.
    ground.database.execute(&format!("INSERT INTO change_log VALUES ({}, 'team', 'x')", begin + 2)).await;
    assert_eq!(since(&ground, begin + 1).await.log, None);

    // More values than are kept, and more rows than are read.
    ground.database.execute(&format!("UPDATE changes SET value = {}", begin + 3 + MAX_CHANGES)).await;
    assert_eq!(since(&ground, begin + 2).await.log, None);
    set(3).await;
    let last = begin + 4 + MAX_CHANGES;
    assert_eq!(since(&ground, last - 1).await.log.expect("all of it").len(), 2);
    let rows: Vec<_> = (0..MAX_CHANGES).map(|number| format!("({last}, 'token', 't{number}')")).collect();
    ground.database.execute(&format!("INSERT INTO change_log VALUES {}", rows.join(", "))).await;
    assert_eq!(since(&ground, last - 1).await.log, None);
}

#[tokio::test]
async fn the_log_keeps_the_newest_values_and_a_transaction_with_many_subjects_names_none() {
    let ground = ground().await;
    let scope = |number: i64| LimitScope::Token(format!("t{number}"));
    let begin = current(&ground).await;
    ground.database.execute(&format!("INSERT INTO change_log VALUES ({begin}, 'token', 'old')")).await;
    ground.database.execute(&format!("UPDATE changes SET value = {}", begin + MAX_CHANGES)).await;
    for number in 0..64 {
        let mut tx = ground.write().await;
        limit::set(&mut tx, &daily(&scope(number), Some(1), u8::try_from(number).unwrap())).await.unwrap();
        tx.commit().await.unwrap();
    }
    let value = current(&ground).await;
    let rows = ground.database.query_text("SELECT value FROM change_log ORDER BY value").await;
    let oldest: i64 = rows[0][0].as_deref().expect("a value").parse().unwrap();
    assert!(oldest > begin && rows.len() == 128, "{oldest} of {} rows", rows.len());
    assert!(since(&ground, value - 64).await.log.is_some());

    let mut tx = ground.write().await;
    for number in 0..200 {
        let scope = scope(number);
        let change = LimitChange { uid: far_uid(number), ..daily(&scope, Some(2), 0) };
        limit::set(&mut tx, &change).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(since(&ground, value).await, Changes { since: value, value: value + 1, log: None });
    let kinds = ground
        .database
        .query_text(&format!("SELECT kind, subject FROM change_log WHERE value = {}", value + 1))
        .await;
    assert_eq!(kinds, [[Some("all".to_owned()), Some(String::new())]]);
    // And is nothing that the next one has to start over for.
    let next =
        changed(&ground, async |tx| limit::set(tx, &daily(&scope(1), Some(3), 1)).await.unwrap()).await;
    assert!(next.contains(&format!("{:?}", of_token("t1"))), "{next:?}");
}

/// Values are given out in the order of commits, so that no reader finds a value whose predecessor comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_beside_many_writers_never_misses_a_change() {
    const WRITERS: i64 = 4;
    const CHANGES: i64 = 25;
    let ground = ground().await;
    let begin = current(&ground).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = ground.store.clone();
        writers.spawn(async move {
            for number in 0..CHANGES {
                let mut tx = store.write().await.unwrap();
                let scope = LimitScope::Token(format!("{writer}-{number}"));
                let number = u8::try_from(writer * CHANGES + number).unwrap();
                limit::set(&mut tx, &daily(&scope, Some(1), number)).await.unwrap();
                tx.commit().await.unwrap();
            }
        });
    }
    let (mut seen, mut from) = (BTreeSet::new(), begin);
    while from < begin + WRITERS * CHANGES {
        let changes = since(&ground, from).await;
        assert!(changes.value >= from);
        for change in changes.log.expect("all of it is known") {
            if matches!(&change.subject, Subject::Scope(LimitScope::Token(_))) {
                assert!(change.value > from && change.value <= changes.value);
                assert!(seen.insert(format!("{:?}", change.subject)), "{change:?} came twice");
            }
        }
        from = changes.value;
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
    assert_eq!(seen.len() as i64, WRITERS * CHANGES);
    assert_eq!(current(&ground).await, begin + WRITERS * CHANGES);
}
