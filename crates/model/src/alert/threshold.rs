//! Thresholds of limits: parts of an amount, in percent, and when use crosses one.

use crate::limit::Window;
use crate::problem::Problem;

/// Thresholds at most of a limit.
const MAX_THRESHOLDS: usize = 4;

/// Up to four thresholds in percent, the lowest first. It is small, for every claim of a call carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thresholds([u8; MAX_THRESHOLDS]);

impl Thresholds {
    /// None: nobody is told.
    pub const NONE: Self = Self([0; MAX_THRESHOLDS]);
    /// 80, 95 and 100 percent.
    pub const USUAL: Self = Self([80, 95, 100, 0]);

    /// The thresholds of a limit for which nobody has said any: a window of an hour or a minute would tell of every burst.
    #[must_use]
    pub const fn usual_of(window: Window) -> Self {
        match window {
            Window::Month | Window::Day | Window::Prepaid => Self::USUAL,
            Window::Hour | Window::Minute => Self::NONE,
        }
    }

    /// Reads thresholds that somebody gives; none at all tell nobody.
    ///
    /// # Errors
    /// [`Problem`] on the field `at`, naming what is allowed.
    pub fn of(percents: &[i64]) -> Result<Self, Problem> {
        let mut sorted = percents.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() > MAX_THRESHOLDS {
            return Err(Problem::invalid("at", format!("at must have at most {MAX_THRESHOLDS} percentages")));
        }
        let mut thresholds = [0; MAX_THRESHOLDS];
        for (place, percent) in thresholds.iter_mut().zip(sorted) {
            *place = u8::try_from(percent).ok().filter(|percent| (1..=100).contains(percent)).ok_or_else(
                || Problem::invalid("at", "at must hold whole percentages from 1 to 100, such as 80,95,100"),
            )?;
        }
        Ok(Self(thresholds))
    }

    /// Reads what [`Thresholds::stored`] has written; `None` for anything else.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::NONE);
        }
        let percents = text.split(',').map(|percent| percent.parse().ok()).collect::<Option<Vec<i64>>>()?;
        Self::of(&percents).ok()
    }

    /// The form in the database: `80,95,100`.
    #[must_use]
    pub fn stored(self) -> String {
        self.percents().map(|percent| percent.to_string()).collect::<Vec<_>>().join(",")
    }

    /// Each of them, the lowest first.
    pub fn percents(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().take_while(|percent| *percent > 0)
    }

    /// Tells whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0[0] == 0
    }

    /// Those that use reaches when it goes from `before` to `after`, the lowest first. Exactly on the line is reached.
    pub fn crossed(self, before: i64, after: i64, amount: i64) -> impl Iterator<Item = u8> {
        self.percents().filter(move |percent| {
            !is_reached(before, amount, *percent) && is_reached(after, amount, *percent)
        })
    }

    /// Those that this use has reached, the lowest first.
    pub fn reached(self, used: i64, amount: i64) -> impl Iterator<Item = u8> {
        self.percents().filter(move |percent| is_reached(used, amount, *percent))
    }
}

/// Tells whether so much use is at least so many percent of an amount.
#[must_use]
pub fn is_reached(used: i64, amount: i64, percent: u8) -> bool {
    i128::from(used) * 100 >= i128::from(amount) * i128::from(percent)
}

/// The least use that is at least so many percent of an amount.
#[must_use]
pub fn least_use(amount: i64, percent: u8) -> i64 {
    let hundredths = i128::from(amount) * i128::from(percent);
    let least = hundredths.div_euclid(100) + i128::from(hundredths.rem_euclid(100) != 0);
    i64::try_from(least).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crossed(before: i64, after: i64, amount: i64) -> Vec<u8> {
        Thresholds::USUAL.crossed(before, after, amount).collect()
    }

    #[test]
    fn eighty_percent_is_crossed_at_exactly_80_and_not_at_79_9() {
        assert_eq!(crossed(0, 799, 1000), []);
        assert_eq!(crossed(799, 800, 1000), [80]);
        assert_eq!(crossed(799, 801, 1000), [80]);
        assert_eq!(crossed(800, 801, 1000), [], "it was crossed before");
        assert_eq!(crossed(700, 970, 1000), [80, 95], "a jump crosses all on the way");
        assert_eq!(crossed(970, 1000, 1000), [100]);
    }

    #[test]
    fn what_has_no_room_at_all_is_never_crossed_and_the_largest_amounts_do_not_wrap() {
        assert_eq!(crossed(0, 0, 0), []);
        assert_eq!(crossed(0, i64::MAX, i64::MAX), [80, 95, 100]);
        assert_eq!(crossed(i64::MIN, i64::MAX, 1), [80, 95, 100]);
        assert_eq!(least_use(i64::MAX, 100), i64::MAX);
    }

    #[test]
    fn the_least_use_of_a_threshold_reaches_it_and_one_less_does_not() {
        for amount in [1, 3, 7, 10, 99, 1000, 12_345] {
            for percent in 1..=100 {
                let least = least_use(amount, percent);
                assert!(is_reached(least, amount, percent), "{least} of {amount} at {percent} %");
                assert!(!is_reached(least - 1, amount, percent), "{least} of {amount} at {percent} %");
            }
        }
    }

    #[test]
    fn thresholds_read_back_and_odd_ones_are_refused() {
        let given = Thresholds::of(&[95, 50, 95]).unwrap();
        assert_eq!(given.stored(), "50,95");
        assert_eq!(Thresholds::from_stored("50,95"), Some(given));
        assert_eq!(Thresholds::from_stored(""), Some(Thresholds::NONE));
        assert_eq!(Thresholds::from_stored("50,x"), None);
        assert_eq!(Thresholds::from_stored("0"), None);
        for bad in [&[0][..], &[101], &[-1], &[1, 2, 3, 4, 5]] {
            assert!(Thresholds::of(bad).is_err(), "{bad:?}");
        }
        assert!(
            Thresholds::usual_of(Window::Minute).is_empty() && !Thresholds::usual_of(Window::Day).is_empty()
        );
    }
}
