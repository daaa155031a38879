//! The body of a response. It drives the connection that it comes over, and gives it back at its end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::by_hyper::HyperBody;
use crate::connection::{Connection, Transport};
use crate::error::BoxError;
use crate::framing::Framing;
use crate::own::OwnConnection;
use crate::request_body::StreamingBody;

/// The body of a response. It moves on only while it is polled, and so does the rest of the request.
pub struct ResponseBody<S, P>(Carried<S, P>);

enum Carried<S, P> {
    Own {
        framing: Framing,
        /// Gone once the body is over and the connection reclaimed, or broken.
        connection: Option<Box<OwnConnection<S, P>>>,
    },
    Hyper(Box<HyperBody<P>>),
}

impl<S, P> fmt::Debug for ResponseBody<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("ResponseBody");
        match &self.0 {
            Carried::Own { framing, .. } => shown.field(framing).finish(),
            Carried::Hyper(body) => shown.field(&body.incoming).finish(),
        }
    }
}

impl<S: Transport, P: StreamingBody> ResponseBody<S, P> {
    pub(crate) fn own(framing: Framing, connection: Box<OwnConnection<S, P>>) -> Self {
        Self(Carried::Own { framing, connection: Some(connection) })
    }

    pub(crate) fn by_hyper(body: HyperBody<P>) -> Self {
        Self(Carried::Hyper(Box::new(body)))
    }

    /// The connection, once the body is over, unless the request is still on its way or either side wants it closed: then
    /// it is closed. To be asked for after each poll, and once before the first: a body may be empty.
    pub fn reclaim(&mut self) -> Option<Connection<S, P>> {
        match &mut self.0 {
            Carried::Own { framing, connection } if framing.is_over() => {
                connection.take().filter(|connection| connection.is_reusable()).map(Connection::own)
            }
            Carried::Own { .. } => None,
            Carried::Hyper(body) => body.reclaim().map(Connection::by_hyper),
        }
    }
}

impl<S: Transport, P: StreamingBody> Body for ResponseBody<S, P> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Carried::Own { framing, connection } => {
                let Some(over) = connection else { return Poll::Ready(None) };
                let polled = over.poll_data(framing, cx);
                if let Poll::Ready(Some(Err(_))) = polled {
                    *connection = None;
                }
                polled.map_ok(Frame::data)
            }
            Carried::Hyper(body) => body.poll_data(cx).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Carried::Own { framing, connection } => connection.is_none() || framing.is_over(),
            Carried::Hyper(body) => body.is_over,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Carried::Own { connection: None, .. } => SizeHint::with_exact(0),
            Carried::Own { framing: Framing::Length(left), .. } => SizeHint::with_exact(*left),
            Carried::Own { .. } => SizeHint::default(),
            Carried::Hyper(body) => body.incoming.size_hint(),
        }
    }
}
