//! Prices as people write them: US dollars per million tokens, and per thousand uses of a service.

use std::collections::BTreeMap;

use serde::Deserialize;
use strongroom_model::price::{AudioInput, Fee, Fees, ModelPrice, OtherTiers, Rates, TierRates};
use strongroom_model::usage::{Tier, Use};
use strongroom_model::{Amount, Millis};

use super::start_of;

/// The dearest price that is believed, in US dollars per million tokens or per thousand uses.
const MAX_USD: f64 = 1_000_000.0;
/// The largest factor that is believed.
const MAX_TIMES: f64 = 1000.0;
const NANO: f64 = 1e9;

/// Prices of tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRates {
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
    audio_input: Option<f64>,
    cached_audio_input: Option<f64>,
    audio_output: Option<f64>,
    image_output: Option<f64>,
}

/// Prices of tokens in a long prompt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLong {
    above: Option<i64>,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
    audio_input: Option<f64>,
    cached_audio_input: Option<f64>,
    audio_output: Option<f64>,
    image_output: Option<f64>,
}

/// Prices of tokens in a class of service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTierRates {
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
    audio_input: Option<f64>,
    cached_audio_input: Option<f64>,
    audio_output: Option<f64>,
    image_output: Option<f64>,
    long: Option<WrittenRates>,
}

/// A class of service: so many times the standard prices, or prices of its own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WrittenTier {
    Times(f64),
    Rates(Box<WrittenTierRates>),
}

/// Fees in US dollars per thousand uses, by the name of the service.
#[derive(Debug, Default, Deserialize)]
pub(super) struct WrittenFees(BTreeMap<String, f64>);

/// Prices of a model from a day on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPrice {
    from: Option<String>,
    input: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    cache_write_long: Option<f64>,
    output: f64,
    audio_input: Option<f64>,
    cached_audio_input: Option<f64>,
    audio_output: Option<f64>,
    image_output: Option<f64>,
    long: Option<WrittenLong>,
    #[serde(default)]
    tiers: BTreeMap<String, WrittenTier>,
    us_times: Option<f64>,
    #[serde(default)]
    fees_per_1000: WrittenFees,
    max_input: i64,
    max_output: i64,
    /// Other names of the model that cost the same, such as dated ones.
    #[serde(default)]
    pub(super) also: Vec<String>,
    /// The page that has this price, where it is another one than the provider's.
    source: Option<String>,
}

#[expect(clippy::cast_possible_truncation, reason = "MAX_USD in billionths fits an i64")]
fn nano(usd: f64) -> Result<i64, String> {
    if !usd.is_finite() || !(0.0..=MAX_USD).contains(&usd) {
        return Err(format!("{usd} is no price: write US dollars per million tokens, or per thousand uses"));
    }
    // Exact for every price with up to nine decimals.
    Ok((usd * NANO).round() as i64)
}

#[expect(clippy::cast_possible_truncation, reason = "MAX_TIMES in thousandths fits an i64")]
fn permille(times: f64) -> Result<i64, String> {
    let permille = (times * 1000.0).round();
    if !times.is_finite() || !(0.0..=MAX_TIMES).contains(&times) || (permille / 1000.0 - times).abs() > 1e-9 {
        return Err(format!("{times} is no factor: write it with at most three decimals, such as 1.1"));
    }
    Ok(permille as i64)
}

impl WrittenRates {
    fn read(&self) -> Result<Rates, String> {
        let or_input = |price: Option<f64>| nano(price.unwrap_or(self.input));
        let some = |price: Option<f64>| price.map(nano).transpose();
        let audio_input = match (self.audio_input, self.cached_audio_input) {
            (Some(fresh), cached) => {
                Some(AudioInput { fresh: nano(fresh)?, cached: nano(cached.unwrap_or(fresh))? })
            }
            (None, Some(_)) => return Err("cached_audio_input needs audio_input".to_owned()),
            (None, None) => None,
        };
        Ok(Rates {
            input: nano(self.input)?,
            cached_input: or_input(self.cached_input)?,
            cache_write: or_input(self.cache_write)?,
            cache_write_long: or_input(self.cache_write_long.or(self.cache_write))?,
            output: nano(self.output)?,
            audio_input,
            audio_output: some(self.audio_output)?,
            image_output: some(self.image_output)?,
        })
    }
}

/// The rates that stand among other fields.
macro_rules! rates_of {
    ($written:expr) => {
        WrittenRates {
            input: $written.input,
            cached_input: $written.cached_input,
            cache_write: $written.cache_write,
            cache_write_long: $written.cache_write_long,
            output: $written.output,
            audio_input: $written.audio_input,
            cached_audio_input: $written.cached_audio_input,
            audio_output: $written.audio_output,
            image_output: $written.image_output,
        }
        .read()
    };
}

