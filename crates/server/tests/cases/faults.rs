//! The real server under calls, killed at random in what it is asked to do, and before a database in trouble: what was not
//! answered is done or not, what is answered is so, nothing is lost, and no call is uncounted.
//!
//! `cargo xtask verify faults` runs these at length; otherwise a few rounds of each.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use strongroom_testkit::Backend;
use strongroom_testkit::fake_upstream::{FakeUpstream, Mode};
use tokio::task::JoinSet;

use super::exactness::{assert_ledger, is_at_length, keep_calling, report, times, used};
use super::stage::{Stage, question};
use crate::BACKEND;
use crate::support::away::{Way, fill_disk, free_disk};
use crate::support::call::{Answer, Call};
use crate::support::server::{Installation, STEP, Server};

/// Eight programs that call without a pause.
pub(crate) struct Load {
    addresses: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    pub(crate) served: Arc<AtomicU64>,
    callers: JoinSet<()>,
}

impl Load {
    pub(crate) fn on(server: &Server, token: &str) -> Self {
        let addresses = Arc::new(Mutex::new(vec![server.url.clone()]));
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut callers = JoinSet::new();
        for _ in 0..8 {
            callers.spawn(keep_calling(addresses.clone(), token.to_owned(), stop.clone(), served.clone()));
        }
        Self { addresses, stop, served, callers }
    }

    pub(crate) fn goes_to(&self, server: &Server) {
        self.addresses.lock().unwrap()[0].clone_from(&server.url);
    }

    /// Waits until so many more were served.
    pub(crate) async fn goes_on(&self, more: u64) {
        let (before, began) = (self.served.load(Ordering::SeqCst), Instant::now());
        while self.served.load(Ordering::SeqCst) < before + more {
            assert!(began.elapsed() < Duration::from_secs(60), "calls do not go on");
            tokio::time::sleep(STEP).await;
        }
    }

    pub(crate) async fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::SeqCst);
        while self.callers.join_next().await.is_some() {}
        self.served.load(Ordering::SeqCst)
    }
}

/// What a killed server held is settled; then all calls are counted, and everything verifies.
pub(crate) async fn assert_all_counted(
    server: &Server,
    fake: &FakeUpstream,
    key: &str,
    name: &str,
) -> (u64, u64) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !server.installation.database.query_text("SELECT uid FROM nodes").await.is_empty() {
        assert!(Instant::now() < deadline, "what servers held is not settled");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let (left, counted) = (fake.count(key), used(server, name).await);
    assert!(left <= counted, "{left} calls left, and {counted} are counted");
    assert_ledger(server).await;
    server.verified_entries().await;
    (left, counted)
}

/// The credential that is worked on, as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    /// `None` when it is deleted.
    key: Option<String>,
    /// How many others were made.
    made: usize,
    data_keys: usize,
}

async fn found(server: &Server) -> Found {
    let read = server.get("/api/credentials/subject").await;
    let key = (read.status == 200).then(|| read.at("apiKey").as_str().unwrap().to_owned());
    assert!(key.is_some() || read.status == 404, "{}", read.text);
    let list = server.get("/api/admin/credentials?limit=200").await.expect(200).json();
    let made = list.as_array().unwrap().iter().filter(|it| it["name"].as_str().unwrap().starts_with("made-"));
    let made: Vec<String> = made.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    if let Some(last) = made.last() {
        let read = server.get(&format!("/api/credentials/{last}")).await.expect(200);
        assert_eq!(read.at("apiKey"), format!("sk-of-{last}"));
    }
    let keys = server.get("/api/admin/encryption-keys").await.expect(200).json();
    let data_keys = keys["keys"].as_array().unwrap().iter().filter(|it| it["purpose"] == "data").count();
    Found { key, made: made.len(), data_keys }
}

