//! Calls: what is held, what is settled, and what limits of several units on several scopes let through.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom::call::{CallEnd, CallTarget, Failure, NewCall};
use strongroom::limit::{Bound, Question, Standing};
use strongroom::token::TokenRequest;
use strongroom::usage::Dim;
use strongroom::{
    Actor, CredentialPatch, Environment, Millis, NewCredential, ProblemKind, Role, Secret, Source,
};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::usage::{CallBound, Metering, TokenUsage};
use strongroom_model::{Amount, RawUsage, Uid};

use super::ground::{Ground, NOW, ground, ground_with, new, provider};

pub(crate) const BOUND: CallBound = CallBound::of(Some(1000), Some(500));

pub(crate) fn chat(bound: CallBound) -> NewCall {
    let target = CallTarget { provider: provider("openai"), model: Some("gpt-4o-mini".to_owned()), bound };
    NewCall { operation: "chat.completions", targets: vec![target] }
}

pub(crate) fn end(input: i64, output: i64) -> CallEnd {
    CallEnd {
        usage: Some(TokenUsage {
            input: Amount::of(input),
            output: Amount::of(output),
            ..TokenUsage::default()
        }),
        model: None,
        raw_usage: RawUsage::of(format!("{{\"prompt_tokens\":{input},\"completion_tokens\":{output}}}")),
        metering: Metering::Reported,
    }
}

/// A token of role `gateway` that acts for a new user; its public id, and who it is.
async fn program(ground: &Ground) -> (String, Actor) {
    let user = strongroom::user::NewUser { name: "ada".into(), role: Role::Gateway, id: None };
    let user = ground.room.users(Actor::library()).create(user).await.expect("an answer");
    let request = TokenRequest { user: Some(user.id), ..TokenRequest::new("program", Role::Gateway) };
    let tokens = ground.room.tokens(Actor::library());
    let (token, _) = tokens.create(request).await.expect("an answer");
    (token.id, tokens.authenticate(&token.text).await.expect("an answer"))
}

/// Whether a call of these bounds leaves; it uses so many tokens.
async fn call(
    ground: &Ground,
    actor: &Actor,
    bound: CallBound,
    used: (i64, i64),
) -> Result<(), strongroom::Problem> {
    let mut call = ground.room.calls(actor.clone()).begin(chat(bound)).await?;
    let attempt = call.next().await?.expect("a credential");
    attempt.answered(200).settle(end(used.0, used.1));
    Ok(())
}

async fn left(ground: &Ground) -> Vec<(&'static str, &'static str, i64)> {
    let limits = ground.room.limits(Actor::library()).list().await.expect("an answer");
    let of = |it: &Standing| (it.limit.scope.kind(), it.limit.unit.as_str(), it.remaining());
    let mut left: Vec<_> = limits.iter().map(of).collect();
    left.sort_unstable();
    left
}

/// The limit of this kind of scope.
async fn limit_of(ground: &Ground, kind: &str) -> Uid {
    let limits = ground.room.limits(Actor::library()).list().await.expect("an answer");
    limits.iter().find(|it| it.limit.scope.kind() == kind).expect("an answer").limit.uid
}

