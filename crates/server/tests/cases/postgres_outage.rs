//! The database away and back: limits hold, and calls go on. An SQLite database is a file of the server's own process.

#![expect(clippy::unwrap_used, reason = "a case that cannot go on has failed, and the line says where")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::BACKEND;
use crate::cases::exactness::{assert_ledger, is_at_length, keep_calling, report, used};
use crate::cases::stage::Stage;
use crate::support::server::{Installation, STEP};

/// Passes connections on until it is told that there is nobody.
struct Cut {
    port: u16,
    is_cut: Arc<AtomicBool>,
    _task: JoinSet<()>,
}

impl Cut {
    async fn before(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let mut task = JoinSet::new();
        let cut = is_cut.clone();
        task.spawn(async move {
            let mut passing = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (mut near, _) = accepted.unwrap();
                        if cut.load(Ordering::SeqCst) {
                            continue;
                        }
                        let address = address.clone();
                        passing.spawn(async move {
                            let mut far = TcpStream::connect(address).await.unwrap();
                            // It ends when either side does.
                            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                        });
                    }
                    () = tokio::time::sleep(STEP) => if cut.load(Ordering::SeqCst) {
                        passing.abort_all();
                        while passing.join_next().await.is_some() {}
                    }
                }
            }
        });
        Self { port, is_cut, _task: task }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_nothing_leaves_uncounted_and_all_goes_on_when_it_is_back() {
    let installation = Installation::new(BACKEND).await;
    let url = installation.database.url().to_owned();
    let (before, rest) = url.split_once("127.0.0.1:").expect("a port");
    let (port, after) = rest.split_once('/').expect("a database");
    let cut = Cut::before(format!("127.0.0.1:{port}")).await;
    let through = format!("{before}127.0.0.1:{}/{after}", cut.port);
    let stage = Stage::with(|it| {
        drop(it);
        installation.set("STRONGROOM_DATABASE_URL", through).set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
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
    cut.is_cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(if is_at_length() { 10 } else { 2 })).await;
    let away = stage.chat().await;
    assert_eq!(away.status, 503, "{}", away.text);
    cut.is_cut.store(false, Ordering::SeqCst);
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
