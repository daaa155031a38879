//! Bodies of requests: held in memory as far as there is room, so that they can be read and sent again, else passed on as
//! they come.

mod coding;
mod memory;

use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http_body::Body;
use http_body_util::BodyExt;
use strongroom_connectors::upstream::RequestBody;
use strongroom_model::{Actor, Problem, ProblemKind};
use tokio::time::Instant;

pub(super) use coding::Coding;
pub(super) use memory::{BodyMemory, Reservation};

/// The longest body that is held, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Bodies up to this are held without asking for room, in bytes.
const SMALL_BODY_BYTES: usize = 64 * 1024;
/// BodyMemory is taken in steps of at least this, in bytes.
const STEP_BYTES: usize = 64 * 1024;
/// Longest time that a body may take to begin to arrive.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// The lowest rate at which a body may arrive after that, in bytes a second.
const MIN_BYTES_PER_SECOND: u32 = 4 * 1024;
/// The longest pause that a body has earned by coming faster before.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The fate of a body that is too long to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Long {
    /// It is passed on as it comes.
    Passes,
    /// It is refused: what it asks for has to be known, whatever its path.
    Refused,
    /// It is refused: which provider it goes to stands in it. The provider's own path takes it.
    RefusedHere,
}

/// Reads the body of a request of this caller, without its coding if it has one; with it where it is held if it is not
/// small. A body that is longer than is held is streamed, if it may be.
///
/// # Errors
/// [`Problem`] when it is too long and must not be, breaks off, arrives too slowly, is not coded as it says, or there is no
/// room for now.
pub(super) async fn read<B>(
    memory: &BodyMemory,
    caller: &Actor,
    body: B,
    coding: Option<Coding>,
    long: Long,
) -> Result<(RequestBody<B>, Option<Reservation>), Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let declared = body.size_hint().exact();
    if declared.is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
        return match long {
            Long::Passes => Ok((RequestBody::Streaming(body), None)),
            Long::Refused | Long::RefusedHere => Err(too_long(long)),
        };
    }
    // What is coded becomes longer.
    let declared = declared.filter(|_| coding.is_none());
    let most = declared.map_or(MAX_BODY_BYTES, |bytes| bytes as usize);
    let (mut whole, mut reservation) = collect(memory, caller, body, most, long).await?;
    if let Some(coding) = coding {
        (whole, reservation) = coding::decode(coding, whole, reservation, memory, caller).await?;
    }
    if let Some(reservation) = &mut reservation {
        reservation.is_whole(whole.len());
    }
    Ok((RequestBody::Buffered(whole), reservation))
}

fn too_long(long: Long) -> Problem {
    let remedy = match long {
        Long::RefusedHere => "which this path does not take; use the provider's own path",
        Long::Refused => {
            "which this operation does not take; send less, or refer to files by their addresses"
        }
        Long::Passes => "and its length is not given; send it with a Content-Length",
    };
    Problem {
        field: Some("body".into()),
        ..Problem::new(
            ProblemKind::TooLong,
            format!("the body is longer than {} MiB, {remedy}", MAX_BODY_BYTES >> 20),
        )
    }
}

fn too_slow() -> Problem {
    Problem {
        field: Some("body".into()),
        ..Problem::new(
            ProblemKind::TooSlow,
            format!(
                "the body did not arrive in time: after {} s it has to come at {} KiB a second or faster; send it again over \
                 a faster connection, or send less",
                FIRST_BYTE_TIMEOUT.as_secs(),
                MIN_BYTES_PER_SECOND / 1024
            ),
        )
    }
}

/// Time that the sender of a body has for the next of it. What arrives earns time, up to a bound: a long body that has
/// nearly come cannot be held up for hours.
#[derive(Debug, Default)]
struct Pace {
    /// Set when the body pauses for the first time: most have come with their heads, and need no clock.
    deadline: Option<Instant>,
    /// Bytes that have come since.
    arrived: u64,
}

impl Pace {
    fn arrived(&mut self, bytes: usize) {
        self.arrived += bytes as u64;
    }

    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        let earned = Duration::from_secs_f64(self.arrived as f64 / f64::from(MIN_BYTES_PER_SECOND));
        self.arrived = 0;
        let before = self.deadline.unwrap_or(now + FIRST_BYTE_TIMEOUT);
        let deadline = (before + earned).min(now + MAX_PAUSE);
        self.deadline = Some(deadline);
        deadline
    }

    /// The time that a body waited for us is not its sender's.
    fn has_waited(&mut self, since: Instant) {
        if let Some(deadline) = &mut self.deadline {
            *deadline += since.elapsed();
        }
    }
}

async fn collect<B>(
    memory: &BodyMemory,
    caller: &Actor,
    mut body: B,
    most: usize,
    long: Long,
) -> Result<(Bytes, Option<Reservation>), Problem>
where
    B: Body<Data = Bytes> + Unpin,
{
    let broken = || Problem::invalid("body", "the body did not arrive whole");
    let (mut first, mut rest): (Bytes, Vec<u8>) = (Bytes::new(), Vec::new());
    let mut reservation: Option<Reservation> = None;
    let mut pace = Pace::default();
    loop {
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => tokio::time::timeout_at(pace.deadline(), body.frame()).await.map_err(|_| too_slow())?,
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else { continue };
        pace.arrived(data.len());
        let length = first.len().max(rest.len()) + data.len();
        if length > most {
            return Err(too_long(long));
        }
        if length > SMALL_BODY_BYTES {
            let reservation = reservation.get_or_insert_with(|| memory.reserve(&caller.label(), most));
            if length > reservation.taken() {
                // Ahead of what has come by a quarter at the most.
                let step = (length - reservation.taken()).max(STEP_BYTES).max(length / 4);
                let since = Instant::now();
                reservation.take(step.min(most - reservation.taken())).await?;
                pace.has_waited(since);
                rest.reserve_exact(reservation.taken() - rest.len());
            }
        }
        if first.is_empty() && rest.is_empty() {
            // Most bodies are one piece, which needs no copy.
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    let whole = if rest.is_empty() { first } else { Bytes::from(rest) };
    Ok((whole, reservation))
}

#[cfg(test)]
mod tests;
