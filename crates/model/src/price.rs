//! Prices: what a provider's model costs, from when on, and the arithmetic in whole billionths of a US dollar.

use crate::clock::Millis;
use crate::provider::Provider;
use crate::usage::{CallBound, TokenUsage};

/// What one model costs. Prices are billionths of a US dollar per million tokens: $0.15 per million is 150,000,000.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    /// From when on it holds.
    pub from: Millis,
    /// A token of the prompt.
    pub input: i64,
    /// A token of the prompt that was read from a cache.
    pub cached_input: i64,
    /// A token of the prompt that was written to a cache of minutes.
    pub cache_write: i64,
    /// A token of the prompt that was written to a cache of an hour.
    pub cache_write_long: i64,
    /// A token of the answer.
    pub output: i64,
    /// The most tokens that a prompt can have.
    pub max_input: i64,
    /// The most tokens that an answer can have.
    pub max_output: i64,
}

/// All prices that are known.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {}

impl PriceTable {
    /// The price of a model at an instant; `None` when it is not known.
    #[must_use]
    pub fn find(&self, _provider: &Provider, _model: &str, _at: Millis) -> Option<&ModelPrice> {
        None
    }
}

impl PriceTable {
    /// The models of a provider with a price.
    pub fn models_of(&self, _provider: &Provider) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
}

impl ModelPrice {
    /// What a call cost, rounded up.
    #[must_use]
    pub fn cost(&self, _usage: &TokenUsage) -> i64 {
        0
    }

    /// The most that a call can cost, and the most tokens that it can use.
    #[must_use]
    pub fn most(&self, _bound: &CallBound) -> (i64, i64) {
        (0, 0)
    }
}
