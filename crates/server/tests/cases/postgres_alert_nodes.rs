//! Three servers on one PostgreSQL, 500 calls at once, and kills in the middle of them: three alerts, each told, none twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::sys::signal::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::BACKEND;
use crate::cases::alert::{add_hook, bodies, receiver};
use crate::support::server::{Installation, STEP, STEPS};

const LIMIT: i64 = 300;

/// Asks for the key; `None` when the server was killed meanwhile.
async fn read(address: String, token: String) -> Option<u16> {
    let mut stream = TcpStream::connect(&address).await.ok()?;
    let request = format!(
        "GET /api/credentials/shared HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_500_calls_at_once_on_three_servers_that_are_killed_three_alerts_are_told_once_each() {
    let receiver = receiver().await;
    let first = Installation::new(BACKEND).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1").start();
    add_hook(&first, &receiver).await;
    first.credential("shared", json!({ "rateLimit": LIMIT })).await;
    let node = || Arc::new(first.installation.second_node().set("STRONGROOM_ALERT_ALLOW", "127.0.0.1"));
    let (second, third) = (node(), node());
    let (mut second_server, mut third_server) = (second.start_again(), third.start_again());
    for round in 0..5_u32 {
        let addresses = [&first, &second_server, &third_server].map(|server| server.address().to_owned());
        let mut calls = JoinSet::new();
        for number in 0..100 {
            calls.spawn(read(addresses[number % 3].clone(), first.admin.clone()));
        }
        // A little later in each round: in the middle of the calls, of the fan-out, of sending.
        tokio::time::sleep(STEP * (1 + round * 3)).await;
        if round % 2 == 0 {
            second_server.end(Signal::SIGKILL);
            calls.join_all().await;
            second_server = second.start_again();
        } else {
            third_server.end(Signal::SIGKILL);
            calls.join_all().await;
            third_server = third.start_again();
        }
    }
    // What is left, by one server: some calls were killed before they counted.
    let mut refused = 0;
    for _ in 0..LIMIT + 20 {
        match read(first.address().to_owned(), first.admin.clone()).await {
            Some(200) => {}
            Some(429) => refused += 1,
            other => panic!("{other:?}"),
        }
        if refused >= 5 {
            break;
        }
    }
    assert!(refused >= 5, "the limit is used up");
    let mut told: BTreeMap<i64, usize> = BTreeMap::new();
    for _ in 0..8 * STEPS {
        told.clear();
        for body in bodies(&receiver).await.into_values() {
            let data = &body["data"];
            let all = data["incidents"].as_array().cloned().unwrap_or_else(|| vec![data.clone()]);
            for one in all.iter().filter(|it| {
                it["rule"] == "limit_threshold"
                    && body["type"].as_str().is_some_and(|it| it.ends_with("firing"))
            }) {
                let passed = one["passed"].as_array().cloned().unwrap_or_default();
                for mark in passed.iter().chain([&one["mark"]]).filter_map(serde_json::Value::as_i64) {
                    *told.entry(mark).or_default() += 1;
                }
            }
        }
        if told.len() == 3 {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert_eq!(told, BTreeMap::from([(80, 1), (95, 1), (100, 1)]), "each once, under one identity");
    let database = &first.installation.database;
    let count = |sql: &'static str| async move { database.query_text(sql).await[0][0].clone().unwrap() };
    let incidents = "SELECT CAST(COUNT(*) AS TEXT) FROM alert_incidents WHERE rule = 'limit_threshold'";
    assert_eq!(count(incidents).await, "3");
    // Whoever was killed with a message of its own has it sent by others, once its claim is over.
    let lost = "SELECT CAST(COUNT(*) AS TEXT) FROM alert_deliveries WHERE rule = 'limit_threshold' AND dead_at_ms IS NOT NULL";
    assert_eq!(count(lost).await, "0");
}
