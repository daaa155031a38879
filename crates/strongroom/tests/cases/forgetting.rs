//! Changes of one node are forgotten by another one, and nothing more is: whatever is done here, the answers of a node that holds things
//! in memory are those of a node that has just started.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use strongroom::call::{CallTarget, NewCall};
use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::user::{NewUser, UserPatch};
use strongroom::{
    Actor, CredentialId, CredentialPatch, NewCredential, ProblemKind, Role, Secret, Strongroom, UserId,
};
use strongroom_model::limit::{Unit, Window};

use super::call::{BOUND, chat, end};
use super::ground::{Ground, ground, new, provider};

const PROVIDERS: [&str; 2] = ["openai", "anthropic"];
/// Far more than anybody uses here.
const FAR: i64 = 1_000_000_000;

/// Changes on one node. Numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
    User,
    Token {
        user: Option<usize>,
        amount: Option<i64>,
    },
    Revoke(usize),
    Activate {
        user: usize,
        is_active: bool,
    },
    Credential {
        provider: usize,
        user: Option<usize>,
    },
    Move {
        credential: usize,
        provider: usize,
    },
    Offer {
        credential: usize,
        is_active: bool,
    },
    Rekey(usize),
    Delete(usize),
    Undelete(usize),
    LimitToken {
        token: usize,
        amount: i64,
    },
    LimitUser {
        user: usize,
        amount: i64,
    },
    LimitCredential {
        credential: usize,
        amount: i64,
    },
    Unlimit(usize),
    /// The other node answers calls, so that it holds what there is now.
    Ask,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (number, provider) = (0..8_usize, 0..PROVIDERS.len());
    let amount = prop_oneof![Just(0), Just(FAR)];
    let maybe = proptest::option::of(number.clone());
    let step = prop_oneof![
        1 => Just(Step::User),
        1 => (maybe.clone(), proptest::option::of(amount.clone())).prop_map(|(user, amount)| Step::Token { user, amount }),
        1 => number.clone().prop_map(Step::Revoke),
        1 => (number.clone(), any::<bool>()).prop_map(|(user, is_active)| Step::Activate { user, is_active }),
        1 => (provider.clone(), maybe).prop_map(|(provider, user)| Step::Credential { provider, user }),
        1 => (number.clone(), provider).prop_map(|(credential, provider)| Step::Move { credential, provider }),
        1 => (number.clone(), any::<bool>()).prop_map(|(credential, is_active)| Step::Offer { credential, is_active }),
        1 => number.clone().prop_map(Step::Rekey),
        1 => number.clone().prop_map(Step::Delete),
        1 => number.clone().prop_map(Step::Undelete),
        1 => (number.clone(), amount.clone()).prop_map(|(token, amount)| Step::LimitToken { token, amount }),
        1 => (number.clone(), amount.clone()).prop_map(|(user, amount)| Step::LimitUser { user, amount }),
        1 => (number.clone(), amount).prop_map(|(credential, amount)| Step::LimitCredential { credential, amount }),
        1 => number.prop_map(Step::Unlimit),
        3 => Just(Step::Ask),
    ];
    proptest::collection::vec(step, 8..24)
}

/// Rows that were made, in the order of its making.
#[derive(Default)]
struct Made {
    users: Vec<UserId>,
    tokens: Vec<(String, Secret)>,
    credentials: Vec<(CredentialId, String)>,
    changes: usize,
}

fn of<T>(all: &[T], number: usize) -> Option<&T> {
    (!all.is_empty()).then(|| &all[number % all.len()])
}

