//! Streams: not held back, cancelled with their client, and counted however they end. Large bodies pass.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use tokio::task::JoinSet;

use crate::cases::stage::{Stage, question, texts};
use crate::cases::tls;
use crate::support::server::{STEP, STEPS};

/// Sends a chat that is to be streamed, as bytes, so that the moment of every byte is ours.
fn stream_of(stage: &Stage) -> TcpStream {
    let mut body = question("m");
    body["stream"] = json!(true);
    let body = body.to_string();
    let mut stream = TcpStream::connect(stage.server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let head = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        stage.token,
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_piece_is_not_held_back_and_a_hang_up_reaches_the_provider() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Endless, json!({})).await;
    let mut stream = stream_of(&stage);
    let mut seen = String::new();
    let mut piece = [0; 1024];
    while !seen.contains(" from") {
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    assert_eq!((stage.fake.open(), stage.fake.cancelled()), (1, 0));
    drop(stream);
    until("the provider goes on", || stage.fake.cancelled() == 1).await;
    // What was shown bounds nothing: what was held counts.
    let record = stage.record("call", 1, "metering, status, requests, charged_tokens").await;
    assert_eq!(texts(&record)[..3], ["held", "200", "1"]);
    assert!(texts(&record)[3].parse::<i64>().unwrap() > 0);
}

async fn until(or_else: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(20), "{or_else}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_before_the_answer_has_begun_reaches_the_provider_too() {
    for is_over_tls in [false, true] {
        let stage = Stage::with(|it| if is_over_tls { tls::certified(it) } else { it }).await;
        stage.credential("one", "openai", Mode::Silent, json!({})).await;
        let mut waiting = JoinSet::new();
        waiting.spawn(stage.chat().attempt());
        until("no call arrives", || stage.fake.open() == 1).await;
        waiting.abort_all();
        until("the provider goes on", || stage.fake.cancelled() == 1).await;
        assert_eq!(stage.fake.open(), 0);
        let record = stage.record("call", 1, "status, requests").await;
        assert_eq!(record[1].as_deref(), Some("1"), "it may have been charged: {record:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too_and_counts() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::BreaksOff, json!({})).await;
    let mut body = question("m");
    body["stream"] = json!(true);
    for (index, body) in [body, question("m")].into_iter().enumerate() {
        let answer = stage.call("/openai/v1/chat/completions", body).attempt().await;
        assert!(answer.is_err(), "{answer:?}");
        let record = stage.record("call", index + 1, "status, requests").await;
        assert_eq!(texts(&record), ["200", "1"]);
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_given_up_and_may_have_charged() {
    let stage = Stage::with(|it| it.set("STRONGROOM_GATEWAY_FIRST_BYTE_TIMEOUT_SECONDS", "1")).await;
    let key = stage.credential("one", "openai", Mode::Silent, json!({ "priority": 1 })).await;
    stage.credential("two", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    let answer = stage.chat().await.expect(502);
    assert!(answer.text.contains("did not begin to answer"), "{}", answer.text);
    assert_eq!(stage.fake.count(&key), 1);
    let used = stage.server.get("/api/credentials/one/rate-limit").await.expect(200);
    assert_eq!(used.at("currentMonthUsage"), 1);
}

/// The most resident memory that a process has had, in bytes.
pub(super) fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_100_mb_passes_in_constant_memory() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    let before = memory(stage.server.pid());
    let length = 100 * 1024 * 1024;
    let mut stream = TcpStream::connect(stage.server.address()).unwrap();
    let head = format!(
        "POST /openai/v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {length}\r\n\r\n",
        stage.token
    );
    let sent = tokio::task::spawn_blocking(move || {
        stream.write_all(head.as_bytes()).unwrap();
        let piece = vec![b'x'; 1024 * 1024];
        (0..100).for_each(|_| stream.write_all(&piece).unwrap());
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = sent.await.unwrap();
    assert!(answer.contains(&format!("{length} bytes")), "{answer}");
    let grown = memory(stage.server.pid()) - before;
    assert!(grown < 24 * 1024 * 1024, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_slow_streams_fit_into_150_mb_and_end_with_their_clients() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Slow, json!({})).await;
    let stage = std::sync::Arc::new(stage);
    let opening = stage.clone();
    let streams = tokio::task::spawn_blocking(move || {
        let mut streams: Vec<TcpStream> = (0..1000).map(|_| stream_of(&opening)).collect();
        let mut byte = [0];
        streams.iter_mut().for_each(|stream| stream.read_exact(&mut byte).unwrap());
        streams
    });
    let streams = streams.await.unwrap();
    assert_eq!(stage.fake.open(), 1000);
    let peak = memory(stage.server.pid());
    assert!(peak < 150 * 1024 * 1024, "{peak} bytes");
    drop(streams);
    let hung_up = Instant::now();
    while stage.fake.open() > 0 {
        assert!(hung_up.elapsed() < Duration::from_secs(30), "{} go on", stage.fake.open());
        tokio::time::sleep(STEP).await;
    }
    let record = stage.record("call", 1000, "metering, status").await;
    assert_eq!(texts(&record), ["held", "200"]);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_lets_streams_end_and_counts_them() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Late, json!({ "rateLimit": 10 })).await;
    let call = stage.chat();
    let mut running = JoinSet::new();
    running.spawn(async move { call.await.status });
    for _ in 0..STEPS {
        if stage.fake.open() == 1 {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    let Stage { server, fake, .. } = stage;
    let installation = server.installation.clone();
    let (status, said) =
        tokio::task::spawn_blocking(move || server.end(nix::sys::signal::Signal::SIGTERM)).await.unwrap();
    assert!(status.success(), "{said}");
    assert_eq!(running.join_next().await.unwrap().unwrap(), 200);
    assert_eq!(fake.count_all(), 1);
    let sums =
        "SELECT CAST(SUM(settled) AS TEXT), CAST(SUM(held) AS TEXT), CAST(SUM(leased) AS TEXT) FROM counters";
    let sums = installation.database.query_text(sums).await;
    assert_eq!(texts(&sums[0]), ["1", "0", "0"]);
    assert!(installation.database.query_text("SELECT uid FROM nodes").await.is_empty());
}
