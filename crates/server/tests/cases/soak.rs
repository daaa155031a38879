//! A server under mixed work and faults: nothing goes wrong but what the faults explain, and its memory and its descriptors
//! stay flat.
//!
//! `cargo xtask verify soak --minutes N` runs it for that long and judges the series; otherwise it runs for some seconds,
//! which are too few to judge growth by.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use strongroom_testkit::Backend;
use strongroom_testkit::fake_upstream::{FakeUpstream, Mode};
use tokio::task::JoinSet;

use super::exactness::report;
use super::faults::assert_all_counted;
use super::stage::{Stage, question};
use crate::BACKEND;
use crate::support::away::Way;
use crate::support::call::{Answer, Call};
use crate::support::server::{Installation, Server};

/// How much more memory, in parts of a hundred and in KiB on top, and how many more descriptors the last quarter of a
/// series may have than the second one: caches fill slowly, and a leak goes on.
const MEMORY_PERCENT: u64 = 10;
const MEMORY_KIB: u64 = 8 * 1024;
const DESCRIPTORS: u64 = 8;

/// What was measured of one process, at even intervals.
#[derive(Debug, Default)]
struct Series {
    memory_kib: Vec<u64>,
    descriptors: Vec<u64>,
}

impl Series {
    fn sample(&mut self, pid: u32) {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        self.memory_kib.push(line.split_whitespace().nth(1).unwrap().parse().unwrap());
        self.descriptors.push(std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64);
    }

    /// What has grown; empty when all is flat.
    fn growth(&self) -> Vec<String> {
        let (memory, descriptors) = (quarters(&self.memory_kib), quarters(&self.descriptors));
        let mut grown = Vec::new();
        if memory[3] > memory[1] + memory[1] * MEMORY_PERCENT / 100 + MEMORY_KIB {
            grown.push(format!("memory from {} to {} KiB", memory[1], memory[3]));
        }
        if descriptors[3] > descriptors[1] + DESCRIPTORS {
            grown.push(format!("descriptors from {} to {}", descriptors[1], descriptors[3]));
        }
        grown
    }

    fn summary(&self) -> String {
        let of = |values: &[u64]| {
            let (least, most) = (values.iter().min(), values.iter().max());
            format!("{:?} (of all: {} to {})", quarters(values), least.unwrap(), most.unwrap())
        };
        format!(
            "{} samples; medians of their quarters: memory {} KiB, descriptors {}; allowed from the second to the last: \
             {MEMORY_PERCENT} % and {MEMORY_KIB} KiB more memory, {DESCRIPTORS} more descriptors",
            self.memory_kib.len(),
            of(&self.memory_kib),
            of(&self.descriptors)
        )
    }
}

/// The medians of the quarters of a series.
fn quarters(values: &[u64]) -> [u64; 4] {
    std::array::from_fn(|quarter| {
        let mut part = values[values.len() * quarter / 4..values.len() * (quarter + 1) / 4].to_vec();
        part.sort_unstable();
        part[part.len() / 2]
    })
}

#[test]
fn a_leak_is_told_from_caches_that_fill_and_from_noise() {
    let series = |memory: &dyn Fn(u64) -> u64, descriptors: &dyn Fn(u64) -> u64| Series {
        memory_kib: (0..200).map(memory).collect(),
        descriptors: (0..200).map(descriptors).collect(),
    };
    let fills = |at: u64| 40_000 + 30_000 * at.min(45) / 45 + at * 7919 % 900;
    let noise = |at: u64| 40 + at * 31 % 17;
    assert_eq!(series(&fills, &noise).growth(), [""; 0]);
    assert_eq!(series(&|at| 40_000 + 200 * at, &noise).growth().len(), 1);
    assert_eq!(series(&fills, &|at| 40 + at / 8).growth().len(), 1);
}

/// What works on a server, and what it has seen.
struct Work {
    address: Mutex<String>,
    token: String,
    admin: String,
    /// The credential that is worked on.
    subject: i64,
    stop: AtomicBool,
    /// While something is away, and a moment after.
    is_troubled: AtomicBool,
    done: AtomicU64,
    refused: AtomicU64,
    wrong: Mutex<Vec<String>>,
}

impl Work {
    fn ask(&self, method: &str, path: &str) -> Call {
        Call::new(&self.address.lock().unwrap(), method, path).token(&self.admin)
    }

    fn chat(&self, path: &str, more: (&str, serde_json::Value)) -> Call {
        let mut body = question("gpt-4o-mini");
        body[more.0] = more.1;
        Call::new(&self.address.lock().unwrap(), "POST", path).token(&self.token).json(body)
    }

