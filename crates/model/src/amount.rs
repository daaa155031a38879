//! Amounts: counts of requests, tokens and billionths of a US dollar, with a ceiling that no figure from outside exceeds.

use std::fmt;

/// Amount that a call asks for, holds, consumes or costs: from zero to [`Amount::CEILING`].
///
/// Callers and providers name figures of any size. Whatever enters strongroom's books enters as an `Amount`, so that
/// sums of them stay far from the end of 64 bits: 100,000 calls at the ceiling fit into one counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One.
    pub const ONE: Self = Self(1);
    /// The most that one call can be charged with: ten trillion tokens, or 10,000 US dollars. The dearest call that a
    /// provider sells costs less than a tenth of it.
    pub const CEILING: Self = Self(10_000_000_000_000);

    /// This many; what is below zero counts as zero, and what is above the ceiling as the ceiling.
    #[must_use]
    pub const fn of(figure: i64) -> Self {
        if figure <= 0 {
            Self::ZERO
        } else if figure > Self::CEILING.0 {
            Self::CEILING
        } else {
            Self(figure)
        }
    }

    /// The same of a wide figure.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "what is cast is between zero and the ceiling")]
    pub const fn of_wide(figure: i128) -> Self {
        if figure > Self::CEILING.0 as i128 {
            Self::CEILING
        } else if figure <= 0 {
            Self::ZERO
        } else {
            Self(figure as i64)
        }
    }

    /// This many, if it is an amount at all: `None` below zero and above the ceiling.
    #[must_use]
    pub const fn exactly(figure: i64) -> Option<Self> {
        if figure < 0 || figure > Self::CEILING.0 { None } else { Some(Self(figure)) }
    }

    /// The figure.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Both together, up to the ceiling.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self::of(self.0 + other.0)
    }

    /// Difference to the other, zero at the least.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self::of(self.0 - other.0)
    }

    /// Product with a factor, up to the ceiling.
    #[must_use]
    pub const fn times(self, other: Self) -> Self {
        Self::of_wide(self.0 as i128 * other.0 as i128)
    }

    /// Tells whether it is the most that is counted: what was named may have been more.
    #[must_use]
    pub const fn is_at_ceiling(self) -> bool {
        self.0 == Self::CEILING.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_amount_is_named_so_or_brought_within_bounds() {
        let ceiling = Amount::CEILING.get();
        for (figure, clamped) in [
            (i64::MIN, 0),
            (-1, 0),
            (0, 0),
            (1, 1),
            (ceiling, ceiling),
            (ceiling + 1, ceiling),
            (i64::MAX, ceiling),
        ] {
            assert_eq!(Amount::of(figure).get(), clamped);
            assert_eq!(Amount::of_wide(i128::from(figure)).get(), clamped);
            let is_amount = (0..=ceiling).contains(&figure);
            assert_eq!(Amount::exactly(figure).map(Amount::get), is_amount.then_some(figure));
        }
        assert_eq!(Amount::of_wide(i128::MAX), Amount::CEILING);
        assert!(Amount::CEILING.is_at_ceiling() && !Amount::ONE.is_at_ceiling());
    }

    proptest! {
        #[test]
        fn no_arithmetic_leaves_the_bounds_or_wraps(one: i64, other: i64) {
            let (one, other) = (Amount::of(one), Amount::of(other));
            let bounded = |wide: i128| wide.clamp(0, i128::from(Amount::CEILING.get()));
            let (a, b) = (i128::from(one.get()), i128::from(other.get()));
            prop_assert_eq!(i128::from(one.plus(other).get()), bounded(a + b));
            prop_assert_eq!(i128::from(one.less(other).get()), bounded(a - b));
            prop_assert_eq!(i128::from(one.times(other).get()), bounded(a * b));
        }
    }
}
