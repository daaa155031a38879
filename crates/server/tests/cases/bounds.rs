//! Requests that want too much: each is turned away, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::BACKEND;
use crate::support::call::send_raw;
use crate::support::server::Installation;

#[tokio::test]
async fn deep_and_large_bodies_are_turned_away() {
    let server = Installation::new(BACKEND).await.start();
    let create = |body: String| server.call("POST", "/api/admin/credentials").body(body, "application/json");
    for open in ["[", "{\"a\":", "{\"name\":[", "[{\"a\":"] {
        create(open.repeat(50_000)).await.expect(400);
        create(format!("{{\"name\":{}", open.repeat(50_000))).await.expect(400);
    }
    let two_megabytes = "x".repeat(2 * 1024 * 1024);
    let large = create(format!("{{\"name\":\"{two_megabytes}\"}}")).await;
    assert!([400, 413].contains(&large.status), "{}", large.text);
    for body in [
        "",
        "null",
        "[]",
        "\"text\"",
        "7",
        "{\"name\":\"a\"",
        "{\"name\":\"a\"} trailing",
        "\u{feff}{}",
        "\0",
    ] {
        create(body.to_owned()).await.expect(400);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let call = server.call("POST", "/api/admin/credentials").body("name=a&provider=openai", kind);
        assert_eq!(call.await.expect(400).at("field"), "Content-Type");
    }
    let twice = "{\"name\":\"a\",\"name\":\"b\",\"provider\":\"openai\"}";
    create(twice.to_owned()).await.expect(400);
    assert_eq!(server.get("/api/admin/credentials").await.expect(200).text, "[]");
}

/// The most memory that a process ever had, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_and_clients_that_never_finish_are_turned_away_in_bounded_memory() {
    let server = Installation::new(BACKEND).await.start();
    let paths = ["/api/admin/credentials", "/api/admin/tokens", "/api/admin/credentials/import"];
    for path in paths {
        server.post(path, serde_json::json!({})).await.expect(400);
    }
    let before = peak(server.pid());
    // A body is announced and never ends.
    let mut slow: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let path = paths[number % paths.len()];
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: 1000000\r\n\r\n{{\"name\":\"",
                server.admin
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let deep = "[{\"a\":".repeat(100_000);
    let wide = format!("{{\"name\":[{}0]}}", "0,".repeat(400_000));
    let keys: String = (0..50_000).map(|number| format!("\"k{number}\":1,")).collect();
    let many = format!("{{{keys}\"name\":1}}");
    let long = "x".repeat(8 * 1024 * 1024);
    let mut calls = tokio::task::JoinSet::new();
    for path in paths {
        for body in [&deep, &wide, &many, &long] {
            for _ in 0..4 {
                let call = server.call("POST", path).body(body.as_str(), "application/json");
                // A body that is turned away before it has come may end as a broken connection.
                calls.spawn(async move { call.attempt().await.map_or(400, |answer| answer.status) });
            }
        }
    }
    for status in calls.join_all().await {
        assert!((400..500).contains(&status), "{status}");
    }
    server.get("/livez").anonymous().await.expect(200);
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    let grown = peak(server.pid()) - before;
    assert!(grown < 128 * 1024 * 1024, "{grown} bytes more");
    server.get("/livez").anonymous().await.expect(200);
}

#[tokio::test]
async fn malformed_heads_are_turned_away() {
    let server = Installation::new(BACKEND).await.start();
    let address = server.address();
    let long = "x".repeat(1024 * 1024);
    let many = "x: y\r\n".repeat(10_000);
    for head in [
        format!("GET /livez?{long} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nhost: a\r\nx: {long}\r\nconnection: close\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\nhost: a\r\n{many}connection: close\r\n\r\n"),
        "GET /livez HTTP/9.9\r\n\r\n".to_owned(),
        "\0\u{1}\u{2}\r\n\r\n".to_owned(),
        "POST /api/admin/credentials HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /api/admin/credentials HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\nzzz"
            .to_owned(),
    ] {
        let (status, answer) = send_raw(address, head.as_bytes());
        // Some heads are cut off without an answer.
        assert!(status == 0 || (400..600).contains(&status), "{status}: {}", &answer[..answer.len().min(200)]);
    }
    server.get("/livez").anonymous().await.expect(200);
}

#[tokio::test]
async fn clients_that_never_finish_their_head_are_cut_off() {
    let server = Installation::new(BACKEND).await.start();
    let mut slow: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).expect("a connection");
            stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nx-slow: ").expect("half a head");
            stream
        })
        .collect();
    server.get("/livez").anonymous().await.expect(200);
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
        let mut rest = Vec::new();
        // Closed or reset, either is an end; a timeout is none.
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    server.get("/livez").anonymous().await.expect(200);
}

/// An HTTP/2 frame on the connection itself.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    [&[0, 0, length, kind, flags, 0, 0, 0, 0], payload].concat()
}

#[tokio::test]
async fn floods_of_frames_that_carry_no_request_are_cut_off() {
    const FRAMES: usize = 20_000;
    const LAST: &[u8] = b"the-last";
    let server = Installation::new(BACKEND).await.start();
    for (what, flood) in [
        ("settings", frame(0x4, 0, &[0, 3, 0, 0, 0, 100])),
        ("empty settings", frame(0x4, 0, &[])),
        ("ping", frame(0x6, 0, &[7; 8])),
        ("priority", frame(0x2, 0, &[0; 5])),
        ("unknown", frame(0xfa, 0, &[1])),
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        stream.write_all(&frame(0x4, 0, &[])).unwrap();
        let mut reader = stream.try_clone().unwrap();
        // Reads on, so that answers do not pile up, until the server has ended the connection or answers what came last.
        let reading = std::thread::spawn(move || {
            let (mut bytes, mut kept) = ([0; 64 * 1024], Vec::new());
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                kept.extend_from_slice(&bytes[..read]);
                if kept.windows(LAST.len()).any(|window| window == LAST) {
                    return true;
                }
                kept.drain(..kept.len().saturating_sub(LAST.len()));
            }
            false
        });
        // Once it is cut off, writing fails.
        let _ = (0..FRAMES).try_for_each(|_| stream.write_all(&flood));
        let _ = stream.write_all(&frame(0x6, 0, LAST));
        assert!(!reading.join().unwrap(), "{what}: all of them were taken");
        server.get("/livez").anonymous().await.expect(200);
        server.get("/api/admin/status").http2().await.expect(200);
    }
}
