//! Links: connections with HTTP over them. One of HTTP/1.1 is driven by whoever uses it, one of HTTP/2 by a task.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::unconstrained;
use tokio_util::task::TaskTracker;
use zeroize::Zeroize;

use super::connect::Io;
use super::http1::{self, Framing, Head, Length, Malformed};
use super::{BoxError, Passing, RequestBody};

const HTTP2_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Read at once, in bytes.
const PIECE: usize = 16 * 1024;
/// Bodies up to this leave in one piece with their heads: copying them costs less than a second write. In bytes.
const SMALL: usize = 16 * 1024;
/// Room for the heads of most requests, in bytes.
const USUAL: usize = 2 * 1024;

/// A connection of HTTP/1.1.
pub(super) struct Link {
    io: TokioIo<Io>,
    outgoing: Outgoing,
    /// Of the answer, what nobody has looked at yet.
    received: Bytes,
    /// Whether the answer that comes lets it be used again.
    stays_open: bool,
}

/// What is still to be written of a request.
#[derive(Default)]
struct Outgoing {
    /// Its head, or what stands before a chunk.
    out: Vec<u8>,
    /// How much of that has been written.
    written: usize,
    /// What comes after that.
    data: Bytes,
    /// What comes then.
    rest: Option<(Passing, Length)>,
    /// Whether a chunk has been written whose end has not.
    within_chunks: bool,
    /// Whether the connection holds back what was written to it.
    holds: bool,
    /// No more can be written. What the other side says may come all the same: it need not read what it refuses.
    failed: Option<io::Error>,
}

