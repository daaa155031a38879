//! Connections that are kept, shared, closed and refused, against servers on loopback.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::HOST;
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

pub(super) const PATIENCE: Duration = Duration::from_secs(10);

fn upstream(allow_private: bool) -> Upstream {
    Upstream::new(EndpointGuard::new(allow_private), Duration::from_secs(2))
}

/// A client that may call this machine, over this implementation of HTTP/1.1.
fn speaking(http1: Implementation) -> Upstream {
    upstream(true).speaking_http1_by(http1)
}

pub(super) fn request(base: &Base) -> Request<RequestBody> {
    let target = base.target("v1/x", Some("a=b")).unwrap();
    Request::post(target).body(RequestBody::Buffered(Bytes::from("hello"))).unwrap()
}

/// A provider whose every word is ours.
async fn listening(upstream: &Upstream) -> (TcpListener, Base) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = upstream.base(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    (listener, base)
}

pub(super) async fn ask(upstream: &Upstream, base: &Base) -> Result<(http::Version, String), UpstreamError> {
    let answer = upstream.send(base, request(base), false).await?;
    let version = answer.version();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Ok((version, String::from_utf8(body.to_vec()).unwrap()))
}

/// Answers with what was asked for, over any version of HTTP.
pub(super) async fn echo<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) {
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

async fn a_connection_serves_one_call_after_the_other(http1: Implementation) {
    let upstream = speaking(http1);
    let (url, connections, _serving) = server(None).await;
    let base = upstream.base(&url).unwrap();
    let host = url.trim_start_matches("http://").trim_end_matches("/api/").to_owned();
    for _ in 0..5 {
        let (version, said) = ask(&upstream, &base).await.unwrap();
        assert_eq!((version, said), (http::Version::HTTP_11, format!("{host} /api/v1/x?a=b hello")));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    // An answer that nobody has read to its end keeps its connection.
    let unread = upstream.send(&base, request(&base), false).await.unwrap();
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
            connector: Connector::trusting(guard.clone(), PATIENCE, client),
            ..Upstream::new(guard, PATIENCE)
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

async fn what_was_closed_while_nobody_used_it_is_not_used_again(http1: Implementation) {
    let upstream = speaking(http1);
    let (listener, base) = listening(&upstream).await;
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

async fn a_call_that_is_dropped_closes_its_connection(http1: Implementation) {
    let upstream = speaking(http1);
    let (listener, base) = listening(&upstream).await;
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nhi").await.unwrap();
        stream
    };
    let (answer, mut stream) = tokio::join!(upstream.send(&base, request(&base), false), serving);
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
        is_proxied: false,
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

async fn no_connection_is_told_from_a_broken_one(http1: Implementation) {
    let open = speaking(http1);
    let (listener, base) = listening(&open).await;
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

/// Reads a request to its end, and says this, in pieces of so many bytes.
async fn say(stream: &mut TcpStream, said: &str, piece: usize) {
    read_request(stream).await;
    for piece in said.as_bytes().chunks(piece) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn bodies_end_where_they_say_and_only_a_connection_in_good_order_is_kept(http1: Implementation) {
    let upstream = speaking(http1);
    for (said, body, is_kept) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi", true),
        (
            "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "hi",
            true,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n4\r\n you\r\n0\r\nx: y\r\n\r\n",
            "hi you",
            true,
        ),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi, and more", "hi", false),
        ("HTTP/1.1 200 OK\r\n\r\nup to its end", "up to its end", false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi", "hi", false),
    ] {
        // What is behind the end has not come yet when the end comes in a piece of its own.
        let least = if said.ends_with("more") { said.len() } else { 1 };
        for piece in [1, 7, said.len()].into_iter().filter(|piece| *piece >= least) {
            let (listener, base) = listening(&upstream).await;
            let serving = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                say(&mut stream, said, piece).await;
                stream.shutdown().await.unwrap();
            };
            let asking = async {
                let answer = upstream.send(&base, request(&base), false).await.unwrap();
                let read = answer.into_body().collect().await.unwrap().to_bytes();
                (read, base.pool.is_empty())
            };
            let ((read, is_empty), ()) = tokio::join!(asking, serving);
            assert_eq!((&read[..], !is_empty), (body.as_bytes(), is_kept), "{said:?} in pieces of {piece}");
        }
    }
}

async fn an_answer_that_is_cut_or_garbled_is_broken_and_its_connection_gone(http1: Implementation) {
    let upstream = speaking(http1);
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\nx\r\n",
    ] {
        let (listener, base) = listening(&upstream).await;
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            say(&mut stream, said, said.len()).await;
        };
        let (answer, ()) = tokio::join!(upstream.send(&base, request(&base), false), serving);
        let broken = answer.unwrap().into_body().collect().await;
        assert!(broken.is_err(), "{said:?}");
        assert!(base.pool.is_empty(), "{said:?}");
    }
    for said in
        ["HTTP/1.1 200 OK\r\ncontent-le", "SSH-2.0-server\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"]
    {
        let (listener, base) = listening(&upstream).await;
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            say(&mut stream, said, said.len()).await;
        };
        let (answer, ()) = tokio::join!(ask(&upstream, &base), serving);
        assert!(matches!(answer, Err(UpstreamError::Broken(_))), "{said:?}: {answer:?}");
    }
}

async fn what_comes_while_nobody_has_asked_is_no_answer_to_the_next(http1: Implementation) {
    let upstream = speaking(http1);
    let (listener, base) = listening(&upstream).await;
    let serving = async {
        let (mut first, _) = listener.accept().await.unwrap();
        say(&mut first, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", 100).await;
        first
    };
    let (said, mut first) = tokio::join!(ask(&upstream, &base), serving);
    assert_eq!(said.unwrap().1, "hi");
    first.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await.unwrap();
    // It is there; that it is shows once the sockets are looked at.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let serving = async {
        let (mut second, _) = listener.accept().await.unwrap();
        say(&mut second, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood", 100).await;
    };
    let (said, ()) = tokio::join!(ask(&upstream, &base), serving);
    assert_eq!(said.unwrap().1, "good");
}

async fn however_many_were_closed_none_of_them_is_used(http1: Implementation) {
    const MANY: usize = 200;
    let upstream = speaking(http1);
    let (listener, base) = listening(&upstream).await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
    let serving = async {
        let mut streams = Vec::new();
        while streams.len() < MANY {
            streams.push(listener.accept().await.unwrap().0);
        }
        for stream in &mut streams {
            say(stream, answer, 100).await;
        }
        streams
    };
    let asking = futures::future::join_all((0..MANY).map(|_| ask(&upstream, &base)));
    let (said, streams) = tokio::join!(asking, serving);
    assert!(said.into_iter().all(|said| said.is_ok_and(|(_, said)| said == "hi")));
    drop(streams);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let serving = async { say(&mut listener.accept().await.unwrap().0, answer, 100).await };
    let both = futures::future::join(ask(&upstream, &base), serving);
    let (said, ()) = tokio::time::timeout(PATIENCE, both).await.expect("a new connection is made");
    assert_eq!(said.unwrap().1, "hi");
}

async fn what_was_refused_on_sight_need_not_be_sent_whole(http1: Implementation) {
    let upstream = speaking(http1);
    let (listener, base) = listening(&upstream).await;
    let serving = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        // More than both sides' sockets hold is not read.
        stream.write_all(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
        stream
    };
    let target = base.target("v1/x", None).unwrap();
    let large = Request::post(target).body(RequestBody::Buffered(vec![b'x'; 64 << 20].into())).unwrap();
    let (answer, _stream) = tokio::join!(upstream.send(&base, large, false), serving);
    let answer = answer.unwrap();
    assert_eq!(answer.status(), http::StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "no");
    // hyper counts as sent whatever lies in its buffer, and keeps a connection whose next request would wait behind it.
    assert_eq!(base.pool.is_empty(), http1 == Implementation::Own);
}

/// Sends each request on, with its body as it comes.
async fn forward(stream: TcpStream, upstream: Arc<Upstream>, base: Arc<Base>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (upstream, base) = (Arc::clone(&upstream), Arc::clone(&base));
        async move {
            let target = base.target("v1/x", None).unwrap();
            let passing =
                Request::post(target).body(RequestBody::Streaming(request.into_body().boxed())).unwrap();
            upstream.send(&base, passing, false).await
        }
    });
    let http = hyper::server::conn::http1::Builder::new();
    // What went wrong with a call is for those at its two ends to say.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn nobody_waits_for_the_answer_to_half_a_request(http1: Implementation) {
    let upstream = Arc::new(speaking(http1));
    let (provider, base) = listening(&upstream).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(format!("{head}5\r\nhello\r\nnot a chunk").as_bytes()).await.unwrap();
    let cut = async {
        let (mut stream, _) = provider.accept().await.unwrap();
        let mut read = String::new();
        // It never answers.
        stream.read_to_string(&mut read).await.unwrap();
        read
    };
    let both = futures::future::join(forward(stream, upstream, Arc::new(base)), cut);
    let ((), read) = tokio::time::timeout(PATIENCE, both).await.expect("the call is given up");
    // hyper ends a chunk with its data, ours with the size of the next one.
    let end = if http1 == Implementation::Own { "" } else { "\r\n" };
    assert!(read.ends_with(&format!("\r\n\r\n5\r\nhello{end}")), "{read}");
}

async fn a_body_passes_as_it_comes_in_chunks_and_with_a_length(http1: Implementation) {
    let upstream = Arc::new(speaking(http1));
    let (url, connections, _serving) = server(None).await;
    let base = Arc::new(upstream.base(&url).unwrap());
    let host = url.trim_start_matches("http://").trim_end_matches("/api/").to_owned();
    let large = "0123456789".repeat(30_000);
    let chunked: String = large.as_bytes().chunks(7000).fold(String::new(), |mut all, chunk| {
        let chunk = String::from_utf8_lossy(chunk);
        let _ = std::fmt::Write::write_fmt(&mut all, format_args!("{:x}\r\n{chunk}\r\n", chunk.len()));
        all
    });
    for (framed, body) in [
        ("content-length: 5\r\n\r\nhello".to_owned(), "hello"),
        ("transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n".to_owned(), "hello"),
        ("transfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), ""),
        (format!("content-length: {}\r\n\r\n{large}", large.len()), &large),
        (format!("transfer-encoding: chunked\r\n\r\n{chunked}0\r\n\r\n"), &large),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let asking = async {
            let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
            client.write_all(format!("{head}{framed}").as_bytes()).await.unwrap();
            let mut said = String::new();
            client.read_to_string(&mut said).await.unwrap();
            said
        };
        let ((), said) = tokio::join!(forward(stream, Arc::clone(&upstream), Arc::clone(&base)), asking);
        let shown = &framed[..20];
        assert!(said.starts_with("HTTP/1.1 200"), "{shown}: {said}");
        assert!(said.ends_with(&format!("\r\n\r\n{host} /api/v1/x {body}")), "{shown}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1, "each left the connection to the next one");
    let target = base.target("v1/x", None).unwrap();
    let whole = Request::post(target).body(RequestBody::Buffered(Bytes::from(large.clone()))).unwrap();
    let echoed =
        upstream.send(&base, whole, false).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(echoed.ends_with(large.as_bytes()));
}

/// Tests that hold whichever implementation speaks HTTP/1.1.
macro_rules! whoever_speaks_http1 {
    ($($case:ident),+ $(,)?) => {
        mod own {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Implementation::Own).await;
            })+
        }

        mod by_hyper {
            $(#[tokio::test]
            async fn $case() {
                super::$case(super::Implementation::Hyper).await;
            })+
        }
    };
}

whoever_speaks_http1! {
    a_connection_serves_one_call_after_the_other,
    what_was_closed_while_nobody_used_it_is_not_used_again,
    a_call_that_is_dropped_closes_its_connection,
    no_connection_is_told_from_a_broken_one,
    bodies_end_where_they_say_and_only_a_connection_in_good_order_is_kept,
    an_answer_that_is_cut_or_garbled_is_broken_and_its_connection_gone,
    what_comes_while_nobody_has_asked_is_no_answer_to_the_next,
    however_many_were_closed_none_of_them_is_used,
    what_was_refused_on_sight_need_not_be_sent_whole,
    nobody_waits_for_the_answer_to_half_a_request,
    a_body_passes_as_it_comes_in_chunks_and_with_a_length,
}
