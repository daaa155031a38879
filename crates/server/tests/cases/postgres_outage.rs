//! The database away and back: limits hold, and calls go on. An SQLite database is a file of the server's own process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use tokio::task::JoinSet;

use crate::BACKEND;
use crate::cases::exactness::{assert_ledger, is_at_length, keep_calling, report, used};
use crate::cases::stage::{Stage, question};
use crate::support::away::Way;
use crate::support::server::{Installation, STEP};

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nothing_leaves_uncounted_and_all_goes_on_when_it_is_back() {
    let installation = Installation::new(BACKEND).await;
    let (installation, way) = Way::to(installation).await;
    let stage = Stage::with(|it| {
        drop(it);
        installation.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
    })
    .await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({ "rateLimit": 500 })).await;
    stage.chat().await.expect(200);
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let addresses = Arc::new(std::sync::Mutex::new(vec![stage.server.url.clone()]));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        callers.spawn(keep_calling(addresses.clone(), stage.token.clone(), stop.clone(), served.clone()));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    way.close(&stage.server).await;
    tokio::time::sleep(Duration::from_secs(if is_at_length() { 10 } else { 2 })).await;
    let away = stage.chat().await;
    assert_eq!(away.status, 503, "{}", away.text);
    way.open(&stage.server).await;
    let back = Instant::now();
    let before = stage.fake.count(&key);
    while stage.fake.count(&key) == before && stage.fake.count(&key) < 500 {
        assert!(back.elapsed() < Duration::from_secs(60), "calls do not go on");
        tokio::time::sleep(STEP).await;
    }
    while stage.chat().await.status != 429 {
        assert!(back.elapsed() < Duration::from_secs(120), "the limit is not reached");
    }
    stop.store(true, Ordering::SeqCst);
    while callers.join_next().await.is_some() {}
    assert!(stage.fake.count(&key) <= 500);
    assert_eq!(used(&stage.server, "one").await, 500);
    assert_ledger(&stage.server).await;
    report(&format!(
        "the database was away and back: {} calls left under a limit of 500",
        stage.fake.count(&key)
    ));
}

/// What takes long is compared with what takes longer: a list waits for a connection for its whole patience.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_whether_the_server_is_ready_does_not_wait_for_the_database() {
    let (installation, way) = Way::to(Installation::new(BACKEND).await).await;
    let server = installation.start();
    server.get("/readyz").await.expect(200);
    way.close_so(&server, true).await;
    let mut list = JoinSet::new();
    list.spawn(server.get("/api/admin/credentials").into_future());
    let ready = tokio::select! {
        ready = server.get("/readyz").into_future() => ready,
        answer = list.join_next() => panic!("the list was answered first: {answer:?}"),
    };
    assert_eq!((ready.status, &ready.json()["checks"]["database"]), (503, &json!("unreachable")));
    let mut doctor = tokio::process::Command::from(server.installation.command(&["doctor"]));
    let done = tokio::select! {
        done = doctor.output() => done.expect("the binary runs"),
        answer = list.join_next() => panic!("the list was answered first: {answer:?}"),
    };
    let said = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("database: unreachable") && said.contains("through socket"), "{said}");
    assert_eq!(list.join_next().await.expect("a call").expect("an answer").status, 503);
}

/// Nothing is queued behind the one that waits: all are told the same, in about the time that one is.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_holds_up_nobody_for_long() {
    let (installation, way) = Way::to(Installation::new(BACKEND).await).await;
    let stage = Stage::with(|it| {
        drop(it);
        installation.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
    })
    .await;
    stage.credential("one", "openai", Mode::Ok, json!({ "rateLimit": 1_000 })).await;
    stage.chat().await.expect(200);
    way.close_so(&stage.server, true).await;
    let mut callers = JoinSet::new();
    for number in 0..32 {
        let ask = stage.server.post("/openai/v1/chat/completions", question("gpt-4o-mini"));
        callers.spawn(ask.token(&stage.token).into_future());
        let path = ["/api/admin/credentials", "/api/admin/limits", "/api/admin/usage", "/api/admin/tokens"];
        callers.spawn(stage.server.get(path[number % path.len()]).into_future());
    }
    let made =
        json!({ "name": "two", "provider": "openai", "apiKey": "sk-proj-Zm9yIHRlc3RzIG9ubHkgMTIzNDU2" });
    callers.spawn(stage.server.post("/api/admin/credentials", made).into_future());
    let all = tokio::time::timeout(Duration::from_secs(30), callers.join_all()).await;
    let (mut served, mut told) = (0, 0);
    for answer in all.expect("nobody waits for those before") {
        // What was taken ahead of the outage needs no database.
        served += u32::from(answer.status == 200);
        told += u32::from(answer.status == 503);
        assert!([200, 503].contains(&answer.status), "{}", answer.text);
        assert!(answer.status == 200 || answer.text.contains("try again"), "{}", answer.text);
    }
    assert!(told >= 33, "{served} served, {told} told");
    way.open(&stage.server).await;
    let back = Instant::now();
    while stage.chat().await.status != 200 {
        assert!(back.elapsed() < Duration::from_secs(60), "calls do not go on");
    }
    stage.server.get("/api/admin/credentials").await.expect(200);
}
