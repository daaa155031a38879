//! Limits hold exactly: however many ask at once, on however many servers, and through kills. The fake provider's own count
//! is the judge.
//!
//! `cargo xtask verify limits` runs these at length; otherwise a few rounds of each.

mod endings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::Backend;
use strongroom_testkit::fake_upstream::Mode;
use tokio::task::JoinSet;

use super::stage::{Stage, question};
use crate::BACKEND;
use crate::support::call::Call;
use crate::support::server::{Installation, STEP, Server};

const PATH: &str = "/openai/v1/chat/completions";

/// How often, as the variable says that `cargo xtask verify` sets.
pub(crate) fn times(few: u64, variable: &str) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(few)
}

pub(crate) fn is_at_length() -> bool {
    ["ROUNDS", "KILLS", "MINUTES"]
        .iter()
        .any(|it| std::env::var_os(format!("STRONGROOM_VERIFY_{it}")).is_some())
}

/// What a long run has to tell.
pub(crate) fn report(line: &str) {
    if is_at_length() {
        #[expect(clippy::print_stdout, reason = "a long run tells what it has shown")]
        {
            println!("{BACKEND:?}: {line}");
        }
    }
}

/// Other servers on the same database, where several can be.
fn others(stage: &Stage, count: usize) -> Vec<Server> {
    others_with(stage, count, |installation| installation)
}

