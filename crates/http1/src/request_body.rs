//! Bodies of requests: held in memory, or streamed from elsewhere.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::error::BoxError;
use crate::request_head::BodyLength;

/// A body that is passed on as it comes.
pub trait StreamingBody: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static {}

impl<B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin + Send + 'static> StreamingBody for B {}

/// The body of a request.
#[derive(Debug)]
pub enum RequestBody<P> {
    /// Held in memory; empty once it is on its way.
    Buffered(Bytes),
    /// Passed on as it comes.
    Streaming(P),
}

impl<P: StreamingBody> RequestBody<P> {
    /// The length as it is told to the peer.
    #[must_use]
    pub fn length(&self) -> BodyLength {
        self.size_hint().exact().map_or(BodyLength::Chunked, BodyLength::Known)
    }
}

impl<P: StreamingBody> Body for RequestBody<P> {
    type Data = Bytes;
    type Error = P::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, P::Error>>> {
        match self.get_mut() {
            Self::Buffered(body) if body.is_empty() => Poll::Ready(None),
            Self::Buffered(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Streaming(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Buffered(body) => body.is_empty(),
            Self::Streaming(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Buffered(body) => SizeHint::with_exact(body.len() as u64),
            Self::Streaming(body) => body.size_hint(),
        }
    }
}
