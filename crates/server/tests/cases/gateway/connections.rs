//! Connections to a provider that end when they should not, and a server that can make none.

use std::io::{Read, Write};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::cases::stage::{Stage, question};
use crate::support::server::STEP;

const ANSWER: &str = r#"{"model":"gpt-4o-mini","choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#;

/// How a provider ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As the second request arrives: it is read, and nobody answers.
    Finished,
    /// The same, with a reset.
    Reset,
    /// Behind so many bytes of the answer.
    Cut(usize),
}

/// A provider that ends connections; dropped, it is gone.
struct Provider {
    endpoint: String,
    /// How many requests it has read.
    read: Arc<AtomicUsize>,
    _task: JoinSet<()>,
}

async fn provider(end: End) -> Provider {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    let read = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&read);
    let mut task = JoinSet::new();
    task.spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(serve(stream, end, Arc::clone(&seen)));
        }
    });
    Provider { endpoint, read, _task: task }
}

async fn serve(mut stream: TcpStream, end: End, seen: Arc<AtomicUsize>) {
    let mut turns = 0;
    let mut request = Vec::new();
    loop {
        let mut some = [0; 4096];
        let Ok(length @ 1..) = stream.read(&mut some).await else { return };
        request.extend_from_slice(&some[..length]);
        // They end with the object that they are.
        if !request.ends_with(b"]}") {
            continue;
        }
        request.clear();
        seen.fetch_add(1, Ordering::SeqCst);
        turns += 1;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{ANSWER}",
            ANSWER.len()
        );
        match end {
            End::Finished if turns == 2 => return,
            End::Reset if turns == 2 => return stream.set_zero_linger().unwrap(),
            End::Cut(behind) => {
                let head = answer.len() - ANSWER.len();
                stream.write_all(&answer.as_bytes()[..head + behind]).await.unwrap();
                return;
            }
            End::Finished | End::Reset => stream.write_all(answer.as_bytes()).await.unwrap(),
        }
    }
}

async fn stage_before(end: End) -> (Stage, Provider) {
    let stage = Stage::new().await;
    let provider = provider(end).await;
    let made = json!({ "provider": "openai", "endpoint": provider.endpoint, "apiKey": "sk-proj-Y29ubmVjdGlvbnMgdGhhdCBlbmQ" });
    stage.server.credential("one", made).await;
    let limit = json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": 10_000_000 });
    stage.server.post("/api/admin/limits", limit).await.expect(200);
    (stage, provider)
}

/// A question that ends as the provider knows it.
fn ask() -> serde_json::Value {
    let mut question = question("gpt-4o-mini");
    question.as_object_mut().unwrap().remove("messages");
    question["max_tokens"] = json!(5);
    question["messages"] = json!([{ "role": "user", "content": "hi" }]);
    question
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_gives_nothing_is_tried_again_on_a_fresh_one_and_both_count() {
    for end in [End::Finished, End::Reset] {
        let (stage, provider) = stage_before(end).await;
        for number in 0..10 {
            let answer = stage.call("/openai/v1/chat/completions", ask()).await;
            assert_eq!(answer.status, 200, "{end:?} {number}: {}", answer.text);
        }
        // 12 tokens may have been billed for each that the provider read, and no more than was held for those that it did
        // not answer.
        let read = provider.read.load(Ordering::SeqCst);
        assert!(read > 10, "{end:?}: {read}");
        let usage = stage.server.get("/api/admin/limits").await.expect(200).json();
        let used = usage[0]["used"].as_i64().unwrap_or_else(|| panic!("{usage}"));
        assert!(used >= read as i64 * 12, "{end:?}: {used} for {read}");
        let _ = stage.record("attempt", read - 10, "metering, status").await;
        // The credential has no part in it.
        let health = stage.server.get("/api/admin/credentials/health").await.expect(200).text;
        assert!(!health.contains("provider_down"), "{health}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_of_an_answer_that_breaks_off_reaches_the_client() {
    for behind in [0, 1, 20, ANSWER.len() - 1] {
        let (stage, _provider) = stage_before(End::Cut(behind)).await;
        for number in 0..15 {
            let body = ask().to_string();
            let request = format!(
                "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                stage.token,
                body.len()
            );
            let address = stage.server.address().to_owned();
            let reading = move || {
                let mut stream = std::net::TcpStream::connect(address).unwrap();
                stream.write_all(request.as_bytes()).unwrap();
                let mut answer = Vec::new();
                // How it ends is not told by all systems alike.
                let _ = stream.read_to_end(&mut answer);
                String::from_utf8_lossy(&answer).into_owned()
            };
            let answer = tokio::task::spawn_blocking(reading).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{behind} {number}: {answer:?}");
            assert!(answer.ends_with(&ANSWER[..behind]), "{behind} {number}: {answer:?}");
        }
    }
}

/// Lets no new file have a number from `count` on; what is open stays open.
fn allow_files(pid: u32, count: &str) {
    let done =
        Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--nofile={count}:")]).status();
    assert!(done.expect("prlimit of util-linux").success());
}

/// Asks over a connection that stays open, and tells the answer.
async fn ask_over(stream: &mut TcpStream, (path, token): (&str, &str)) -> String {
    let body = question("gpt-4o-mini").to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // The answers here are JSON, which ends with its outermost brace.
    while !(answer.contains("\r\n\r\n{") && answer.trim_end().ends_with('}')) {
        let mut some = [0; 4096];
        let length = stream.read(&mut some).await.unwrap();
        assert!(length > 0, "{answer}");
        answer.push_str(&String::from_utf8_lossy(&some[..length]));
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_open_no_more_files_says_so_and_blames_no_credential() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let key = stage.credential("two", "anthropic", Mode::Ok, json!({})).await;
    // A connection that is there keeps on being served, and one call has opened all that another one needs but a connection
    // to its provider.
    let mut stream = TcpStream::connect(stage.server.address()).await.unwrap();
    let first = ask_over(&mut stream, ("/openai/v1/chat/completions", &stage.token)).await;
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let other = ("/anthropic/v1/messages", stage.token.as_str());
    // One whose provider's address has to be looked up.
    let port = stage.fake.endpoint("gemini").split(':').nth(2).unwrap().split('/').next().unwrap().to_owned();
    let named = json!({ "provider": "groq", "endpoint": format!("http://localhost:{port}/openai/v1"),
        "apiKey": "gsk_bmFtZXMgYXJlIGxvb2tlZCB1cCBieSBmaWxlcw" });
    stage.server.credential("three", named).await;
    let pid = stage.server.pid();
    // Those below are its input and outputs, and stay taken whatever it closes.
    allow_files(pid, "3");
    let mut refusals = Vec::new();
    for place in [other, ("/groq/openai/v1/chat/completions", stage.token.as_str())] {
        let mut refused = ask_over(&mut stream, place).await;
        // A job may have the connection to the database just then, and a second one cannot be made either.
        for _ in 0..50 {
            if refused.contains("can open no more files") {
                break;
            }
            tokio::time::sleep(STEP).await;
            refused = ask_over(&mut stream, place).await;
        }
        refusals.push(refused);
    }
    allow_files(pid, "1024");
    for refused in refusals {
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        assert!(
            refused.contains("can open no more files") && refused.contains("retry-after: 1"),
            "{refused}"
        );
    }
    assert_eq!(stage.fake.count(&key), 0);
    let health = stage.server.get("/api/admin/credentials/health").await.expect(200).text;
    assert!(!health.contains("provider_down"), "{health}");
    let served = ask_over(&mut stream, other).await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
}
