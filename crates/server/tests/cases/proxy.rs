//! Providers that are called by way of a proxy: it sees hosts and no keys, and what is private is called past it.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use strongroom_testkit::fake_upstream::{FakeUpstream, Mode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::stage::question;
use crate::BACKEND;
use crate::support::call::Answer;
use crate::support::server::{Installation, Server};

/// A name that no name server knows: the proxy knows where it leads.
const HOST: &str = "llm.example";

/// A proxy that wants a password. What it lets through ends in TLS of a host of its own, and goes on to a fake.
struct Corporate {
    url: String,
    certificate: String,
    heads: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Corporate {
    async fn start(fake: &FakeUpstream) -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let behind = fake.endpoint("openai");
        let behind = behind.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://me:p%40ss@{}", listener.local_addr().unwrap());
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let mut serving = JoinSet::new();
        let seen = Arc::clone(&heads);
        serving.spawn(async move {
            let mut tunnels = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                tunnels.spawn(tunnel(stream, acceptor.clone(), behind.clone(), Arc::clone(&seen)));
            }
        });
        Self { url, certificate: made.cert.pem(), heads, _serving: serving }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(mut stream: TcpStream, acceptor: TlsAcceptor, behind: String, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let is_allowed = head.contains(&format!("Basic {}\r\n", STANDARD.encode("me:p@ss")));
    let is_known = head.starts_with(&format!("CONNECT {HOST}:443 "));
    seen.lock().unwrap().push(head);
    let status = match (is_allowed, is_known) {
        (false, _) => "407 Proxy Authentication Required",
        (_, false) => "403 Forbidden",
        _ => "200 OK",
    };
    let answer = format!("HTTP/1.1 {status}\r\n\r\n");
    if stream.write_all(answer.as_bytes()).await.is_err() || status != "200 OK" {
        return;
    }
    let Ok(mut inner) = acceptor.accept(stream).await else { return };
    let mut outer = TcpStream::connect(behind).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
}

/// A server that knows this proxy, and trusts its host's certificate.
async fn behind(corporate: &Corporate, proxy: &str, more: &[(&str, &str)]) -> Server {
    let installation = Installation::new(BACKEND).await;
    let file = installation.home().join("authorities.pem");
    std::fs::write(&file, &corporate.certificate).unwrap();
    let installation = installation.set("SSL_CERT_FILE", file.display().to_string());
    let installation = installation.set("STRONGROOM_PROXY", proxy);
    more.iter().fold(installation, |it, (name, value)| it.set(name, *value)).start()
}

async fn chat(server: &Server, name: &str) -> Answer {
    let scope = json!({ "name": name, "role": "gateway", "scope": { "credentials": [name] } });
    let token = server.token(scope).await;
    server.post("/openai/v1/chat/completions", question("gpt-4o-mini")).token(&token).await
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_called_by_way_of_the_proxy_which_sees_no_key() {
    let fake = FakeUpstream::start().await.unwrap();
    let corporate = Corporate::start(&fake).await;
    let server = behind(&corporate, &corporate.url, &[]).await;
    let key = Mode::Ok.key("one");
    let endpoint = format!("https://{HOST}/openai/v1");
    let credential = json!({ "provider": "openai", "endpoint": endpoint, "apiKey": key });
    let made = server.credential("one", credential).await;
    for _ in 0..3 {
        chat(&server, "one").await.expect(200);
    }
    assert_eq!(fake.count(&key), 3);
    // The live test goes the same way, by a client of its own; the fake knows no list of models.
    let path = format!("/api/admin/credentials/{made}/test?live=true");
    let tested = server.post(&path, json!({})).await;
    assert!(!tested.text.contains("No connection"), "{}", tested.text);
    let heads = corporate.heads();
    assert!(heads.len() >= 2 && heads.iter().all(|head| !head.contains(&key)), "{heads:?}");

    // Another host is none that it lets through.
    let other = json!({ "provider": "openai", "endpoint": "https://other.example/v1", "apiKey": Mode::Ok.key("two") });
    server.credential("two", other).await;
    let refused = chat(&server, "two").await.expect(502);
    assert!(refused.text.contains("by way of the proxy (STRONGROOM_PROXY)"), "{}", refused.text);
    assert!(!refused.text.contains("p@ss") && !refused.text.contains("p%40ss"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_private_or_excepted_is_called_past_the_proxy_and_its_password_is_asked_for() {
    let fake = FakeUpstream::start().await.unwrap();
    let corporate = Corporate::start(&fake).await;
    let without = corporate.url.replace("me:p%40ss@", "");
    let more = [("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true"), ("STRONGROOM_NO_PROXY", "example")];
    let server = behind(&corporate, &without, &more).await;
    let near =
        json!({ "provider": "openai", "endpoint": fake.endpoint("openai"), "apiKey": Mode::Ok.key("near") });
    server.credential("near", near).await;
    chat(&server, "near").await.expect(200);
    let excepted = format!("https://{HOST}/v1");
    let excepted = json!({ "provider": "openai", "endpoint": excepted, "apiKey": Mode::Ok.key("excepted") });
    server.credential("excepted", excepted).await;
    let refused = chat(&server, "excepted").await.expect(502);
    assert!(!refused.text.contains("proxy"), "{}", refused.text);
    assert_eq!(corporate.heads(), Vec::<String>::new());

    let far =
        json!({ "provider": "openai", "endpoint": "https://far.test/v1", "apiKey": Mode::Ok.key("far") });
    server.credential("far", far).await;
    let refused = chat(&server, "far").await.expect(502);
    assert!(refused.text.contains("by way of the proxy"), "{}", refused.text);
    assert_eq!(corporate.heads().len(), 1, "{:?}", corporate.heads());
}