async fn assert_ledger(ground: &Ground) {
    let found = ground.room.usage(Actor::library()).verify(Millis(0)).await.expect("an answer");
    assert_eq!(found, [], "counters equal the ledger");
    ground.assert_sound().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_while_its_grant_is_on_the_way_holds_nothing() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (_, actor) = program(&ground).await;
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Credential("one".into()), Unit::Requests, Window::Day, 2).await.unwrap();
    // What it needs to know is known from now on, so that the next one asks at once.
    call(&ground, &actor, BOUND, (1, 1)).await.unwrap();
    {
        let mut leaving = ground.room.calls(actor.clone()).begin(chat(BOUND)).await.unwrap();
        let mut asking = std::pin::pin!(leaving.next());
        assert!(futures::poll!(asking.as_mut()).is_pending());
        // The list comes after the batch that has decided about it: it was told, and has not looked.
        let mut seen = left(&ground).await;
        for _ in 0..100 {
            if seen == [("credential", "requests", 0)] {
                break;
            }
            seen = left(&ground).await;
        }
        assert_eq!(seen, [("credential", "requests", 0)]);
    }
    // The one that it held is there for the next.
    call(&ground, &actor, BOUND, (1, 1)).await.unwrap();
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn limits_of_several_units_on_several_scopes_all_count_and_any_refuses() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (token, actor) = program(&ground).await;
    let user = actor.user.unwrap();
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Credential("one".into()), Unit::Tokens, Window::Day, 10_000).await.unwrap();
    limits.set(&Bound::Token(token.clone()), Unit::Requests, Window::Minute, 3).await.unwrap();
    // A call is held at 1,000 × $0.15 + 500 × $0.60 per million: 450,000 billionths.
    limits.set(&Bound::User(user), Unit::NanoUsd, Window::Prepaid, 1_000_000).await.unwrap();
    for _ in 0..2 {
        call(&ground, &actor, BOUND, (100, 50)).await.unwrap();
    }
    // 100 × $0.15 + 50 × $0.60 per million is 45,000 billionths a call.
    assert_eq!(
        left(&ground).await,
        [("credential", "tokens", 9_700), ("token", "requests", 1), ("user", "nano_usd", 910_000)]
    );
    let question = Question {
        credential: Some("one".into()),
        token: Some(token),
        model: Some("gpt-4o-mini".into()),
        input_tokens: Some(1000),
        output_tokens: Some(500),
        ..Question::default()
    };
    let verdict = limits.test(&question).await.unwrap();
    let needs: Vec<_> = verdict.limits.iter().map(|(_, needs)| needs.unwrap()).collect();
    assert_eq!((verdict.is_allowed(), needs), (true, vec![1500, 1, 450_000]));

    call(&ground, &actor, BOUND, (1000, 500)).await.unwrap();
    let refused = call(&ground, &actor, BOUND, (1, 1)).await.unwrap_err();
    assert!(refused.message.contains("requests per minute"), "{}", refused.message);
    let minute = limit_of(&ground, "token").await;
    limits.change(minute, 100).await.unwrap();
    call(&ground, &actor, BOUND, (0, 0)).await.unwrap();
    call(&ground, &actor, BOUND, (1000, 100)).await.unwrap();
    let refused = call(&ground, &actor, BOUND, (1, 1)).await.unwrap_err();
    assert_eq!(refused.kind, ProblemKind::LimitReached);
    assert!(
        refused.message.contains("this user may use $") && refused.retry_at.is_none(),
        "{}",
        refused.message
    );
    assert!(!limits.test(&question).await.unwrap().is_allowed());
    let refused = call(&ground, &actor, BOUND, (1, 1)).await.unwrap_err();
    let sums = "$0.00075 are used, $0.00 are held by calls under way, and this call needs $0.00045";
    assert!(refused.message.contains(sums), "{}", refused.message);
    assert_ledger(&ground).await;
    // A limit that is taken away binds nobody.
    let dollars = limit_of(&ground, "user").await;
    limits.remove(dollars).await.unwrap();
    assert_eq!(limits.require(dollars).await.unwrap_err().kind, ProblemKind::NotFound);
    call(&ground, &actor, BOUND, (1, 1)).await.unwrap();
    assert_ledger(&ground).await;
    for (action, count) in [("limit.set", 4), ("limit.remove", 1)] {
        assert_eq!(ground.entries(action).await.len(), count, "{action}");
    }
}

#[tokio::test]
async fn what_nothing_bounds_is_refused_under_a_limit_and_served_without() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (token, actor) = program(&ground).await;
    let unknown = || {
        let target =
            CallTarget { provider: provider("openai"), model: Some("unheard-of".into()), bound: BOUND };
        NewCall { operation: "chat.completions", targets: vec![target] }
    };
    let mut unpriced = ground.room.calls(actor.clone()).begin(unknown()).await.unwrap();
    unpriced.next().await.unwrap().unwrap().answered(200).settle(end(3, 4));
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Token(token), Unit::NanoUsd, Window::Month, 1_000_000_000).await.unwrap();
    let mut refused = ground.room.calls(actor.clone()).begin(unknown()).await.unwrap();
    let problem = refused.next().await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Denied);
    assert!(problem.message.contains("a limit in US dollars applies"), "{}", problem.message);
    call(&ground, &actor, CallBound::UNKNOWN, (1, 1)).await.unwrap_err();
    let sums = ground.room.usage(Actor::library());
    let by_model = sums.sums(Dim::Model, Millis(0), Millis(i64::MAX)).await.unwrap();
    assert_eq!(by_model.len(), 1);
    assert_eq!(
        (by_model[0].figures.unpriced, by_model[0].figures.cost_nano_usd, by_model[0].figures.input_tokens),
        (1, 0, 3)
    );
}

