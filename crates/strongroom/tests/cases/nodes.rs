//! Several nodes on one PostgreSQL database.

use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::{Actor, NewCredential, ProblemKind, Role};
use strongroom_model::limit::{Unit, Window};

use super::call::{BOUND, chat, end};
use super::ground::{ground, new};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_reads_at_once_on_three_nodes_exactly_as_many_as_the_limit_succeed() {
    let ground = ground().await;
    let made = ground.make(NewCredential { rate_limit: Some(100), ..new("one") }).await;
    let nodes = [ground.room.clone(), ground.node().await, ground.node().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..500 {
        let service = nodes[number % 3].credentials(Actor::library());
        tasks.spawn(async move {
            match number % 5 {
                0 => service.record_usage(made.id).await.map(|()| None),
                1 => service.get_credential_by_provider("openai", None).await,
                _ => service.get_credential("one", None).await,
            }
        });
    }
    let mut passed = 0;
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(_) => passed += 1,
            Err(problem) => assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem:?}"),
        }
    }
    assert_eq!(passed, 100);
    assert_eq!(ground.service().require(made.id).await.unwrap().usage_count, 100);
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_read_many_credentials_at_once_never_wait_for_each_other() {
    let ground = ground().await;
    for number in 0..12 {
        ground.make(new(&format!("c-{number}"))).await;
    }
    let nodes = [ground.room.clone(), ground.node().await, ground.node().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..360_usize {
        let service = nodes[number % 3].credentials(Actor::library());
        tasks.spawn(async move {
            if number % 60 == 59 {
                return service.reset_monthly_usage().await.map(|_| ());
            }
            let name = format!("c-{}", (number * 7) % 12);
            service.get_credential(&name, None).await.map(|read| assert!(read.is_some()))
        });
    }
    for outcome in tasks.join_all().await {
        outcome.unwrap();
    }
    let uses: i64 = ground.service().list_credentials().await.unwrap().iter().map(|it| it.usage_count).sum();
    assert_eq!(uses, 354);
    ground.assert_sound().await;
}

#[tokio::test]
async fn what_one_node_changes_binds_on_the_other() {
    let ground = ground().await;
    let made = ground.make(new("one")).await;
    let (here, there) = (ground.room.tokens(Actor::library()), ground.node().await);
    let request = strongroom::token::TokenRequest::new("ci", strongroom::Role::Reader);
    let (token, _) = here.create(request).await.unwrap();
    assert!(there.tokens(Actor::library()).authenticate(&token.text).await.is_ok());
    here.revoke(&token.id).await.unwrap();
    // Within a second, without another word between the two.
    while there.tokens(Actor::library()).authenticate(&token.text).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    let there = there.credentials(Actor::library());
    assert!(there.get_credential("one", None).await.unwrap().is_some());
    ground.service().delete(made.id, None).await.unwrap();
    assert!(there.get_credential("one", None).await.unwrap().is_none());
    ground.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_that_meets_first_uses_on_another_node_loses_none() {
    let ground = ground().await;
    for number in 0..60 {
        ground.make(new(&format!("c-{number}"))).await;
    }
    let node = ground.node().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..60 {
        let service = node.credentials(Actor::library());
        tasks.spawn(async move {
            service.get_credential(&format!("c-{number}"), None).await.unwrap().unwrap();
        });
    }
    for _ in 0..10 {
        let service = ground.service();
        tasks.spawn(async move {
            service.reset_monthly_usage().await.unwrap();
        });
    }
    tasks.join_all().await;
    ground.assert_sound().await;
}

/// Their counters have no rows yet, and each node writes several of them and the credential's, which all have, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_calls_of_many_new_tokens_on_four_nodes_never_wait_in_a_circle() {
    const TOKENS: usize = 24;
    let ground = ground().await;
    ground.make(NewCredential { rate_limit: Some(1_000_000), ..new("one") }).await;
    let nodes = [ground.room.clone(), ground.node().await, ground.node().await, ground.node().await];
    let (tokens, limits) = (ground.room.tokens(Actor::library()), ground.room.limits(Actor::library()));
    for _ in 0..2 {
        let mut actors = Vec::new();
        for number in 0..TOKENS {
            let request = TokenRequest::new(format!("t-{number}"), Role::Gateway);
            let (token, _) = tokens.create(request).await.unwrap();
            for (unit, window) in [(Unit::Requests, Window::Minute), (Unit::Tokens, Window::Day)] {
                limits.set(&Bound::Token(token.id.clone()), unit, window, 1_000_000).await.unwrap();
            }
            actors.push(tokens.authenticate(&token.text).await.unwrap());
        }
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..4 * TOKENS {
            let (node, actor) = (nodes[number % 4].clone(), actors[(number * 7) % TOKENS].clone());
            tasks.spawn(async move {
                let mut call = node.calls(actor).begin(chat(BOUND)).await?;
                let attempt = call.next().await?.expect("a credential");
                attempt.answered(200).settle(end(1, 1));
                Ok::<(), strongroom::Problem>(())
            });
        }
        for outcome in tasks.join_all().await {
            outcome.expect("a call is admitted");
        }
        for node in &nodes {
            node.settle_now().await.unwrap();
            assert_eq!(node.counters().failed_batches.get(), 0, "no batch is undone");
        }
    }
    ground.assert_sound().await;
}
