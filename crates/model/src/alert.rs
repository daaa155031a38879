//! Alerts: what people are told of, how urgent it is, and when a threshold of a limit counts as crossed.

pub mod condition;
pub mod figure;
pub mod quiet_hours;
pub mod route;
pub mod rule;
pub mod setting;
pub mod silence;
pub mod threshold;

pub use condition::{Change, Condition, Phase, Reading, Timing};
pub use quiet_hours::QuietHours;
pub use route::Route;
pub use rule::Rule;
pub use setting::Settings;
pub use silence::SilenceMatcher;
pub use threshold::Thresholds;

use crate::clock::Millis;
use crate::problem::Problem;

/// Urgency, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// To know.
    Info,
    /// To look at.
    Warn,
    /// To act on.
    High,
    /// To act on at once.
    Critical,
}

impl Level {
    /// All levels, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Info, Self::Warn, Self::High, Self::Critical];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The level with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    /// Reads a level that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `level`, naming the levels there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text)
            .ok_or_else(|| Problem::invalid("level", "level must be one of info, warn, high, critical"))
    }

    /// The level of a threshold of a limit.
    #[must_use]
    pub const fn of_percent(percent: u8) -> Self {
        match percent {
            100.. => Self::Critical,
            90..100 => Self::High,
            _ => Self::Warn,
        }
    }

    /// The time between two reminders of what still fires and was not acknowledged; `None` when nobody is reminded.
    #[must_use]
    pub const fn reminder_interval_ms(self) -> Option<i64> {
        match self {
            Self::Critical => Some(4 * HOUR_MS),
            Self::High => Some(24 * HOUR_MS),
            Self::Warn | Self::Info => None,
        }
    }
}

const HOUR_MS: i64 = 3_600_000;

/// How an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standing {
    /// It goes on, and nobody has taken it upon himself.
    Firing,
    /// It goes on, and somebody has.
    Acknowledged,
    /// It goes on, and channels are not told of it.
    Silenced,
    /// It is over.
    Resolved,
}

impl Standing {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Firing, Self::Acknowledged, Self::Silenced, Self::Resolved];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Acknowledged => "acknowledged",
            Self::Silenced => "silenced",
            Self::Resolved => "resolved",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == name)
    }

    /// Reads one that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `state`, naming those there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text).ok_or_else(|| {
            Problem::invalid("state", "state must be one of firing, acknowledged, silenced, resolved")
        })
    }
}

/// What a message says of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Notice {
    /// It has begun, or begun again to be told after a silence.
    Firing,
    /// It goes on.
    Reminder,
    /// It is over.
    Resolved,
}

impl Notice {
    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Reminder => "reminder",
            Self::Resolved => "resolved",
        }
    }

    /// The notice with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Firing, Self::Reminder, Self::Resolved].into_iter().find(|notice| notice.as_str() == name)
    }
}

/// A text of a caller as it may stand in a message: on one line, without control characters and without those that change the
/// direction of what follows, and no longer than 120 characters.
#[must_use]
pub fn shown(text: &str) -> String {
    const MAX_CHARACTERS: usize = 120;
    let is_plain = |character: &char| {
        !character.is_control()
            && !matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut plain = text.chars().filter(is_plain);
    let mut shown: String = plain.by_ref().take(MAX_CHARACTERS).collect();
    if plain.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A length of time as people say it: `6 h`, `3 d`, `40 s`.
#[must_use]
pub fn duration_shown(from: Millis, to: Millis) -> String {
    let seconds = to.0.saturating_sub(from.0).max(0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for standing in Standing::ALL {
            assert_eq!(Standing::parse(standing.as_str()).unwrap(), standing);
        }
        for level in Level::ALL {
            assert_eq!(Level::parse(level.as_str()).unwrap(), level);
        }
        for notice in [Notice::Firing, Notice::Reminder, Notice::Resolved] {
            assert_eq!(Notice::from_name(notice.as_str()), Some(notice));
        }
    }

    #[test]
    fn a_callers_text_neither_breaks_a_line_nor_turns_what_follows_around() {
        assert_eq!(shown("a\r\nBcc: b@c\u{202e}evil\u{200b}\0"), "aBcc: b@cevil");
        let long = "é".repeat(500);
        assert_eq!(shown(&long).chars().count(), 121);
        assert_eq!(shown(&"x".repeat(120)), "x".repeat(120));
    }

    #[test]
    fn lengths_of_time_are_told_in_one_unit() {
        for (milliseconds, says) in [
            (40_000, "40 s"),
            (600_000, "10 min"),
            (6 * 3_600_000, "6 h"),
            (5 * 86_400_000, "5 d"),
            (-5, "0 s"),
        ] {
            assert_eq!(duration_shown(Millis(0), Millis(milliseconds)), says);
        }
    }
}