#[tokio::test]
async fn a_key_that_is_read_while_calls_are_under_way_is_counted_with_them() {
    let ground = ground().await;
    ground.make(NewCredential { rate_limit: Some(10), ..new("one") }).await;
    let read = async || ground.service().get_credential("one", None).await.unwrap().expect("a credential");
    read().await;
    let mut call = ground.room.calls(Actor::library()).begin(chat(BOUND)).await.unwrap();
    let attempt = call.next().await.unwrap().expect("a credential");
    let found = read().await;
    assert_eq!((found.usage_count, found.current_month_usage), (3, 3));
    attempt.answered(200).settle(end(3, 4));
    let found = read().await;
    assert_eq!((found.usage_count, found.current_month_usage), (4, 4));
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn a_credential_was_last_used_by_the_last_call_that_left() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let last_used = async || ground.service().require(made.id).await.unwrap().last_used;
    assert_eq!(last_used().await, None);
    let begin = async || {
        let mut call = ground.room.calls(Actor::library()).begin(chat(BOUND)).await.unwrap();
        call.next().await.unwrap().expect("a credential")
    };
    let later = NOW.plus_seconds(60);
    for (at, seen) in [(later, later), (NOW, later)] {
        ground.clock.set(at);
        begin().await.answered(200).settle(end(3, 4));
        assert_eq!(last_used().await, Some(seen), "clocks that go back take nothing back");
    }
    ground.clock.set(NOW.plus_seconds(120));
    begin().await.release(&Failure::Connect);
    assert_eq!(last_used().await, Some(later));
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn a_server_that_closes_writes_down_what_has_ended_and_keeps_nothing_in_hand() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let node = ground.node().await;
    for _ in 0..3 {
        let mut call = node.calls(Actor::library()).begin(chat(BOUND)).await.unwrap();
        call.next().await.unwrap().expect("a credential").answered(200).settle(end(3, 4));
    }
    node.close().await.expect("nothing is lost");
    for (table, rows) in [("usage_records", "3"), ("nodes", "0"), ("node_holds", "0")] {
        assert_eq!(ground.value(&format!("SELECT count(*) FROM {table}")).await, rows, "{table}");
    }
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn what_servers_held_that_are_gone_counts_as_consumed() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (_, actor) = program(&ground).await;
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Credential("one".into()), Unit::Tokens, Window::Prepaid, 10_000).await.unwrap();
    let nodes = [ground.node().await, ground.node().await];
    let mut under_way = Vec::new();
    for node in nodes.iter().chain(&nodes) {
        let mut call = node.calls(actor.clone()).begin(chat(BOUND)).await.unwrap();
        under_way.push(call.next().await.unwrap().expect("a credential"));
    }
    assert_eq!(left(&ground).await, [("credential", "tokens", 4_000)]);
    assert_eq!(ground.room.recover_holds().await.unwrap(), 0, "they are there");
    // Nothing of theirs runs between the two: they are gone in the middle of their calls.
    drop(under_way);
    drop(nodes);
    let mut recovered = 0;
    for turn in 1..=3 {
        ground.clock.set(NOW.plus_seconds(31 * turn));
        recovered += ground.room.recover_holds().await.unwrap();
    }
    assert_eq!(recovered, 2);
    assert_eq!(left(&ground).await, [("credential", "tokens", 4_000)]);
    let lines = "SELECT sum(settled) FROM counter_entries WHERE kind = 'recovered' AND unit = 'tokens'";
    assert_eq!(ground.value(lines).await, "6000");
    let entries = ground.entries("node.recover").await;
    assert_eq!(entries.len(), 2);
    assert!(entries[0].entry.detail.contains("\"counters\":2"), "{}", entries[0].entry.detail);
    for table in ["nodes", "node_holds"] {
        assert_eq!(ground.value(&format!("SELECT count(*) FROM {table}")).await, "0", "{table}");
    }
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn a_call_counts_in_the_month_in_which_it_was_admitted() {
    let ground = ground().await;
    let mut limited = new("one");
    limited.rate_limit = Some(2);
    let made = ground.make(limited).await;
    let (_, actor) = program(&ground).await;
    let begin = async || {
        let mut call = ground.room.calls(actor.clone()).begin(chat(BOUND)).await.unwrap();
        call.next().await.map(Option::unwrap)
    };
    let (first, second) = (begin().await.unwrap(), begin().await.unwrap());
    begin().await.unwrap_err();
    ground.clock.set(Millis(NOW.0 + 1));
    let third = begin().await.unwrap();
    first.answered(200).settle(end(1, 1));
    third.answered(200).settle(end(1, 1));
    second.answered(500).settle(CallEnd { usage: None, ..end(0, 0) });
    let found = ground.service().require(made.id).await.unwrap();
    assert_eq!((found.usage_count, found.current_month_usage), (3, 1));
    let fourth = begin().await.unwrap();
    begin().await.unwrap_err();
    drop(fourth);
    assert_eq!(ground.service().require(made.id).await.unwrap().usage_count, 4, "it may have left");
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn a_month_that_ends_under_load_gives_each_month_its_own_limit() {
    let ground = ground().await;
    let mut limited = new("one");
    limited.rate_limit = Some(100);
    let made = ground.make(limited).await;
    let (_, actor) = program(&ground).await;
    let mut calls = tokio::task::JoinSet::new();
    for index in 0..400 {
        let (room, clock, actor) = (ground.room.clone(), ground.clock.clone(), actor.clone());
        calls.spawn(async move {
            if index == 200 {
                clock.set(Millis(NOW.0 + 1));
            }
            let mut call = room.calls(actor).begin(chat(BOUND)).await.unwrap();
            match call.next().await {
                Ok(attempt) => {
                    tokio::task::yield_now().await;
                    attempt.unwrap().answered(200).settle(end(1, 1));
                    true
                }
                Err(problem) => {
                    assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem:?}");
                    false
                }
            }
        });
    }
    let mut served = 0;
    while let Some(call) = calls.join_next().await {
        served += i64::from(call.unwrap());
    }
    let found = ground.service().require(made.id).await.unwrap();
    assert_eq!(found.usage_count, served);
    assert!(found.current_month_usage <= 100 && served - found.current_month_usage <= 100, "{found:?}");
    while call(&ground, &actor, BOUND, (1, 1)).await.is_ok() {
        served += 1;
    }
    let found = ground.service().require(made.id).await.unwrap();
    assert_eq!((found.current_month_usage, found.usage_count), (100, served));
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn the_environments_key_serves_a_provider_that_has_none_and_is_counted_on_the_client() {
    let variables = vec![("OPENAI_API_KEY".to_owned(), Secret::from("sk-of-the-environment"))];
    let ground = ground_with(|options| options.environment = Environment::of(variables)).await;
    let (token, actor) = program(&ground).await;
    let limits = ground.room.limits(Actor::library());
    limits.set(&Bound::Token(token), Unit::Requests, Window::Day, 1).await.unwrap();
    let mut first = ground.room.calls(actor.clone()).begin(chat(BOUND)).await.unwrap();
    let attempt = first.next().await.unwrap().unwrap();
    assert_eq!((attempt.source(), attempt.credential()), (Source::Environment, "OPENAI_API_KEY"));
    assert_eq!(attempt.api_key().expose(), "sk-of-the-environment");
    attempt.answered(200).settle(end(3, 4));
    assert_eq!(call(&ground, &actor, BOUND, (1, 1)).await.unwrap_err().kind, ProblemKind::LimitReached);
    let sums = ground.room.usage(Actor::library()).sums(Dim::Credential, Millis(0), Millis(i64::MAX)).await;
    let sums = sums.unwrap();
    assert_eq!((sums.len(), sums[0].group_key.as_str(), sums[0].figures.client_requests), (1, "", 1));
    // One row of the provider, even one that is not in use, and the environment stands in no more.
    let made = ground.make(new("one")).await;
    let away = CredentialPatch { is_active: Some(false), ..CredentialPatch::default() };
    ground.service().update(made.id, away, None).await.unwrap();
    let none = ground.room.calls(actor).begin(chat(BOUND)).await.unwrap_err();
    assert_eq!(none.kind, ProblemKind::NotFound);
}

#[tokio::test]
async fn what_a_deleted_credential_used_is_told_apart_from_a_new_one_of_its_name() {
    let ground = ground().await;
    let (_, actor) = program(&ground).await;
    for round in 0..2 {
        let made = ground.make(new("one")).await;
        for _ in 0..=round {
            call(&ground, &actor, BOUND, (100, 50)).await.unwrap();
        }
        if round == 0 {
            ground.service().delete(made.id, None).await.unwrap();
        }
    }
    let by = async |by| {
        let sums = ground.room.usage(Actor::library()).sums(by, Millis(0), Millis(i64::MAX)).await.unwrap();
        let mut sums: Vec<_> =
            sums.into_iter().map(|sums| (sums.figures.client_requests, sums.group_key)).collect();
        sums.sort();
        sums
    };
    for (what, end) in [(Dim::Credential, ""), (Dim::Version, " v1")] {
        let sums = by(what).await;
        let [(1, old), (2, new)] = &sums[..] else { panic!("{sums:?}") };
        assert_eq!(*new, format!("one{end}"));
        assert!(old.starts_with("one (deleted, ") && old.ends_with(&format!("){end}")), "{old}");
    }
}

#[tokio::test]
async fn corrected_prices_correct_what_was_written_down() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let (_, actor) = program(&ground).await;
    call(&ground, &actor, BOUND, (100, 50)).await.unwrap();
    ground.service().list_credentials().await.unwrap();
    let mut options = ground.options();
    let prices = "[openai]\n\"gpt-4o-mini\" = [{ input = 1.0, output = 2.0, max_input = 9, max_output = 9 }]";
    options.prices.override_with(strongroom::prices::parse(prices).unwrap());
    let dearer = strongroom::Strongroom::open(options).await.unwrap();
    let usage = dearer.usage(Actor::library());
    let done = usage.reprice(Millis(0)).await.unwrap();
    assert_eq!((done.records, done.changed, done.nano_usd), (1, 1, 200_000 - 45_000));
    let again = usage.reprice(Millis(0)).await.unwrap();
    assert_eq!((again.records, again.changed, again.nano_usd), (1, 0, 0));
    let sums = usage.sums(Dim::Provider, Millis(0), Millis(i64::MAX)).await.unwrap();
    assert_eq!(sums[0].figures.cost_nano_usd, 200_000);
    assert_eq!(ground.entries("usage.reprice").await.len(), 2);
    assert_eq!(usage.retire(1).await.unwrap(), 0);
    ground.clock.set(Millis(NOW.0 + 3 * 86_400_000));
    assert_eq!(usage.retire(1).await.unwrap(), 1);
    let sums = usage.sums(Dim::Provider, Millis(0), Millis(i64::MAX)).await.unwrap();
    assert_eq!(sums[0].figures.cost_nano_usd, 200_000, "the sums of a day stay");
    dearer.close().await.expect("nothing is lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_go_through_while_one_change_follows_the_other() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut changers = tokio::task::JoinSet::new();
    for number in 0..3 {
        let made = ground.make(NewCredential { provider: provider("groq"), ..new(&format!("own-{number}")) });
        let (id, service, is_over) = (made.await.id, ground.service(), Arc::clone(&is_over));
        changers.spawn(async move {
            let mut changes = 0;
            while !is_over.load(Ordering::SeqCst) {
                let patch = CredentialPatch { priority: Some(changes % 100), ..CredentialPatch::default() };
                service.update(id, patch, None).await.unwrap();
                changes += 1;
            }
            changes
        });
    }
    for number in 0..100 {
        let called = call(&ground, &Actor::library(), BOUND, (10, 5)).await;
        called.unwrap_or_else(|problem| panic!("call {number}: {problem:?}"));
    }
    is_over.store(true, Ordering::SeqCst);
    let changes = changers.join_all().await;
    assert!(changes.iter().all(|changes| *changes > 0), "{changes:?}");
    assert_ledger(&ground).await;
}

#[tokio::test]
async fn a_cost_that_the_provider_names_counts_also_where_the_table_has_none() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let mut options = ground.options();
    let prices =
        "[openai]\n\"gpt-4o-mini\" = [{ input = 0.0, output = 0.0, max_input = 99999, max_output = 9999 }]";
    options.prices.override_with(strongroom::prices::parse(prices).unwrap());
    let free = strongroom::Strongroom::open(options).await.unwrap();
    let limits = free.limits(Actor::library());
    let bound = Bound::Credential("one".to_owned());
    limits.set(&bound, Unit::NanoUsd, Window::Day, 4000).await.unwrap();
    for (served, used) in [(true, 3000), (true, 6000), (false, 6000)] {
        let mut call = free.calls(Actor::library()).begin(chat(BOUND)).await.unwrap();
        match call.next().await {
            Ok(attempt) => {
                assert!(served);
                let mut end = end(10, 5);
                end.usage.as_mut().unwrap().reported_nano_usd = Some(Amount::of(3000));
                attempt.expect("a credential").answered(200).settle(end);
            }
            Err(problem) => {
                assert!(!served && problem.kind == ProblemKind::LimitReached, "{problem:?}");
            }
        }
        drop(call);
        free.settle_now().await.unwrap();
        assert_eq!(limits.list().await.unwrap()[0].used, used);
    }
    assert_eq!(free.usage(Actor::library()).verify(Millis(0)).await.unwrap(), []);
    free.close().await.expect("nothing is lost");
}
