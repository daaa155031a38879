//! Bodies of requests: held in memory as far as there is room, so that they can be read and sent again, else passed on as
//! they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use strongroom_model::{Problem, ProblemKind};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest body that is held, in bytes.
const MOST: usize = 16 * 1024 * 1024;
/// Bodies up to this are held without asking for room, in bytes.
const SMALL: usize = 64 * 1024;
/// Room for all larger ones together, in KiB.
const ROOM: u32 = 64 * 1024;
/// How long a body waits for room, and how long a client may pause in it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Room for bodies.
#[derive(Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM as usize)))
    }
}

/// A body that was asked for.
#[derive(Debug)]
pub(super) enum Received {
    /// All of it.
    Whole(Bytes, Option<OwnedSemaphorePermit>),
    /// Longer than is held.
    Passing(Incoming),
}

impl Room {
    /// Reads a body. `must`: it is of no use unless it is whole.
    ///
    /// # Errors
    /// [`Problem`] when it is too long and must be whole, breaks off, or there is no room for now.
    pub(super) async fn read(&self, body: Incoming, must: bool) -> Result<Received, Problem> {
        let declared = body.size_hint().exact();
        if declared.is_some_and(|bytes| bytes > MOST as u64) {
            return if must { Err(too_long()) } else { Ok(Received::Passing(body)) };
        }
        let most = declared.map_or(MOST, |bytes| bytes as usize);
        let permit = if most > SMALL { Some(self.reserve(most).await?) } else { None };
        let whole = collect(body, most).await?;
        // A short one without a length does not keep what it did not need.
        let permit = permit.filter(|_| whole.len() > SMALL);
        Ok(Received::Whole(whole, permit))
    }

    async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(ROOM).min(ROOM);
        let reserved = Arc::clone(&self.0).acquire_many_owned(kib);
        match tokio::time::timeout(PATIENCE, reserved).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Problem::new(
                ProblemKind::Unavailable,
                "too many large requests are under way; try again in a moment",
            )),
        }
    }
}

fn too_long() -> Problem {
    Problem::invalid(
        "body",
        format!(
            "the body is longer than {} MiB, which this path does not take; use the provider's own path",
            MOST >> 20
        ),
    )
}

async fn collect(mut body: Incoming, most: usize) -> Result<Bytes, Problem> {
    let broken = || Problem::invalid("body", "the body did not arrive whole");
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    loop {
        // Most bodies have come with their heads, and need no timer.
        let frame = match body.frame().now_or_never() {
            Some(frame) => frame,
            None => tokio::time::timeout(PATIENCE, body.frame()).await.map_err(|_| broken())?,
        };
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| broken())?.into_data() else { continue };
        match &first {
            // Most bodies are one piece, which needs no copy.
            None => first = Some(data),
            Some(start) => {
                if rest.is_empty() {
                    rest.extend_from_slice(start);
                }
                rest.extend_from_slice(&data);
            }
        }
        if rest.len().max(first.as_ref().map_or(0, Bytes::len)) > most {
            return Err(too_long());
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}
