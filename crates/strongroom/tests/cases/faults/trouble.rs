//! Troubles that kill nobody, or one of several: clocks that jump a month, and processes that rotate at once.

use std::time::Duration;

use strongroom::call::{CallEnd, CallTarget, NewCall};
use strongroom::{Actor, CredentialPatch, Millis, NewCredential, ProblemKind, Strongroom};
use strongroom_model::usage::{CallBound, Metering};

use super::super::ground::{ground, new, provider};
use super::child::Errand;
use super::operation::Operation;
use super::site::{Kill, Site};
use super::{child, is_at_length, report, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_that_rotate_at_once_one_is_killed() {
    if let Some(errand) = Errand::of_environment() {
        return child::run(&errand).await;
    }
    let mut site = Site::new("faults::trouble::of_two_processes_that_rotate_at_once_one_is_killed").await;
    for number in 0..20 {
        site.add(&format!("more-{number}")).await;
    }
    let rounds = times(3, "STRONGROOM_VERIFY_KILLS").min(30);
    let mut killed = 0;
    for round in 0..rounds {
        let moment = Duration::from_millis(5 + round * 7 % 40);
        killed += u64::from(site.two_at_once(Operation::RotateDataKey, Kill::After(moment)).await);
    }
    report(&format!(
        "two processes rotated at once, {rounds} times, of which one was killed {killed} times: each rotation ended, and \
         everything is under one key"
    ));
}

/// Whether a call leaves.
async fn calls(room: &Strongroom) -> bool {
    let bound = CallBound::of(Some(100), Some(50));
    let target = CallTarget { provider: provider("openai"), model: Some("gpt-4o-mini".to_owned()), bound };
    let call = NewCall { operation: "chat.completions", targets: vec![target] };
    let attempt = async { room.calls(Actor::library()).begin(call).await?.next().await };
    match attempt.await {
        Ok(attempt) => {
            let end = CallEnd { usage: None, model: None, raw_usage: None, metering: Metering::Reported };
            attempt.expect("a credential").answered(200).settle(end);
            true
        }
        Err(problem) => {
            assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem:?}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_a_month_back_and_forth_frees_no_limit_and_loses_no_key() {
    const LIMIT: u64 = 40;
    const MONTH: i64 = 31 * 86_400;
    // The middle of a month: a month back and forth is another month.
    let middle = Millis::parse("2026-03-15T12:00:00Z").unwrap();
    let ground = ground().await;
    ground.clock.set(middle);
    ground.make(NewCredential { rate_limit: Some(LIMIT as i64), ..new("one") }).await;
    let subject = ground.make(NewCredential { provider: provider("groq"), ..new("subject") }).await;
    let nodes = [ground.node().await, ground.node().await];
    let months = [0, 1, 0, -1, 0, 1, -1, 1, 0];
    let mut left = std::collections::BTreeMap::new();
    let rounds = if is_at_length() { 10 } else { 1 };
    for (turn, month) in months.iter().cycle().take(months.len() * rounds).enumerate() {
        ground.clock.set(middle.plus_seconds(month * MONTH + turn as i64));
        for (number, node) in nodes.iter().cycle().take(24).enumerate() {
            let is_counted = if number % 6 == 5 {
                node.credentials(Actor::library()).get_credential("one", None).await.is_ok()
            } else {
                calls(node).await
            };
            *left.entry(*month).or_insert(0) += u64::from(is_counted);
        }
        let service = nodes[turn % 2].credentials(Actor::library());
        let mut value = format!("key {turn}");
        let patch = CredentialPatch { api_key: Some(value.clone().into()), ..CredentialPatch::default() };
        let changed = service.update(subject.id, patch, None).await.unwrap();
        service.delete(subject.id, None).await.unwrap();
        service.undelete(subject.id, None).await.unwrap();
        if turn % 2 == 1 {
            service.roll_back(subject.id, changed.version_number - 1, None).await.unwrap();
            value = format!("key {}", turn - 1);
        }
        let read = nodes[1].credentials(Actor::library()).get_credential("subject", None).await.unwrap();
        assert_eq!(read.unwrap().api_key.expose(), value, "turn {turn}");
        nodes[0].keys().rotate(&Actor::library()).await.unwrap();
        nodes[1].keys().go_on().await.unwrap();
    }
    for node in &nodes {
        node.close().await.expect("nothing is lost");
    }
    for (month, left) in &left {
        assert!(*left <= LIMIT, "{left} in month {month}");
    }
    assert_eq!(left[&0], LIMIT, "it was asked for often enough");
    // Whoever went while the clock stood elsewhere is settled when it has gone on.
    ground.clock.set(middle.plus_seconds(3 * MONTH));
    ground.room.recover_holds().await.unwrap();
    ground.assert_sound().await;
    report(&format!("the clock jumped {} times: {left:?} of {LIMIT} a month left", months.len() * rounds));
}
