//! Bodies of requests take room as they arrive: promises and slow senders keep nobody out.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::streams::memory;
use crate::cases::stage::{Stage, question};
use crate::support::server::STEP;

const MIB: usize = 1024 * 1024;

/// A request whose body is framed so, and which has sent so much of it.
async fn begun(stage: &Stage, token: &str, framing: &str, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(stage.server.address()).await.unwrap();
    let head = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{framing}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // One whose turn has not come is not read.
    let _ = tokio::time::timeout(STEP * 10, stream.write_all(sent)).await;
    stream
}

/// A question of so many bytes.
async fn ask_at_length(stage: &Stage, token: &str, bytes: usize) {
    let mut body = question("gpt-4o-mini");
    body["messages"][0]["content"] = json!("x".repeat(bytes));
    stage.server.post("/openai/v1/chat/completions", body).token(token).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_do_not_come_keep_no_other_caller_out_and_take_no_memory() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let other = stage.server.token_of(Role::Gateway).await;
    ask_at_length(&stage, &other, MIB).await;
    let before = memory(stage.server.pid());
    let declared = format!("content-length: {}", 16_000_000);
    let mut slow = Vec::new();
    for sent in [0, 1, 1000, 70_000, 300_000] {
        for _ in 0..8 {
            slow.push(begun(&stage, &stage.token, &declared, &vec![b' '; sent]).await);
        }
    }
    ask_at_length(&stage, &other, MIB).await;
    ask_at_length(&stage, &other, 12 * MIB).await;
    let grown = memory(stage.server.pid()).saturating_sub(before);
    assert!(grown < 96 * MIB as u64, "{grown} bytes more");
    drop(slow);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_no_length_take_a_share_and_no_more() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let other = stage.server.token_of(Role::Gateway).await;
    ask_at_length(&stage, &other, MIB).await;
    let before = memory(stage.server.pid());
    let piece = vec![b' '; 3 * MIB];
    let sent = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
    let mut open = Vec::new();
    for _ in 0..40 {
        open.push(begun(&stage, &stage.token, "transfer-encoding: chunked", &sent).await);
    }
    let grown = memory(stage.server.pid()).saturating_sub(before);
    assert!(grown < 64 * MIB as u64, "{grown} bytes more for 120 MiB that are on their way");
    ask_at_length(&stage, &other, 3 * MIB).await;
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_refused_with_what_to_do() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let mut stream = begun(&stage, &stage.token, "content-length: 1000", b"{").await;
    let (mut reading, mut writing) = stream.split();
    let trickle = async {
        // A byte now and then is no progress.
        while writing.write_all(b" ").await.is_ok() {
            tokio::time::sleep(STEP * 50).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = vec![0; 4096];
    let length = tokio::select! {
        length = reading.read(&mut answer) => length.unwrap(),
        () = trickle => unreachable!("it goes on for ever"),
    };
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout") && answer.contains("4 KiB a second"), "{answer}");
    assert_eq!(stage.fake.count_all(), 0);
}

/// Sends all of a request of so many bytes before it looks at the answer, and tells the status.
async fn send_whole(stream: &mut TcpStream, (path, token): (&str, &str), bytes: usize) -> u16 {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b' '; MIB];
    for at in (0..bytes).step_by(MIB) {
        stream.write_all(&piece[..MIB.min(bytes - at)]).await.expect("it is taken");
    }
    let mut answer = Vec::new();
    let head = loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.expect("an answer");
        assert!(read > 0, "an answer comes before the end");
        answer.extend_from_slice(&some[..read]);
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut rest = vec![0; length.parse::<usize>().unwrap() + head - answer.len()];
    stream.read_exact(&mut rest).await.unwrap();
    text[9..12].parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_reaches_a_client_that_sends_all_of_its_body_first() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let nobody = "sr_000000000000_nobody";
    for (path, token, status) in [
        ("/openai/v1/chat/completions", nobody, 401),
        ("/openai/v1/files", &stage.token, 403),
        ("/openai/v1/nothing", &stage.token, 404),
        ("/openai/v1/responses", &stage.token, 413),
        ("/api/admin/credentials", nobody, 401),
        ("/api/nothing", &stage.token, 404),
    ] {
        // The connection stays usable.
        let mut stream = TcpStream::connect(stage.server.address()).await.unwrap();
        for bytes in [20 * MIB, 1, 3 * MIB] {
            // What is not too long is read, and is no JSON.
            let wanted = if status == 413 && bytes < 16 * MIB { 400 } else { status };
            assert_eq!(send_whole(&mut stream, (path, token), bytes).await, wanted, "{path} {bytes}");
        }
    }
    // Who goes on for ever is not read for ever.
    let mut endless = TcpStream::connect(stage.server.address()).await.unwrap();
    let head = "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n";
    endless.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b' '; MIB];
    let mut sent = 0;
    while endless.write_all(&piece).await.is_ok() {
        sent += 1;
        assert!(sent < 200, "{sent} MiB are taken");
    }
    assert!(sent >= 60, "{sent} MiB");
}
