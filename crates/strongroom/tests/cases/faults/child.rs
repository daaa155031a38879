//! The process that is killed: it does one operation while calls are under way, and kills itself after a statement of it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, raise};
use serde::{Deserialize, Serialize};
use strongroom::call::{CallEnd, CallTarget, NewCall};
use strongroom::{Actor, Clock, KeySource, Millis, Options, ProblemKind, Secret, Strongroom};
use strongroom_model::Amount;
use strongroom_model::usage::{CallBound, Metering, TokenUsage};
use tokio::task::JoinSet;
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::super::ground::provider;
use super::operation::Operation;

pub(super) const VARIABLE: &str = "STRONGROOM_FAULTS_ERRAND";
/// What it says when the operation begins.
pub(super) const BEGINS: &str = "the operation begins";
/// Whose keys the calls under way are made with: one with room, one near its limit, and the one that is worked on.
pub(super) const PROVIDERS: [&str; 3] = ["openai", "groq", "openrouter"];

/// What a child is sent for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Errand {
    pub(super) operation: Operation,
    /// The credential that it works on, its name, a new key for it, and a version of it.
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) number: i64,
    pub(super) database: String,
    pub(super) key: String,
    pub(super) previous: Option<String>,
    pub(super) now: i64,
    /// After so many statements of the operation it is killed.
    pub(super) kill_at: Option<u64>,
    /// Where it writes what has happened.
    pub(super) folder: PathBuf,
    /// The keys that calls may be made with.
    pub(super) keys: Vec<String>,
}

impl Errand {
    pub(super) fn of_environment() -> Option<Self> {
        let text = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).expect("an errand"))
    }

    /// A byte for each call that has left with a key of this provider. A process that is killed has written what it wrote.
    pub(super) fn calls(&self, provider: &str) -> PathBuf {
        self.folder.join(format!("calls-{provider}"))
    }

    /// One more byte of what is noted under this name.
    pub(super) fn note(&self, name: &str) {
        let file = OpenOptions::new().create(true).append(true).open(self.folder.join(name));
        file.and_then(|mut file| file.write_all(b"x")).expect("a file");
    }

    /// How many statements the operation had, and how many microseconds it took.
    pub(super) fn measured(&self) -> PathBuf {
        self.folder.join("measured")
    }

    pub(super) fn options(&self) -> Options {
        Options {
            previous_key: self.previous.clone().map(Secret::new),
            key: KeySource::Given(Secret::new(self.key.clone())),
            clock: Clock::fixed(Millis(self.now)),
            ..Options::new(self.database.as_str(), "")
        }
    }
}

/// Counts the statements of the operation, as the driver logs each one once it was answered.
struct Killer {
    kill_at: Option<u64>,
    seen: Arc<AtomicU64>,
    /// Whether statements of others count as well.
    counts_all: Arc<AtomicBool>,
}

const SPAN: &str = "operation";

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Killer {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let is_statement = event.metadata().target() == "sqlx::query";
        let is_ours = || {
            self.counts_all.load(Ordering::SeqCst)
                || context.event_scope(event).is_some_and(|mut spans| spans.any(|span| span.name() == SPAN))
        };
        if is_statement && is_ours() && Some(1 + self.seen.fetch_add(1, Ordering::SeqCst)) == self.kill_at {
            raise(Signal::SIGKILL).expect("a signal");
        }
    }
}

/// Counts the operation's statements from now on, once it is said so those of others too, and kills this process after so
/// many of them.
pub(super) fn count_statements(kill_at: Option<u64>, counts_all: &Arc<AtomicBool>) -> Arc<AtomicU64> {
    let seen = Arc::new(AtomicU64::new(0));
    let killer = Killer { kill_at, seen: Arc::clone(&seen), counts_all: Arc::clone(counts_all) };
    tracing_subscriber::registry().with(killer).init();
    seen
}

/// What must not be, and nobody waits for.
pub(super) fn give_up(why: &str) -> ! {
    #[expect(clippy::print_stderr, reason = "the parent shows it")]
    {
        eprintln!("{why}");
    }
    std::process::exit(70)
}

pub(super) async fn run(errand: &Errand) {
    let counts_all = Arc::default();
    let seen = count_statements(errand.kill_at, &counts_all);
    let room = Strongroom::open(errand.options()).await.expect("a strongroom");
    let left = Arc::new(AtomicU64::new(0));
    let mut calls = JoinSet::new();
    for name in PROVIDERS {
        let file = OpenOptions::new().create(true).append(true).open(errand.calls(name)).expect("a file");
        calls.spawn(keep_calling(room.clone(), name, file, errand.keys.clone(), Arc::clone(&left)));
    }
    while left.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::io::stdout().write_all(format!("{BEGINS}\n").as_bytes()).expect("a parent that reads");
    let began = Instant::now();
    // A read is answered by the batcher, in a task that is nobody's.
    counts_all.store(errand.operation == Operation::Reveal, Ordering::SeqCst);
    let done = errand.operation.run(&room, errand).instrument(tracing::info_span!("operation")).await;
    if let Err(problem) = done {
        give_up(&format!("{:?}: {problem:?}", errand.operation));
    }
    let measured = format!("{} {}", seen.load(Ordering::SeqCst), began.elapsed().as_micros());
    calls.shutdown().await;
    room.close().await.expect("nothing is lost");
    std::fs::write(errand.measured(), measured).expect("a file");
}

/// Makes one call after the other with keys of this provider, as long as there are any and they have room.
async fn keep_calling(
    room: Strongroom,
    name: &'static str,
    mut file: File,
    keys: Vec<String>,
    left: Arc<AtomicU64>,
) {
    loop {
        let target = CallTarget {
            provider: provider(name),
            model: Some("gpt-4o-mini".to_owned()),
            bound: CallBound::of(Some(1000), Some(500)),
        };
        let call = NewCall { operation: "chat.completions", targets: vec![target] };
        let attempt = async { room.calls(Actor::library()).begin(call).await?.next().await };
        match attempt.await {
            Ok(Some(attempt)) => {
                if !keys.iter().any(|key| key == attempt.api_key().expose()) {
                    give_up(&format!("{name}: a key that is neither the old one nor the new one"));
                }
                // From here on it may have reached the provider.
                file.write_all(b"x").expect("a file");
                left.fetch_add(1, Ordering::SeqCst);
                attempt.answered(200).settle(CallEnd {
                    usage: Some(TokenUsage {
                        input: Amount::of(20),
                        output: Amount::of(10),
                        ..TokenUsage::default()
                    }),
                    model: None,
                    raw_usage: None,
                    metering: Metering::Reported,
                });
            }
            Ok(None) => {}
            Err(problem) => {
                use ProblemKind::{LimitReached, NotFound, Unavailable};
                if !matches!(problem.kind, LimitReached | NotFound | Unavailable) {
                    give_up(&format!("{name}: {problem:?}"));
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
