//! Limits: what is counted, over which window, for whom. The mission's `rateLimit` is monthly requests.

use crate::clock::Millis;
use crate::month;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Uses of a key.
    Requests,
}

/// The window over which it counts, aligned to the calendar in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// A calendar month.
    Month,
}

impl Unit {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
        }
    }
}

impl Window {
    /// The name in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Month => "month",
        }
    }

    /// The first instant of the window that holds `at`.
    #[must_use]
    pub fn start(self, at: Millis) -> Millis {
        match self {
            Self::Month => month::start(at),
        }
    }
}

/// Where a credential stands against its monthly limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitStatus {
    /// Monthly requests allowed; `None` is no limit.
    pub limit: Option<i64>,
    /// Requests of this month, settled and held and adjusted.
    pub used: i64,
    /// When the month ends.
    pub resets_at: Millis,
}

impl RateLimitStatus {
    /// Whether one more use is within the limit.
    #[must_use]
    pub fn allowed(&self) -> bool {
        self.limit.is_none_or(|limit| self.used < limit)
    }

    /// Uses that are left; `None` without a limit.
    #[must_use]
    pub fn remaining(&self) -> Option<i64> {
        self.limit.map(|limit| (limit - self.used).max(0))
    }
}
