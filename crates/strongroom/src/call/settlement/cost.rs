//! The cost of a call, and what limits are charged with for it.

use strongroom_connectors::ai::gateway::keep_terms;
use strongroom_model::Amount;
use strongroom_model::price::CallModels;
use strongroom_model::usage::{Metering, Untold};
use strongroom_store::usage::Record;

use super::{Purpose, Settling};
use crate::call::CallEnd;
use crate::call::model_names::NamedModel;

impl Settling {
    /// Charges a record for a call that ended so.
    pub(super) fn charge(&self, record: &mut Record, end: CallEnd) {
        let CallEnd { usage, model, mut raw_usage, metering } = end;
        let Purpose { calls, need, provider, .. } = &self.purpose;
        record.metering = metering;
        let asked = self.purpose.model.as_deref();
        let mut told = None;
        // Price: what the answer reports, as far as the table can price it.
        if let Some(mut usage) = usage {
            let missing = usage.terms.untold.missing(need.to_be_told);
            if let Some(what) = missing.filter(|_| usage.reported_nano_usd.is_none()) {
                usage.terms.cannot_price(what);
            }
            let may_be_audio = need.to_be_told.has(Untold::AUDIO_INPUT) && usage.untold_input > Amount::ZERO;
            if may_be_audio {
                usage.take_untold_input_for_audio();
            }
            let models = CallModels { asked, answered: model.as_deref() };
            let (cost, billed) = calls.prices.cost_of(provider, models, record.at, &usage);
            if let Some(unpriced) = cost.unpriced {
                tracing::debug!(
                    provider = provider.as_str(),
                    what = unpriced.as_str(),
                    "found no price for a call"
                );
            }
            let billed = billed.filter(|billed| Some(*billed) != asked);
            let untold = usage.terms.unpriced.filter(|_| missing.is_some());
            if billed.is_some() || untold.is_some() || may_be_audio {
                // For pricing again: the record names the model that was asked for, and not what it was asked with.
                raw_usage = raw_usage.and_then(|raw| keep_terms(&raw, billed, untold, may_be_audio));
            }
            record.tokens = usage;
            told = Some((usage.total(), cost));
        }
        // Charge: the report where it is the provider's last word, else the hold.
        match (metering, told) {
            (Metering::Held, told) => {
                // What was told before the end is the least that is billed, the hold the most that was allowed.
                let tokens = told.map_or(Amount::ZERO, |(tokens, _)| tokens);
                let known = told.map_or(Amount::ZERO, |(_, cost)| cost.known_nano_usd);
                record.charged_tokens = need.tokens.unwrap_or_default().max(tokens);
                record.cost_nano_usd = need.nano_usd.max(told.and_then(|(_, cost)| cost.whole()));
                record.charged_nano_usd = record.cost_nano_usd.unwrap_or_default().max(known);
            }
            (_, Some((tokens, cost))) => {
                record.raw_usage = raw_usage;
                record.charged_tokens = tokens;
                record.cost_nano_usd = cost.whole();
                // What has no price is charged as it was held, and no lower than what is known of it.
                let unpriced = || cost.known_nano_usd.max(need.nano_usd.unwrap_or_default());
                record.charged_nano_usd = cost.whole().unwrap_or_else(unpriced);
            }
            (_, None) => {
                record.charged_tokens = need.tokens.unwrap_or_default();
                record.charged_nano_usd = need.nano_usd.unwrap_or_default();
                record.cost_nano_usd = need.nano_usd;
            }
        }
        // Name: the model that answered, where none was asked for.
        if let Some(model) = model.filter(|_| record.model.is_empty()) {
            let is_served = self.status < 400;
            let named = NamedModel { provider, model: &model, at: record.at, is_served };
            record.model = calls.model_names.of(&calls.prices, named);
        }
    }
}
