//! The state machine of a condition that is looked at again and again: pending, firing, recovering, quiet.
//!
//! ```text
//!  quiet ──above──► pending ──above for `for`──► firing ──below──► recovering ──below for `keep`──► quiet
//!    ▲                 │                            ▲                   │
//!    └─────below───────┘                            └──────above────────┘
//! ```
//!
//! Between the two lines, above where it recovers and below where it fires, everything stays as it is: what goes up and down around one
//! line is told once.

use crate::clock::Millis;

/// Where a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    /// Nothing to tell.
    #[default]
    Quiet,
    /// Over the line, not for long enough.
    Pending,
    /// Told, and not over.
    Firing,
    /// Under the line again, not for long enough.
    Recovering,
}

impl Phase {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Recovering => "recovering",
        }
    }

    /// The phase with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Quiet, Self::Pending, Self::Firing, Self::Recovering]
            .into_iter()
            .find(|phase| phase.as_str() == name)
    }

    /// Tells whether people were told, and not yet that it is over.
    #[must_use]
    pub const fn is_told(self) -> bool {
        matches!(self, Self::Firing | Self::Recovering)
    }
}

/// A condition: its phase, since when, and how often it has fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The phase.
    pub phase: Phase,
    /// Since when.
    pub since: Millis,
    /// Counts how often it fired: it stands in the key of the incident, so that the same one is never told twice.
    pub episode: i64,
}

impl Default for Condition {
    fn default() -> Self {
        Self { phase: Phase::Quiet, since: Millis(0), episode: 0 }
    }
}

/// A look at what is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// On the line where it fires or over it.
    Above,
    /// Under that line, not under the one where it recovers.
    Between,
    /// Under both.
    Below,
}

impl Reading {
    /// The reading of a value against the line where it fires and the one where it recovers.
    #[must_use]
    pub const fn of(value: i64, fires_at: i64, recovers_below: i64) -> Self {
        if value >= fires_at {
            Self::Above
        } else if value >= recovers_below {
            Self::Between
        } else {
            Self::Below
        }
    }
}

/// For how long a rule waits before it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// How long it has to be over the line before it fires, in milliseconds.
    pub for_ms: i64,
    /// How long it has to be under the line before it is over, in milliseconds.
    pub keep_ms: i64,
}

/// What is to be told after a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It fires.
    Fired,
    /// It is over.
    Resolved,
}

impl Condition {
    /// The condition after a look at `now`, and what is to be told of it. A clock that goes back makes a wait longer, never shorter, and
    /// tells nothing twice.
    #[must_use]
    pub fn after(self, reading: Reading, now: Millis, timing: Timing) -> (Self, Change) {
        let at = |phase| Self { phase, since: now, ..self };
        // An instant that lies ahead was written under another clock: the wait begins again.
        let begun = if self.since > now { now } else { self.since };
        let waited = now.0.saturating_sub(begun.0);
        match (self.phase, reading) {
            (Phase::Quiet, Reading::Above) if timing.for_ms <= 0 => (self.fired(now), Change::Fired),
            (Phase::Quiet, Reading::Above) => (at(Phase::Pending), Change::None),
            (Phase::Pending, Reading::Above) if waited >= timing.for_ms => (self.fired(now), Change::Fired),
            (Phase::Pending, Reading::Below) => (at(Phase::Quiet), Change::None),
            (Phase::Firing, Reading::Below) if timing.keep_ms <= 0 => (at(Phase::Quiet), Change::Resolved),
            (Phase::Firing, Reading::Below) => (at(Phase::Recovering), Change::None),
            (Phase::Recovering, Reading::Below) if waited >= timing.keep_ms => {
                (at(Phase::Quiet), Change::Resolved)
            }
            (Phase::Recovering, Reading::Above) => (at(Phase::Firing), Change::None),
            _ => (Self { since: begun, ..self }, Change::None),
        }
    }

    fn fired(self, now: Millis) -> Self {
        Self { phase: Phase::Firing, since: now, episode: self.episode.saturating_add(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing { for_ms: 10, keep_ms: 20 };

    #[test]
    fn it_fires_after_the_wait_and_is_over_after_the_other_one() {
        let mut condition = Condition::default();
        let mut told = Vec::new();
        for (at, reading) in [
            (0, Reading::Above),
            (9, Reading::Above),
            (10, Reading::Above),
            (11, Reading::Between),
            (12, Reading::Below),
            (20, Reading::Above),
            (21, Reading::Below),
            (40, Reading::Below),
            (41, Reading::Below),
            (42, Reading::Below),
        ] {
            let (next, change) = condition.after(reading, Millis(at), TIMING);
            condition = next;
            if change != Change::None {
                told.push((at, change));
            }
        }
        assert_eq!(told, [(10, Change::Fired), (41, Change::Resolved)]);
        assert_eq!((condition.phase, condition.episode), (Phase::Quiet, 1));
    }

    #[test]
    fn a_reading_on_the_line_is_above() {
        assert_eq!(Reading::of(80, 80, 64), Reading::Above);
        assert_eq!(Reading::of(79, 80, 64), Reading::Between);
        assert_eq!(Reading::of(64, 80, 64), Reading::Between);
        assert_eq!(Reading::of(63, 80, 64), Reading::Below);
    }

    #[test]
    fn phases_read_back() {
        for phase in [Phase::Quiet, Phase::Pending, Phase::Firing, Phase::Recovering] {
            assert_eq!(Phase::from_name(phase.as_str()), Some(phase));
        }
    }
}
