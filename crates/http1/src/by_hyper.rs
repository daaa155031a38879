//! hyper's client beneath the same calls: the second implementation, which the tests and the fuzz target hold against
//! ours. It is driven in place as well, so that no runtime is needed.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::unconstrained;

use crate::connection::{Sent, Transport};
use crate::error::{BoxError, ProtocolError};
use crate::request_body::{RequestBody, StreamingBody};
use crate::request_head::OWN_HEADERS;
use crate::response_body::ResponseBody;
use crate::response_head::{MAX_HEAD_BYTES, MAX_HEADERS};

/// hyper's connection, which reads and writes while it is polled. Boxed, so that its bounds spread no further.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection.
pub(crate) struct HyperConnection<P> {
    sender: SendRequest<RequestBody<P>>,
    /// Gone once it has ended.
    driver: Option<Driver>,
    /// Set by the first byte that comes behind a request.
    has_read: Arc<AtomicBool>,
}

impl<P: StreamingBody> HyperConnection<P> {
    pub(crate) async fn new<S: Transport>(io: S) -> Result<Box<Self>, BoxError> {
        let has_read = Arc::new(AtomicBool::new(false));
        let watched = Watched { io, has_read: Arc::clone(&has_read) };
        let mut http = http1::Builder::new();
        http.max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD_BYTES);
        let (sender, driver) = http.handshake(TokioIo::new(watched)).await?;
        Ok(Box::new(Self { sender, driver: Some(Box::pin(driver)), has_read }))
    }

    /// Reads and writes as much as the transport takes.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            // How it ended, the request or the body is told as well.
            self.driver = None;
        }
    }

    pub(crate) fn is_quiet(&mut self) -> bool {
        let driven = pin!(unconstrained(poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })));
        driven.poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(true)
    }

    pub(crate) fn send(
        mut self: Box<Self>,
        mut request: Request<RequestBody<P>>,
        host: &HeaderValue,
    ) -> HyperSending<P> {
        for name in OWN_HEADERS {
            request.headers_mut().remove(name);
        }
        request.headers_mut().insert(HOST, host.clone());
        self.has_read.store(false, Ordering::Relaxed);
        let answer = Box::pin(self.sender.try_send_request(request));
        HyperSending { connection: Some(self), answer }
    }
}

type Answer<P> = Result<Response<Incoming>, TrySendError<Request<RequestBody<P>>>>;

/// A request on its way, until the head of its response is there.
pub(crate) struct HyperSending<P> {
    /// Gone when it is done.
    connection: Option<Box<HyperConnection<P>>>,
    answer: Pin<Box<dyn Future<Output = Answer<P>> + Send>>,
}

impl<P: StreamingBody> HyperSending<P> {
    pub(crate) fn poll_sent<S: Transport>(&mut self, cx: &mut Context<'_>) -> Poll<Sent<S, P>> {
        // Nobody polls what is done.
        let Some(connection) = &mut self.connection else { return Poll::Pending };
        connection.drive(cx);
        let answer = ready!(self.answer.as_mut().poll(cx));
        let Some(connection) = self.connection.take() else { return Poll::Pending };
        Poll::Ready(match answer {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                Sent::Broken(ProtocolError::Switched.into())
            }
            Ok(response) => Sent::Answered(response.map(|incoming| {
                let is_over = incoming.is_end_stream();
                ResponseBody::by_hyper(HyperBody { incoming, connection: Some(connection), is_over })
            })),
            Err(mut failed) => match failed.take_message() {
                Some(request) => Sent::Unsent(Box::new(request), failed.into_error().into()),
                None if connection.has_read.load(Ordering::Relaxed) => {
                    Sent::Broken(failed.into_error().into())
                }
                None => Sent::Silent(failed.into_error().into()),
            },
        })
    }
}

/// The body of a response.
pub(crate) struct HyperBody<P> {
    pub(crate) incoming: Incoming,
    /// Gone once the body is over and the connection reclaimed, or broken.
    connection: Option<Box<HyperConnection<P>>>,
    pub(crate) is_over: bool,
}

impl<P: StreamingBody> HyperBody<P> {
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        let Some(connection) = self.connection.as_mut().filter(|_| !self.is_over) else {
            return Poll::Ready(None);
        };
        loop {
            connection.drive(cx);
            let frame = ready!(Pin::new(&mut self.incoming).poll_frame(cx)).transpose();
            self.is_over = self.incoming.is_end_stream();
            match frame.map(|frame| frame.map(|frame| frame.into_data())) {
                Ok(Some(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                // Trailers are dropped.
                Ok(Some(Err(_))) => {}
                Ok(None) => {
                    self.is_over = true;
                    connection.drive(cx);
                    return Poll::Ready(None);
                }
                Err(error) => {
                    self.is_over = true;
                    self.connection = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
            }
        }
    }

    pub(crate) fn reclaim(&mut self) -> Option<Box<HyperConnection<P>>> {
        let mut connection = self.connection.take_if(|_| self.is_over)?;
        connection.is_quiet().then_some(connection)
    }
}

/// A transport that tells that something came.
struct Watched<S> {
    io: S,
    has_read: Arc<AtomicBool>,
}

impl<S: Transport> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.has_read.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: Transport> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
