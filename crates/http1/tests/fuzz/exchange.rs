//! One request over a peer that plays a script, by either implementation, without a runtime.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::Full;
use strongroom_http1::{
    BoxError, Connection, Implementation, ProtocolError, RequestBody, ResponseBody, Sent,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The peer's part.
#[derive(Debug, Clone)]
pub(crate) struct Script<'a> {
    pub(crate) method: Method,
    /// Length of the request's body, in bytes.
    pub(crate) body_bytes: usize,
    /// Most bytes of the request that the peer reads.
    pub(crate) reads_bytes: usize,
    /// Bytes of the peer. Between two pieces the reader sleeps once.
    pub(crate) pieces: Vec<&'a [u8]>,
    /// Set when the peer closes the connection at the end; else it stays silent.
    pub(crate) closes: bool,
}

impl<'a> Script<'a> {
    /// A script whose peer reads the whole request.
    pub(crate) fn new(method: Method, pieces: Vec<&'a [u8]>, closes: bool) -> Self {
        Self { method, body_bytes: 5, reads_bytes: usize::MAX, pieces, closes }
    }
}

/// The outcome of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered(Answered),
    Refused(Fault),
    /// The peer stays silent within the head.
    Waiting,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) end: End,
    /// Set when the connection can take another request after all that the peer has sent.
    pub(crate) is_kept: bool,
}

/// The end of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Whole,
    Broken(Fault),
    /// The peer stays silent within the body.
    Waiting,
}

/// The reason why there is no response, or no more of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Protocol(ProtocolError),
    /// No answer.
    Silent,
    /// hyper's texts.
    Other(String),
}

impl From<BoxError> for Fault {
    fn from(error: BoxError) -> Self {
        match error.downcast::<ProtocolError>() {
            Ok(error) => Self::Protocol(*error),
            Err(error) => {
                let mut text = error.to_string();
                let mut cause = error.source();
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                Self::Other(text)
            }
        }
    }
}

/// Plays a script against an implementation.
pub(crate) fn exchange(implementation: Implementation, script: &Script<'_>) -> Outcome {
    let peer = Peer {
        pieces: script.pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect(),
        sleeps: false,
        asked: Err(None),
        closes: script.closes,
        reads_bytes: script.reads_bytes,
    };
    let mut opening = pin!(Connection::<_, Full<Bytes>>::open(peer, implementation));
    let opened = settle(|cx| opening.as_mut().poll(cx)).expect("a connection is opened at once");
    let body = RequestBody::Buffered(vec![b'x'; script.body_bytes].into());
    let mut request = Request::new(body);
    *request.method_mut() = script.method.clone();
    let host = HeaderValue::from_static("peer.test");
    let mut sending = opened.expect("a connection is opened").send(request, &host);
    match settle(|cx| Pin::new(&mut sending).poll(cx)) {
        None => Outcome::Waiting,
        Some(Sent::Answered(response)) => Outcome::Answered(read(response, script.pieces.len())),
        Some(Sent::Silent(_)) => Outcome::Refused(Fault::Silent),
        Some(Sent::Broken(error)) => Outcome::Refused(error.into()),
        Some(Sent::Unsent(_, error)) => panic!("the peer reads: {error}"),
    }
}

fn read(response: Response<ResponseBody<Peer, Full<Bytes>>>, pieces: usize) -> Answered {
    let (head, mut body) = response.into_parts();
    let mut data = Vec::new();
    let mut reclaimed = body.reclaim();
    let end = loop {
        let frame = settle(|cx| Pin::new(&mut body).poll_frame(cx));
        reclaimed = reclaimed.or_else(|| body.reclaim());
        match frame {
            None => break End::Waiting,
            Some(None) => break End::Whole,
            Some(Some(Ok(frame))) => data.extend_from_slice(&frame.into_data().expect("only data")),
            Some(Some(Err(error))) => break End::Broken(error.into()),
        }
    };
    // However many pieces are still to come, and their pauses and the end.
    let is_kept = reclaimed.is_some_and(|mut connection| (0..2 * pieces + 3).all(|_| connection.is_quiet()));
    let (status, version, headers) = (head.status, head.version, head.headers);
    Answered { status, version, headers, body: data, end, is_kept }
}

/// Polls as long as somebody wakes the poller.
fn settle<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&woken));
    while woken.0.swap(false, Ordering::SeqCst) {
        if let Poll::Ready(done) = poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
    }
    None
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The transport.
struct Peer {
    pieces: VecDeque<Bytes>,
    /// Set between two pieces.
    sleeps: bool,
    /// `Ok` once something of the request has come, before which the peer is silent; the reader who waits for it.
    asked: Result<(), Option<Waker>>,
    closes: bool,
    reads_bytes: usize,
}

impl AsyncRead for Peer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Err(reader) = &mut self.asked {
            *reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (closes, sleeps) = (self.closes, std::mem::replace(&mut self.sleeps, false));
        match self.pieces.front_mut() {
            None if closes => Poll::Ready(Ok(())),
            None => Poll::Pending,
            Some(_) if sleeps => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(piece) => {
                buf.put_slice(&piece.split_to(piece.len().min(buf.remaining())));
                if piece.is_empty() {
                    self.pieces.pop_front();
                    self.sleeps = true;
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Peer {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let read = bytes.len().min(self.reads_bytes);
        self.reads_bytes -= read;
        if let Err(Some(reader)) = std::mem::replace(&mut self.asked, Ok(())) {
            reader.wake();
        }
        if read == 0 { Poll::Pending } else { Poll::Ready(Ok(read)) }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
