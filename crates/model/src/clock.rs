//! Time: milliseconds since the Unix epoch, UTC, from one place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Millis(pub i64);

const ISO_SECONDS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const ISO_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Millis {
    /// The instant as a UTC date and time; instants outside the years that can be written become the epoch.
    #[must_use]
    pub fn to_date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The instant of a date and time, cut to the millisecond.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of any year that `time` can hold fit")]
    pub fn from_date_time(at: OffsetDateTime) -> Self {
        Self((at.unix_timestamp_nanos() / 1_000_000) as i64)
    }

    /// Reads an RFC 3339 timestamp.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn parse(text: &str) -> Result<Self, time::error::Parse> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::from_date_time)
    }

    /// This instant, so many seconds later.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0 + seconds * 1000)
    }
}

impl fmt::Display for Millis {
    /// RFC 3339 in UTC; the fraction is left out when it is zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = if self.0 % 1000 == 0 { ISO_SECONDS } else { ISO_MILLIS };
        f.write_str(&self.to_date_time().format(&form).map_err(|_| fmt::Error)?)
    }
}

impl serde::Serialize for Millis {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Millis {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|_| {
            serde::de::Error::custom("expected an RFC 3339 timestamp such as 2026-01-31T12:00:00Z")
        })
    }
}

/// Source of time. In production the database's own clock decides; a fixed clock serves tests.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The database's clock; on embedded SQLite, which has none of its own, this machine's.
    #[default]
    Database,
    /// A clock that stands where it was put.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still at this instant until [`Clock::set`].
    #[must_use]
    pub fn fixed(at: Millis) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.0)))
    }

    /// Moves a fixed clock; has no effect on the database's.
    pub fn set(&self, at: Millis) {
        if let Self::Fixed(now) = self {
            now.store(at.0, Ordering::SeqCst);
        }
    }

    /// The instant of a fixed clock; `None` means: ask the database.
    #[must_use]
    pub fn fixed_now(&self) -> Option<Millis> {
        match self {
            Self::Database => None,
            Self::Fixed(now) => Some(Millis(now.load(Ordering::SeqCst))),
        }
    }

    /// The instant of a fixed clock, else this machine's.
    #[must_use]
    pub fn local_now(&self) -> Millis {
        self.fixed_now().unwrap_or_else(|| {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_rfc_3339() {
        let at = Millis::parse("2024-01-15T10:30:00Z").unwrap();
        assert_eq!(at.to_string(), "2024-01-15T10:30:00Z");
        assert_eq!(Millis(at.0 + 7).to_string(), "2024-01-15T10:30:00.007Z");
        assert_eq!(Millis::parse("2024-01-15T11:30:00+01:00").unwrap(), at);
    }
}
