//! Sums that neither wrap nor fail, in words that both databases understand.
//!
//! PostgreSQL refuses a sum that does not fit 64 bits, SQLite makes a floating-point number of it or refuses it as well; either
//! way one figure from outside would hold up everybody who writes to the same row. So what is stored stops at a ceiling.

/// The most that a stored sum comes to, and below zero the least: 2^60. Eight of them fit into 64 bits.
pub const CEILING: i64 = 1 << 60;

/// An amount as it may be added to a stored sum.
pub(crate) fn bounded(amount: i64) -> i64 {
    amount.clamp(-CEILING, CEILING)
}

/// `column = …` of an `ON CONFLICT DO UPDATE`: the stored sum and the new amount together, no further than to [`CEILING`] either
/// way. The amount is [`bounded`]; the stored sum may be anything.
macro_rules! saturating {
    ($table:literal, $column:literal) => {
        concat!(
            $column,
            " = CASE WHEN ",
            $table,
            ".",
            $column,
            " > 1152921504606846976 - excluded.",
            $column,
            " THEN 1152921504606846976 WHEN ",
            $table,
            ".",
            $column,
            " < -1152921504606846976 - excluded.",
            $column,
            " THEN -1152921504606846976 ELSE ",
            $table,
            ".",
            $column,
            " + excluded.",
            $column,
            " END"
        )
    };
}

/// `column = …` of [`saturating!`] for each of these columns, of a statement that is put together when the program runs.
pub(crate) fn saturating_all(table: &str, columns: &[&str]) -> String {
    let one =
        |column: &&str| saturating!("table", "column").replace("table", table).replace("column", column);
    columns.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The sum of what an expression comes to in each row, at most about 2^61 either way; 0 of none. Both halves of 64 bits are summed up by
/// themselves, so that no sum on the way leaves them.
macro_rules! total {
    ($expression:expr) => {
        concat!(
            "CAST(COALESCE(CASE WHEN SUM((",
            $expression,
            ") >> 30) >= 2147483648 THEN 2305843009213693952 WHEN SUM((",
            $expression,
            ") >> 30) < -2147483648 THEN -2305843009213693952 ELSE SUM((",
            $expression,
            ") >> 30) * 1073741824 + SUM((",
            $expression,
            ") & 1073741823) END, 0) AS BIGINT)"
        )
    };
}

pub(crate) use {saturating, total};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_the_one_that_the_statements_name() {
        let figures = saturating!("counters", "held");
        assert_eq!(figures.matches(&CEILING.to_string()).count(), 4, "{figures}");
        assert_eq!(saturating_all("counters", &["held", "leased"]).matches(&CEILING.to_string()).count(), 8);
        assert_eq!(saturating_all("counters", &["held"]), figures);
        assert!(total!("n").contains(&(2 * CEILING).to_string()));
        assert_eq!((bounded(i64::MIN), bounded(-7), bounded(i64::MAX)), (-CEILING, -7, CEILING));
        CEILING.checked_mul(7).expect("it fits several times");
    }
}