/// Does it, if there is something to do it with. That something is refused is an outcome like another.
async fn act(ground: &Ground, made: &mut Made, step: &Step) {
    let (room, service) = (&ground.room, ground.service());
    let (tokens, users, limits) =
        (room.tokens(Actor::library()), room.users(Actor::library()), room.limits(Actor::library()));
    made.changes += 1;
    let set = async |bound: Bound, amount: i64| {
        // A name that was deleted meanwhile is nobody's.
        drop(limits.set(&bound, Unit::Requests, Window::Day, amount).await);
    };
    let patch = async |made: &Made, credential: usize, patch: CredentialPatch| {
        if let Some((id, _)) = of(&made.credentials, credential) {
            drop(service.update(*id, patch, None).await);
        }
    };
    match step {
        Step::User => {
            let name = format!("user-{}", made.changes);
            made.users.push(
                users.create(NewUser { name, role: Role::Gateway, id: None }).await.expect("a user").id,
            );
        }
        Step::Token { user, amount } => {
            let user = user.and_then(|user| of(&made.users, user).copied());
            let limits = amount.iter().map(|amount| (Unit::Requests, Window::Day, *amount)).collect();
            let name = format!("token-{}", made.changes);
            let request = TokenRequest { user, limits, ..TokenRequest::new(name, Role::Gateway) };
            let (token, _) = tokens.create(request).await.expect("a token");
            made.tokens.push((token.id, token.text));
        }
        Step::Revoke(token) => {
            if let Some((id, _)) = of(&made.tokens, *token) {
                drop(tokens.revoke(id).await);
            }
        }
        Step::Activate { user, is_active } => {
            if let Some(user) = of(&made.users, *user) {
                let patch = UserPatch { is_active: Some(*is_active), ..UserPatch::default() };
                users.update(*user, patch).await.expect("a change");
            }
        }
        Step::Credential { provider: number, user } => {
            let user = user.and_then(|user| of(&made.users, user).copied());
            let name = format!("credential-{}", made.changes);
            let new = NewCredential { is_global: user.is_none(), user, ..new(&name) };
            let new = NewCredential { provider: provider(PROVIDERS[*number]), ..new };
            made.credentials.push((ground.make(new).await.id, name));
        }
        Step::Move { credential, provider: number } => {
            let to = Some(provider(PROVIDERS[*number]));
            patch(made, *credential, CredentialPatch { provider: to, ..CredentialPatch::default() }).await;
        }
        Step::Offer { credential, is_active } => {
            let is_active = Some(*is_active);
            patch(made, *credential, CredentialPatch { is_active, ..CredentialPatch::default() }).await;
        }
        Step::Rekey(credential) => {
            let api_key = Some(Secret::from(format!("another key {}", made.changes)));
            patch(made, *credential, CredentialPatch { api_key, ..CredentialPatch::default() }).await;
        }
        Step::Delete(credential) => {
            if let Some((id, _)) = of(&made.credentials, *credential) {
                drop(service.delete(*id, None).await);
            }
        }
        Step::Undelete(credential) => {
            if let Some((id, _)) = of(&made.credentials, *credential) {
                drop(service.undelete(*id, None).await);
            }
        }
        Step::LimitToken { token, amount } => {
            if let Some((id, _)) = of(&made.tokens, *token) {
                set(Bound::Token(id.clone()), *amount).await;
            }
        }
        Step::LimitUser { user, amount } => {
            if let Some(user) = of(&made.users, *user) {
                set(Bound::User(*user), *amount).await;
            }
        }
        Step::LimitCredential { credential, amount } => {
            if let Some((_, name)) = of(&made.credentials, *credential) {
                set(Bound::Credential(name.clone()), *amount).await;
            }
        }
        Step::Unlimit(number) => {
            let all = limits.list().await.expect("limits");
            if let Some(one) = of(&all, *number) {
                limits.remove(one.limit.uid).await.expect("it is there");
            }
        }
        Step::Ask => {}
    }
}

/// Answers of a node: who each token is, which keys serve its calls or why none does, and who may read which key.
async fn answers(node: &Strongroom, made: &Made) -> Vec<String> {
    let mut answers = Vec::new();
    for (number, (_, text)) in made.tokens.iter().enumerate() {
        let actor = match node.authenticate(text).await {
            Ok(actor) => actor,
            Err(problem) => {
                answers.push(format!("token {number}: {:?}", problem.kind));
                continue;
            }
        };
        answers.push(format!("token {number}: {:?} {:?}", actor.role, actor.user));
        for name in PROVIDERS {
            let is_known = node.calls(actor.clone()).knows(&provider(name), false).await;
            answers.push(format!("{name} is known: {:?}", is_known.map_err(|problem| problem.kind)));
            answers.push(format!("token {number} at {name}: {:?}", keys_of(node, &actor, name).await));
        }
        for (_, name) in &made.credentials {
            let read = node.credentials(actor.clone()).get_own_credential(name).await;
            let read = read.map(|read| read.map(|read| read.api_key.expose().to_owned()));
            answers.push(format!("token {number} reads {name}: {:?}", read.map_err(|problem| problem.kind)));
        }
    }
    answers
}

/// The keys of all attempts that a call may make, in no order: equals take turns. And what it ended with, if not with its last one.
async fn keys_of(node: &Strongroom, actor: &Actor, name: &str) -> (BTreeSet<String>, Option<ProblemKind>) {
    let target = CallTarget { provider: provider(name), model: None, bound: BOUND };
    let mut keys = BTreeSet::new();
    let begun = node
        .calls(actor.clone())
        .begin(NewCall { operation: "chat.completions", targets: vec![target] })
        .await;
    let mut call = match begun {
        Ok(call) => call,
        Err(problem) => return (keys, Some(problem.kind)),
    };
    loop {
        match call.next().await {
            Ok(Some(attempt)) => {
                keys.insert(attempt.api_key().expose().to_owned());
                attempt.release(&strongroom::call::Failure::Connect);
            }
            Ok(None) => return (keys, None),
            Err(problem) => return (keys, Some(problem.kind)),
        }
    }
}

