//! Reading price tables: the one that comes with strongroom, and those that people write over it.

mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use strongroom_model::price::{Fees, PriceTable};
use strongroom_model::{Millis, Problem, Provider};

use written::{WrittenFees, WrittenPrice};

const BUILT_IN: &str = include_str!("../prices.toml");

/// Section of a provider in the price table.
#[derive(Debug, Deserialize)]
struct Section {
    /// The page of the provider that has the prices.
    source: Option<String>,
    /// The day on which they were looked up.
    as_of: Option<String>,
    /// Fees that all models have which do not name their own.
    #[serde(default)]
    fees_per_1000: WrittenFees,
    #[serde(flatten)]
    models: BTreeMap<String, Vec<WrittenPrice>>,
}

impl Section {
    fn check(&self) -> Result<(), String> {
        if let Some(source) = self.source.as_deref().filter(|source| !source.starts_with("https://")) {
            return Err(format!("source: {source:?} is no address of a page: write it as https://…"));
        }
        self.as_of.as_deref().map_or(Ok(()), |day| start_of(day).map(drop))
    }
}

/// The instant at which a day begins (UTC).
fn start_of(day: &str) -> Result<Millis, String> {
    Millis::parse(&format!("{day}T00:00:00Z"))
        .map_err(|_| format!("{day:?} is no day: write it as 2026-01-31"))
}

fn sections(text: &str) -> Result<BTreeMap<String, Section>, Problem> {
    toml::from_str(text).map_err(|error| Problem::invalid("prices", error.to_string()))
}

/// Reads a price table; see `prices.toml` for its form.
///
/// # Errors
/// [`Problem`] of kind `Invalid` naming the place.
pub fn parse(text: &str) -> Result<PriceTable, Problem> {
    let invalid = |message: String| Problem::invalid("prices", message);
    let mut table = PriceTable::default();
    for (provider, section) in sections(text)? {
        let named = Provider::parse(&provider)?;
        section.check().map_err(|error| invalid(format!("{provider}: {error}")))?;
        let fees = section.fees_per_1000.read().map_err(|error| invalid(format!("{provider}: {error}")))?;
        let mut names = BTreeSet::new();
        for (model, prices) in section.models {
            let at_fault = |error: String| invalid(format!("{provider}, {model}: {error}"));
            let also: Vec<_> = prices.iter().flat_map(|price| price.also.clone()).collect();
            let prices = read(prices, &fees).map_err(at_fault)?;
            for name in also.iter().chain([&model]) {
                if !names.insert(name.clone()) {
                    return Err(at_fault(format!("{name:?} has a price already")));
                }
                table.set(&named, name, prices.clone());
            }
        }
    }
    Ok(table)
}

fn read(prices: Vec<WrittenPrice>, fees: &Fees) -> Result<Vec<strongroom_model::price::ModelPrice>, String> {
    prices.into_iter().map(|price| price.read(fees)).collect()
}

/// The prices that come with strongroom.
///
/// # Panics
/// Never: a test reads the same text.
#[must_use]
pub fn built_in() -> PriceTable {
    parse(BUILT_IN).expect("the built-in price table reads")
}

#[cfg(test)]
mod tests;
