//! Prices: what a provider's model costs, from when on, and the arithmetic in whole billionths of a US dollar.

use std::collections::HashMap;

use crate::amount::Amount;
use crate::clock::Millis;
use crate::provider::{KNOWN, Provider};
use crate::usage::{TokenUsage, Unpriced};

mod cost;
mod most;
mod rates;

pub use cost::Cost;
pub use most::Most;
pub use rates::{AudioInput, Fee, Fees, OtherTiers, Rates, TierRates};

/// Prices are per so many tokens.
const NANO_USD_PER: i128 = 1_000_000;

/// Prices of one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    /// Time from which on they hold.
    pub from: Millis,
    /// Prices of its tokens.
    pub standard: TierRates,
    /// Their prices in other classes of service.
    pub tiers: OtherTiers,
    /// A prompt of more tokens than this costs the rates for long ones, all of it.
    pub long_above: Option<Amount>,
    /// Price of tokens that are processed in the United States only, in thousandths of the usual; `None` when there is
    /// no price for that.
    pub us_permille: Option<i64>,
    /// Prices of uses of services.
    pub fees: Fees,
    /// The most tokens that a prompt can have.
    pub max_input: i64,
    /// The most tokens that an answer can have.
    pub max_output: i64,
}

/// All prices that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable(ByName<ByName<Vec<ModelPrice>>>);

/// Looked into for each call.
type ByName<T> = HashMap<String, T, foldhash::fast::RandomState>;

