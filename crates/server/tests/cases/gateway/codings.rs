//! Types and codings of bodies: what is read is what is sent on, and there is one reading of it.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::json;
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question};
use crate::support::call::Call;

const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

fn call(stage: &Stage, path: &str, body: impl Into<Vec<u8>>, kind: &str) -> Call {
    stage.server.call("POST", path).token(&stage.token).body(body, kind)
}

#[tokio::test]
async fn a_coded_body_is_read_and_leaves_as_it_is_without_its_coding() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let limit = json!({ "credential": "one", "unit": "tokens", "window": "day", "amount": 100_000 });
    stage.server.post("/api/admin/limits", limit).await.expect(200);
    let mut body = question("gpt-4o-mini");
    body["messages"][0]["content"] = json!("a long text ".repeat(1_000));
    let text = body.to_string().into_bytes();
    for (name, coded) in
        [("gzip", gzip(&text)), ("x-gzip", gzip(&text)), ("deflate", zlib(&text)), ("zstd", zstd(&text))]
    {
        let coded = call(&stage, CHAT, coded, "application/json; charset=UTF-8");
        coded.header("content-encoding", name).await.expect(200);
        let arrived = stage.fake.last();
        assert_eq!(arrived.header("content-encoding"), None, "{name}");
        assert_eq!(arrived.body, body, "{name}");
    }
    let marked = [b"\xef\xbb\xbf", &text[..]].concat();
    call(&stage, CHAT, marked, "application/json").await.expect(200);
    assert_eq!(stage.fake.last().bytes, text.len() as u64);
    let seen = stage.fake.count(&key);
    let bomb = call(&stage, CHAT, gzip(&vec![b' '; 64 << 20]), "application/json");
    let bomb = bomb.header("content-encoding", "gzip").await.expect(400);
    assert!(bomb.text.contains("more than 16 MiB"), "{}", bomb.text);
    let plain = call(&stage, CHAT, text, "application/json").header("content-encoding", "gzip");
    let plain = plain.await.expect(400);
    assert!(plain.text.contains("not in the coding"), "{}", plain.text);
    assert_eq!(stage.fake.count(&key), seen, "nothing of these left");
}

#[tokio::test]
async fn no_type_coding_or_length_takes_a_call_past_what_is_read_of_it() {
    let stage = Stage::new().await;
    // No limit: then what is not understood passes, but not what would be counted nowhere.
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let later = json!({ "model": "m", "input": "x", "background": true }).to_string().into_bytes();
    let one = json!({ "model": "m", "input": "x", "background": 1 }).to_string();
    let escaped = r#"{"model":"m","input":"x","b\u0061ckground":true}"#;
    let marked = [b"\xef\xbb\xbf", &later[..]].concat();
    let mut long = later.clone();
    long.splice(1..1, vec![b' '; 17 << 20]);
    let coded = |name: &str, body: Vec<u8>| {
        call(&stage, RESPONSES, body, "application/json").header("content-encoding", name)
    };
    let mut calls = vec![
        call(&stage, RESPONSES, one, "application/json"),
        call(&stage, RESPONSES, escaped, "application/json"),
        call(&stage, RESPONSES, marked, "application/json"),
        call(&stage, RESPONSES, long.clone(), "application/json"),
        call(&stage, RESPONSES, later.clone(), "application/json; charset=utf-16"),
        call(&stage, RESPONSES, later.clone(), "application/json, text/plain"),
        call(&stage, RESPONSES, later.clone(), "application/json").header("content-type", "text/plain"),
        call(&stage, RESPONSES, later.clone(), "text/plain").header("content-type", "application/json"),
        call(&stage, RESPONSES, gzip(&later), "text/json").header("content-encoding", "gzip"),
        coded("gzip", gzip(&later)),
        coded("deflate", zlib(&later)),
        coded("zstd", zstd(&later)),
        coded("gzip", gzip(&gzip(&later))),
        coded("gzip, gzip", gzip(&gzip(&later))),
        coded("compress", later.clone()),
        coded("gzip", gzip(&long)),
        coded("identity", later.clone()),
    ];
    for kind in [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/jsonl",
        "*/*",
        "APPLICATION/JSONX",
    ] {
        calls.push(call(&stage, RESPONSES, later.clone(), kind));
    }
    for (number, call) in calls.into_iter().enumerate() {
        let answer = call.await;
        assert!([400, 403, 413].contains(&answer.status), "{number}: {} {}", answer.status, answer.text);
    }
    assert_eq!(stage.fake.count(&key), 0);
    call(&stage, RESPONSES, r#"{"model":"m","input":"x","background":false}"#, "").await.expect(200);
}
