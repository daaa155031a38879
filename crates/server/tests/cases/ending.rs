//! How a server ends, and what the next one finds.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use nix::sys::signal::Signal;
use serde_json::json;
use strongroom_testkit::Backend;
use tokio::task::JoinSet;

use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS};

#[tokio::test]
async fn it_stops_when_it_is_told_to_and_leaves_no_socket() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Installation::new(BACKEND).await.start();
        server.credential("kept", json!({})).await;
        let installation = server.installation.clone();
        let socket = installation.data_dir().join("strongroom.sock");
        assert!(socket.exists());
        let (status, said) = server.end(signal);
        assert!(status.success(), "{status}: {said}");
        assert!(said.contains("\"stopped\""), "{said}");
        assert!(!socket.exists());
        let again = installation.start_again();
        assert_eq!(again.get("/api/credentials/kept").await.expect(200).at("apiKey"), "sk-of-kept");
    }
}

#[tokio::test]
async fn requests_that_are_under_way_are_answered_before_it_stops() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("kept", json!({})).await;
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let call = server.get("/api/credentials/kept");
        calls.spawn(async move { call.attempt().await.map(|answer| answer.status) });
    }
    let mut statuses = Vec::new();
    statuses.push(calls.join_next().await.unwrap().unwrap().expect("an answer"));
    let installation = server.installation.clone();
    let ended = tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM));
    // Those that came too late are refused a connection; those that are answered are answered well.
    while let Some(status) = calls.join_next().await {
        statuses.extend(status.unwrap().ok());
    }
    assert!(ended.await.unwrap().0.success());
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let again = installation.start_again();
    let used =
        again.get("/api/admin/credentials?name=kept").await.expect(200).json()[0]["usageCount"].as_u64();
    assert!(used.unwrap() >= statuses.len() as u64);
}

/// What was acknowledged before the server was killed.
#[derive(Default)]
struct Acknowledged {
    made: BTreeSet<String>,
    reads: i64,
}

impl Acknowledged {
    fn is_enough(&self) -> bool {
        self.reads >= 40 && self.made.len() >= 40
    }
}

#[tokio::test]
async fn killed_in_the_middle_of_everything_it_comes_back_with_what_it_acknowledged() {
    let server = Installation::new(BACKEND).await.start();
    server.credential("read", json!({})).await;
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let (acknowledged, read) = (acknowledged.clone(), server.get("/api/credentials/read"));
        let create = server.call("POST", "/api/admin/credentials");
        workers.spawn(async move {
            for index in 0.. {
                if worker % 2 == 0 {
                    match read.clone().attempt().await {
                        Ok(answer) if answer.status == 200 => acknowledged.lock().unwrap().reads += 1,
                        Ok(answer) => panic!("{}", answer.text),
                        Err(_) => return,
                    }
                } else {
                    let name = format!("made-{worker}-{index}");
                    let body = json!({ "name": name, "provider": "groq", "apiKey": format!("sk-of-{name}") });
                    match create.clone().json(body).attempt().await {
                        Ok(answer) if answer.status == 201 => {
                            acknowledged.lock().unwrap().made.insert(name);
                        }
                        Ok(answer) => panic!("{}", answer.text),
                        Err(_) => return,
                    }
                }
            }
        });
    }
    for _ in 0..STEPS {
        if acknowledged.lock().unwrap().is_enough() {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    let installation = server.installation.clone();
    server.end(Signal::SIGKILL);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    assert!(acknowledged.is_enough(), "too little was done before the end");

    assert!(installation.data_dir().join("strongroom.sock").exists(), "a killed server leaves its socket");
    let again = installation.start_again();
    again.verified_entries().await;
    let listed = again.get("/api/admin/credentials").await.expect(200).json();
    let names: BTreeSet<String> =
        listed.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
    assert!(acknowledged.made.is_subset(&names), "{:?}", acknowledged.made.difference(&names));
    let number = async |sql: &str| -> i64 {
        installation.database.query_text(sql).await[0][0].as_deref().unwrap().parse().unwrap()
    };
    let counted = number("SELECT CAST(COALESCE(SUM(settled), 0) AS BIGINT) FROM counters").await;
    let ledger = number("SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT) FROM usage_records").await;
    let audited =
        number("SELECT COUNT(*) FROM audit_logs WHERE action = 'credential.read' AND outcome = 'success'")
            .await;
    assert_eq!((counted, audited), (ledger, ledger));
    assert!(counted >= acknowledged.reads, "{counted} counted of {}", acknowledged.reads);
    let created = number("SELECT COUNT(*) FROM audit_logs WHERE action = 'credential.create'").await;
    assert_eq!(usize::try_from(created).unwrap(), names.len());
    for name in names {
        let read = again.get(&format!("/api/credentials/{name}")).await.expect(200);
        assert_eq!(read.at("apiKey"), format!("sk-of-{name}"));
    }
    // The stale socket file was replaced by one that answers.
    let verified = installation.command(&["audit", "verify"]).output().expect("the binary runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[tokio::test]
async fn a_port_that_is_taken_leaves_nothing_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let installation = Installation::new(BACKEND).await;
    let output = installation.command(&["serve", "--listen", &address]).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(8), "{said}");
    assert!(said.contains(&address), "{said}");
    for name in ["master.key", "strongroom.sock"] {
        assert!(!installation.data_dir().join(name).exists(), "{name}");
    }
    let tables = match BACKEND {
        Backend::Sqlite => "SELECT name FROM sqlite_master",
        Backend::Postgres => "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    };
    assert_eq!(installation.database.query_text(tables).await.len(), 0);
}