/// Models of a call, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallModels<'m> {
    /// The one that was asked for.
    pub asked: Option<&'m str>,
    /// The one that the answer names.
    pub answered: Option<&'m str>,
}

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

    /// The price of a model at an instant; `None` when it is not known. A name has a price only by itself: a dated one,
    /// such as `gpt-4o-2024-05-13`, can cost otherwise than the name without the date. OpenRouter's are found by the
    /// vendor's name too.
    #[must_use]
    pub fn find(&self, provider: &Provider, model: &str, at: Millis) -> Option<&ModelPrice> {
        self.find_own(provider.as_str(), model, at).or_else(|| {
            let (vendor, name) =
                model.split_once('/').filter(|_| provider.known().is_some_and(|it| it.resells))?;
            let known = KNOWN.iter().find(|known| known.vendor == Some(vendor))?;
            match known.vendor_writes_dots {
                true => self.find_own(known.name, &name.replace('.', "-"), at),
                false => self.find_own(known.name, name, at),
            }
        })
    }

    /// Returns the name and price by which a call is billed that asked for one model and was answered by another. The name for which
    /// the asked one stands (a dated one, or that behind `-latest`) is what is billed; else the asked one counts, and the
    /// other one only where the asked one has no price.
    #[must_use]
    pub fn find_billed<'m>(
        &self,
        provider: &Provider,
        models: CallModels<'m>,
        at: Millis,
    ) -> Option<(&'m str, &ModelPrice)> {
        let CallModels { asked, answered } = models;
        let find = |model: &'m str| Some((model, self.find(provider, model, at)?));
        let first = match (asked, answered) {
            (Some(asked), Some(answered)) if stands_for(asked, answered) => [Some(answered), Some(asked)],
            _ => [asked, answered],
        };
        first.into_iter().flatten().find_map(find)
    }

    /// Returns the cost of a call, from the figures of its answer: as the provider states it, else by the table; and the model
    /// whose price it is.
    #[must_use]
    pub fn cost_of<'m>(
        &self,
        provider: &Provider,
        models: CallModels<'m>,
        at: Millis,
        usage: &TokenUsage,
    ) -> (Cost, Option<&'m str>) {
        let billed = self.find_billed(provider, models, at);
        if let Some(told) = usage.reported_nano_usd {
            // Nothing, for what a model with a price wrote, is not believed.
            let costs = |(_, price): (&str, &ModelPrice)| price.cost(usage).known_nano_usd > Amount::ZERO;
            let is_free = models.asked.is_some_and(|asked| asked.ends_with(":free"));
            let has_answer = usage.output > Amount::ZERO;
            let is_odd = told == Amount::ZERO && has_answer && !is_free && billed.is_some_and(costs);
            let unpriced = usage.terms.unpriced.or(is_odd.then_some(Unpriced::ReportedCost));
            return (Cost { known_nano_usd: told, unpriced }, None);
        }
        match billed {
            Some((name, price)) => {
                let cost = price.cost(usage);
                // A name that is nobody's is one that an endpoint has for the model asked for; one of the provider's own
                // models that has no price here may cost anything.
                let is_another = |it: &&str| {
                    models.asked.is_some_and(|asked| stands_for(asked, it))
                        || is_its_own(provider, it)
                        || self
                            .find(provider, it, at)
                            .map_or_else(|| self.is_named_like_one_of(provider, it), |other| other != price)
                };
                match models.answered.filter(|it| !is_same(it, name)).filter(is_another) {
                    None => (cost, Some(name)),
                    // What is billed is another model, and the price of the name asked for no more than a guess.
                    other => (Cost { unpriced: cost.unpriced.or(Some(Unpriced::Model)), ..cost }, other),
                }
            }
            None => (Cost { known_nano_usd: Amount::ZERO, unpriced: Some(Unpriced::Model) }, None),
        }
    }

    fn find_own(&self, provider: &str, model: &str, at: Millis) -> Option<&ModelPrice> {
        let models = self.0.get(provider)?;
        let model = model.strip_prefix("models/").unwrap_or(model);
        let prices = models.get(model).or_else(|| models.get(tuned_from(model)?))?;
        prices.iter().rev().find(|price| price.from <= at)
    }

    /// Tells whether a name begins with the same word as one of the provider's models, and goes on.
    fn is_named_like_one_of(&self, provider: &Provider, model: &str) -> bool {
        let word = family(model);
        !word.is_empty()
            && word.len() < bare(model).len()
            && self
                .0
                .get(provider.as_str())
                .is_some_and(|models| models.keys().any(|known| family(known).eq_ignore_ascii_case(word)))
    }

    /// The models of a provider with a price, in the order of their names.
    #[must_use]
    pub fn models_of(&self, provider: &Provider) -> Vec<&str> {
        let models = self.0.get(provider.as_str());
        let mut names: Vec<_> = models.into_iter().flat_map(HashMap::keys).map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The name under which a tuned model is priced: `ft:gpt-4o-2024-08-06` of `ft:gpt-4o-2024-08-06:acme::7qTVM5AR`.
fn tuned_from(model: &str) -> Option<&str> {
    let tuned = model.strip_prefix("ft:")?;
    Some(&model[.."ft:".len() + tuned.find(':')?])
}

/// Tells whether two names of an answer are of one model: the same one, or a dated one and what it is the date of.
#[must_use]
pub fn are_names_of_one_model(one: &str, other: &str) -> bool {
    is_same(one, other) || is_dated_name_of(one, other) || is_dated_name_of(other, one)
}

/// Tells whether an answer's name is one for which the name stands that was asked for.
fn stands_for(asked: &str, answered: &str) -> bool {
    asked.ends_with("-latest") || is_dated_name_of(answered, asked)
}

/// A model's name without the path before it.
fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name).trim()
}

/// Tells whether a name stands behind the provider's own name, as those of its own models do.
fn is_its_own(provider: &Provider, name: &str) -> bool {
    name.split_once('/').is_some_and(|(owner, _)| {
        let vendor = provider.known().and_then(|known| known.vendor);
        owner.eq_ignore_ascii_case(provider.as_str()) || vendor == Some(owner)
    })
}

/// The word that a model's name begins with: `gpt` of `openai/gpt-4o`.
fn family(name: &str) -> &str {
    let name = bare(name);
    let end = name.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(name.len());
    &name[..end]
}

/// Tells whether two names are of one model: some write it as a path, or in capitals.
fn is_same(one: &str, other: &str) -> bool {
    bare(one).eq_ignore_ascii_case(bare(other))
}

/// Tells whether a name is another one with a date or number at its end: `-2024-08-06`, `-20250929`, `-0613`, `-2612`, `-05-20`,
/// `-001`, `-v2` or `@20250929`.
fn is_dated_name_of(name: &str, undated: &str) -> bool {
    let date = name.strip_prefix(undated).and_then(|rest| rest.strip_prefix(['-', '@'])).unwrap_or_default();
    let has_form = |form: &str| {
        date.len() == form.len()
            && date.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    ["0000-00-00", "00000000", "0000", "000", "00-00", "v0"].into_iter().any(has_form)
}

#[cfg(test)]
mod tests;
