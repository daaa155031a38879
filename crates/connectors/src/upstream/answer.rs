//! The body of an answer. It drives the connection that it comes over, and gives it back at its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::link::Link;
use super::pool::Pool;

/// The body of an answer.
pub struct Answer<B: Send + 'static> {
    body: Incoming,
    /// Until its end; absent where calls share a connection.
    over: Option<Over<B>>,
}

struct Over<B: Send + 'static> {
    link: Link<B>,
    pool: Arc<Pool<B>>,
}

impl<B: Send + 'static> std::fmt::Debug for Answer<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("body", &self.body).finish_non_exhaustive()
    }
}

impl<B: Send + 'static> Answer<B> {
    pub(super) fn over_link(body: Incoming, link: Link<B>, pool: Arc<Pool<B>>) -> Self {
        let mut answer = Self { body, over: Some(Over { link, pool }) };
        if answer.body.is_end_stream() {
            // Nobody reads what is not there.
            answer.give_back();
        }
        answer
    }

    pub(super) fn over_stream(body: Incoming) -> Self {
        Self { body, over: None }
    }

    /// All of it was read: the connection is for the next call, unless the request is still on its way or either side
    /// wants it closed.
    fn give_back(&mut self) {
        if let Some(mut over) = self.over.take() {
            if !over.link.is_ready() {
                over.link.drive_for_nobody();
            }
            if over.link.is_ready() {
                over.pool.put(over.link);
            }
        }
    }
}

impl<B: Send + 'static> Body for Answer<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = &mut *self;
        let mut polled = Pin::new(&mut this.body).poll_frame(cx);
        if let (Poll::Pending, Some(over)) = (&polled, &mut this.over) {
            // Now that somebody waits for it, the connection reads on.
            over.link.drive(cx);
            polled = Pin::new(&mut this.body).poll_frame(cx);
        }
        match &polled {
            Poll::Ready(Some(Err(_))) => this.over = None,
            Poll::Ready(None) => this.give_back(),
            Poll::Ready(Some(Ok(_))) if this.body.is_end_stream() => this.give_back(),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
