//! Quiet hours: times of the day, in UTC, at which a route tells only what is critical.

use crate::clock::Millis;
use crate::problem::Problem;

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: u16 = 1440;

/// From one time of the day to another, in UTC; past midnight where the end is before the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuietHours {
    /// Minute of the day at which they begin.
    from: u16,
    /// Minute of the day at which they end.
    until: u16,
}

impl QuietHours {
    /// Reads `22:00-07:00`.
    ///
    /// # Errors
    /// [`Problem`] on the field `quiet` that names the form.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let refused =
            || Problem::invalid("quiet", "quiet must be two times of the day in UTC, such as 22:00-07:00");
        let minute = |time: &str| {
            let (hours, minutes) = time.split_once(':')?;
            let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
            (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, until) = text.split_once('-').ok_or_else(refused)?;
        let (from, until) = (minute(from).ok_or_else(refused)?, minute(until).ok_or_else(refused)?);
        if from == until {
            return Err(refused());
        }
        Ok(Self { from, until })
    }

    /// The form in the database and on the wire.
    #[must_use]
    pub fn stored(self) -> String {
        let Self { from, until } = self;
        format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }

    /// The instant until which nothing is told, when `at` lies within them.
    #[must_use]
    pub fn end_after(self, at: Millis) -> Option<Millis> {
        let minutes = at.0.div_euclid(MINUTE_MS);
        let of_day = u16::try_from(minutes.rem_euclid(i64::from(DAY_MINUTES))).unwrap_or_default();
        let is_within = match self.from < self.until {
            true => (self.from..self.until).contains(&of_day),
            false => of_day >= self.from || of_day < self.until,
        };
        let left = (self.until + DAY_MINUTES - of_day) % DAY_MINUTES;
        is_within.then(|| Millis((minutes + i64::from(left)) * MINUTE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Millis {
        Millis::parse(&format!("2026-03-01T{time}:30.000Z")).unwrap()
    }

    #[test]
    fn hours_past_midnight_end_in_the_morning() {
        let quiet = QuietHours::parse("22:00-07:30").unwrap();
        assert_eq!(quiet.stored(), "22:00-07:30");
        for (time, end) in [
            ("21:59", None),
            ("22:00", Some("2026-03-02T07:30:00Z")),
            ("03:00", Some("2026-03-01T07:30:00Z")),
            ("07:30", None),
        ] {
            assert_eq!(quiet.end_after(at(time)), end.map(|end| Millis::parse(end).unwrap()), "{time}");
        }
        let noon = QuietHours::parse("12:00-13:00").unwrap();
        assert_eq!(noon.end_after(at("12:59")), Some(Millis::parse("2026-03-01T13:00:00Z").unwrap()));
        assert_eq!(noon.end_after(at("13:00")), None);
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in ["", "22-7", "22:00", "24:00-01:00", "10:00-10:00", "10:60-11:00", "a:b-c:d"] {
            assert!(QuietHours::parse(bad).is_err(), "{bad}");
        }
    }
}
