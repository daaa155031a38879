//! This crate's own speaker of HTTP/1.1: a connection that is driven by whoever uses it, without a task and without
//! buffers that outlast a read.

mod outgoing;

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response};
use tokio::io::ReadBuf;
use tokio::task::coop::unconstrained;

use crate::connection::{Sent, Transport};
use crate::error::{BoxError, ProtocolError};
use crate::framing::Framing;
use crate::request_body::{RequestBody, StreamingBody};
use crate::request_head::{RequestLine, write_request_head};
use crate::response_body::ResponseBody;
use crate::response_head::{ResponseHead, may_be_read, read_response_head};
use outgoing::{Outgoing, write};

/// Most bytes of one read.
const READ_BYTES: usize = 16 * 1024;
/// Longest body that leaves in one piece with its head, in bytes: copying it costs less than a second write.
const MAX_INLINE_BODY_BYTES: usize = 16 * 1024;
/// Room for the heads of most requests, in bytes.
const USUAL_HEAD_BYTES: usize = 2 * 1024;

/// A connection.
pub(crate) struct OwnConnection<S, P> {
    io: S,
    outgoing: Outgoing<P>,
    /// Bytes of the response that nobody has looked at yet.
    received: Bytes,
    /// Set when the response that comes lets the connection be used again.
    stays_open: bool,
}

/// A body that leaves in one piece with its head.
fn inline<P>(body: &RequestBody<P>) -> Option<&Bytes> {
    match body {
        RequestBody::Buffered(body) if body.len() <= MAX_INLINE_BODY_BYTES => Some(body),
        _ => None,
    }
}

impl<S: Transport, P: StreamingBody> OwnConnection<S, P> {
    /// Boxed: it goes from hand to hand.
    pub(crate) fn new(io: S) -> Box<Self> {
        Box::new(Self { io, outgoing: Outgoing::default(), received: Bytes::new(), stays_open: false })
    }

    /// Tells that nothing has come that was not asked for, the end of the connection included. From then on the
    /// connection wakes nobody who had it before.
    pub(crate) fn is_quiet(&mut self) -> bool {
        if !self.received.is_empty() {
            return false;
        }
        // Outside of the task's budget: used up, it would have any connection look as if nothing had come.
        let read = pin!(unconstrained(poll_fn(|cx| self.poll_receive(cx))));
        read.poll(&mut Context::from_waker(Waker::noop())).is_pending()
    }

    /// Tells that it can take the next request.
    pub(crate) fn is_reusable(&self) -> bool {
        self.stays_open && self.received.is_empty() && self.outgoing.is_done()
    }

    /// Sends a request, and waits for the head of the response.
    pub(crate) fn send(
        mut self: Box<Self>,
        request: Request<RequestBody<P>>,
        host: &HeaderValue,
    ) -> OwnSending<S, P> {
        let head = self.outgoing.head();
        let inline = inline(request.body());
        // Grown, it would leave copies of its beginning behind.
        head.reserve(USUAL_HEAD_BYTES + inline.map_or(0, Bytes::len));
        let line = RequestLine { method: request.method(), target: request.uri(), host };
        write_request_head(head, line, request.headers(), request.body().length());
        head.extend_from_slice(inline.map_or(&[], |body| body));
        let method = request.method().clone();
        OwnSending { connection: Some(self), method, unsent: Some(request) }
    }

    /// Keeps what did not leave with the head.
    fn continue_with(&mut self, body: RequestBody<P>) {
        if inline(&body).is_none() {
            self.outgoing.continue_with(body);
        }
    }

    /// Reads on. `false`: there is no more.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        // Read here, and copied to where there is just the room for it: buffers of their own would lie half empty for as
        // long as anything in them is in use.
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
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

    fn poll_head(&mut self, method: &Method, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, BoxError>> {
        loop {
            self.outgoing.drive(&mut self.io, cx)?;
            let seen = self.received.len();
            match ready!(self.poll_receive(cx)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(Err(self.cause(ProtocolError::Cut.into()))),
                Err(error) => return Poll::Ready(Err(self.cause(error.into()))),
            }
            if !may_be_read(&self.received, seen) {
                continue;
            }
            if let Some(head) = read_response_head(&self.received, method)? {
                bytes::Buf::advance(&mut self.received, head.bytes);
                self.stays_open = head.stays_open;
                return Poll::Ready(Ok(head));
            }
        }
    }

    /// The reason why there is no more: when writing failed before, that is it.
    fn cause(&mut self, error: BoxError) -> BoxError {
        self.outgoing.take_failure().map_or(error, Into::into)
    }

    /// Reads on in the response's body, and writes on in the request's that may still be on its way.
    pub(crate) fn poll_data(
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
            if let Err(error) = self.outgoing.drive(&mut self.io, cx) {
                return Poll::Ready(Some(Err(error)));
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

/// A request on its way, until the head of its response is there.
pub(crate) struct OwnSending<S, P> {
    /// Gone when it is done.
    connection: Option<Box<OwnConnection<S, P>>>,
    method: Method,
    /// Kept until the first of it has left.
    unsent: Option<Request<RequestBody<P>>>,
}

impl<S: Transport, P: StreamingBody> Future for OwnSending<S, P> {
    type Output = Sent<S, P>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent<S, P>> {
        let this = self.get_mut();
        // Nobody polls what is done.
        let Some(connection) = &mut this.connection else { return Poll::Pending };
        if this.unsent.is_some() {
            let first = ready!(write(&mut connection.io, cx, connection.outgoing.head()));
            if let Some(request) = this.unsent.take() {
                match first {
                    Ok(written) => connection.outgoing.has_written(written),
                    Err(error) => return Poll::Ready(Sent::Unsent(Box::new(request), error.into())),
                }
                connection.continue_with(request.into_body());
            }
        }
        let head = ready!(connection.poll_head(&this.method, cx));
        Poll::Ready(match (head, this.connection.take()) {
            (Ok(head), Some(connection)) => {
                let ResponseHead { response, framing, .. } = head;
                Sent::Answered(Response::map(response, |()| ResponseBody::own(framing, connection)))
            }
            (Err(error), Some(connection)) if connection.received.is_empty() => Sent::Silent(error),
            (Err(error), _) => Sent::Broken(error),
            (Ok(_), None) => return Poll::Pending,
        })
    }
}
