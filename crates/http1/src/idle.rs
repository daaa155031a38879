//! Connections to one peer over which no request is under way.

use std::fmt;
use std::time::Duration;

use crate::connection::{Connection, Transport};
use crate::request_body::StreamingBody;

/// Most connections that are kept.
pub const MAX_IDLE_CONNECTIONS: usize = 256;
/// Longest time for which a connection is kept that nobody uses; it goes up to [`SWEEP_INTERVAL`] earlier.
pub const MAX_IDLE_TIME: Duration = Duration::from_secs(60);
/// Time between two calls of [`IdleConnections::sweep`].
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(15);

const KEPT_SWEEPS: u64 = MAX_IDLE_TIME.as_secs() / SWEEP_INTERVAL.as_secs();

/// Connections that are kept. It has no lock, no clock and no task: those are the caller's.
pub struct IdleConnections<S, P> {
    /// The one used last is last: it is the least likely to have been closed.
    kept: Vec<Idle<S, P>>,
    /// Sweeps so far.
    sweeps: u64,
}

struct Idle<S, P> {
    connection: Connection<S, P>,
    /// Sweeps before it came.
    sweep: u64,
}

impl<S, P> Default for IdleConnections<S, P> {
    fn default() -> Self {
        Self { kept: Vec::new(), sweeps: 0 }
    }
}

impl<S, P> fmt::Debug for IdleConnections<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdleConnections").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl<S: Transport, P: StreamingBody> IdleConnections<S, P> {
    /// Takes a connection that is open, as far as this side knows. Those that were closed, or over which something came that
    /// nobody had asked for, are dropped.
    pub fn take(&mut self) -> Option<Connection<S, P>> {
        while let Some(Idle { mut connection, .. }) = self.kept.pop() {
            // That it was closed meanwhile shows now.
            if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection, or closes it when there are [`MAX_IDLE_CONNECTIONS`].
    pub fn put(&mut self, connection: Connection<S, P>) {
        if self.kept.len() < MAX_IDLE_CONNECTIONS {
            self.kept.push(Idle { connection, sweep: self.sweeps });
        }
    }

    /// Closes those that have lain idle for too long. To be called every [`SWEEP_INTERVAL`], as long as there are any.
    pub fn sweep(&mut self) {
        // They lie in the order in which they came, but for those that were taken meanwhile.
        self.sweeps += 1;
        let now = self.sweeps;
        self.kept.retain(|idle| idle.sweep + KEPT_SWEEPS > now);
    }

    /// Tells that none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}
