//! Times at which rules would have fired.

use strongroom_model::Millis;
use strongroom_model::limit::Unit;

/// A time at which a rule would have fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fire {
    /// The day.
    pub at: Millis,
    /// Whose limit.
    pub subject: String,
    /// Which threshold.
    pub percent: u8,
    /// The use by the end of that day.
    pub used: i64,
    /// The unit of the use.
    pub unit: Unit,
    /// What was seen, in words.
    pub says: String,
}

/// What a rule would have done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backtested {
    /// The first day that was looked at.
    pub from: Option<Millis>,
    /// Limits that were looked at.
    pub limits: usize,
    /// Limits whose use the day sums do not tell: of windows shorter than a day, and prepaid ones.
    pub left_out: usize,
    /// When it would have fired, the earliest first.
    pub fires: Vec<Fire>,
}
