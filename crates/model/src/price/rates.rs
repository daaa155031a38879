//! Rates: what each kind of token costs in each class of service, and each use of a service with a fee.

use crate::usage::{Tier, Use};

/// Prices of text tokens, and of audio and image tokens where those differ, in billionths of a US dollar per million:
/// $0.15 per million is 150,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// A token of the prompt.
    pub input: i64,
    /// A token of the prompt that was read from a cache.
    pub cached_input: i64,
    /// A token of the prompt that was written to a cache of minutes.
    pub cache_write: i64,
    /// A token of the prompt that was written to a cache of hours.
    pub cache_write_long: i64,
    /// A token of the answer.
    pub output: i64,
    /// Tokens of audio in the prompt; `None` when the model has no price for them.
    pub audio_input: Option<AudioInput>,
    /// A token of audio in the answer.
    pub audio_output: Option<i64>,
    /// A token of an image in the answer.
    pub image_output: Option<i64>,
}

/// Prices of audio tokens in a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioInput {
    /// A token.
    pub fresh: i64,
    /// A token that was read from a cache.
    pub cached: i64,
}

impl Rates {
    /// The dearest that a token of text in a prompt can be.
    pub(super) fn dearest_text_input(&self) -> i64 {
        self.input.max(self.cached_input).max(self.cache_write).max(self.cache_write_long)
    }
}

/// The rates of one class of service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierRates {
    /// For prompts of usual length.
    pub rates: Rates,
    /// For prompts that are longer than [`super::ModelPrice::long_above`]; `None` when this class takes none.
    pub long: Option<Rates>,
}

/// Fees for a use of each service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fees([Option<Fee>; Use::ALL.len()]);

/// A fee, in billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fee {
    /// For each use.
    PerUse(i64),
    /// For a call in which it is used, however often.
    PerCall(i64),
}

impl Fee {
    /// Returns the cost of so many uses.
    pub(super) fn of(self, uses: u32) -> i128 {
        match self {
            Self::PerUse(fee) => i128::from(fee) * i128::from(uses),
            Self::PerCall(fee) => i128::from(fee) * i128::from(uses.min(1)),
        }
    }
}

impl Fees {
    /// The fee for a use; `None` when it is not known.
    #[must_use]
    pub const fn get(&self, of: Use) -> Option<Fee> {
        self.0[of as usize]
    }

    /// Sets a fee.
    pub fn set(&mut self, of: Use, fee: Fee) {
        self.0[of as usize] = Some(fee);
    }

    /// These fees, and the others' where there is none.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for (own, other) in self.0.iter_mut().zip(others.0) {
            *own = own.or(other);
        }
        self
    }
}

/// The rates of classes of service other than the standard one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherTiers(Vec<(Tier, TierRates)>);

impl OtherTiers {
    /// The rates of a class of service; `None` when the model has no published price in it.
    #[must_use]
    pub fn get(&self, tier: Tier) -> Option<&TierRates> {
        self.0.iter().find(|(named, _)| *named == tier).map(|(_, rates)| rates)
    }

    /// Sets the rates of a class of service.
    pub fn set(&mut self, tier: Tier, rates: TierRates) {
        self.0.retain(|(named, _)| *named != tier);
        self.0.push((tier, rates));
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Tier, &TierRates)> {
        self.0.iter().map(|(tier, rates)| (*tier, rates))
    }
}
