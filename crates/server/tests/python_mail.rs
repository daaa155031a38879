//! Mail of alerts before a mail server that others have written.

use std::net::TcpListener;
use std::process::Command;

use serde_json::json;
use strongroom_testkit::{Backend, real_parts};

#[expect(dead_code, reason = "shared with suites that write to a program")]
#[path = "support/program.rs"]
mod program;
#[expect(dead_code, reason = "shared with suites that call the server themselves")]
#[path = "support/all.rs"]
mod support;

use program::Program;
use support::server::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_takes_alerts_from_who_knows_the_password_and_from_nobody_else() {
    // A port that was free a moment ago: the server cannot be asked which one it took.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut server_program = Command::new(real_parts::python_program("python"));
    server_program.arg(real_parts::workspace_root().join("testkit/python/mail.py")).arg(port.to_string());
    let mail = Program::start(&mut server_program);
    assert_eq!(mail.next()["ready"], true);
    let installation = Installation::new(Backend::Sqlite).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1");
    let server = installation.start();
    let channel = |name: &str, password: &str| {
        json!({
            "name": name, "kind": "mail", "address": format!("smtp://me:{password}@127.0.0.1:{port}"),
            "from": "alerts@example.com", "to": ["ops@example.com", "more@example.com"],
        })
    };
    let path = "/api/admin/alerts/channels";
    let added = server.post(path, channel("wrong", "guessed")).await.expect(201).text;
    assert!(!added.contains("guessed"), "{added}");
    let refused = server.call("POST", &format!("{path}/wrong/test")).await.expect(200).json();
    assert_eq!(refused["taken"], false, "{refused}");
    assert!(refused["answer"].as_str().is_some_and(|said| said.starts_with("SMTP 535")), "{refused}");
    server.delete(&format!("{path}/wrong")).await.expect(200);
    server.post(path, channel("mail", "planted-password")).await.expect(201);
    let tested = server.call("POST", &format!("{path}/mail/test")).await.expect(200).json();
    assert!(
        tested["taken"] == true && tested["answer"].as_str().is_some_and(|it| it.contains("taken as 42")),
        "{tested}"
    );
    server.credential("runs-out", json!({ "rateLimit": 1 })).await;
    server.get("/api/credentials/runs-out").await.expect(200);
    let told = loop {
        let told = mail.next();
        if told["data"].as_str().is_some_and(|data| data.contains("has used up its limit")) {
            break told;
        }
    };
    assert_eq!((&told["login"], &told["from"]), (&json!(true), &json!("alerts@example.com")));
    assert_eq!(told["to"], json!(["ops@example.com", "more@example.com"]));
    let data = told["data"].as_str().expect("a mail");
    let (head, body) = data.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("Message-ID: <") && head.contains("multipart/alternative"), "{head}");
    let (text, html) = body.split_once("text/html").expect("both parts");
    assert!(text.contains("text/plain") && html.contains("runs-out"), "{html}");
    assert!(!data.contains("planted-password"), "{data}");
}
