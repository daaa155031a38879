//! `GET /dashboard/events`: a stream of the names of kinds of things that have moved. It holds no figure and no name of anything;
//! whoever is told asks again, with their own rights.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Extension, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use strongroom::pulse::{Moved, Pulse};
use strongroom_model::{Problem, ProblemKind, Secret};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::visit::Visit;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Streams of all sessions together.
const MAX_STREAMS: usize = 256;
/// The database is asked once in so long, however many streams there are.
const EVERY: Duration = Duration::from_secs(1);
/// Without anything to tell, something is sent once in so long, so that a connection that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after so long, and the page asks for another one.
const LONGEST: Duration = Duration::from_secs(3600);

/// The streams of this server, and what they share.
#[derive(Debug)]
pub(super) struct Streams {
    free: Arc<Semaphore>,
    seen: Mutex<Seen>,
}

/// What has moved when, in turns of this server.
#[derive(Debug, Default)]
struct Seen {
    asked: Option<Instant>,
    pulse: Option<Pulse>,
    turn: u64,
    moved: [u64; Moved::ALL.len()],
}

impl Default for Streams {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(MAX_STREAMS)), seen: Mutex::default() }
    }
}

impl Streams {
    /// The turn, and the names of what has moved since another one.
    async fn since(&self, state: &AppState, turn: Option<u64>) -> Result<(u64, Vec<&'static str>), Problem> {
        let mut seen = self.seen.lock().await;
        if seen.asked.is_none_or(|asked| asked.elapsed() >= EVERY) {
            let (pulse, moved) = state.room.pulse().feel(seen.pulse.as_ref()).await?;
            seen.asked = Some(Instant::now());
            seen.pulse = Some(pulse);
            if !moved.is_empty() {
                seen.turn += 1;
                let turn = seen.turn;
                for (at, kind) in seen.moved.iter_mut().zip(Moved::ALL) {
                    if moved.contains(&kind) {
                        *at = turn;
                    }
                }
            }
        }
        let moved = Moved::ALL.iter().zip(seen.moved).filter(|(_, at)| turn.is_some_and(|turn| *at > turn));
        Ok((seen.turn, moved.map(|(kind, _)| kind.as_str()).collect()))
    }
}

/// A stream on its way.
struct Stream {
    state: AppState,
    streams: Arc<Streams>,
    cookie: Secret,
    turn: Option<u64>,
    began: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Stream {
    /// The next thing to send; `None` ends it.
    async fn next(&mut self) -> Option<Event> {
        let waited = Instant::now();
        loop {
            tokio::time::sleep(EVERY).await;
            if self.state.room.is_stopping() || self.began.elapsed() > LONGEST {
                return None;
            }
            // While the database is away there is nothing to tell; the page has its banner when it is asked for.
            let (turn, moved) = match self.streams.since(&self.state, self.turn).await {
                Ok(found) => found,
                Err(_) if waited.elapsed() < HEARTBEAT => continue,
                Err(_) => return Some(Event::default().comment("the database does not answer")),
            };
            self.turn = Some(turn);
            if moved.is_empty() && waited.elapsed() < HEARTBEAT {
                continue;
            }
            // A session that has ended is told nothing more.
            match self.state.room.sign_ins().goes_on(&self.cookie).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => continue,
            }
            let event = Event::default();
            return Some(if moved.is_empty() {
                event.comment("nothing")
            } else {
                event.event("moved").data(moved.join(" "))
            });
        }
    }
}

pub(super) async fn stream(
    State(state): State<AppState>,
    Extension(streams): Extension<Arc<Streams>>,
    visit: Visit,
) -> Answer<Response> {
    let Ok(permit) = Arc::clone(&streams.free).try_acquire_owned() else {
        let message = "too many pages of this server are open and kept up to date; load the page again to see what is new";
        return Err(Problem::new(ProblemKind::Unavailable, message).into());
    };
    let (turn, _) = streams.since(&state, None).await?;
    let (cookie, began) = (visit.cookie, Instant::now());
    let stream = Stream { state, streams, cookie, turn: Some(turn), began, _permit: permit };
    let events = stream::unfold(stream, async |mut stream| {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Ok(Sse::new(events).into_response())
}
