//! Connections that are kept, shared, closed and refused, against servers on loopback.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

type Plain = Full<Bytes>;

const PATIENCE: Duration = Duration::from_secs(10);

fn upstream(allow_private: bool) -> Upstream<Plain> {
    Upstream::new(EndpointGuard::new(allow_private), Duration::from_secs(2))
}

fn request(base: &Base<Plain>) -> Request<Plain> {
    let target = base.target("v1/x", Some("a=b")).unwrap();
    Request::post(target).body(Plain::from("hello")).unwrap()
}

async fn ask(
    upstream: &Upstream<Plain>,
    base: &Base<Plain>,
) -> Result<(http::Version, String), UpstreamError> {
    let answer = upstream.send(base, request(base)).await?;
    let version = answer.version();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Ok((version, String::from_utf8(body.to_vec()).unwrap()))
}

/// Answers with what was asked for, over any version of HTTP.
async fn echo<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) {
    let service = service_fn(|request: Request<Incoming>| async move {
        let host = request.headers().get(HOST).map(|host| host.to_str().unwrap().to_owned());
        let host = host.or_else(|| request.uri().authority().map(ToString::to_string));
        let target = request.uri().path_and_query().unwrap().to_string();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let said = format!("{} {target} {}", host.unwrap(), String::from_utf8_lossy(&body));
        Ok::<_, Infallible>(Response::new(Plain::from(said)))
    });
    // How a client leaves is its own affair.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// An echo that counts connections.
async fn server(tls: Option<tokio_rustls::TlsAcceptor>) -> (String, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://localhost:{}/api/", listener.local_addr().unwrap().port());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut open = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let tls = tls.clone();
            open.spawn(async move {
                match tls {
                    Some(tls) => echo(tls.accept(stream).await.unwrap()).await,
                    None => echo(stream).await,
                }
            });
        }
    });
    (url, connections, serving)
}

#[tokio::test]
async fn a_path_is_put_below_the_base_and_private_addresses_need_leave() {
    let open = upstream(true);
    let base = open.base("http://127.0.0.1:9/api/").unwrap();
    assert_eq!(base.target("v1/x", None).unwrap(), "/api/v1/x");
    assert_eq!(base.target("v1/x", Some("alt=sse")).unwrap(), "/api/v1/x?alt=sse");
    assert!(open.base("http://169.254.169.254/").is_err());
    assert!(upstream(false).base("https://127.0.0.1/").is_err());
}

#[tokio::test]
async fn a_connection_serves_one_call_after_the_other() {
    let upstream = upstream(true);
    let (url, connections, _serving) = server(None).await;
    let base = upstream.base(&url).unwrap();
    let host = url.trim_start_matches("http://").trim_end_matches("/api/").to_owned();
    for _ in 0..5 {
        let (version, said) = ask(&upstream, &base).await.unwrap();
        assert_eq!((version, said), (http::Version::HTTP_11, format!("{host} /api/v1/x?a=b hello")));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // An answer that nobody has read to its end keeps its connection.
    let unread = upstream.send(&base, request(&base)).await.unwrap();
    ask(&upstream, &base).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    drop(unread);
}

#[tokio::test]
async fn http2_is_spoken_where_both_sides_can_and_calls_share_its_connection() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    for (language, version) in [("h2", http::Version::HTTP_2), ("http/1.1", http::Version::HTTP_11)] {
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.clone_key())
            .unwrap();
        config.alpn_protocols = vec![language.as_bytes().to_vec()];
        let (url, connections, _serving) = server(Some(Arc::new(config).into())).await;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let guard = EndpointGuard::new(true);
        let upstream = Upstream {
            connector: Connector::trusting(guard, PATIENCE, client),
            ..Upstream::<Plain>::new(guard, PATIENCE)
        };
        let base = upstream.base(&url).unwrap();
        let host = url.trim_start_matches("https://").trim_end_matches("/api/").to_owned();
        let expected = (version, format!("{host} /api/v1/x?a=b hello"));
        assert_eq!(ask(&upstream, &base).await.unwrap(), expected);
        let asks = (0..20).map(|_| ask(&upstream, &base));
        for answer in futures::future::join_all(asks).await {
            assert_eq!(answer.unwrap(), expected);
        }
        let made = connections.load(Ordering::SeqCst);
        assert!(if version == http::Version::HTTP_2 { made == 1 } else { made > 1 }, "{made}");
    }
}

/// Reads a request to its end, whose body is `hello`.
async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_was_closed_while_nobody_used_it_is_not_used_again() {
    let upstream = upstream(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = upstream.base(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    for _ in 0..3 {
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
        };
        let (said, ()) = tokio::join!(ask(&upstream, &base), serving);
        assert_eq!(said.unwrap().1, "hi");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let upstream = upstream(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = upstream.base(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nhi").await.unwrap();
        stream
    };
    let (answer, mut stream) = tokio::join!(upstream.send(&base, request(&base)), serving);
    drop(answer.unwrap());
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut [0; 8])).await.expect("it is closed");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(base.pool.is_empty());
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
    // Resolves to loopback without leaving the machine, and is not seen in the text.
    let guarded = upstream(false);
    let base = Base {
        origin: "https://localhost:1/".parse().unwrap(),
        host: HeaderValue::from_static("localhost:1"),
        prefix: String::new(),
        pool: Arc::new(Pool::new(TaskTracker::new())),
    };
    let error = ask(&guarded, &base).await.unwrap_err();
    let mut causes = String::new();
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = source {
        causes.push_str(&error.to_string());
        source = error.source();
    }
    assert!(causes.contains("leads to"), "{causes}");
}

#[tokio::test]
async fn no_connection_is_told_from_a_broken_one() {
    let open = upstream(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = open.base(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let closing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
    };
    let (broken, ()) = tokio::join!(ask(&open, &base), closing);
    assert!(matches!(broken, Err(UpstreamError::Broken(_))), "{broken:?}");
    drop(listener);
    let refused = ask(&open, &base).await;
    assert!(matches!(refused, Err(UpstreamError::Connect(_))), "{refused:?}");
}
