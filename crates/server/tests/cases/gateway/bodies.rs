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
