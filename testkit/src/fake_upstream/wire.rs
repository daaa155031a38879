//! The fake's connections, which may end in the middle of a head.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::ending::Then;
use super::{Log, respond};

/// Bytes of a head that has begun: those of `HTTP/1.1 200 OK` and a little more.
const BEGUN: usize = 24;

/// What becomes of the rest of a connection's bytes.
#[derive(Debug)]
pub(super) struct Rest {
    /// So many are still written.
    left: AtomicUsize,
    is_silent: std::sync::atomic::AtomicBool,
}

impl Rest {
    /// The head that comes next is cut.
    pub(super) fn cut(&self, then: Then) {
        self.is_silent.store(then == Then::Silent, Ordering::SeqCst);
        self.left.store(BEGUN, Ordering::SeqCst);
    }
}

/// Serves whoever connects.
pub(super) async fn serve(listener: TcpListener, log: Arc<Log>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let log = Arc::clone(&log);
        connections.spawn(async move {
            // Of a test that has no descriptors left the calls fail, which it sees.
            let _ = stream.set_nodelay(true);
            let rest = Arc::new(Rest { left: AtomicUsize::new(usize::MAX), is_silent: false.into() });
            let wire = Wire { stream, rest: Arc::clone(&rest) };
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let (log, rest) = (Arc::clone(&log), Arc::clone(&rest));
                async move { respond(log, request.map(Body::new), &rest).await }
            });
            // How it ended is the other side's to see.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
        });
    }
}

struct Wire {
    stream: TcpStream,
    rest: Arc<Rest>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.rest.left.load(Ordering::SeqCst);
        if left == 0 && self.rest.is_silent.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(bytes.len()));
        }
        if left == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let length = bytes.len().min(left);
        let written = Pin::new(&mut self.stream).poll_write(cx, &bytes[..length]);
        if let (Poll::Ready(Ok(written)), true) = (&written, left != usize::MAX) {
            self.rest.left.store(left - written, Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
