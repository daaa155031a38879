//! Bodies of requests, on their way to a provider.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::BoxBody;

use super::http1::Length;

/// A body that is not held.
pub type Passing = BoxBody<Bytes, hyper::Error>;

/// The body of a request.
#[derive(Debug)]
pub enum RequestBody {
    /// Held here; empty once it is on its way.
    Whole(Bytes),
    /// As it comes from the client.
    Passing(Passing),
}

impl RequestBody {
    /// How long it is.
    pub(super) fn length(&self) -> Length {
        self.size_hint().exact().map_or(Length::Chunked, Length::Known)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(body) if body.is_empty() => Poll::Ready(None),
            Self::Whole(body) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(body))))),
            Self::Passing(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_empty(),
            Self::Passing(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Self::Passing(body) => body.size_hint(),
        }
    }
}
