//! Figures of a sum of usage, as days and their roll-ups have them.

use crate::dynamic::Value;
use crate::sum::{bounded, total};

/// The columns of [`Figures`], in their order.
pub(crate) const COLUMNS: [&str; 15] = [
    "requests",
    "client_requests",
    "errors_client",
    "errors_provider",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "unpriced",
    "first_byte_ms_sum",
    "first_byte_count",
    "total_ms_sum",
    "total_count",
];

/// The same of `usage_days d`, which tells two kinds of writes to a cache apart.
pub(crate) const OF_DAYS: &str = "d.requests, d.client_requests, d.errors_client, d.errors_provider, d.input_tokens, \
    d.cached_input_tokens, d.cache_write_tokens + d.cache_write_long_tokens AS cache_write_tokens, d.output_tokens, \
    d.reasoning_tokens, d.cost_nano_usd, d.unpriced, d.first_byte_ms_sum, d.first_byte_count, d.total_ms_sum, d.total_count";

/// The sum of an expression.
pub(crate) fn total_of(expression: &str) -> String {
    total!("figure_to_sum_up").replace("figure_to_sum_up", expression)
}

/// The sums of these columns, under their names.
pub(crate) fn totals(columns: &[&str]) -> String {
    columns.iter().map(|column| format!("{} AS {column}", total_of(column))).collect::<Vec<_>>().join(", ")
}

/// Figures of a sum of usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Figures {
    /// How often keys were used for it.
    pub requests: i64,
    /// Requests of clients.
    pub client_requests: i64,
    /// Answers with a status of 400 to 499.
    pub errors_client: i64,
    /// Answers with a status of 500 and above, and calls without an answer.
    pub errors_provider: i64,
    /// Tokens of prompts.
    pub input_tokens: i64,
    /// Of these, read from a cache.
    pub cached_input_tokens: i64,
    /// Of these, written to a cache.
    pub cache_write_tokens: i64,
    /// Tokens of answers.
    pub output_tokens: i64,
    /// Of these, reasoning.
    pub reasoning_tokens: i64,
    /// The cost as far as it is known, in billionths of a US dollar.
    pub cost_nano_usd: i64,
    /// Records of which no price is known.
    pub unpriced: i64,
    /// Milliseconds to the heads of answers, summed up.
    pub first_byte_ms_sum: i64,
    /// Of so many answers.
    pub first_byte_count: i64,
    /// Milliseconds to the ends of answers, summed up.
    pub total_ms_sum: i64,
    /// Of so many answers.
    pub total_count: i64,
}

impl Figures {
    /// The figures in the order of their columns.
    pub(crate) const fn values(&self) -> [i64; COLUMNS.len()] {
        [
            self.requests,
            self.client_requests,
            self.errors_client,
            self.errors_provider,
            self.input_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.output_tokens,
            self.reasoning_tokens,
            self.cost_nano_usd,
            self.unpriced,
            self.first_byte_ms_sum,
            self.first_byte_count,
            self.total_ms_sum,
            self.total_count,
        ]
    }

    /// Figures in the order of their columns.
    pub(crate) const fn of(values: [i64; COLUMNS.len()]) -> Self {
        let [
            requests,
            client_requests,
            errors_client,
            errors_provider,
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            cost_nano_usd,
            unpriced,
            first_byte_ms_sum,
            first_byte_count,
            total_ms_sum,
            total_count,
        ] = values;
        Self {
            requests,
            client_requests,
            errors_client,
            errors_provider,
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            cost_nano_usd,
            unpriced,
            first_byte_ms_sum,
            first_byte_count,
            total_ms_sum,
            total_count,
        }
    }

    fn with(&self, other: &Self, each: fn(i64, i64) -> i64) -> Self {
        let mut values = self.values();
        for (value, other) in values.iter_mut().zip(other.values()) {
            *value = bounded(each(*value, other));
        }
        Self::of(values)
    }

    /// Adds other figures.
    pub fn add(&mut self, other: &Self) {
        *self = self.with(other, i64::saturating_add);
    }

    /// What is left of these figures without the others.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.with(other, i64::saturating_sub)
    }

    pub(crate) fn to_values(self) -> impl Iterator<Item = Value> {
        self.values().into_iter().map(Value::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_add_up_and_are_taken_away_again() {
        let mut values = [0; COLUMNS.len()];
        for (place, value) in (1..).zip(&mut values) {
            *value = place;
        }
        let one = Figures::of(values);
        assert_eq!(one.values(), values);
        let mut two = one;
        two.add(&one);
        assert_eq!(two.without(&one), one);
        assert_eq!(one.without(&one), Figures::default());
    }
}
