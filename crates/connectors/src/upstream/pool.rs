//! Connections to one address that nobody uses at the moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use strongroom_http1::SWEEP_INTERVAL;
use tokio_util::task::TaskTracker;

use super::connect::Io;
use super::{Connection, Passing, http2};

/// A connection to use.
pub(super) enum Kept {
    Http1(Connection),
    Http2(http2::Sender),
}

struct Connections {
    http1: strongroom_http1::IdleConnections<Io, Passing>,
    http2: Option<http2::Sender>,
    /// Set while a task looks for those that have lain idle for too long.
    is_swept: bool,
}

/// The connections, and where tasks run that look after them.
pub(super) struct Pool {
    connections: Mutex<Connections>,
    tasks: TaskTracker,
}

impl Pool {
    pub(super) fn new(tasks: TaskTracker) -> Self {
        let http1 = strongroom_http1::IdleConnections::default();
        Self { connections: Mutex::new(Connections { http1, http2: None, is_swept: false }), tasks }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is open, as far as this side knows.
    pub(super) fn take(&self) -> Option<Kept> {
        let mut connections = self.connections();
        if let Some(sender) = &connections.http2 {
            if !sender.is_closed() {
                return Some(Kept::Http2(sender.clone()));
            }
            connections.http2 = None;
        }
        connections.http1.take().map(Kept::Http1)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let connections = self.connections();
        connections.http1.is_empty() && connections.http2.is_none()
    }

    /// Keeps a connection of HTTP/2, which calls share; the one to use is the first that was made.
    pub(super) fn keep_http2(&self, sender: http2::Sender) -> http2::Sender {
        let mut connections = self.connections();
        match &connections.http2 {
            Some(first) if !first.is_closed() => first.clone(),
            _ => {
                connections.http2 = Some(sender.clone());
                sender
            }
        }
    }

    /// Takes back a connection that can be used again.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let mut connections = self.connections();
        connections.http1.put(connection);
        if !std::mem::replace(&mut connections.is_swept, true) {
            self.tasks.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes connections that have lain idle for too long, and tells that some are left.
    fn close_idle(&self) -> bool {
        let mut connections = self.connections();
        connections.http1.sweep();
        connections.is_swept = !connections.http1.is_empty();
        connections.is_swept
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.close_idle() {
            return;
        }
    }
}
