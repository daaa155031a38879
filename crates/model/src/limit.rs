//! Limits: what is counted, over which window, for whom. The API's `rateLimit` is a credential's monthly requests.

use crate::alert::Thresholds;
use crate::clock::Millis;
use crate::id::{Uid, UserId};
use crate::month;
use crate::problem::Problem;

/// Unit that a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Uses of a key.
    Requests,
    /// Tokens of prompts and answers.
    Tokens,
    /// Billionths of a US dollar.
    NanoUsd,
}

/// The window over which it counts, aligned to the calendar in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Window {
    /// A calendar month.
    Month,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// No window: a budget that is used up once, from when the limit was set.
    Prepaid,
}

impl Unit {
    /// All units.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Tokens, Self::NanoUsd];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::NanoUsd => "nano_usd",
        }
    }

    /// The unit with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == name)
    }

    /// An amount of it as people read it: with the unit's name, or in dollars.
    #[must_use]
    pub fn shown(self, amount: i64) -> String {
        let Self::NanoUsd = self else { return format!("{amount} {}", self.as_str()) };
        let (sign, nano) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
        let part = format!("{:09}", nano % 1_000_000_000);
        let more = part[2..].trim_end_matches('0');
        format!("{sign}${}.{}{more}", nano / 1_000_000_000, &part[..2])
    }

    /// Reads a unit that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `unit`, naming the units there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text)
            .ok_or_else(|| Problem::invalid("unit", "unit must be one of requests, tokens, nano_usd"))
    }
}

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

impl Window {
    /// All windows.
    pub const ALL: [Self; 5] = [Self::Month, Self::Day, Self::Hour, Self::Minute, Self::Prepaid];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Prepaid => "prepaid",
        }
    }

    /// The window with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.as_str() == name)
    }

    /// Reads a window that somebody gives.
    ///
    /// # Errors
    /// [`Problem`] on the field `window`, naming the windows there are.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::from_name(text).ok_or_else(|| {
            Problem::invalid("window", "window must be one of month, day, hour, minute, prepaid")
        })
    }

    /// The first instant of the window that holds `at`; the epoch for a budget that has no window.
    #[must_use]
    pub fn start(self, at: Millis) -> Millis {
        match self {
            Self::Month => month::start(at),
            Self::Day => Millis(at.0 - at.0.rem_euclid(DAY_MS)),
            Self::Hour => Millis(at.0 - at.0.rem_euclid(HOUR_MS)),
            Self::Minute => Millis(at.0 - at.0.rem_euclid(MINUTE_MS)),
            Self::Prepaid => Millis(0),
        }
    }

    /// The first instant after the window that holds `at`; `None` for a budget that never starts over.
    #[must_use]
    pub fn end(self, at: Millis) -> Option<Millis> {
        match self {
            Self::Month => Some(month::next(at)),
            Self::Day => Some(Millis(self.start(at).0 + DAY_MS)),
            Self::Hour => Some(Millis(self.start(at).0 + HOUR_MS)),
            Self::Minute => Some(Millis(self.start(at).0 + MINUTE_MS)),
            Self::Prepaid => None,
        }
    }
}

/// Subject that a limit binds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// Every use of this credential, whoever asks.
    Credential(Uid),
    /// All calls of this token, by its public id.
    Token(String),
    /// All calls of this user's tokens.
    User(UserId),
}

impl LimitScope {
    /// `credential`, `token` or `user`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Credential(_) => "credential",
            Self::Token(_) => "token",
            Self::User(_) => "user",
        }
    }

    /// The identity within its kind, as the database has it.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Credential(uid) => uid.to_string(),
            Self::Token(id) => id.clone(),
            Self::User(id) => id.to_string(),
        }
    }

    /// The scope with this kind and identity.
    #[must_use]
    pub fn of(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "credential" => id.parse().ok().map(Self::Credential),
            "token" => Some(Self::Token(id.to_owned())),
            "user" => id.parse().ok().map(|id| Self::User(UserId(id))),
            _ => None,
        }
    }
}

/// A limit: at most one per scope, unit and window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The identity. A limit that is removed and set again is another one, and counts from zero; only a credential's
    /// monthly requests are counted whether there is a limit or not.
    pub uid: Uid,
    /// Its subject.
    pub scope: LimitScope,
    /// Its unit.
    pub unit: Unit,
    /// Its window.
    pub window: Window,
    /// The most that may be used in a window.
    pub amount: i64,
    /// The parts of it whose use people are told of.
    pub thresholds: Thresholds,
    /// Time at which it was set.
    pub created_at: Millis,
    /// Time of the last change of its amount.
    pub updated_at: Millis,
}

