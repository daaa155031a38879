//! Prices: what a provider's model costs, from when on, and the arithmetic in whole billionths of a US dollar.

use std::collections::BTreeMap;

use crate::amount::Amount;
use crate::clock::Millis;
use crate::provider::Provider;
use crate::usage::{CallBound, TokenUsage};

/// Prices are per so many tokens.
const PER: i128 = 1_000_000;

/// What tokens cost, in billionths of a US dollar per million: $0.15 per million is 150,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
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
}

/// What one model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    /// From when on it holds.
    pub from: Millis,
    /// What its tokens cost.
    pub rates: Rates,
    /// What they cost for a prompt of more tokens than this.
    pub long: Option<(i64, Rates)>,
    /// The most tokens that a prompt can have.
    pub max_input: i64,
    /// The most tokens that an answer can have.
    pub max_output: i64,
}

/// All prices that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable(BTreeMap<String, BTreeMap<String, Vec<ModelPrice>>>);

impl PriceTable {
    /// Sets the prices of a model, in place of what was known of it.
    pub fn set(&mut self, provider: &Provider, model: &str, mut prices: Vec<ModelPrice>) {
        prices.sort_by_key(|price| price.from);
        self.0.entry(provider.as_str().to_owned()).or_default().insert(model.to_owned(), prices);
    }

    /// Takes over another table's prices, model by model.
    pub fn override_with(&mut self, other: Self) {
        for (provider, models) in other.0 {
            self.0.entry(provider).or_default().extend(models);
        }
    }

    /// The price of a model at an instant; `None` when it is not known. A dated name, such as `gpt-4o-2024-08-06`, is
    /// found by its name without the date when it has no price of its own; OpenRouter's by the vendor's.
    #[must_use]
    pub fn find(&self, provider: &Provider, model: &str, at: Millis) -> Option<&ModelPrice> {
        self.find_own(provider.as_str(), model, at).or_else(|| {
            let (vendor, name) = model.split_once('/').filter(|_| provider.as_str() == "openrouter")?;
            match vendor {
                "openai" => self.find_own("openai", name, at),
                "google" => self.find_own("gemini", name, at),
                "anthropic" => self.find_own("anthropic", &name.replace('.', "-"), at),
                _ => None,
            }
        })
    }

    fn find_own(&self, provider: &str, model: &str, at: Millis) -> Option<&ModelPrice> {
        let models = self.0.get(provider)?;
        let model = model.strip_prefix("models/").unwrap_or(model);
        let prices = models.get(model).or_else(|| models.get(without_date(model)?))?;
        prices.iter().rev().find(|price| price.from <= at)
    }

    /// The models of a provider with a price.
    pub fn models_of(&self, provider: &Provider) -> impl Iterator<Item = &str> {
        self.0.get(provider.as_str()).into_iter().flat_map(BTreeMap::keys).map(String::as_str)
    }
}

/// A name without the date at its end: `-2024-08-06` or `-20250929`.
fn without_date(model: &str) -> Option<&str> {
    let is_digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, last) = model.rsplit_once('-')?;
    if is_digits(last, 8) {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (is_digits(last, 2) && is_digits(month, 2) && is_digits(year, 4)).then_some(rest)
}

/// What these tokens cost at these rates, rounded up once: in favour of the limit, a started billionth counts.
fn nano_usd(parts: &[(Amount, i64)]) -> Amount {
    // Ten trillion tokens at the dearest rate are far from the end of 128 bits.
    let sum: i128 = parts.iter().map(|(tokens, rate)| i128::from(tokens.get()) * i128::from(*rate)).sum();
    Amount::of_wide((sum + PER - 1) / PER)
}

impl Rates {
    fn dearest_input(&self) -> i64 {
        self.input.max(self.cached_input).max(self.cache_write).max(self.cache_write_long)
    }
}

