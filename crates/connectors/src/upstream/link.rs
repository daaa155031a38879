//! Links: connections with HTTP over them. One of HTTP/1.1 is driven by whoever uses it, one of HTTP/2 by a task.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{self, TrySendError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pin_project_lite::pin_project;
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
    Answered(Response<Incoming>, Link<B>),
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
    // Heads and bodies leave in one piece: for what models read, copying it costs less than handing over a list.
    let (sender, connection) = conn::http1::Builder::new().writev(false).handshake(io).await?;
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

    /// The same between two calls, with nobody to tell when there is more to do.
    pub(super) fn drive_for_nobody(&mut self) {
        self.drive(&mut Context::from_waker(Waker::noop()));
    }

    /// Whether it can take the next request.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_over && self.sender.is_ready()
    }
}

pin_project! {
    /// A request on its way, until the head of its answer is there. Its own type: as an `async` block it would have the
    /// driver's future twice, before and after it is pinned, and all calls would carry that.
    pub(super) struct Sending<B, F> {
        // Gone when it is done.
        link: Option<Link<B>>,
        #[pin]
        answer: F,
    }
}

impl<B, F> Future for Sending<B, F>
where
    F: Future<Output = Result<Response<Incoming>, TrySendError<Request<B>>>>,
{
    type Output = Sent<B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Sent<B>> {
        let this = self.project();
        if let Some(link) = this.link {
            link.drive(cx);
        }
        let outcome = ready!(this.answer.poll(cx));
        Poll::Ready(match (outcome, this.link.take()) {
            (Ok(answer), Some(link)) => Sent::Answered(answer, link),
            (Err(mut failed), _) => match failed.take_message() {
                Some(request) => Sent::Unsent(Box::new(request), failed.into_error()),
                None => Sent::Broken(failed.into_error()),
            },
            // Nobody polls what is done.
            (Ok(_), None) => return Poll::Pending,
        })
    }
}

impl<B: Body + 'static> Link<B> {
    /// Hands a request to the connection. What is returned sends it and waits for the head of the answer; the link comes
    /// back with an answer.
    pub(super) fn send(mut self, request: Request<B>) -> impl Future<Output = Sent<B>> {
        let answer = self.sender.try_send_request(request);
        Sending { link: Some(self), answer }
    }
}
