//! Memory for the bodies of requests: taken as bytes arrive, shared out among callers, and never promised to more
//! bodies than can come to their end one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_model::{Problem, ProblemKind};
use tokio::sync::oneshot;

/// Memory for all bodies together that are too long to be held without asking, in bytes.
pub(super) const MEMORY_BYTES: usize = 64 * 1024 * 1024;
/// One caller's share of it, in bytes: bodies that may need more together begin one behind the other.
pub(super) const SHARE_BYTES: usize = MEMORY_BYTES / 4;
/// Beyond its share a caller has what nobody needs of this part, in bytes.
const COMMON_BYTES: usize = MEMORY_BYTES / 2;
/// Longest time that a body waits for memory.
const MEMORY_TIMEOUT: Duration = Duration::from_secs(30);

/// Memory for bodies.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyMemory(Arc<Mutex<Books>>);

/// A body's reservation in it; dropped, what it took is free again.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: BodyMemory,
    body: u64,
    taken: usize,
}

#[derive(Debug)]
struct Books {
    free: usize,
    next: u64,
    bodies: BTreeMap<u64, Body>,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Body {
    caller: Box<str>,
    taken: usize,
    /// Bytes that it may come to need: they count against its caller alone, and take nothing from others.
    most: usize,
    /// True when it has taken something.
    has_begun: bool,
}

#[derive(Debug)]
struct Waiting {
    body: u64,
    bytes: usize,
    granted: oneshot::Sender<()>,
}

impl Default for Books {
    fn default() -> Self {
        Self { free: MEMORY_BYTES, next: 0, bodies: BTreeMap::new(), waiting: VecDeque::new() }
    }
}

impl BodyMemory {
    /// Makes a reservation for a body of at most so many bytes, which takes nothing yet.
    pub(super) fn reserve(&self, caller: &str, most: usize) -> Reservation {
        let mut books = self.books();
        let body = books.next;
        books.next += 1;
        books.bodies.insert(body, Body { caller: caller.into(), taken: 0, most, has_begun: false });
        Reservation { memory: self.clone(), body, taken: 0 }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Bytes that it has taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes so many bytes more, as soon as there is memory.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unavailable` when there is none for too long.
    pub(super) async fn take(&mut self, bytes: usize) -> Result<(), Problem> {
        let waiting = {
            let mut books = self.memory.books();
            if books.may_take(self.body, bytes) {
                books.give(self.body, bytes);
                None
            } else {
                let (granted, waiting) = oneshot::channel();
                books.waiting.push_back(Waiting { body: self.body, bytes, granted });
                Some(waiting)
            }
        };
        if let Some(waiting) = waiting {
            let given = tokio::time::timeout(MEMORY_TIMEOUT, waiting).await;
            if !matches!(given, Ok(Ok(()))) {
                return Err(Problem::new(
                    ProblemKind::Unavailable,
                    "too many large requests are under way; try again in a moment",
                ));
            }
        }
        self.taken += bytes;
        Ok(())
    }

    /// Gives back what a body that has come whole did not need.
    pub(super) fn is_whole(&mut self, bytes: usize) {
        let mut books = self.memory.books();
        let Some(body) = books.bodies.get_mut(&self.body) else { return };
        let spare = body.taken.saturating_sub(bytes);
        body.taken -= spare;
        (body.most, self.taken) = (body.taken, body.taken);
        books.free += spare;
        books.give_to_waiting();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut books = self.memory.books();
        // What was granted and not taken any more is in it too.
        if let Some(body) = books.bodies.remove(&self.body) {
            books.free += body.taken;
        }
        let gone = self.body;
        books.waiting.retain(|waiting| waiting.body != gone);
        books.give_to_waiting();
    }
}

impl Books {
    fn give(&mut self, body: u64, bytes: usize) {
        if let Some(body) = self.bodies.get_mut(&body) {
            body.taken += bytes;
            body.has_begun = true;
            self.free -= bytes;
        }
    }

    fn give_to_waiting(&mut self) {
        let mut at = 0;
        while let Some(Waiting { body, bytes, .. }) = self.waiting.get(at) {
            let (body, bytes) = (*body, *bytes);
            if !self.may_take(body, bytes) {
                at += 1;
                continue;
            }
            self.give(body, bytes);
            if let Some(waiting) = self.waiting.remove(at) {
                // One who has stopped waiting gives it back with its reservation.
                let _ = waiting.granted.send(());
            }
        }
    }

    /// Tells whether a body may take so many bytes: it has begun or may begin, they are free, and with what is left then all that
    /// have begun can come to their end, one after the other (Dijkstra's banker's algorithm). Nobody who has begun waits
    /// for one who has not, so that none wait for each other in a circle.
    fn may_take(&self, body: u64, bytes: usize) -> bool {
        let Some(body) = self.bodies.get(&body) else { return false };
        if bytes > self.free || !(body.has_begun || self.may_begin(body)) {
            return false;
        }
        let mut needs: Vec<_> = self.bodies.values().filter_map(|other| other.need(body, bytes)).collect();
        // One that is whole needs nothing more, and comes first: its answer ends by itself.
        needs.sort_unstable();
        let mut free = self.free - bytes;
        needs.into_iter().all(|(need, taken)| {
            let can_end = need <= free;
            free += taken;
            can_end
        })
    }

    /// Tells whether its caller has room for all that it may need: within its share, or in what nobody needs.
    fn may_begin(&self, body: &Body) -> bool {
        let (mut own, mut all) = (body.most, body.most);
        for other in self.bodies.values().filter(|other| other.has_begun) {
            all += other.most;
            own += if other.caller == body.caller { other.most } else { 0 };
        }
        own <= SHARE_BYTES || all <= COMMON_BYTES
    }
}

impl Body {
    /// Bytes that it may still need, and bytes that it has then, when this one takes so many bytes; `None` before it has begun.
    fn need(&self, taking: &Self, bytes: usize) -> Option<(usize, usize)> {
        let is_taking = std::ptr::eq(self, taking);
        let taken = self.taken + if is_taking { bytes } else { 0 };
        (self.has_begun || is_taking).then_some((self.most.saturating_sub(taken), taken))
    }
}

#[cfg(test)]
mod tests;