/// Why a request cannot be written on.
enum Unwritten {
    Connection(io::Error),
    /// It did not come whole from the client.
    Body(hyper::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl Outgoing {
    fn is_over(&self) -> bool {
        self.written == self.out.len() && self.data.is_empty() && self.rest.is_none() && !self.holds
    }

    /// Writes as much as the connection takes.
    ///
    /// # Errors
    /// When the rest of the request does not come: nobody can answer half of one.
    fn drive(&mut self, io: &mut TokioIo<Io>, cx: &mut Context<'_>) -> hyper::Result<()> {
        if self.failed.is_some() || self.is_over() {
            return Ok(());
        }
        match self.poll(io, cx) {
            Poll::Ready(Err(Unwritten::Connection(error))) => {
                self.failed = Some(error);
                self.rest = None;
                Ok(())
            }
            Poll::Ready(Err(Unwritten::Body(error))) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    fn poll(&mut self, io: &mut TokioIo<Io>, cx: &mut Context<'_>) -> Poll<Result<(), Unwritten>> {
        loop {
            if self.written < self.out.len() {
                let written = ready!(write(io, cx, &self.out[self.written..]))?;
                self.has_written(written);
            } else if !self.data.is_empty() {
                let written = ready!(write(io, cx, &self.data))?;
                bytes::Buf::advance(&mut self.data, written);
                self.holds = true;
            } else if let Some((body, length)) = &mut self.rest {
                match Pin::new(body).poll_frame(cx) {
                    Poll::Ready(frame) => {
                        let is_chunked = *length == Length::Chunked;
                        let is_last = frame.is_none();
                        // Trailers are not passed on.
                        let data = frame.transpose().map_err(Unwritten::Body)?;
                        let data = data.and_then(|frame| frame.into_data().ok());
                        self.put(data.unwrap_or_default(), is_chunked, is_last);
                    }
                    // What is there should not wait for what is not.
                    Poll::Pending => {
                        ready!(self.flush(io, cx))?;
                        return Poll::Pending;
                    }
                }
            } else {
                return self.flush(io, cx).map_err(Into::into);
            }
        }
    }

    /// Notes how much of what stands before the data has been written. It has a key in it: nothing of it stays behind.
    fn has_written(&mut self, bytes: usize) {
        self.written += bytes;
        self.holds = true;
        if self.written == self.out.len() {
            self.out.fill(0);
            self.out.clear();
            self.written = 0;
        }
    }

    fn put(&mut self, data: Bytes, is_chunked: bool, is_last: bool) {
        if is_chunked && (is_last || !data.is_empty()) {
            let end = if std::mem::replace(&mut self.within_chunks, !is_last) { "\r\n" } else { "" };
            let last = if is_last { "\r\n" } else { "" };
            self.out.extend_from_slice(format!("{end}{:x}\r\n{last}", data.len()).as_bytes());
        }
        self.data = data;
        if is_last {
            self.rest = None;
        }
    }

    fn flush(&mut self, io: &mut TokioIo<Io>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.holds = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.out.zeroize();
    }
}

/// A body that leaves in one piece with its head.
fn small(body: &RequestBody) -> Option<&Bytes> {
    match body {
        RequestBody::Whole(body) if body.len() <= SMALL => Some(body),
        _ => None,
    }
}

fn write(io: &mut TokioIo<Io>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(io).poll_write(cx, bytes))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}

/// What became of a request.
pub(super) enum Sent {
    Answered(Response<Framing>, Box<Link>),
    /// It did not leave.
    Unsent(Box<Request<RequestBody>>, BoxError),
    /// It may have left.
    Broken(BoxError),
    /// It may have left, and nothing came back.
    Silent(BoxError),
}

/// Speaks HTTP/2 over a connection, which a task keeps going as long as somebody may use it.
pub(super) async fn http2(io: Io, tasks: &TaskTracker) -> hyper::Result<http2::SendRequest<RequestBody>> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .keep_alive_interval(Some(HTTP2_KEEP_ALIVE))
        .handshake(io)
        .await?;
    tasks.spawn(async move {
        // Those whose calls it carries are told themselves how it ended.
        let _ = connection.await;
    });
    Ok(sender)
}

impl Link {
    /// Speaks HTTP/1.1 over a connection. Boxed: it goes from hand to hand.
    pub(super) fn over(io: Io) -> Box<Self> {
        Box::new(Self {
            io: TokioIo::new(io),
            outgoing: Outgoing::default(),
            received: Bytes::new(),
            stays_open: false,
        })
    }

    /// Whether nothing has come over it that was not asked for, its end included. From now on it tells nothing to
    /// whoever had it before.
    pub(super) fn is_quiet(&mut self) -> bool {
        if !self.received.is_empty() {
            return false;
        }
        // Outside of the task's budget: used up, it would have any connection look as if nothing had come.
        let read = pin!(unconstrained(poll_fn(|cx| self.poll_receive(cx))));
        read.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Whether it can take the next request.
    pub(super) fn is_reusable(&self) -> bool {
        self.stays_open
            && self.received.is_empty()
            && self.outgoing.failed.is_none()
            && self.outgoing.is_over()
    }

    /// Sends a request, and waits for the head of the answer. The link comes back with an answer.
    pub(super) fn send(self: Box<Self>, request: Request<RequestBody>, host: &HeaderValue) -> Sending {
        let mut link = self;
        link.lay_out(&request, host);
        let method = request.method().clone();
        Sending { link: Some(link), method, unsent: Some(request) }
    }

    /// Lays out the head of a request, and a small body behind it.
    fn lay_out(&mut self, request: &Request<RequestBody>, host: &HeaderValue) {
        let out = &mut self.outgoing.out;
        let small = small(request.body());
        // Grown, it would leave copies of its beginning behind.
        out.reserve(USUAL + small.map_or(0, Bytes::len));
        let target = (request.method(), request.uri(), host);
        http1::write_head(out, target, request.headers(), request.body().length());
        out.extend_from_slice(small.map_or(&[], |body| body));
    }

    /// The first of a request has left: from here on it is gone.
    fn keep_on(&mut self, body: RequestBody) {
        let length = body.length();
        match body {
            body if small(&body).is_some() => {}
            RequestBody::Whole(body) => self.outgoing.data = body,
            RequestBody::Passing(body) => self.outgoing.rest = Some((body, length)),
        }
    }

    /// Writes what is still to be written, as far as that is possible.
    fn drive(&mut self, cx: &mut Context<'_>) -> hyper::Result<()> {
        self.outgoing.drive(&mut self.io, cx)
    }

    /// Reads on. `false`: there is no more.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        // Read here, and copied to where there is just the room for it: buffers of their own would lie half empty for as
        // long as anything in them is in use.
        let mut space = [const { MaybeUninit::uninit() }; PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut piece))?;
        let piece = piece.filled();
        self.received = if self.received.is_empty() {
            Bytes::copy_from_slice(piece)
        } else {
            let mut both = BytesMut::with_capacity(self.received.len() + piece.len());
            both.extend_from_slice(&self.received);
            both.extend_from_slice(piece);
            both.freeze()
        };
        Poll::Ready(Ok(!piece.is_empty()))
    }

    fn poll_head(&mut self, method: &http::Method, cx: &mut Context<'_>) -> Poll<Result<Head, BoxError>> {
        loop {
            self.drive(cx)?;
            match ready!(self.poll_receive(cx)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(Err(self.broken(Malformed::Cut.into()))),
                Err(error) => return Poll::Ready(Err(self.broken(error.into()))),
            }
            if let Some(head) = http1::read_head(&self.received, method)? {
                bytes::Buf::advance(&mut self.received, head.bytes);
                self.stays_open = head.stays_open;
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// Why there is no more: when writing failed before, that is why.
    fn broken(&mut self, error: BoxError) -> BoxError {
        self.outgoing.failed.take().map_or(error, Into::into)
    }

    /// The next of an answer's body, and of the request's that may still be on its way.
    pub(super) fn poll_data(
        &mut self,
        framing: &mut Framing,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        while !framing.is_over() {
            if !self.received.is_empty() {
                match framing.take(&mut self.received) {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(error) => return Poll::Ready(Some(Err(error.into()))),
                }
            }
            if let Err(error) = self.drive(cx) {
                return Poll::Ready(Some(Err(error.into())));
            }
            match ready!(self.poll_receive(cx)) {
                Ok(true) => {}
                Ok(false) => {
                    self.stays_open = false;
                    if let Err(error) = framing.close() {
                        return Poll::Ready(Some(Err(error.into())));
                    }
                }
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
        Poll::Ready(None)
    }
}

/// A request on its way, until the head of its answer is there.
pub(super) struct Sending {
    /// Gone when it is done.
    link: Option<Box<Link>>,
    method: http::Method,
    /// Until the first of it has left.
    unsent: Option<Request<RequestBody>>,
}

impl Future for Sending {
    type Output = Sent;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent> {
        let this = self.get_mut();
        // Nobody polls what is done.
        let Some(link) = &mut this.link else { return Poll::Pending };
        if this.unsent.is_some() {
            let first = ready!(write(&mut link.io, cx, &link.outgoing.out));
            if let Some(request) = this.unsent.take() {
                match first {
                    Ok(written) => link.outgoing.has_written(written),
                    Err(error) => return Poll::Ready(Sent::Unsent(Box::new(request), error.into())),
                }
                link.keep_on(request.into_body());
            }
        }
        let head = ready!(link.poll_head(&this.method, cx));
        Poll::Ready(match (head, this.link.take()) {
            (Ok(head), Some(link)) => Sent::Answered(head.response.map(|()| head.framing), link),
            (Err(error), Some(link)) if link.received.is_empty() => Sent::Silent(error),
            (Err(error), _) => Sent::Broken(error),
            (Ok(_), None) => return Poll::Pending,
        })
    }
}