    /// Sends it; anything but what is expected is remembered, unless something is in trouble.
    async fn send(&self, call: Call, expected: &[u16]) -> Option<Answer> {
        let was_troubled = self.is_troubled.load(Ordering::SeqCst);
        let answer = call.attempt().await;
        let is_troubled = was_troubled || self.is_troubled.load(Ordering::SeqCst);
        match answer {
            Ok(answer) if expected.contains(&answer.status) => {
                self.done.fetch_add(1, Ordering::SeqCst);
                return Some(answer);
            }
            Ok(answer) if is_troubled && answer.status == 503 => {}
            Err(_) if is_troubled => {}
            Ok(answer) => self.wrong.lock().unwrap().push(format!("{} {}", answer.status, answer.text)),
            Err(error) => self.wrong.lock().unwrap().push(format!("{error:?}")),
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        None
    }

    /// One after the other, without an end: what the callers of one kind do.
    async fn work(self: Arc<Self>, kind: usize) {
        for turn in 0_u64.. {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            match kind {
                0..=2 => {
                    let call = self.chat("/openai/v1/chat/completions", ("temperature", json!(0)));
                    self.send(call, &[200]).await;
                }
                3 => {
                    let call = self.chat("/openai/v1/chat/completions", ("stream", json!(true)));
                    self.send(call, &[200]).await;
                }
                4 => {
                    // A client that hangs up in the middle of a stream.
                    let call = self.chat("/groq/openai/v1/chat/completions", ("stream", json!(true)));
                    let patience = Duration::from_millis(40 + turn % 50);
                    let _ = tokio::time::timeout(patience, call.attempt()).await;
                }
                5 => {
                    let read = self.send(self.ask("GET", "/api/credentials/subject"), &[200, 404]).await;
                    if let Some(read) = read.filter(|it| it.status == 200) {
                        assert!(read.at("apiKey").as_str().unwrap().starts_with("sk-"), "{}", read.text);
                    }
                }
                6 => self.look(turn).await,
                _ => self.change(turn).await,
            }
        }
    }

    async fn look(&self, turn: u64) {
        let paths = [
            ("/api/admin/usage", 200),
            ("/api/admin/usage?groupBy=version", 200),
            ("/api/admin/audit-logs?limit=50", 200),
            ("/api/admin/credentials?limit=50", 200),
            ("/api/admin/encryption-keys", 200),
            ("/api/admin/limits", 200),
            ("/api/admin/credentials/999999", 404),
            ("/metrics", 200),
        ];
        let (path, expected) = paths[turn as usize % paths.len()];
        self.send(self.ask("GET", path), &[expected]).await;
        let stranger = self.ask("GET", "/api/admin/credentials").token("srt_unknown_0000");
        self.send(stranger, &[401]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    async fn change(&self, turn: u64) {
        let path = format!("/api/admin/credentials/{}", self.subject);
        match turn % 8 {
            0 | 4 => {
                let call = self.ask("PATCH", &path).json(json!({ "apiKey": format!("sk-{turn}") }));
                self.send(call, &[200, 404]).await;
            }
            1 => {
                let rolled_back = self.ask("POST", &format!("{path}/versions/{}/rollback", turn / 4 + 1));
                self.send(rolled_back.json(json!({})), &[200, 404, 409]).await;
            }
            2 => {
                let body =
                    json!({ "name": format!("made-{turn}"), "provider": "anthropic", "apiKey": "sk-1" });
                let made =
                    self.send(self.ask("POST", "/api/admin/credentials").json(body), &[201, 409]).await;
                if let Some(made) = made.filter(|it| it.status == 201) {
                    let own = format!("/api/admin/credentials/{}", made.id());
                    self.send(self.ask("DELETE", &own), &[200, 204, 404]).await;
                    self.send(self.ask("POST", &format!("{own}/purge")).json(json!({})), &[200, 204, 404])
                        .await;
                }
            }
            3 => {
                self.send(self.ask("DELETE", &path), &[200, 204, 404]).await;
            }
            5 => {
                self.send(self.ask("POST", &format!("{path}/undelete")).json(json!({})), &[200, 404]).await;
            }
            6 if turn % 40 == 14 => {
                self.send(self.ask("POST", "/api/admin/backup"), &[200]).await;
            }
            6 if turn % 40 == 6 => {
                self.send(self.ask("POST", "/api/admin/encryption-keys/rotate").json(json!({})), &[200])
                    .await;
            }
            _ => {
                self.send(self.ask("GET", &format!("{path}/versions")), &[200, 404]).await;
            }
        }
        if turn % 8 == 3 || turn % 8 == 7 {
            self.send(self.ask("POST", &format!("{path}/undelete")).json(json!({})), &[200, 404]).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn end(server: Server) -> Arc<Installation> {
    let installation = server.installation.clone();
    let (_, said) = tokio::task::spawn_blocking(move || server.end(Signal::SIGKILL)).await.unwrap();
    assert!(!said.contains("panicked"), "{said}");
    installation
}

async fn start(installation: Arc<Installation>) -> Server {
    tokio::task::spawn_blocking(move || installation.start_again()).await.unwrap()
}

/// The servers of a run: the one that is worked on, and on PostgreSQL one beside it, which is killed while that one lives.
struct Servers {
    main: Server,
    beside: Option<Server>,
    way: Way,
    kills: u32,
    outages: u32,
}

impl Servers {
    /// The worked on one is killed and starts again.
    async fn kill(mut self, work: &Work) -> Self {
        work.is_troubled.store(true, Ordering::SeqCst);
        self.main = start(end(self.main).await).await;
        work.address.lock().unwrap().clone_from(&self.main.url);
        // Requests that were under way find out.
        tokio::time::sleep(Duration::from_millis(300)).await;
        work.is_troubled.store(false, Ordering::SeqCst);
        self.kills += 1;
        self
    }

    /// Its database is away for a while, and the server beside it is killed.
    async fn outage(mut self, work: &Work, away: Duration) -> Self {
        work.is_troubled.store(true, Ordering::SeqCst);
        self.way.close(&self.main).await;
        tokio::time::sleep(away).await;
        self.way.open(&self.main).await;
        if let Some(beside) = self.beside {
            self.beside = Some(start(end(beside).await).await);
            self.kills += 1;
        }
        let back = Instant::now();
        while self.main.get("/api/admin/status").await.status != 200 || chat(&self.main, work).await != 200 {
            assert!(back.elapsed() < Duration::from_secs(60), "it does not go on: {}", self.main.said());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        work.is_troubled.store(false, Ordering::SeqCst);
        self.outages += 1;
        self
    }
}

async fn chat(server: &Server, work: &Work) -> u16 {
    let call = server.post("/openai/v1/chat/completions", question("gpt-4o-mini")).token(&work.token);
    call.await.status
}

async fn set_up() -> (Servers, Arc<Work>, FakeUpstream, String) {
    let (installation, way) = Way::to(Installation::new(BACKEND).await).await;
    let stage = Stage::with(|it| {
        drop(it);
        installation.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
    })
    .await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("endless", "groq", Mode::Endless, json!({})).await;
    let subject = stage.server.credential("subject", json!({ "provider": "gemini", "apiKey": "sk-0" })).await;
    for number in 0..50 {
        stage.server.credential(&format!("more-{number}"), json!({ "provider": "anthropic" })).await;
    }
    let Stage { server, fake, token } = stage;
    let beside = match BACKEND {
        Backend::Postgres => {
            let other = server.installation.second_node().set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
            Some(start(Arc::new(other)).await)
        }
        Backend::Sqlite => None,
    };
    let work = Work {
        address: Mutex::new(server.url.clone()),
        token,
        admin: server.admin.clone(),
        subject,
        stop: AtomicBool::new(false),
        is_troubled: AtomicBool::new(false),
        done: AtomicU64::new(0),
        refused: AtomicU64::new(0),
        wrong: Mutex::default(),
    };
    (Servers { main: server, beside, way, kills: 0, outages: 0 }, Arc::new(work), fake, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_work_and_faults_leave_memory_and_descriptors_flat() {
    let minutes = std::env::var("STRONGROOM_VERIFY_MINUTES").ok().map(|text| text.parse::<u64>().unwrap());
    let whole = minutes.map_or(Duration::from_secs(6), |minutes| Duration::from_secs(60 * minutes));
    // At first the server is killed again and again; then one life of it is measured through other faults.
    let (kills_end, step) = (whole / 5, whole.min(Duration::from_secs(600)) / 30);
    let (mut servers, work, fake, key) = set_up().await;
    let mut workers = JoinSet::new();
    for kind in 0..8 {
        workers.spawn(work.clone().work(kind));
    }
    let began = Instant::now();
    while began.elapsed() < kills_end {
        tokio::time::sleep(step.min(Duration::from_secs(4))).await;
        servers = servers.kill(&work).await;
    }
    let mut series = Series::default();
    let mut next_outage = Instant::now() + 2 * step;
    while began.elapsed() < whole {
        tokio::time::sleep(step / 10).await;
        series.sample(servers.main.pid());
        if Instant::now() > next_outage {
            servers = servers.outage(&work, step.min(Duration::from_secs(2))).await;
            next_outage = Instant::now() + 4 * step;
        }
    }
    work.stop.store(true, Ordering::SeqCst);
    while let Some(done) = workers.join_next().await {
        done.unwrap();
    }
    let wrong = work.wrong.lock().unwrap().clone();
    assert!(
        wrong.is_empty(),
        "{} answers that nothing explains, such as {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(3)]
    );
    assert!(servers.kills > 0 && servers.outages > 0);
    drop(servers.beside);
    let said = servers.main.said();
    assert!(!said.contains("panicked"), "{said}");
    let (left, counted) = assert_all_counted(&servers.main, &fake, &key, "one").await;
    report(&format!(
        "{} requests answered and {} refused or cut off by {} kills and {} outages; {left} calls left, {counted} are counted",
        work.done.load(Ordering::SeqCst),
        work.refused.load(Ordering::SeqCst),
        servers.kills,
        servers.outages
    ));
    report(&series.summary());
    if minutes.is_some() {
        assert_eq!(series.growth(), [""; 0]);
    } else {
        assert!(series.memory_kib.len() > 8, "{series:?}");
    }
}
