//! Links: connections with HTTP over them. One of HTTP/1.1 is driven by whoever uses it, one of HTTP/2 by a task.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_util::task::TaskTracker;

use super::BoxError;
use super::connect::Io;

const HTTP2_KEEP_ALIVE: Duration = Duration::from_secs(60);

/// A connection of HTTP/1.1.
pub(super) struct Link<B> {
    sender: conn::http1::SendRequest<B>,
    connection: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    is_over: bool,
}

/// What became of a request.
pub(super) enum Sent<B> {
    Answered(Response<Incoming>),
    /// It did not leave.
    Unsent(Box<Request<B>>, hyper::Error),
    /// It may have left.
    Broken(hyper::Error),
}

/// Speaks HTTP/1.1 over a connection.
pub(super) async fn http1<B>(io: Io) -> hyper::Result<Link<B>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (sender, connection) = conn::http1::handshake(io).await?;
    Ok(Link { sender, connection: Box::pin(connection), is_over: false })
}

/// Speaks HTTP/2 over a connection, which a task keeps going as long as somebody may use it.
pub(super) async fn http2<B>(io: Io, tasks: &TaskTracker) -> hyper::Result<conn::http2::SendRequest<B>>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (sender, connection) = conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .keep_alive_interval(Some(HTTP2_KEEP_ALIVE))
        .handshake(io)
        .await?;
    tasks.spawn(async move {
        // Those whose calls it carries are told themselves how it ended.
        let _ = connection.await;
    });
    Ok(sender)
}

impl<B> Link<B> {
    /// Lets the connection do what it can: write, read, notice that the other side has closed it.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        // What went wrong is told to whoever waits for the answer or its body.
        self.is_over = self.is_over || self.connection.as_mut().poll(cx).is_ready();
    }

    /// Whether it can take the next request.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_over && self.sender.is_ready()
    }
}

impl<B: Body + 'static> Link<B> {
    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<B>) -> Sent<B> {
        let mut sending = pin!(self.sender.try_send_request(request));
        let (connection, is_over) = (&mut self.connection, &mut self.is_over);
        let answer = std::future::poll_fn(|cx| {
            *is_over = *is_over || connection.as_mut().poll(cx).is_ready();
            match sending.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(answer),
                Poll::Pending => Poll::Pending,
            }
        });
        match answer.await {
            Ok(answer) => Sent::Answered(answer),
            Err(mut failed) => match failed.take_message() {
                Some(request) => Sent::Unsent(Box::new(request), failed.into_error()),
                None => Sent::Broken(failed.into_error()),
            },
        }
    }
}
