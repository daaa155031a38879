//! The body of an answer, as it leaves this server.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::metered_body::MeteredBody;

/// The body of an answer.
#[derive(Debug)]
pub enum BodyOut {
    /// Any that no call is settled by: the API's, and what the gateway answers in whole.
    Plain(Body),
    /// A provider's answer, on its way through the gateway.
    Metered(Box<MeteredBody>),
}

impl http_body::Body for BodyOut {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Plain(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Metered(body) => Pin::new(body.as_mut()).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Metered(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Metered(body) => body.size_hint(),
        }
    }
}
