//! The client against real doors: a server on the network, a socket file, and a router in this process.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use strongroom_client::transport::{Caller, HttpOptions, in_one_piece};
use strongroom_client::wire::SecretText;
use strongroom_client::wire::credential::{CreateCredential, ListCredentials, UpdateCredential};
use strongroom_client::{Client, ErrorKind, Transport};
use strongroom_model::{ProblemKind, Secret};
use wiremock::matchers::{body_string, header, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const CREDENTIAL: &str = r#"{"id":1,"uid":"00","name":"a","provider":"openai","endpoint":null,"priority":40,"isActive":true,
    "isGlobal":true,"userId":null,"usageCount":0,"currentMonthUsage":0,"rateLimit":null,"lastUsed":null,
    "createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","revision":3,"version":1}"#;

fn client(server: &MockServer) -> Client {
    let token = Secret::from("sr_abc_def");
    let options = HttpOptions { url: server.uri(), token, ca_file: None, allow_plaintext: false };
    Client::new(Transport::http(options).expect("the address of a mock server is a good one"))
}

fn json(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "application/json")
}

#[tokio::test]
async fn a_list_is_followed_page_by_page_with_the_filter_and_the_token() {
    let server = MockServer::start().await;
    let first = json(format!("[{CREDENTIAL}]"))
        .insert_header("link", r#"<https://elsewhere.example/steal?cursor=5>; rel="next""#);
    let list = || {
        Mock::given(method("GET"))
            .and(path("/api/admin/credentials"))
            .and(header("authorization", "Bearer sr_abc_def"))
            .and(query_param("provider", "my llm"))
            .and(query_param("isActive", "true"))
    };
    list().and(query_param_is_missing("cursor")).respond_with(first).expect(1).mount(&server).await;
    list()
        .and(query_param("cursor", "5"))
        .respond_with(json(format!("[{CREDENTIAL}]")))
        .expect(1)
        .mount(&server)
        .await;

    let query = ListCredentials {
        provider: Some("my llm".to_owned()),
        is_active: Some(true),
        ..ListCredentials::default()
    };
    assert_eq!(client(&server).all_credentials(query).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_sends_only_what_changes_and_the_revision_it_expects() {
    let server = MockServer::start().await;
    Mock::given(method("PATCH"))
        .and(path("/api/admin/credentials/1"))
        .and(header("if-match", "\"3\""))
        .and(body_string(r#"{"rateLimit":null}"#))
        .respond_with(json(CREDENTIAL))
        .expect(1)
        .mount(&server)
        .await;
    let body = UpdateCredential { rate_limit: Some(None), ..UpdateCredential::default() };
    assert_eq!(client(&server).update_credential(1, &body, Some(3)).await.unwrap().revision, 3);
}

#[tokio::test]
async fn a_problem_keeps_its_kind_field_and_request() {
    let server = MockServer::start().await;
    let body = r#"{"error":"name is taken","code":"conflict","field":"name","requestId":"r1"}"#;
    Mock::given(method("POST"))
        .and(header("idempotency-key", "once"))
        .respond_with(ResponseTemplate::new(409).set_body_raw(body, "application/json"))
        .mount(&server)
        .await;
    let api_key = Some(SecretText(Secret::from("sk-canary")));
    let body = CreateCredential { name: Some("a".to_owned()), api_key, ..CreateCredential::default() };
    let error = client(&server).create_credential(&body, Some("once")).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Problem(ProblemKind::Conflict), Some(409)));
    assert_eq!(error.problem.as_ref().unwrap().field.as_deref(), Some("name"));
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    Mock::given(method("GET")).respond_with(json("{}")).expect(0).mount(&elsewhere).await;
    let redirect = ResponseTemplate::new(307).insert_header("location", elsewhere.uri());
    Mock::given(method("GET")).respond_with(redirect).mount(&server).await;
    let error = client(&server).status().await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Protocol, Some(307)));
}

#[tokio::test]
async fn nobody_there_is_told_apart_and_the_name_is_not_repeated() {
    let token = Secret::from("sr_abc_def");
    let url = "http://127.0.0.1:1".to_owned();
    let options = HttpOptions { url, token, ca_file: None, allow_plaintext: false };
    let client = Client::new(Transport::http(options).unwrap());
    let error = client.reveal_credential("canary", None).await.unwrap_err();
    assert_eq!((error.kind, error.status), (ErrorKind::Unreachable, None));
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn a_token_that_would_break_the_header_is_refused() {
    for token in ["", "a\r\nx: y", "a b"] {
        let token = Secret::from(token);
        let options =
            HttpOptions { url: "https://a.example".to_owned(), token, ca_file: None, allow_plaintext: false };
        assert_eq!(Transport::http(options).unwrap_err().kind, ErrorKind::Usage);
    }
}

#[tokio::test]
async fn a_socket_file_is_spoken_to_without_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("strongroom.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]").unwrap();
        String::from_utf8(request).unwrap().to_ascii_lowercase()
    });
    let client = Client::new(Transport::socket(&socket).unwrap());
    assert!(client.list_tokens().await.unwrap().is_empty());
    let request = server.join().unwrap();
    assert!(request.starts_with("get /api/admin/tokens http/1.1\r\n"), "{request}");
    assert!(request.contains("host: localhost\r\n") && !request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn in_process_any_name_reaches_its_route() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let caller: Caller = Arc::new(move |request: http::Request<Bytes>| {
        log.lock().unwrap().push(request.uri().to_string());
        async { http::Response::builder().status(404).body(in_one_piece(&b"{}"[..])).unwrap() }.boxed()
    });
    let client = Client::new(Transport::InProcess(caller));
    for name in ["..", "a/b", "ü"] {
        assert!(client.rate_limit(name).await.unwrap_err().is_not_found());
    }
    let paths = ["..", "a%2Fb", "%C3%BC"].map(|name| format!("/api/credentials/{name}/rate-limit"));
    assert_eq!(*seen.lock().unwrap(), paths);
}
