//! The most that a call can use and cost, as far as its request and the model bound it.

use super::ModelPrice;
use super::cost::nano_usd;
use super::rates::Fee;
use crate::amount::Amount;
use crate::usage::{Asked, AskedFor, CallBound, Geography, Tier};

/// The most that a call can use and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most<'b> {
    /// Tokens.
    pub tokens: Amount,
    /// Billionths of a US dollar; the field of the request that has no price, when there is one.
    pub nano_usd: Result<Amount, &'b str>,
}

/// Sum of a request's fields.
struct Worst<'b> {
    tiers: [bool; Tier::ALL.len()],
    /// The fields by which the call may hold these.
    audio_input: Option<&'b str>,
    audio_output: Option<&'b str>,
    image_output: Option<&'b str>,
    permille: i64,
    fees: i128,
}

impl ModelPrice {
    /// The most that a call can use and cost: no prompt and no answer is longer than the model's longest.
    #[must_use]
    pub fn most<'b>(&self, bound: &'b CallBound) -> Most<'b> {
        let window = Amount::of(self.max_input).times(bound.prompts.max(Amount::ONE));
        let input = bound.input.map_or(window, |input| input.min(window));
        let longest = Amount::of(self.max_output);
        let one = bound.output.map_or(longest, |output| output.min(longest));
        let output = one.times(bound.answers.max(Amount::ONE));
        let nano_usd = self.worst(&bound.asked).and_then(|worst| self.dearest(&worst, input, output));
        Most { tokens: input.plus(output), nano_usd }
    }

    /// The dearest terms that a request allows; the field at fault when one of them has no price.
    fn worst<'b>(&self, asked: &'b [Asked]) -> Result<Worst<'b>, &'b str> {
        let mut worst = Worst {
            tiers: [false; Tier::ALL.len()],
            audio_input: None,
            audio_output: None,
            image_output: None,
            // A workspace can be set to one place: a call that does not name its own may be billed by that.
            permille: self.us_permille.unwrap_or(1000).max(1000),
            fees: 0,
        };
        // A call can be served in the standard class whatever it asks for.
        worst.tiers[Tier::Standard as usize] = true;
        for Asked { field, what } in asked {
            let field = field.as_ref();
            let is_known = match *what {
                AskedFor::Tier(tier) => {
                    worst.tiers[tier as usize] = true;
                    tier == Tier::Standard || self.tiers.get(tier).is_some()
                }
                AskedFor::AnyTier => {
                    self.tiers.iter().for_each(|(tier, _)| worst.tiers[tier as usize] = true);
                    true
                }
                AskedFor::Geography(Geography::Global) => {
                    worst.permille = 1000;
                    true
                }
                AskedFor::Geography(Geography::Us) => self.us_permille.is_some(),
                AskedFor::AudioInput => {
                    worst.audio_input = Some(field);
                    true
                }
                AskedFor::AudioOutput => {
                    worst.audio_output = Some(field);
                    true
                }
                AskedFor::ImageOutput => {
                    worst.image_output = Some(field);
                    true
                }
                AskedFor::Uses(kind, most) => match (self.fees.get(kind), most) {
                    (Some(Fee::PerUse(1..)), None) | (None, _) => false,
                    (Some(fee), most) => {
                        worst.fees += fee.of(most.unwrap_or(1));
                        true
                    }
                },
                // The dearest of a prompt's prices is among those of a cache anyway.
                AskedFor::LongCache | AskedFor::Cost => true,
                AskedFor::Unpriced(_) => false,
            };
            if !is_known {
                return Err(field);
            }
        }
        Ok(worst)
    }

    fn dearest<'b>(&self, worst: &Worst<'b>, input: Amount, output: Amount) -> Result<Amount, &'b str> {
        let is_long = self.is_long(input);
        let others =
            self.tiers.iter().filter(|(tier, _)| worst.tiers[*tier as usize]).map(|(_, rates)| rates);
        let all = std::iter::once(&self.standard)
            .chain(others)
            .flat_map(|tier| std::iter::once(&tier.rates).chain(tier.long.as_ref().filter(|_| is_long)));
        let (mut dearest_input, mut dearest_output) = (0, 0);
        for rates in all {
            dearest_input = dearest_input.max(rates.dearest_text_input());
            dearest_output = dearest_output.max(rates.output);
            if let Some(field) = worst.audio_input {
                let audio = rates.audio_input.ok_or(field)?;
                dearest_input = dearest_input.max(audio.fresh).max(audio.cached);
            }
            if let Some(field) = worst.audio_output {
                dearest_output = dearest_output.max(rates.audio_output.ok_or(field)?);
            }
            // A model that answers in images does so unasked.
            match (rates.image_output, worst.image_output) {
                (Some(rate), _) => dearest_output = dearest_output.max(rate),
                (None, Some(field)) => return Err(field),
                (None, None) => {}
            }
        }
        let of = |tokens: Amount, rate: i64| i128::from(tokens.get()) * i128::from(rate);
        let tokens = of(input, dearest_input) + of(output, dearest_output);
        Ok(nano_usd(tokens, worst.permille, worst.fees))
    }
}
