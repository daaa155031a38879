//! The cost of a call, from what it consumed and on which terms.

use super::rates::Rates;
use super::{ModelPrice, NANO_USD_PER};
use crate::amount::Amount;
use crate::usage::{Geography, Tier, TokenUsage, Unpriced, Use};

/// Cost of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// As far as it is known, in billionths of a US dollar, rounded up once.
    pub known_nano_usd: Amount,
    /// Part of it that could not be priced: without that, `known_nano_usd` is all.
    pub unpriced: Option<Unpriced>,
}

impl Cost {
    /// The whole cost; `None` when a part of it is not known.
    #[must_use]
    pub fn whole(self) -> Option<Amount> {
        self.unpriced.is_none().then_some(self.known_nano_usd)
    }
}

impl ModelPrice {
    /// Cost of a call.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage) -> Cost {
        let mut unpriced = usage.terms.unpriced;
        let mut cannot = |what| unpriced = unpriced.or(Some(what));
        let rates = self.rates_for(usage.terms.tier, usage.input).unwrap_or_else(|what| {
            cannot(what);
            &self.standard.rates
        });

        let audio = usage.audio_input.min(usage.input);
        let cached_audio = usage.cached_audio_input.min(audio);
        let cached_text = usage.cached_input.less(cached_audio);
        let special =
            [audio.less(cached_audio), cached_audio, cached_text, usage.cache_write, usage.cache_write_long];
        let text = special.into_iter().fold(usage.input, Amount::less);
        let of = |tokens: Amount, rate: i64| i128::from(tokens.get()) * i128::from(rate);
        let mut sum = of(text, rates.input)
            + of(cached_text, rates.cached_input)
            + of(usage.cache_write, rates.cache_write)
            + of(usage.cache_write_long, rates.cache_write_long);
        match rates.audio_input {
            Some(rate) => {
                sum += of(audio.less(cached_audio), rate.fresh) + of(cached_audio, rate.cached);
            }
            None if audio == Amount::ZERO => {}
            None => {
                cannot(Unpriced::AudioInput);
                sum += of(audio, rates.input);
            }
        }
        if usage.terms.has_untold_output {
            let is_dearer = |rate: Option<i64>| rate.is_some_and(|rate| rate > rates.output);
            if is_dearer(rates.image_output) {
                cannot(Unpriced::ImageOutput);
            } else if is_dearer(rates.audio_output) {
                cannot(Unpriced::AudioOutput);
            }
        }
        let mut special_output = |tokens: Amount, rate: Option<i64>, what| {
            if rate.is_none() && tokens != Amount::ZERO {
                cannot(what);
            }
            of(tokens, rate.unwrap_or(rates.output))
        };
        sum += special_output(usage.audio_output, rates.audio_output, Unpriced::AudioOutput)
            + special_output(usage.image_output, rates.image_output, Unpriced::ImageOutput);
        let text = usage.output.less(usage.audio_output).less(usage.image_output);
        // What may be of any kind costs the dearest.
        let untold = usage.untold_output.min(text);
        let dearest =
            [rates.audio_output, rates.image_output].into_iter().flatten().fold(rates.output, i64::max);
        sum += of(text.less(untold), rates.output) + of(untold, dearest);

        let permille = match (usage.terms.geography, self.us_permille) {
            (Geography::Global, _) => 1000,
            (Geography::Us, Some(permille)) => permille,
            (Geography::Us, None) => {
                cannot(Unpriced::Geography);
                1000
            }
        };
        let mut fees = 0;
        if !usage.uses.is_none() {
            for kind in Use::ALL {
                match (usage.uses.get(kind), self.fees.get(kind)) {
                    (0, _) => {}
                    (uses, Some(fee)) => fees += fee.of(uses),
                    (_, None) => cannot(Unpriced::Fee(kind)),
                }
            }
        }
        Cost { known_nano_usd: nano_usd(sum, permille, fees), unpriced }
    }

    /// The rates of a class of service for a prompt of this length.
    fn rates_for(&self, tier: Tier, input: Amount) -> Result<&Rates, Unpriced> {
        let of_tier = match tier {
            Tier::Standard => &self.standard,
            other => self.tiers.get(other).ok_or(Unpriced::Tier)?,
        };
        if self.is_long(input) {
            of_tier.long.as_ref().ok_or(Unpriced::LongPrompt)
        } else {
            Ok(&of_tier.rates)
        }
    }

    /// Tells whether a prompt of this length costs the rates for long ones.
    pub(super) fn is_long(&self, input: Amount) -> bool {
        self.long_above.is_some_and(|above| input > above)
    }
}

/// The cost of tokens (each times its rate, all added up) at so many thousandths of their price, and of fees in billionths
/// of a dollar; rounded up once: in favour of the limit, a started billionth counts.
pub(super) fn nano_usd(sum: i128, permille: i64, fees: i128) -> Amount {
    // Ten trillion tokens at the dearest rate are far from the end of 128 bits.
    const PARTS: i128 = NANO_USD_PER * 1000;
    Amount::of_wide((sum * i128::from(permille) + PARTS - 1) / PARTS + fees)
}
