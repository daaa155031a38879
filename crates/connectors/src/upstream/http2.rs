//! HTTP/2 to a provider: hyper's, driven by a task, for calls share its connection.

use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio_util::task::TaskTracker;

use super::RequestBody;
use super::connect::HyperIo;

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);

/// The side of a connection that requests go in at.
pub(super) type Sender = SendRequest<RequestBody>;

/// Speaks HTTP/2 over a connection, which a task keeps going as long as somebody may use it.
pub(super) async fn open(io: HyperIo, tasks: &TaskTracker) -> hyper::Result<Sender> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .keep_alive_interval(Some(KEEP_ALIVE_INTERVAL))
        .handshake(io)
        .await?;
    tasks.spawn(async move {
        // Those whose calls it carries are told themselves how it ended.
        let _ = connection.await;
    });
    Ok(sender)
}