/// The same, set up further.
fn others_with(stage: &Stage, count: usize, set_up: fn(Installation) -> Installation) -> Vec<Server> {
    let count = if BACKEND == Backend::Postgres { count } else { 0 };
    let other = || {
        let node = stage.server.installation.second_node();
        set_up(node.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")).start()
    };
    (0..count).map(|_| other()).collect()
}

fn call(server: &Server, token: &str, body: Value) -> Call {
    server.post(PATH, body).token(token)
}

/// The month's count of a credential, once it stands still.
pub(crate) async fn used(server: &Server, name: &str) -> u64 {
    let path = format!("/api/credentials/{name}/rate-limit");
    server.get(&path).await.expect(200).at("currentMonthUsage").as_u64().unwrap()
}

pub(crate) async fn assert_ledger(server: &Server) {
    let found = server.get("/api/admin/usage/verify").await.expect(200);
    assert_eq!(found.at("valid"), true, "{}", found.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_parallel_calls_at_a_limit_of_100_exactly_100_leave_every_time() {
    let stage = Stage::new().await;
    let others = others(&stage, 2);
    let servers: Vec<&Server> = std::iter::once(&stage.server).chain(&others).collect();
    let rounds = times(2, "STRONGROOM_VERIFY_ROUNDS");
    for round in 0..rounds {
        let name = format!("round-{round}");
        let key = stage.credential(&name, "openai", Mode::Ok, json!({ "rateLimit": 100 })).await;
        let scope = json!({ "name": name, "role": "gateway", "scope": { "credentials": [&name] } });
        let token = stage.server.token(scope).await;
        let calls = (0..500).map(|index| {
            let (server, token) = (servers[index % servers.len()], &token);
            async move {
                // A server that waits for its database too long refuses, and lets nothing leave: whoever calls asks again.
                loop {
                    match call(server, token, question("gpt-4o-mini")).await.status {
                        503 => tokio::time::sleep(STEP).await,
                        status => return status,
                    }
                }
            }
        });
        let statuses = futures::future::join_all(calls).await;
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(200), count(429)), (100, 400), "round {round}: {statuses:?}");
        assert_eq!(stage.fake.count(&key), 100, "round {round}");
    }
    let written = format!(
        "SELECT CAST(COUNT(*) AS TEXT) FROM usage_records WHERE kind = 'call' HAVING COUNT(*) >= {}",
        100 * rounds
    );
    while stage.server.installation.database.query_text(&written).await.is_empty() {
        tokio::time::sleep(STEP).await;
    }
    assert_ledger(&stage.server).await;
    report(&format!(
        "{rounds} rounds of 500 calls on {} server(s): exactly 100 left each time",
        servers.len()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_limits_on_credential_token_and_user_are_never_overdrawn() {
    let stage = Stage::new().await;
    let others = others(&stage, 2);
    let servers: Vec<&Server> = std::iter::once(&stage.server).chain(&others).collect();
    let rounds = times(2, "STRONGROOM_VERIFY_ROUNDS").div_ceil(4);
    for round in 0..rounds {
        let name = format!("mixed-{round}");
        let key = stage.credential(&name, "openai", Mode::Ok, json!({})).await;
        let user = stage.server.user_of(&name, Role::Gateway).await;
        let token =
            json!({ "name": name, "role": "gateway", "userId": user, "scope": { "credentials": [&name] } });
        let token = stage.server.token(token).await;
        let id = token.split('_').nth(1).unwrap();
        // Each call holds at most 1,300 tokens and uses 30; at $0.15 and $0.60 per million that is 9,000 billionths.
        let tokens = 12_000 + 700 * i64::try_from(round).unwrap();
        for limit in [
            json!({ "credential": name, "unit": "tokens", "window": "day", "amount": tokens }),
            json!({ "token": id, "unit": "requests", "window": "hour", "amount": 90 + round }),
            json!({ "userId": user, "unit": "nano_usd", "window": "prepaid", "amount": 1_500_000 }),
        ] {
            stage.server.post("/api/admin/limits", limit).await.expect(200);
        }
        let mut served = 0;
        for _ in 0..6 {
            let calls = (0..60).map(|index| {
                let call = call(servers[index % servers.len()], &token, question("gpt-4o-mini"));
                let call = call.header("x-stainless-fake-usage", "20,10");
                async move { call.await.status }
            });
            let statuses = futures::future::join_all(calls).await;
            assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
            served += statuses.iter().filter(|status| **status == 200).count() as u64;
        }
        assert_eq!(stage.fake.count(&key), served);
        let limits = stage.server.get("/api/admin/limits").await.expect(200).json();
        for limit in limits.as_array().unwrap() {
            let number = |field: &str| limit[field].as_i64().unwrap();
            assert!(number("used") + number("held") <= number("amount"), "overdrawn: {limit}");
        }
        assert!(served > 20, "{served} calls were served");
        assert_ledger(&stage.server).await;
    }
    report(&format!("{rounds} rounds of mixed limits: none was overdrawn"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_on_one_server_is_refused_on_another() {
    let stage = Stage::new().await;
    let others = others(&stage, 1);
    let other = others.first().unwrap_or(&stage.server);
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    for _ in 0..times(1, "STRONGROOM_VERIFY_ROUNDS").min(20) {
        let token = stage.server.token_of(Role::Gateway).await;
        call(other, &token, question("m")).await.expect(200);
        let id = token.split('_').nth(1).unwrap();
        stage.server.delete(&format!("/api/admin/tokens/{id}")).await.expect(200);
        let revoked = Instant::now();
        while call(other, &token, question("m")).await.status != 401 {
            assert!(revoked.elapsed() < Duration::from_secs(30), "it is still let in");
        }
        if is_at_length() {
            assert!(revoked.elapsed() < Duration::from_secs(1), "after {:?}", revoked.elapsed());
        }
    }
    report("revocation on one server was heeded on the other within a second");
}

/// Asks a server for a call until it answers with this status.
async fn until(server: &Server, token: &str, status: u16) -> Duration {
    let started = Instant::now();
    while call(server, token, question("gpt-4o-mini")).await.status != status {
        assert!(started.elapsed() < Duration::from_secs(30), "it does not come to {status}");
    }
    started.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_frozen_on_one_server_is_served_by_no_other() {
    let stage = Stage::new().await;
    let others = others(&stage, 1);
    let other = others.first().unwrap_or(&stage.server);
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let (token, reader) =
        (stage.server.token_of(Role::Gateway).await, stage.server.token_of(Role::Reader).await);
    let read = || other.get("/api/credentials/one").token(&reader);
    let leaked = json!({ "credential": "one" });
    for _ in 0..times(2, "STRONGROOM_VERIFY_ROUNDS").min(20) {
        // The other server has it by heart, key and all.
        call(other, &token, question("gpt-4o-mini")).await.expect(200);
        read().await.expect(200);
        let radius = stage.server.post("/api/admin/leaks/respond", leaked.clone()).await.expect(200);
        let frozen = until(other, &token, 404).await;
        if is_at_length() {
            assert!(frozen < Duration::from_secs(1), "after {frozen:?}");
        }
        let count = stage.fake.count(&key);
        read().await.expect(404);
        call(&stage.server, &token, question("gpt-4o-mini")).await.expect(404);
        call(other, &token, question("gpt-4o-mini")).await.expect(404);
        assert_eq!(stage.fake.count(&key), count, "nothing more went out with the leaked key");
        let id = radius.at("credential")["id"].as_i64().unwrap();
        stage.server.call("POST", &format!("/api/admin/credentials/{id}/unfreeze")).await.expect(200);
        until(other, &token, 200).await;
    }
    report("a leak that was responded to on one server was heeded on the other within a second");
}

/// Calls one server after the other until told to stop; counts those that were served.
pub(crate) async fn keep_calling(
    addresses: Arc<std::sync::Mutex<Vec<String>>>,
    token: String,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
) {
    let mut turn = 0;
    while !stop.load(Ordering::SeqCst) {
        let address = {
            let addresses = addresses.lock().unwrap();
            turn += 1;
            addresses[turn % addresses.len()].clone()
        };
        let call = Call::new(&address, "POST", PATH).token(&token).json(question("gpt-4o-mini"));
        match call.attempt().await {
            Ok(answer) if answer.status == 200 => {
                served.fetch_add(1, Ordering::SeqCst);
            }
            // Killed, or just starting.
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_overdraws_nothing_and_leaves_nothing_uncounted() {
    let kills = times(3, "STRONGROOM_VERIFY_KILLS");
    let limit = 200 * kills;
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({ "rateLimit": limit })).await;
    let survivor = others(&stage, 1).pop();
    let Stage { server, fake, token } = stage;
    let installation = server.installation.clone();
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let addresses: Vec<String> = std::iter::once(&server).chain(&survivor).map(|it| it.url.clone()).collect();
    let addresses = Arc::new(std::sync::Mutex::new(addresses));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        callers.spawn(keep_calling(addresses.clone(), token.clone(), stop.clone(), served.clone()));
    }
    let mut victim = server;
    for kill in 0..kills {
        // Not the same moment each time, and the same moments in every run.
        tokio::time::sleep(Duration::from_millis(20 + kill * 37 % 260)).await;
        let (_, said) = tokio::task::spawn_blocking(move || victim.end(Signal::SIGKILL)).await.unwrap();
        assert!(!said.contains("panicked"), "{said}");
        let installation = installation.clone();
        victim = tokio::task::spawn_blocking(move || installation.start_again()).await.unwrap();
        addresses.lock().unwrap()[0] = victim.url.clone();
    }
    stop.store(true, Ordering::SeqCst);
    while callers.join_next().await.is_some() {}
    // What a killed server held is settled when its lease has lapsed; one that runs and holds nothing is not in the list.
    let holding = "SELECT uid FROM nodes";
    let deadline = Instant::now() + Duration::from_secs(120);
    while !installation.database.query_text(holding).await.is_empty() {
        assert!(Instant::now() < deadline, "what killed servers held is not settled");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (left, counted) = (fake.count(&key), used(&victim, "one").await);
    assert!(left <= counted, "{left} calls left, and {counted} are counted");
    assert!(served.load(Ordering::SeqCst) <= left);
    assert!(counted <= limit, "{counted} of {limit}");
    while call(&victim, &token, question("gpt-4o-mini")).await.status == 200 {}
    assert!(fake.count(&key) <= limit, "overdraft");
    assert_eq!(used(&victim, "one").await, limit);
    assert_ledger(&victim).await;
    victim.verified_entries().await;
    report(&format!(
        "{kills} kills: {} calls left under a limit of {limit}, all counted, {} counted that may not have left",
        fake.count(&key),
        limit - fake.count(&key)
    ));
}