/// Has a node look at the log: by a change of its own, which is about nobody that is asked for.
async fn catch_up(node: &Strongroom, token: String, amount: i64) {
    let bound = Bound::Token(token);
    let limits = node.limits(Actor::library());
    limits.set(&bound, Unit::Requests, Window::Hour, amount).await.expect("a change");
}

#[test]
fn after_any_changes_a_node_that_has_caught_up_answers_as_a_fresh_one() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    // Each case makes a database, and opens it more than once.
    let mut runner = TestRunner::new(Config {
        cases: 8,
        max_shrink_iters: 16,
        failure_persistence: None,
        ..Config::default()
    });
    let done = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            let ground = ground().await;
            let other = ground.node().await;
            let mut made = Made::default();
            let request = TokenRequest::new("catches-up", Role::Gateway);
            let (token, _) = ground.room.tokens(Actor::library()).create(request).await.expect("a token");
            let mut amount = 1;
            for step in &steps {
                act(&ground, &mut made, step).await;
                if matches!(step, Step::Ask) {
                    // Whatever it answers: it may not have caught up.
                    answers(&other, &made).await;
                }
                amount += 1;
            }
            catch_up(&other, token.id, amount).await;
            let held = answers(&other, &made).await;
            let fresh = ground.node().await;
            assert_eq!(held, answers(&fresh, &made).await, "after {steps:?}");
            ground.assert_sound().await;
            Ok(())
        })
    });
    done.expect("a node that has caught up answers as a fresh one");
}

#[tokio::test]
async fn a_token_that_was_refused_before_it_was_made_counts_on_every_node_at_once() {
    let ground = ground().await;
    let other = ground.node().await;
    let text = strongroom_crypto::token::generate().text;
    for node in [&ground.room, &other] {
        assert!(node.authenticate(&text).await.is_err());
    }
    let minted = ground.room.mint_first_token(Some(text.clone())).await.expect("an answer");
    assert!(minted.is_some());
    for node in [&ground.room, &other] {
        assert_eq!(node.authenticate(&text).await.expect("it is there").role, Role::Admin);
    }
}

/// A provider that had no credential when a call asked for it has one as soon as it was made, on whichever node.
#[tokio::test]
async fn a_credential_that_was_missing_before_it_was_made_serves_on_every_node_at_once() {
    let ground = ground().await;
    let other = ground.node().await;
    for node in [&ground.room, &other] {
        let problem = node.calls(Actor::library()).begin(chat(BOUND)).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::NotFound);
    }
    ground.make(new("one")).await;
    for node in [&ground.room, &other] {
        let mut call = node.calls(Actor::library()).begin(chat(BOUND)).await.expect("a credential");
        call.next().await.expect("it is admitted").expect("a credential").answered(200).settle(end(1, 1));
    }
    ground.assert_sound().await;
}

/// Limits of a token bind from its first call on, on a node that has not looked since before the token was made.
#[tokio::test]
async fn limits_that_a_token_is_made_with_bind_on_every_node_at_once_and_all_its_calls_are_counted() {
    let ground = ground().await;
    ground.make(new("one")).await;
    let other = ground.node().await;
    let warm = other.calls(Actor::library()).begin(chat(BOUND)).await.expect("a credential");
    drop(warm);
    // The other node does not hear of this change before it looks.
    let users = ground.room.users(Actor::library());
    let ada =
        users.create(NewUser { name: "ada".into(), role: Role::Gateway, id: None }).await.expect("a user");
    users
        .update(ada.id, UserPatch { name: Some("eve".into()), ..UserPatch::default() })
        .await
        .expect("a change");
    let limits = vec![(Unit::Requests, Window::Day, 2)];
    let request = TokenRequest { limits, ..TokenRequest::new("program", Role::Gateway) };
    let (token, _) = ground.room.tokens(Actor::library()).create(request).await.expect("a token");
    let actor = other.authenticate(&token.text).await.expect("it counts at once");
    for _ in 0..2 {
        let mut call = other.calls(actor.clone()).begin(chat(BOUND)).await.expect("a credential");
        call.next().await.expect("it is admitted").expect("a credential").answered(200).settle(end(1, 1));
    }
    let mut call = other.calls(actor).begin(chat(BOUND)).await.expect("a credential");
    assert_eq!(call.next().await.unwrap_err().kind, ProblemKind::LimitReached);
    drop(call);
    other.settle_now().await.expect("it is written down");
    let found = ground.room.usage(Actor::library()).verify(strongroom::Millis(0)).await.expect("an answer");
    assert_eq!(found, [], "counters equal the ledger");
    ground.assert_sound().await;
}
