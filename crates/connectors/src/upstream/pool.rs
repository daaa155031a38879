//! Connections to one address that nobody uses at the moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http2;
use tokio_util::task::TaskTracker;

use super::RequestBody;
use super::link::Link;

/// Connections that are kept for one address, at the most.
const MOST: usize = 256;
/// How long a connection is kept that nobody uses, and how often those are looked for: one goes up to this much earlier.
const IDLE: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(15);

/// A connection to use.
pub(super) enum Kept {
    Http1(Box<Link>),
    Http2(http2::SendRequest<RequestBody>),
}

struct Idle {
    link: Box<Link>,
    /// The sweep before which it came.
    sweep: u64,
}

struct Links {
    /// The one used last is last: it is the least likely to have been closed.
    http1: Vec<Idle>,
    http2: Option<http2::SendRequest<RequestBody>>,
    /// Whether a task looks for those that have lain idle for too long.
    is_swept: bool,
    /// How often it has looked.
    sweeps: u64,
}

/// The connections, and where tasks run that look after them.
pub(super) struct Pool {
    links: Mutex<Links>,
    tasks: TaskTracker,
}

impl Pool {
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self {
            links: Mutex::new(Links { http1: Vec::new(), http2: None, is_swept: false, sweeps: 0 }),
            tasks,
        }
    }

    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is open, as far as this side knows.
    pub(super) fn take(&self) -> Option<Kept> {
        let mut links = self.links();
        if let Some(sender) = &links.http2 {
            if !sender.is_closed() {
                return Some(Kept::Http2(sender.clone()));
            }
            links.http2 = None;
        }
        while let Some(Idle { mut link, .. }) = links.http1.pop() {
            // That it was closed meanwhile shows now.
            if link.is_quiet() {
                return Some(Kept::Http1(link));
            }
        }
        None
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        let links = self.links();
        links.http1.is_empty() && links.http2.is_none()
    }

    /// Keeps a connection of HTTP/2, which calls share; the one to use is the first that was made.
    pub(super) fn keep_http2(
        &self,
        sender: http2::SendRequest<RequestBody>,
    ) -> http2::SendRequest<RequestBody> {
        let mut links = self.links();
        match &links.http2 {
            Some(first) if !first.is_closed() => first.clone(),
            _ => {
                links.http2 = Some(sender.clone());
                sender
            }
        }
    }

    /// Takes back a connection that can be used again.
    pub(super) fn put(self: &Arc<Self>, link: Box<Link>) {
        let mut links = self.links();
        if links.http1.len() >= MOST {
            return;
        }
        let at = links.sweeps;
        links.http1.push(Idle { link, sweep: at });
        if !std::mem::replace(&mut links.is_swept, true) {
            self.tasks.spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Closes what has lain idle for too long; whether anything is left.
    fn close_idle(&self) -> bool {
        let mut links = self.links();
        // They lie in the order in which they came, but for those that were taken meanwhile.
        links.sweeps += 1;
        let (now, kept) = (links.sweeps, IDLE.as_secs() / SWEEP.as_secs());
        links.http1.retain(|idle| idle.sweep + kept > now);
        links.is_swept = !links.http1.is_empty();
        links.is_swept
    }
}

async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.close_idle() {
            return;
        }
    }
}
