//! Reading price tables: the one that comes with strongroom, and those that people write over it.

use serde::Deserialize;
use strongroom_model::price::{ModelPrice, PriceTable, Rates};
use strongroom_model::{Millis, Problem, Provider};

const BUILT_IN: &str = include_str!("../prices.toml");
/// The dearest price that is believed, in US dollars per million tokens.
const MOST_USD: f64 = 1_000_000.0;
const NANO: f64 = 1e9;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRates {
    above: Option<i64>,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrice {
    from: Option<String>,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
    max_input: i64,
    max_output: i64,
    long: Option<WrittenRates>,
}

type Written = std::collections::BTreeMap<String, std::collections::BTreeMap<String, Vec<WrittenPrice>>>;

fn nano(usd: f64) -> Result<i64, String> {
    if !usd.is_finite() || !(0.0..=MOST_USD).contains(&usd) {
        return Err(format!("{usd} is no price: write US dollars per million tokens"));
    }
    // Exact for every price with up to nine decimals.
    Ok((usd * NANO).round() as i64)
}

impl WrittenRates {
    fn read(&self) -> Result<Rates, String> {
        let or_input = |price: Option<f64>| nano(price.unwrap_or(self.input));
        Ok(Rates {
            input: nano(self.input)?,
            cached_input: or_input(self.cached_input)?,
            cache_write: or_input(self.cache_write)?,
            cache_write_long: or_input(self.cache_write_long.or(self.cache_write))?,
            output: nano(self.output)?,
        })
    }
}

impl WrittenPrice {
    fn read(self) -> Result<ModelPrice, String> {
        let from = match &self.from {
            None => Millis(0),
            Some(day) => Millis::parse(&format!("{day}T00:00:00Z"))
                .map_err(|_| format!("{day:?} is no day: write it as 2026-01-31"))?,
        };
        if self.max_input < 1 || self.max_output < 0 {
            return Err("max_input and max_output are counts of tokens".to_owned());
        }
        let rates = WrittenRates {
            above: None,
            input: self.input,
            cached_input: self.cached_input,
            cache_write: self.cache_write,
            cache_write_long: self.cache_write_long,
            output: self.output,
        };
        let long = match self.long {
            None => None,
            Some(long) => {
                let above = long.above.filter(|above| *above > 0);
                Some((above.ok_or("long needs `above`, a count of tokens")?, long.read()?))
            }
        };
        let (max_input, max_output) = (self.max_input, self.max_output);
        Ok(ModelPrice { from, rates: rates.read()?, long, max_input, max_output })
    }
}

/// Reads a price table; see `prices.toml` for its form.
///
/// # Errors
/// [`Problem`] of kind `Invalid` naming the place.
pub fn parse(text: &str) -> Result<PriceTable, Problem> {
    let invalid = |message: String| Problem::invalid("prices", message);
    let written: Written = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    let mut table = PriceTable::default();
    for (provider, models) in written {
        let named = Provider::parse(&provider)?;
        for (model, prices) in models {
            let read: Result<Vec<_>, String> = prices.into_iter().map(WrittenPrice::read).collect();
            let read = read.map_err(|error| invalid(format!("{provider}, {model}: {error}")))?;
            table.set(&named, &model, read);
        }
    }
    Ok(table)
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
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_reads_and_knows_every_provider_that_has_prices() {
        let table = parse(BUILT_IN).unwrap();
        assert_eq!(table, built_in());
        for provider in ["openai", "anthropic", "gemini", "groq"] {
            assert!(table.models_of(&Provider::stored(provider.to_owned())).count() > 3, "{provider}");
        }
        let price = table.find(&Provider::stored("openai".into()), "gpt-4o-mini", Millis(0)).unwrap();
        assert_eq!(
            (price.rates.input, price.rates.cached_input, price.rates.output),
            (150_000_000, 75_000_000, 600_000_000)
        );
    }

    #[test]
    fn what_is_no_price_is_named() {
        let cases = [
            ("[openai]\n\"m\" = [{ input = -1.0, output = 1.0, max_input = 1, max_output = 1 }]", "-1"),
            ("[openai]\n\"m\" = [{ input = 1.0, max_input = 1, max_output = 1 }]", "output"),
            ("[openai]\n\"m\" = [{ input = 1.0, output = 1.0, max_input = 0, max_output = 1 }]", "max_input"),
            (
                "[openai]\n\"m\" = [{ from = \"soon\", input = 1.0, output = 1.0, max_input = 1, max_output = 1 }]",
                "soon",
            ),
            ("[openai]\n\"m\" = [{ inptu = 1.0 }]", "inptu"),
            ("[\"open ai\"]\n", "provider"),
        ];
        for (text, named) in cases {
            let problem = parse(text).unwrap_err();
            assert!(problem.message.contains(named), "{}", problem.message);
        }
    }
}