/// What is asked of the server in this turn, and what is so when it was done.
async fn request(server: &Server, turn: u64, id: i64, before: &Found) -> (Call, Found) {
    let path = format!("/api/admin/credentials/{id}");
    let mut after = before.clone();
    if before.key.is_none() {
        // Its key is that of the newest version that was in use.
        return (server.post(&format!("{path}/undelete"), json!({})), after);
    }
    let call = match turn % 5 {
        0 => {
            after.made += 1;
            let name = format!("made-{turn}");
            let body = json!({ "name": name, "provider": "groq", "apiKey": format!("sk-of-{name}") });
            server.post("/api/admin/credentials", body)
        }
        1 => {
            let key = format!("sk-{turn}");
            after.key = Some(key.clone());
            server.patch(&path, json!({ "apiKey": key }))
        }
        2 => {
            let versions = server.get(&format!("{path}/versions")).await.expect(200).json();
            let number = |state: &str| {
                let mut all = versions.as_array().unwrap().iter();
                all.find(|it| it["state"] == state).and_then(|it| it["number"].as_i64())
            };
            let number = number("retired").or_else(|| number("draining")).or_else(|| number("current"));
            // The key of that version is known by its digest only: what comes out is looked at afterwards.
            after.key = Some(String::new());
            server.post(&format!("{path}/versions/{}/rollback", number.unwrap()), json!({}))
        }
        3 => {
            after.key = None;
            server.delete(&path)
        }
        _ => {
            after.data_keys += 1;
            server.post("/api/admin/encryption-keys/rotate", json!({}))
        }
    };
    (call, after)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_under_calls_what_was_asked_is_done_or_not() {
    let kills = times(5, "STRONGROOM_VERIFY_KILLS");
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let id = stage.server.credential("subject", json!({ "provider": "groq", "apiKey": "sk-0" })).await;
    for number in 0..30 {
        stage.server.credential(&format!("more-{number}"), json!({ "provider": "anthropic" })).await;
    }
    let load = Load::on(&stage.server, &stage.token);
    let Stage { mut server, fake, .. } = stage;
    let installation = server.installation.clone();
    let mut keys: Vec<String> = vec!["sk-0".into()];
    let mut counts = BTreeMap::new();
    for turn in 0..kills {
        load.goes_on(5).await;
        let before = found(&server).await;
        keys.extend(before.key.clone());
        let (call, after) = request(&server, turn, id, &before).await;
        let kill = async {
            tokio::time::sleep(Duration::from_micros(turn * 3701 % 40_000)).await;
            tokio::task::spawn_blocking(move || server.end(Signal::SIGKILL)).await.unwrap()
        };
        let (answer, (_, said)) = tokio::join!(call.attempt(), kill);
        assert!(!said.contains("panicked"), "{said}");
        let answered = answer.is_ok_and(|answer| answer.status < 300);
        let installation = installation.clone();
        server = tokio::task::spawn_blocking(move || installation.start_again()).await.unwrap();
        load.goes_to(&server);
        let mut now = found(&server).await;
        if after.key.as_deref() == Some("") || before.key.is_none() {
            let back = now.key.clone().into_iter().all(|key| keys.contains(&key));
            assert!(back, "turn {turn}: {now:?} is a key that it never had");
            now.key = if now.key == before.key { before.key.clone() } else { after.key.clone() };
        }
        assert!(now == before || now == after, "turn {turn}: {now:?} after {before:?}");
        assert!(!answered || now == after, "turn {turn}: it was answered and is not so");
        *counts.entry(if now == before { "before" } else { "after" }).or_insert(0) += 1;
    }
    load.end().await;
    let (left, counted) = assert_all_counted(&server, &fake, &key, "one").await;
    report(&format!("{kills} kills under calls: {counts:?}; {left} calls left, {counted} are counted"));
}

/// Whether it was done on a disk that is full: otherwise it was refused for that.
fn is_done(answer: &Answer) -> bool {
    assert!(answer.status < 300 || answer.status == 503, "{}", answer.text);
    let is_refused = answer.status == 503;
    assert!(!is_refused || answer.error().contains("cannot be written to"), "{}", answer.text);
    !is_refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_loses_nothing_and_all_goes_on_when_there_is_room() {
    let stage = Stage::with(|it| it.heedless_of_file_sizes()).await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let load = Load::on(&stage.server, &stage.token);
    let server = &stage.server;
    let id = server.credential("kept", json!({ "provider": "groq" })).await;
    let path = format!("/api/admin/credentials/{id}");
    let (mut made, mut refused, mut held) = (Vec::new(), 0, "sk-of-kept".to_owned());
    let rounds = times(2, "STRONGROOM_VERIFY_KILLS").min(20);
    for round in 0..rounds {
        load.goes_on(20).await;
        fill_disk(server).await;
        for number in 0.. {
            let name = format!("made-{round}-{number}");
            let body = json!({ "name": name, "provider": "groq", "apiKey": format!("sk-of-{name}") });
            let answer = server.post("/api/admin/credentials", body).await;
            if !is_done(&answer) {
                break;
            }
            made.push(name);
        }
        refused += 1;
        // A change smaller than what was refused can still find room: then it has to be as it was answered.
        let key = format!("sk-{round}");
        match is_done(&server.patch(&path, json!({ "apiKey": key })).await) {
            true => held = key,
            false => refused += 1,
        }
        let is_rotated = is_done(&server.post("/api/admin/encryption-keys/rotate", json!({})).await);
        let read = server.get("/api/credentials/kept").await;
        match is_done(&read) {
            true => assert_eq!(read.at("apiKey"), held),
            false => refused += 1,
        }
        let is_deleted = is_done(&server.delete(&path).await);
        refused += u32::from(!is_rotated) + u32::from(!is_deleted);
        server.get("/livez").await.expect(200);
        free_disk(server).await;
        load.goes_on(20).await;
        if is_deleted {
            server.get("/api/credentials/kept").await.expect(404);
            server.post(&format!("{path}/undelete"), json!({})).await.expect(200);
        }
        assert_eq!(server.get("/api/credentials/kept").await.expect(200).at("apiKey"), held);
        let name = format!("room-{round}");
        server.credential(&name, json!({ "provider": "groq" })).await;
        made.push(name);
    }
    for name in &made {
        let read = server.get(&format!("/api/credentials/{name}")).await.expect(200);
        assert_eq!(read.at("apiKey"), format!("sk-of-{name}"));
    }
    load.end().await;
    assert!(!server.said().contains("panicked"), "{}", server.said());
    let (left, counted) = assert_all_counted(server, &stage.fake, &key, "one").await;
    report(&format!(
        "the disk was full {rounds} times: {refused} changes and reads refused, {} credentials made before and after, all \
         there; {left} calls left, {counted} are counted",
        made.len()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_refuses_and_all_goes_on_when_it_is_back() {
    let (installation, way) = Way::to(Installation::new(BACKEND).await).await;
    let stage = Stage::with(|it| {
        drop(it);
        installation.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
    })
    .await;
    let server = &stage.server;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let id = server.credential("subject", json!({ "provider": "groq", "apiKey": "sk-0" })).await;
    let path = format!("/api/admin/credentials/{id}");
    let load = Load::on(server, &stage.token);
    let mut held = "sk-0".to_owned();
    let rounds = times(2, "STRONGROOM_VERIFY_KILLS").min(20);
    for round in 0..rounds {
        load.goes_on(20).await;
        let key = format!("sk-{}", round + 1);
        let close = async {
            tokio::time::sleep(Duration::from_micros(round * 1700 % 20_000)).await;
            way.close(server).await;
        };
        let (changed, ()) = tokio::join!(server.patch(&path, json!({ "apiKey": key })), close);
        assert!([200, 503].contains(&changed.status), "{}", changed.text);
        let answer = server.delete(&path).await;
        assert_eq!(answer.status, 503, "{}", answer.text);
        way.open(server).await;
        load.goes_on(20).await;
        let read = server.get("/api/credentials/subject").await.expect(200);
        let found = read.at("apiKey").as_str().unwrap().to_owned();
        let is_as_said = found == key || changed.status == 503 && found == held;
        assert!(is_as_said, "{found} after {held} and {key}, which was answered with {}", changed.status);
        held = found;
    }
    load.end().await;
    assert!(!server.said().contains("panicked"), "{}", server.said());
    let (left, counted) = assert_all_counted(server, &stage.fake, &key, "one").await;
    report(&format!("the database was away {rounds} times: {left} calls left, {counted} are counted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_is_named_as_such_and_changes_nothing() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let server = stage.server;
    let installation = server.installation.clone();
    let database = installation.database.clone();
    let server = match BACKEND {
        Backend::Sqlite => {
            server.end(Signal::SIGTERM);
            let url = format!("{}?mode=ro", database.url());
            let mut command = installation.command(&["serve", "--listen", "127.0.0.1:0"]);
            let done = command.env("STRONGROOM_DATABASE_URL", url).output().expect("the binary starts");
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(!done.status.success() && said.contains("cannot be written to"), "{said}");
            installation.start_again()
        }
        Backend::Postgres => {
            let name = database.name().to_owned();
            let set = async |value: &str| {
                let sql = format!(
                    "BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = {value}; COMMIT;"
                );
                database.execute(&sql).await;
                let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                              WHERE datname = current_database() AND application_name = 'strongroom'";
                database.execute(others).await;
            };
            set("on").await;
            // What was told to end may be noticed by the next request only.
            let began = Instant::now();
            loop {
                let answer = server.credential_request("two").await;
                assert_eq!(answer.status, 503, "{}", answer.text);
                if answer.error().contains("read-only") {
                    break;
                }
                assert!(began.elapsed() < Duration::from_secs(30), "{}", answer.text);
            }
            server.get("/livez").await.expect(200);
            set("off").await;
            let began = Instant::now();
            while server.credential_request("two").await.status != 201 {
                assert!(began.elapsed() < Duration::from_secs(30), "{}", server.said());
            }
            server
        }
    };
    let chat = server.post("/openai/v1/chat/completions", question("gpt-4o-mini")).token(&stage.token);
    let began = Instant::now();
    while chat.clone().await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", server.said());
    }
    assert!(used(&server, "one").await >= 2);
    assert_ledger(&server).await;
    server.verified_entries().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_connection_to_the_database_everything_waits_for_its_turn() {
    let stage = Stage::with(|it| it.set("STRONGROOM_DATABASE_MAX_CONNECTIONS", "1")).await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let server = &stage.server;
    let id = server.credential("subject", json!({ "provider": "groq" })).await;
    let rounds = times(1, "STRONGROOM_VERIFY_KILLS").min(10);
    for round in 0..rounds {
        let calls = (0..120).map(|number| {
            let call = match number % 8 {
                0 => server.get("/api/credentials/subject"),
                1 => server.get("/api/admin/credentials"),
                2 => server.patch(&format!("/api/admin/credentials/{id}"), json!({ "priority": number })),
                3 => server.get("/api/admin/audit-logs?limit=20"),
                4 => server.get("/api/admin/encryption-keys"),
                5 => server.post(
                    "/api/admin/credentials",
                    json!({ "name": format!("made-{round}-{number}"), "provider": "groq", "apiKey": "sk-1" }),
                ),
                6 if number == 6 => server.post("/api/admin/encryption-keys/rotate", json!({})),
                _ => stage.chat(),
            };
            async move {
                let answer = call.await;
                assert!(answer.status < 300, "{}", answer.text);
            }
        });
        futures::future::join_all(calls).await;
    }
    let (left, counted) = assert_all_counted(server, &stage.fake, &key, "one").await;
    assert_eq!(left, counted);
    if is_at_length() {
        report(&format!("one connection: {rounds} rounds of 120 requests at once, all answered"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_disk_is_full_is_not_ready_until_it_has_written_again() {
    let stage = Stage::with(|it| it.heedless_of_file_sizes()).await;
    let server = &stage.server;
    server.credential("kept", json!({ "provider": "groq" })).await;
    server.get("/readyz").await.expect(200);
    fill_disk(server).await;
    while is_done(&server.get("/api/credentials/kept").await) {}
    let ready = server.get("/readyz").await.expect(503).json();
    assert_eq!(
        (&ready["status"], &ready["checks"]["database"]),
        (&json!("unavailable"), &json!("not_writable"))
    );
    server.get("/livez").await.expect(200);
    let output = server.installation.command(&["status"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("not_writable"), "{output:?}");
    free_disk(server).await;
    server.get("/api/credentials/kept").await.expect(200);
    server.get("/readyz").await.expect(200);
}
