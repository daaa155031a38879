//! Listening: TCP with or without TLS, and the socket file in the data directory.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::Handle;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use strongroom_model::{Problem, ProblemKind};
use tokio::net::UnixStream;
use tower::Layer;

use crate::config::HttpConfig;
use crate::http::front::Front;
use crate::http::peer::LocalPeer;

/// How long a client may take to send the head of its request.
const HEAD: Duration = Duration::from_secs(15);
/// How long a connection may stay open without a first request.
const FIRST: Duration = Duration::from_secs(15);
/// Streams that one HTTP/2 connection may have open.
const STREAMS: u32 = 256;

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

/// The TLS configuration, when there is one.
pub(super) async fn tls(config: &HttpConfig) -> Result<Option<RustlsConfig>, Problem> {
    let (Some(cert), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) else { return Ok(None) };
    RustlsConfig::from_pem_file(cert, key).await.map(Some).map_err(|error| {
        Problem::internal(format!(
            "the TLS certificate {} and key {} cannot be used: {error}",
            cert.display(),
            key.display()
        ))
    })
}

/// Serves on TCP until the handle says to stop.
pub(super) async fn serve_tcp(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    front: Front,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let service = tower::service_fn(move |address: SocketAddr| ready(Ok::<_, Infallible>(front.of(address))));
    match tls {
        Some(tls) => {
            let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(acceptor)
                .handle(handle)
                .first_request_timeout(FIRST);
            bound(server.http_builder());
            server.serve(service).await
        }
        None => {
            // A stream's pieces leave as they come: none waits for the client to acknowledge the one before.
            let acceptor = NoDelayAcceptor::new();
            let mut server = axum_server::from_tcp(listener)?
                .acceptor(acceptor)
                .handle(handle)
                .first_request_timeout(FIRST);
            bound(server.http_builder());
            server.serve(service).await
        }
    }
}

/// Serves on the socket file until the handle says to stop. Who may open the file is let in as an admin.
pub(super) async fn serve_socket(
    listener: UnixListener,
    front: Front,
    handle: Handle<std::os::unix::net::SocketAddr>,
) -> io::Result<()> {
    let mut server = axum_server::from_unix(listener)?.handle(handle).acceptor(PeerAcceptor);
    bound(server.http_builder());
    server.serve(tower::service_fn(move |_| ready(Ok::<_, Infallible>(front.clone())))).await
}

/// Puts the user behind a connection to the socket file beside each of its requests.
#[derive(Debug, Clone, Copy)]
struct PeerAcceptor;

impl<S> Accept<UnixStream, S> for PeerAcceptor {
    type Stream = UnixStream;
    type Service = AddExtension<S, LocalPeer>;
    type Future = Ready<io::Result<(UnixStream, Self::Service)>>;

    fn accept(&self, stream: UnixStream, service: S) -> Self::Future {
        let peer = stream.peer_cred().map(|peer| LocalPeer::of_user(peer.uid()));
        ready(peer.map(|peer| (stream, Extension(peer).layer(service))))
    }
}

fn bound<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS).keep_alive_interval(HEAD);
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