impl ModelPrice {
    /// What a call cost, rounded up to a whole billionth of a dollar.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage) -> Amount {
        let rates = match &self.long {
            Some((above, rates)) if usage.input.get() > *above => rates,
            _ => &self.rates,
        };
        let special = [usage.cached_input, usage.cache_write, usage.cache_write_long];
        let plain = special.into_iter().fold(usage.input, Amount::less);
        nano_usd(&[
            (plain, rates.input),
            (usage.cached_input, rates.cached_input),
            (usage.cache_write, rates.cache_write),
            (usage.cache_write_long, rates.cache_write_long),
            (usage.output, rates.output),
        ])
    }

    /// The most tokens that a call can use, and the most that it can cost, as far as its request and the model bound it:
    /// no prompt and no answer is longer than the model's longest.
    #[must_use]
    pub fn most(&self, bound: &CallBound) -> (Amount, Amount) {
        let window = Amount::of(self.max_input).times(bound.prompts.max(Amount::ONE));
        let input = bound.input.map_or(window, |input| input.min(window));
        let longest = Amount::of(self.max_output);
        let one = bound.output.map_or(longest, |output| output.min(longest));
        let output = one.times(bound.answers.max(Amount::ONE));
        let long = self.long.as_ref().filter(|(above, _)| input.get() > *above).map(|(_, rates)| rates);
        let dearest = |of: fn(&Rates) -> i64| of(&self.rates).max(long.map_or(0, of));
        let cost =
            nano_usd(&[(input, dearest(Rates::dearest_input)), (output, dearest(|rates| rates.output))]);
        (input.plus(output), cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        input: 3_000_000_000,
        cached_input: 300_000_000,
        cache_write: 3_750_000_000,
        cache_write_long: 6_000_000_000,
        output: 15_000_000_000,
    };

    fn price(from: i64) -> ModelPrice {
        let long = Rates { input: 6_000_000_000, cached_input: 600_000_000, output: 22_500_000_000, ..RATES };
        ModelPrice {
            from: Millis(from),
            rates: RATES,
            long: Some((200_000, long)),
            max_input: 1_000_000,
            max_output: 64_000,
        }
    }

    #[test]
    fn every_part_costs_its_own_rate_and_is_rounded_up_once() {
        let usage = TokenUsage {
            input: Amount::of(1000),
            cached_input: Amount::of(400),
            cache_write: Amount::of(100),
            cache_write_long: Amount::of(50),
            output: Amount::of(10),
            ..TokenUsage::default()
        };
        // 450 * 3000 + 400 * 300 + 100 * 3750 + 50 * 6000 + 10 * 15000
        assert_eq!(price(0).cost(&usage).get(), 1_350_000 + 120_000 + 375_000 + 300_000 + 150_000);
        let cheap = ModelPrice { rates: Rates { input: 1, ..RATES }, ..price(0) };
        assert_eq!(cheap.cost(&TokenUsage { input: Amount::ONE, ..TokenUsage::default() }).get(), 1);
        assert_eq!(
            cheap.cost(&TokenUsage { input: Amount::of(1_000_001), ..TokenUsage::default() }).get(),
            6_000_006_000
        );
    }

    #[test]
    fn a_long_prompt_costs_the_long_rates_for_all_of_it() {
        let at = |input| {
            let usage = TokenUsage { input: Amount::of(input), output: Amount::ONE, ..TokenUsage::default() };
            price(0).cost(&usage).get()
        };
        assert_eq!(at(200_000), 600_000_000 + 15_000);
        assert_eq!(at(200_001), 1_200_006_000 + 22_500);
    }

    #[test]
    fn the_bound_is_never_below_the_cost() {
        let bound = CallBound { answers: Amount::of(2), ..CallBound::of(Some(1000), Some(10)) };
        let (tokens, most) = price(0).most(&bound);
        assert_eq!(tokens.get(), 1020);
        for cached in [0, 500, 1000] {
            let usage = TokenUsage {
                input: Amount::of(1000),
                cache_write_long: Amount::of(cached),
                output: Amount::of(20),
                ..TokenUsage::default()
            };
            assert!(price(0).cost(&usage) <= most);
        }
        assert_eq!(price(0).most(&CallBound::UNKNOWN).0.get(), 1_064_000);
        // No request makes a model's window larger, however much it asks for; only more prompts and answers do.
        let huge = CallBound::of(Some(i64::MAX), Some(i64::MAX));
        assert_eq!(price(0).most(&huge), price(0).most(&CallBound::UNKNOWN));
        let many = CallBound { prompts: Amount::of(3), answers: Amount::of(5), ..CallBound::UNKNOWN };
        assert_eq!(price(0).most(&many).0.get(), 3_000_000 + 5 * 64_000);
        let most = CallBound { prompts: Amount::CEILING, answers: Amount::CEILING, ..huge };
        assert_eq!(price(0).most(&most), (Amount::CEILING, Amount::CEILING));
    }

    #[test]
    fn a_model_is_found_by_its_name_its_name_without_a_date_or_its_vendor() {
        let provider = |name: &str| Provider::stored(name.to_owned());
        let mut table = PriceTable::default();
        table.set(&provider("openai"), "gpt-4o", vec![price(2000), price(1000)]);
        table.set(&provider("anthropic"), "claude-sonnet-4-5", vec![price(0)]);
        let from = |name: &str, model: &str, at| {
            table.find(&provider(name), model, Millis(at)).map(|price| price.from.0)
        };
        assert_eq!(from("openai", "gpt-4o", 999), None);
        assert_eq!(from("openai", "gpt-4o", 1000), Some(1000));
        assert_eq!(from("openai", "gpt-4o-2024-08-06", 5000), Some(2000));
        assert_eq!(from("openai", "gpt-4o-mini", 5000), None, "nothing is guessed");
        assert_eq!(from("openai", "gpt-4o-08-06", 5000), None);
        assert_eq!(from("anthropic", "claude-sonnet-4-5-20250929", 0), Some(0));
        assert_eq!(from("openrouter", "anthropic/claude-sonnet-4.5", 0), Some(0));
        assert_eq!(from("openrouter", "openai/gpt-4o:free", 5000), None);
        assert_eq!(from("groq", "gpt-4o", 5000), None);
        let mut other = PriceTable::default();
        other.set(&provider("openai"), "gpt-4o", vec![price(3000)]);
        table.override_with(other);
        assert_eq!(table.find(&provider("openai"), "gpt-4o", Millis(2500)), None);
        assert_eq!(table.models_of(&provider("openai")).collect::<Vec<_>>(), ["gpt-4o"]);
    }
}
