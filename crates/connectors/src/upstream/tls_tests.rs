//! Providers that lie below HTTP: in their certificates, in how they end TLS, and in the frames of HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use rcgen::{CertificateParams, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tests::{PATIENCE, ask, echo, request};
use super::*;

const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// A certificate of itself, and what speaks TLS with it.
fn certificate(change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap(), key)
}

fn acceptor((certificate, key): &(rcgen::Certificate, KeyPair), language: &[u8]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![language.to_vec()];
    Arc::new(config).into()
}

/// A client that trusts this certificate and no other.
fn trusting(certificate: &rcgen::Certificate) -> Upstream {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let guard = EndpointGuard::new(true);
    Upstream {
        connector: Connector::trusting(guard.clone(), PATIENCE, client),
        ..Upstream::new(guard, PATIENCE)
    }
}

async fn listening(upstream: &Upstream) -> (TcpListener, Base) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    (listener, upstream.base(&url).unwrap())
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_ends_the_call_before_anything_is_said() {
    let good = certificate(|_| ());
    for (what, shown) in [
        ("expired", certificate(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1))),
        ("of tomorrow", certificate(|params| params.not_before = rcgen::date_time_ymd(2999, 1, 1))),
        (
            "of another host",
            certificate(|params| {
                params.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())];
            }),
        ),
        ("of nobody that is trusted", certificate(|_| ())),
    ] {
        let trusted = if what.contains("nobody") { &good.0 } else { &shown.0 };
        let upstream = trusting(trusted);
        let (listener, base) = listening(&upstream).await;
        let acceptor = acceptor(&shown, HTTP1);
        let serving = async {
            let (stream, _) = listener.accept().await.unwrap();
            // What comes in the clear behind the handshake would be the request.
            let Ok(mut stream) = acceptor.accept(stream).await else { return 0 };
            stream.read(&mut [0; 64]).await.unwrap_or(0)
        };
        let (asked, said) = tokio::join!(ask(&upstream, &base), serving);
        assert!(matches!(asked, Err(UpstreamError::Connect(_))), "{what}: {asked:?}");
        assert_eq!(said, 0, "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_only_the_end_of_its_connection_ends_is_whole_when_tls_says_so() {
    let shown = certificate(|_| ());
    let upstream = trusting(&shown.0);
    for is_told in [true, false] {
        let (listener, base) = listening(&upstream).await;
        let acceptor = acceptor(&shown, HTTP1);
        let serving = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello").await.unwrap();
            stream.flush().await.unwrap();
            if is_told {
                stream.shutdown().await.unwrap();
            } else {
                // Whoever sits on the way can cut a connection, and cannot say that it was meant.
                stream.get_mut().0.shutdown().await.unwrap();
            }
            stream
        };
        let (answer, _stream) = tokio::join!(upstream.send(&base, request(&base), false), serving);
        let body = tokio::time::timeout(PATIENCE, answer.unwrap().into_body().collect()).await.unwrap();
        assert_eq!(body.is_ok(), is_told, "{body:?}");
    }
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// A header field that is written out (RFC 7541, section 6.2.2), with a value of so many bytes below 127.
fn field(name: &str, length: u8) -> Vec<u8> {
    let size = u8::try_from(name.len()).unwrap();
    [&[0, size], name.as_bytes(), &[length], &vec![b'x'; length.into()]].concat()
}

/// `:status: 200`, from the static table.
const OK: &[u8] = &[0x88];

/// Answer of a provider to any request: some frames, and then one again and again.
struct Script {
    what: &'static str,
    first: Vec<u8>,
    then: Vec<u8>,
    times: usize,
    /// `true` when it may be that this is heard to its end.
    is_heard: bool,
}

fn scripts() -> Vec<Script> {
    let fields = field("x-y", 100).repeat(150);
    let one = |what, first: Vec<u8>| Script { what, first, then: Vec::new(), times: 0, is_heard: true };
    let many = |what, first, then, times, is_heard| Script { what, first, then, times, is_heard };
    let head = frame(HEADERS, END_HEADERS, 1, OK);
    let data = frame(DATA, 0, 1, &[b'x'; 16_384]);
    vec![
        one("goes away before the call", frame(GOAWAY, 0, 0, &[0; 8])),
        one("goes away with an error", frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11])),
        one("refuses the stream", frame(RST_STREAM, 0, 1, &[0, 0, 0, 7])),
        one(
            "breaks the stream behind its head",
            [head.clone(), frame(RST_STREAM, 0, 1, &[0, 0, 0, 2])].concat(),
        ),
        one("has no status", frame(HEADERS, END_HEADERS, 1, &field("x", 1))),
        one("answers a stream that nobody opened", frame(HEADERS, END_HEADERS, 99, OK)),
        one("promises what nobody wants", frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2], OK].concat())),
        one("speaks of a table that is not there", frame(HEADERS, END_HEADERS, 1, &[0xff, 0xff, 0xff, 0x0f])),
        one("says data before its head", data.clone()),
        one("has a frame that is too large", frame(DATA, 0, 1, &[0; 17_000])),
        one("widens a window beyond all bounds", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        one("speaks HTTP/1.1", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec()),
        many("ends no head", frame(HEADERS, 0, 1, OK), frame(CONTINUATION, 0, 1, &fields), 4096, false),
        many("sends more than it may", head.clone(), data, 8192, false),
        many("pings", Vec::new(), frame(PING, 0, 0, &[7; 8]), 20_000, true),
        many("settles", Vec::new(), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]), 20_000, true),
        many("says nothing in many pieces", head, frame(DATA, 0, 1, &[]), 20_000, true),
    ]
}

