//! The body of a request, which is read to its end even when it was answered before.
//!
//! A refusal needs no body. But a client that is still sending one and finds the connection closed sees a broken pipe in
//! the place of the answer, and sends it all again. So what is left is read and dropped, within bounds (RFC 9112, section
//! 9.6, has the reset that a close with unread data is).

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

/// Most bytes of a body that are dropped.
const MAX_DROPPED_BYTES: usize = 64 * 1024 * 1024;
/// Longest time that it is waited for.
const DROPPING_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of a request.
#[derive(Debug)]
pub struct Upload {
    /// Taken when the rest is dropped.
    body: Option<Incoming>,
    /// True when the client sends it only when it is asked for (RFC 9110, section 10.1.1), and it was not.
    waits: bool,
}

impl Upload {
    /// This body, of a request that waits to be told to send it, or does not.
    pub(crate) fn new(body: Incoming, waits: bool) -> Self {
        Self { body: Some(body), waits }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.waits = false;
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.waits || self.is_end_stream() {
            return;
        }
        let Some(body) = self.body.take() else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DROPPING_TIMEOUT, drop_rest(body)));
        }
    }
}

async fn drop_rest(mut body: Incoming) {
    let mut left = MAX_DROPPED_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        match left.checked_sub(data.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
