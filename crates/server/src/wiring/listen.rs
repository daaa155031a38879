//! Listening: TCP with or without TLS, and the socket file in the data directory.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use strongroom_model::{Problem, ProblemKind};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::dispatcher::{ConnectionService, Dispatcher, Peer};
use super::frame_guard::FrameGuard;
use crate::config::HttpConfig;
use crate::http::peer::LocalPeer;

/// Longest time that a client may take to agree on TLS, and to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest time that a connection may stay open without a first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Streams that one HTTP/2 connection may have open.
const MAX_STREAMS: u32 = 256;
/// Pause before the next try when no connection can be accepted, as when all descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Binds the address.
pub(super) fn bind(config: &HttpConfig) -> Result<TcpListener, Problem> {
    let listener = TcpListener::bind(config.listen).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        Problem::new(
            ProblemKind::Unavailable,
            format!(
                "{} cannot be listened on: {error}; choose another address with --listen or STRONGROOM_LISTEN",
                config.listen
            ),
        )
    })
}

/// TLS with the configured certificate, when there is one.
pub(super) fn tls(config: &HttpConfig) -> Result<Option<TlsAcceptor>, Problem> {
    let (Some(cert), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) else { return Ok(None) };
    let unusable = |what: &str, path: &Path, error: &dyn fmt::Display| {
        Problem::internal(format!("the TLS {what} {} cannot be used: {error}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("certificate", cert, &error))?;
    if chain.is_empty() {
        return Err(unusable("certificate", cert, &"it holds no certificate in PEM"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("key", key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let made = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|versions| versions.with_no_client_auth().with_single_cert(chain, private));
    let mut made = made.map_err(|error| {
        let certificate = format!("with the certificate {}: {error}", cert.display());
        unusable("key", key, &certificate)
    })?;
    made.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(made))))
}

/// Serves on TCP until it is told to stop, and until the requests that are open by then have had their time.
pub(super) async fn serve_tcp(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    dispatcher: Dispatcher,
    end: Ending,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut connections = Connections::new(end);
    while let Some((stream, address)) = connections.next(|| listener.accept()).await {
        // A stream's pieces leave as they come: none waits for the client to acknowledge the one before. One that
        // cannot be told so has been closed meanwhile.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let service = dispatcher.of(Peer::Remote(address));
        match tls.clone() {
            None => connections.serve_tcp(stream, service),
            Some(tls) => connections.serve_tls(tls, stream, service),
        }
    }
    // Whoever comes from here on is refused at once, and does not wait for an answer that nobody gives.
    drop(listener);
    connections.finish().await;
    Ok(())
}

/// Serves on the socket file until it is told to stop. Who may open the file is let in as an admin.
pub(super) async fn serve_socket(
    listener: UnixListener,
    dispatcher: Dispatcher,
    end: Ending,
) -> io::Result<()> {
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let mut connections = Connections::new(end);
    while let Some((stream, _)) = connections.next(|| listener.accept()).await {
        match stream.peer_cred() {
            Ok(peer) => {
                connections.serve_local(stream, dispatcher.of(Peer::Local(LocalPeer::of_user(peer.uid()))));
            }
            Err(error) => {
                tracing::warn!(%error, "failed to read the peer of a connection to the socket file; refused it")
            }
        }
    }
    drop(listener);
    connections.finish().await;
    Ok(())
}

/// End of serving: no connection is taken any more when `stop` is set; requests under way then have `drain`, and end at
/// once when `cut` is set.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) stop: CancellationToken,
    pub(super) drain: Duration,
    pub(super) cut: CancellationToken,
}

/// The connections of one listener, each with a task of its own.
struct Connections {
    http: Arc<Builder<TokioExecutor>>,
    /// Builder for connections that tell of a hang-up themselves.
    http_watched: Arc<Builder<TokioExecutor>>,
    open: JoinSet<()>,
    end: Ending,
}

impl Connections {
    fn new(end: Ending) -> Self {
        let mut http = Builder::new(TokioExecutor::new());
        // Heads and bodies leave in one piece: for what models write, copying it costs less than handing over a list.
        http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).writev(false);
        http.http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(HEAD_TIMEOUT);
        let mut http_watched = http.clone();
        http_watched.http1().half_close(true);
        Self { http: Arc::new(http), http_watched: Arc::new(http_watched), open: JoinSet::new(), end }
    }

    /// The next one to come in; `None` when it is time to stop.
    async fn next<S, A, F>(&mut self, accept: impl Fn() -> F) -> Option<(S, A)>
    where
        F: Future<Output = io::Result<(S, A)>>,
    {
        loop {
            tokio::select! {
                () = self.end.stop.cancelled() => return None,
                // Those that are over are let go of.
                Some(_) = self.open.join_next() => {}
                accepted = accept() => match accepted {
                    Ok(accepted) => return Some(accepted),
                    Err(error) if is_of_the_client(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "failed to accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
    }

    fn serve_tcp(&mut self, stream: TcpStream, service: ConnectionService) {
        let watched = Watched(TokioIo::new(FrameGuard::new(stream)));
        self.open.spawn(serve(Arc::clone(&self.http_watched), watched, service, self.end.stop.clone()));
    }

    fn serve_local(&mut self, stream: UnixStream, service: ConnectionService) {
        self.open.spawn(serve(Arc::clone(&self.http), TokioIo::new(stream), service, self.end.stop.clone()));
    }

    fn serve_tls<I>(&mut self, tls: TlsAcceptor, stream: I, service: ConnectionService)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (http, stop) = (Arc::clone(&self.http), self.end.stop.clone());
        self.open.spawn(async move {
            let agreed =
                stop.run_until_cancelled(tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream))).await;
            // One who does not speak TLS has nobody to tell it to.
            if let Some(Ok(Ok(stream))) = agreed {
                serve(http, TokioIo::new(FrameGuard::new(stream)), service, stop).await;
            }
        });
    }

    /// Waits for the requests that are open, as long as they may take.
    async fn finish(mut self) {
        let all = async { while self.open.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(self.end.drain, all);
        if !matches!(self.end.cut.run_until_cancelled(in_time).await, Some(Ok(()))) {
            tracing::warn!(open = self.open.len(), "cut off requests that were still under way");
            // Waited for: each of them settles its call as it goes.
            self.open.shutdown().await;
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// Serves one connection until either side ends it.
async fn serve<I>(
    http: Arc<Builder<TokioExecutor>>,
    stream: I,
    service: ConnectionService,
    stop: CancellationToken,
) where
    I: Read + Write + Send + Unpin + 'static,
{
    let first_request = service.first_request();
    let mut connection = pin!(http.serve_connection(stream, service));
    let mut stopped = pin!(stop.cancelled());
    let (mut is_stopping, mut waiting) = (false, Some(Box::pin(tokio::time::sleep(FIRST_REQUEST_TIMEOUT))));
    std::future::poll_fn(|cx| {
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if connection.as_mut().poll(cx).is_ready() {
            // What broke it off is told to the requests that it carried.
            return Poll::Ready(());
        }
        if waiting.is_some() && first_request.is_set() {
            waiting = None;
        }
        match &mut waiting {
            Some(timer) => timer.as_mut().poll(cx),
            None => Poll::Pending,
        }
    })
    .await;
}

/// A client's connection that tells of its own accord when the client has hung up. hyper notices by reading on, and as a
/// request lies in the buffer that it was read into, it would take a new one for that with every call.
struct Watched(TokioIo<FrameGuard<TcpStream>>);

impl Watched {
    /// Looks for the client's hang-up behind what it has sent; asked for with every step of an answer, as nothing is
    /// held back here that would have to be flushed.
    fn look_for_hang_up(&self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.0.inner().get_ref().poll_peek(cx, &mut ReadBuf::new(&mut [0])) {
            Poll::Ready(Ok(0)) => Err(io::ErrorKind::ConnectionReset.into()),
            Poll::Ready(Err(error)) => Err(error),
            // More requests, or more of this one: the end comes behind it.
            Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
        }
    }
}

impl Read for Watched {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_read(cx, buffer)
    }
}

impl Write for Watched {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.look_for_hang_up(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().0).poll_shutdown(cx)
    }
}

/// Binds the socket file in place of one that a killed server left behind; only its owner may open it.
pub(super) fn bind_socket(path: &Path) -> Result<UnixListener, Problem> {
    let bind = || -> io::Result<UnixListener> {
        match std::fs::symlink_metadata(path) {
            Ok(left) if left.file_type().is_socket() => std::fs::remove_file(path)?,
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        // The directory lets nobody else in, so the moment before this is not open to anybody either.
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|error| {
        Problem::internal(format!("the socket file {} cannot be made: {error}", path.display()))
    })
}
