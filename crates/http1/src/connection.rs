//! A connection to one peer, and a request on its way over it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::by_hyper::{HyperConnection, HyperSending};
use crate::error::BoxError;
use crate::own::{OwnConnection, OwnSending};
use crate::request_body::{RequestBody, StreamingBody};
use crate::response_body::ResponseBody;

/// A stream of bytes in both directions.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for S {}

/// The code that speaks HTTP/1.1 over a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Implementation {
    /// This crate's own.
    #[default]
    Own,
    /// hyper's client, which the same tests hold against ours.
    Hyper,
}

/// A connection over which no request is under way. It carries one after the other.
pub struct Connection<S, P>(Spoken<S, P>);

/// Told apart once for each poll; boxes, because a connection goes from hand to hand.
enum Spoken<S, P> {
    Own(Box<OwnConnection<S, P>>),
    Hyper(Box<HyperConnection<P>>),
}

impl<S, P> fmt::Debug for Connection<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let implementation = match self.0 {
            Spoken::Own(_) => Implementation::Own,
            Spoken::Hyper(_) => Implementation::Hyper,
        };
        f.debug_tuple("Connection").field(&implementation).finish()
    }
}

impl<S: Transport, P: StreamingBody> Connection<S, P> {
    /// Speaks HTTP/1.1 over a stream that nobody has spoken over yet.
    ///
    /// # Errors
    /// Those of hyper's; ours has none.
    pub async fn open(io: S, implementation: Implementation) -> Result<Self, BoxError> {
        Ok(Self(match implementation {
            Implementation::Own => Spoken::Own(OwnConnection::new(io)),
            Implementation::Hyper => Spoken::Hyper(HyperConnection::new(io).await?),
        }))
    }

    /// Tells that nothing has come that was not asked for, the end of the connection included. From then on the
    /// connection wakes nobody who had it before.
    pub fn is_quiet(&mut self) -> bool {
        match &mut self.0 {
            Spoken::Own(connection) => connection.is_quiet(),
            Spoken::Hyper(connection) => connection.is_quiet(),
        }
    }

    /// Sends a request to `host`, its target in origin form (RFC 9112, section 3.2.1), and waits for the head of the
    /// response. The connection comes back from the response's body ([`ResponseBody::reclaim`]).
    ///
    /// Dropping the future, or the body, closes the connection.
    pub fn send(self, request: Request<RequestBody<P>>, host: &HeaderValue) -> Sending<S, P> {
        Sending(match self.0 {
            Spoken::Own(connection) => Speaking::Own(connection.send(request, host)),
            Spoken::Hyper(connection) => Speaking::Hyper(connection.send(request, host)),
        })
    }

    pub(crate) fn own(connection: Box<OwnConnection<S, P>>) -> Self {
        Self(Spoken::Own(connection))
    }

    pub(crate) fn by_hyper(connection: Box<HyperConnection<P>>) -> Self {
        Self(Spoken::Hyper(connection))
    }
}

/// The outcome of sending a request.
pub enum Sent<S, P> {
    /// The head of the response is there.
    Answered(Response<ResponseBody<S, P>>),
    /// The request did not leave.
    Unsent(Box<Request<RequestBody<P>>>, BoxError),
    /// The request may have left, and something came back that is no response.
    Broken(BoxError),
    /// The request may have left, and nothing came back.
    Silent(BoxError),
}

impl<S, P> fmt::Debug for Sent<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(response) => f.debug_tuple("Answered").field(response).finish(),
            Self::Unsent(_, error) => f.debug_tuple("Unsent").field(error).finish(),
            Self::Broken(error) => f.debug_tuple("Broken").field(error).finish(),
            Self::Silent(error) => f.debug_tuple("Silent").field(error).finish(),
        }
    }
}

/// A request on its way, until the head of its response is there. It moves on only while it is polled.
#[must_use = "a request moves on only while it is polled"]
pub struct Sending<S, P>(Speaking<S, P>);

#[expect(
    clippy::large_enum_variant,
    reason = "one for each call, never moved: boxing the usual one would cost every call an allocation"
)]
enum Speaking<S, P> {
    Own(OwnSending<S, P>),
    Hyper(HyperSending<P>),
}

impl<S, P> fmt::Debug for Sending<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sending")
    }
}

impl<S: Transport, P: StreamingBody> Future for Sending<S, P> {
    type Output = Sent<S, P>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent<S, P>> {
        match &mut self.get_mut().0 {
            Speaking::Own(sending) => Pin::new(sending).poll(cx),
            Speaking::Hyper(sending) => sending.poll_sent(cx),
        }
    }
}
