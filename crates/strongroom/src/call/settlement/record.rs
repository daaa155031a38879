//! The record of an attempt: its line in the ledger.

use strongroom_crypto::random;
use strongroom_model::credential::Source;
use strongroom_model::usage::{Metering, TokenUsage};
use strongroom_model::{Amount, LedgerText};
use strongroom_store::usage::{Kind, Record};

use super::Settling;
use crate::admission::Spent;
use crate::call::model_names::NamedModel;

impl Settling {
    /// The record of it, into which its texts go: an attempt has one.
    pub(super) fn record(&mut self, kind: Kind) -> Record {
        let (which, total_ms) = (self.which(), self.elapsed_ms());
        let is_served = (200..400).contains(&self.status);
        let purpose = &mut self.purpose;
        let calls = &purpose.calls;
        let model = match &purpose.model {
            Some(model) => {
                let (provider, at) = (&purpose.provider, purpose.snapshot.now);
                calls.model_names.of(&calls.prices, NamedModel { provider, model, at, is_served })
            }
            None => LedgerText::default(),
        };
        Record {
            uid: random::uid_at(purpose.snapshot.now),
            at: purpose.snapshot.now,
            kind,
            operation: purpose.operation,
            actor: LedgerText::shown(std::mem::take(&mut purpose.actor)),
            user: purpose.user,
            credential: which.map(|(credential, _)| credential),
            version: which.map(|(_, version)| version),
            provider: purpose.provider.clone(),
            model,
            source: if which.is_some() { Source::Database } else { Source::Environment },
            status: self.status,
            requests: 1,
            client_requests: 1,
            tokens: TokenUsage::default(),
            cost_nano_usd: Some(Amount::ZERO),
            charged_tokens: Amount::ZERO,
            charged_nano_usd: Amount::ZERO,
            metering: Metering::Unmetered,
            generation: purpose.snapshot.generation,
            first_byte_ms: self.first_byte_ms,
            total_ms: Some(total_ms),
            raw_usage: None,
            request_id: purpose.request_id.take().map(LedgerText::shown),
            tags: std::mem::take(&mut purpose.tags),
        }
    }
}

/// The amounts that a record takes from limits of each unit.
pub(super) fn spent_by(record: &Record) -> Spent {
    Spent {
        requests: Amount::of(record.requests),
        tokens: record.charged_tokens,
        nano_usd: record.charged_nano_usd,
    }
}