/// So many thousandths of a price, which come out even.
fn part(rate: i64, permille: i64) -> Result<i64, String> {
    let product = i128::from(rate) * i128::from(permille);
    if product % 1000 != 0 {
        return Err(format!("{permille} thousandths of a price do not come out even: write the prices"));
    }
    i64::try_from(product / 1000).map_err(|_| "a price is too high".to_owned())
}

fn times(rates: &Rates, permille: i64) -> Result<Rates, String> {
    let of = |rate: i64| part(rate, permille);
    let some = |rate: Option<i64>| rate.map(of).transpose();
    let audio = |audio: AudioInput| -> Result<_, String> {
        Ok(AudioInput { fresh: of(audio.fresh)?, cached: of(audio.cached)? })
    };
    Ok(Rates {
        input: of(rates.input)?,
        cached_input: of(rates.cached_input)?,
        cache_write: of(rates.cache_write)?,
        cache_write_long: of(rates.cache_write_long)?,
        output: of(rates.output)?,
        audio_input: rates.audio_input.map(audio).transpose()?,
        audio_output: some(rates.audio_output)?,
        image_output: some(rates.image_output)?,
    })
}

impl WrittenTier {
    fn read(&self, standard: &TierRates) -> Result<TierRates, String> {
        match self {
            Self::Times(factor) => {
                let permille = permille(*factor)?;
                let long = standard.long.as_ref().map(|long| times(long, permille)).transpose()?;
                Ok(TierRates { rates: times(&standard.rates, permille)?, long })
            }
            Self::Rates(written) => {
                let long = written.long.as_ref().map(WrittenRates::read).transpose()?;
                if long.is_some() && standard.long.is_none() {
                    return Err("long needs `above`, which stands in the standard price".to_owned());
                }
                Ok(TierRates { rates: rates_of!(written)?, long })
            }
        }
    }
}

impl WrittenFees {
    pub(super) fn read(&self) -> Result<Fees, String> {
        let mut fees = Fees::default();
        for (name, usd) in &self.0 {
            // Billionths per thousand uses are exact thousandths of billionths per use for up to six decimals.
            let fee = part(nano(*usd)?, 1)?;
            match name.as_str() {
                "web_search" => fees.set(Use::WebSearch, Fee::PerUse(fee)),
                "web_search_preview" => fees.set(Use::WebSearchPreview, Fee::PerUse(fee)),
                "file_search" => fees.set(Use::FileSearch, Fee::PerUse(fee)),
                "page_visit" => fees.set(Use::PageVisit, Fee::PerUse(fee)),
                "search_query" => fees.set(Use::SearchQuery, Fee::PerUse(fee)),
                "search_prompt" => fees.set(Use::SearchQuery, Fee::PerCall(fee)),
                "maps_prompt" => fees.set(Use::MapsPrompt, Fee::PerCall(fee)),
                other => return Err(format!("fees_per_1000: there is no service {other:?}")),
            }
        }
        if self.0.contains_key("search_query") && self.0.contains_key("search_prompt") {
            return Err("fees_per_1000: search_query and search_prompt exclude each other".to_owned());
        }
        Ok(fees)
    }
}

impl WrittenPrice {
    pub(super) fn read(self, of_all: &Fees) -> Result<ModelPrice, String> {
        let from = self.from.as_deref().map_or(Ok(Millis(0)), start_of)?;
        if self.max_input < 1 || self.max_output < 0 {
            return Err("max_input and max_output are counts of tokens".to_owned());
        }
        if let Some(source) = self.source.as_deref().filter(|source| !source.starts_with("https://")) {
            return Err(format!("source: {source:?} is no address of a page: write it as https://…"));
        }
        let mut standard = TierRates { rates: rates_of!(self)?, long: None };
        let mut long_above = None;
        if let Some(long) = &self.long {
            let above = long.above.filter(|above| *above > 0);
            if above.is_some_and(|above| above >= self.max_input) {
                return Err(
                    "long is above max_input, so that no prompt would be so long: one of them is wrong"
                        .to_owned(),
                );
            }
            long_above = Some(Amount::of(above.ok_or("long needs `above`, a count of tokens")?));
            standard.long = Some(rates_of!(long)?);
        }
        let mut tiers = OtherTiers::default();
        for (name, written) in &self.tiers {
            let tier = Tier::named(name).filter(|tier| *tier != Tier::Standard);
            let tier = tier.ok_or_else(|| {
                let known: Vec<_> = Tier::ALL[1..].iter().map(|tier| tier.as_str()).collect();
                format!("tiers: there is no class of service {name:?}, only {}", known.join(", "))
            })?;
            tiers.set(tier, written.read(&standard).map_err(|error| format!("tiers, {name}: {error}"))?);
        }
        Ok(ModelPrice {
            from,
            standard,
            tiers,
            long_above,
            us_permille: self.us_times.map(permille).transpose()?,
            fees: self.fees_per_1000.read()?.or(of_all),
            max_input: self.max_input,
            max_output: self.max_output,
        })
    }
}
