//! The body of an answer. It drives the connection that it comes over, and gives it back at its end.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use strongroom_http1::ResponseBody;

use super::connect::Io;
use super::pool::Pool;
use super::{BoxError, Passing};

/// The body of an answer.
pub struct Answer(Over);

enum Over {
    Http1 { body: ResponseBody<Io, Passing>, pool: Arc<Pool> },
    Http2(Incoming),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("Answer");
        match &self.0 {
            Over::Http1 { body, .. } => shown.field(body),
            Over::Http2(body) => shown.field(body),
        };
        shown.finish()
    }
}

/// The reason why the body of an answer broke off.
#[derive(Debug)]
pub struct Broken(BoxError);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the provider's answer broke off")
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.0.as_ref())
    }
}

impl Answer {
    pub(super) fn over_http1(body: ResponseBody<Io, Passing>, pool: Arc<Pool>) -> Self {
        let mut answer = Self(Over::Http1 { body, pool });
        // Nobody reads a body that is empty.
        answer.give_back();
        answer
    }

    pub(super) fn over_http2(body: Incoming) -> Self {
        Self(Over::Http2(body))
    }

    /// Returns the connection to its pool. When all of the answer was read, the connection is for the next call, unless the request is still on its way or either
    /// side wants it closed.
    fn give_back(&mut self) {
        if let Over::Http1 { body, pool } = &mut self.0
            && let Some(connection) = body.reclaim()
        {
            pool.put(connection);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let polled = match &mut self.0 {
            Over::Http1 { body, .. } => Pin::new(body).poll_frame(cx),
            Over::Http2(body) => return Pin::new(body).poll_frame(cx).map_err(|error| Broken(error.into())),
        };
        self.give_back();
        polled.map_err(Broken)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Over::Http1 { body, .. } => body.is_end_stream(),
            Over::Http2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Over::Http1 { body, .. } => body.size_hint(),
            Over::Http2(body) => body.size_hint(),
        }
    }
}