impl Limit {
    /// Checks the amount of a limit that somebody sets. Counters stop at 2^60: one above that is never reached.
    ///
    /// # Errors
    /// [`Problem`] on this field when it is negative.
    pub fn check_amount(field: &'static str, amount: i64) -> Result<(), Problem> {
        if amount < 0 {
            return Err(Problem::invalid(field, format!("{field} must be 0 or more; 0 refuses everything")));
        }
        Ok(())
    }

    /// Returns the subject whose counter it is measured by: the credential's own for the API's `rateLimit`, else the limit's.
    #[must_use]
    pub fn counter_subject(&self) -> Uid {
        match (&self.scope, self.unit, self.window) {
            (LimitScope::Credential(uid), Unit::Requests, Window::Month) => *uid,
            _ => self.uid,
        }
    }
}

/// Sums of a counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterState {
    /// Amount consumed.
    pub settled: i64,
    /// Amount that calls under way may still consume.
    pub held: i64,
    /// Amount that servers have reserved ahead and no call has asked for yet.
    pub leased: i64,
    /// Signed corrections.
    pub adjusted: i64,
}

impl CounterState {
    /// Returns the use as people see it: consumed, under way, and corrected.
    #[must_use]
    pub const fn used(&self) -> i64 {
        self.settled.saturating_add(self.held).saturating_add(self.adjusted)
    }

    /// Returns the part that is not left for anybody else.
    #[must_use]
    pub const fn taken(&self) -> i64 {
        self.used().saturating_add(self.leased)
    }
}

/// Position of a credential against its monthly limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Monthly requests allowed; `None` is no limit.
    pub limit: Option<i64>,
    /// Requests of this month, settled and held and adjusted.
    pub used: i64,
    /// End of the month.
    pub resets_at: Millis,
}

impl RateLimitStatus {
    /// Tells whether one more use is within the limit.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.limit.is_none_or(|limit| self.used < limit)
    }

    /// Uses that are left; `None` without a limit.
    #[must_use]
    pub fn remaining(&self) -> Option<i64> {
        self.limit.map(|limit| limit.saturating_sub(self.used).max(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_told_in_dollars_and_the_rest_with_its_name() {
        assert_eq!(Unit::Requests.shown(5), "5 requests");
        assert_eq!(Unit::Tokens.shown(-7), "-7 tokens");
        assert_eq!(Unit::NanoUsd.shown(10_000), "$0.00001");
        assert_eq!(Unit::NanoUsd.shown(-1_500_000_000), "-$1.50");
    }

    #[test]
    fn windows_are_aligned_to_the_calendar_in_utc() {
        let at = Millis::parse("2026-02-28T23:59:59.999Z").unwrap();
        let cases = [
            (Window::Month, "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
            (Window::Day, "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z"),
            (Window::Hour, "2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z"),
            (Window::Minute, "2026-02-28T23:59:00Z", "2026-03-01T00:00:00Z"),
        ];
        for (window, start, end) in cases {
            assert_eq!(window.start(at).to_string(), start);
            assert_eq!(window.end(at).unwrap().to_string(), end);
            assert_eq!(Window::from_name(window.as_str()), Some(window));
        }
        assert_eq!((Window::Prepaid.start(at), Window::Prepaid.end(at)), (Millis(0), None));
    }

    #[test]
    fn an_amount_is_not_negative() {
        for (amount, is_good) in [(i64::MIN, false), (-1, false), (0, true), (i64::MAX, true)] {
            assert_eq!(Limit::check_amount("amount", amount).is_ok(), is_good, "{amount}");
        }
        let problem = Limit::check_amount("amount", -1).unwrap_err();
        assert_eq!(problem.message, "amount must be 0 or more; 0 refuses everything");
    }

    #[test]
    fn whatever_a_counter_holds_its_sum_does_not_wrap() {
        let extremes = [i64::MIN, -1, 0, 1, i64::MAX];
        for settled in extremes {
            for held in extremes {
                for adjusted in extremes {
                    let state = CounterState { settled, held, leased: i64::MAX, adjusted };
                    assert!(state.taken() >= state.used());
                    let status = RateLimitStatus { limit: Some(5), used: state.used(), resets_at: Millis(0) };
                    assert!(status.remaining().is_some_and(|left| left >= 0));
                }
            }
        }
        let spent = CounterState { settled: i64::MAX, held: i64::MAX, leased: 0, adjusted: 7 };
        assert_eq!(spent.used(), i64::MAX);
    }

    #[test]
    fn scopes_read_back() {
        let scopes = [
            LimitScope::Credential(Uid::from_bytes([7; 16])),
            LimitScope::Token("abcDEF012345".into()),
            LimitScope::User(UserId(7)),
        ];
        for scope in scopes {
            assert_eq!(LimitScope::of(scope.kind(), &scope.id()), Some(scope));
        }
        assert_eq!(LimitScope::of("user", "x"), None);
        assert_eq!(LimitScope::of("planet", "1"), None);
    }
}