/// Plays a script; tells how often it said what it says again and again.
async fn play(stream: TlsStream<TcpStream>, script: &Script) -> usize {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut seen = Vec::new();
    // The client's preface, and behind it the head of its request: frames of nine bytes and what they say they hold.
    let has_asked = |seen: &[u8]| {
        let mut rest = seen.get(24..).unwrap_or_default();
        while let [a, b, c, kind, ..] = rest {
            if *kind == HEADERS {
                return true;
            }
            let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
            rest = rest.get(9 + length..).unwrap_or_default();
        }
        false
    };
    writer.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    while !has_asked(&seen) {
        let mut piece = [0; 4096];
        match reader.read(&mut piece).await {
            Ok(length @ 1..) => seen.extend_from_slice(&piece[..length]),
            _ => return 0,
        }
    }
    let mut draining = JoinSet::new();
    draining.spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
    let mut said = 0;
    if writer.write_all(&script.first).await.is_ok() {
        while said < script.times && writer.write_all(&script.then).await.is_ok() {
            said += 1;
        }
    }
    let _ = writer.shutdown().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_provider_says_over_http2_the_call_ends_and_the_next_one_is_served() {
    let shown = certificate(|_| ());
    let upstream = trusting(&shown.0);
    for script in scripts() {
        let what = script.what;
        let (listener, base) = listening(&upstream).await;
        let acceptor = acceptor(&shown, HTTP2);
        let said = AtomicUsize::new(usize::MAX);
        let serving = async {
            let (stream, _) = listener.accept().await.unwrap();
            let first = acceptor.accept(stream).await.unwrap();
            said.store(play(first, &script).await, Ordering::SeqCst);
            // From then on an honest one.
            let (stream, _) = listener.accept().await.unwrap();
            echo(acceptor.accept(stream).await.unwrap()).await;
        };
        let asking = async {
            let asked = async {
                // As a caller that does not read: what comes is not to pile up.
                let answer = upstream.send(&base, request(&base), false).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok::<_, UpstreamError>(answer.into_body().collect().await.map(|body| body.to_bytes().len()))
            };
            let ended =
                tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{what}: no end"));
            assert!(!matches!(ended, Ok(Ok(_))), "{what}: {ended:?}");
            // The connection that just ended may be taken for a good one until its end has been read: whoever calls asks once more.
            let next = async {
                match ask(&upstream, &base).await {
                    Ok((version, _)) => version,
                    Err(_) => ask(&upstream, &base).await.unwrap().0,
                }
            };
            let next = tokio::time::timeout(PATIENCE, next).await;
            next.unwrap_or_else(|_| panic!("{what}: the next is not served"))
        };
        let version = tokio::select! {
            version = asking => version,
            () = serving => panic!("{what}: the provider is done first"),
        };
        assert_eq!(version, http::Version::HTTP_2, "{what}");
        let said = said.load(Ordering::SeqCst);
        assert!(script.is_heard || said < script.times, "{what}: all {said} were taken");
    }
}
