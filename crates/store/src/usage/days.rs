//! The sums of a day, which outlive the records.

use std::collections::BTreeMap;

use strongroom_model::{Amount, Uid};

use super::Record;
use super::context::Contexts;
use crate::REGION;
use crate::dispatch::execute_rows;
use crate::error::StoreError;
use crate::session::Write;
use crate::sum::{bounded, saturating};

pub(crate) const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, Default)]
struct Sums {
    requests: i64,
    client_requests: i64,
    errors_client: i64,
    errors_provider: i64,
    input: i64,
    cached_input: i64,
    cache_write: i64,
    cache_write_long: i64,
    output: i64,
    reasoning: i64,
    cost: i64,
    unpriced: i64,
    charged_tokens: i64,
    charged_nano_usd: i64,
    first_byte_ms: i64,
    first_bytes: i64,
    total_ms: i64,
    totals: i64,
}

/// Whose fault an answer is: the client's, or the provider's.
const fn errors(status: u16) -> (i64, i64) {
    match status {
        0 | 500.. => (0, 1),
        400..=499 => (1, 0),
        _ => (0, 0),
    }
}

impl Sums {
    fn add(&mut self, record: &Record) {
        let (of_client, of_provider) = errors(record.status);
        let parts = [
            (&mut self.requests, record.requests),
            (&mut self.client_requests, record.client_requests),
            (&mut self.errors_client, of_client),
            (&mut self.errors_provider, of_provider),
            (&mut self.input, record.tokens.input.get()),
            (&mut self.cached_input, record.tokens.cached_input.get()),
            (&mut self.cache_write, record.tokens.cache_write.get()),
            (&mut self.cache_write_long, record.tokens.cache_write_long.get()),
            (&mut self.output, record.tokens.output.get()),
            (&mut self.reasoning, record.tokens.reasoning.get()),
            (&mut self.cost, record.cost_nano_usd.map_or(0, Amount::get)),
            (&mut self.unpriced, i64::from(record.cost_nano_usd.is_none())),
            (&mut self.charged_tokens, record.charged_tokens.get()),
            (&mut self.charged_nano_usd, record.charged_nano_usd.get()),
            (&mut self.first_byte_ms, record.first_byte_ms.unwrap_or(0).max(0)),
            (&mut self.first_bytes, i64::from(record.first_byte_ms.is_some())),
            (&mut self.total_ms, record.total_ms.unwrap_or(0).max(0)),
            (&mut self.totals, i64::from(record.total_ms.is_some())),
        ];
        for (sum, part) in parts {
            *sum = bounded(sum.saturating_add(part));
        }
    }
}

/// Adds records to the sums of their days.
pub(super) async fn add(
    tx: &mut Write,
    records: &[Record],
    contexts: &Contexts<'_>,
) -> Result<(), StoreError> {
    // In the order of the key: two servers that add to the same days do not wait for each other in a circle.
    let mut days: BTreeMap<(i64, Uid), Sums> = BTreeMap::new();
    for (record, context) in contexts.with(records) {
        let day = record.at.0 - record.at.0.rem_euclid(DAY_MS);
        days.entry((day, context.dims_uid)).or_default().add(record);
    }
    let days: Vec<_> = days.into_iter().collect();
    execute_rows!(
        tx,
        21,
        "INSERT INTO usage_days (day_start_ms, region, dims_uid, requests, client_requests, errors_client, errors_provider, \
         input_tokens, cached_input_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, \
         cost_nano_usd, unpriced, charged_tokens, charged_nano_usd, first_byte_ms_sum, first_byte_count, total_ms_sum, \
         total_count)",
        concat!(
            "ON CONFLICT (day_start_ms, region, dims_uid) DO UPDATE SET ",
            saturating!("usage_days", "requests"),
            ", ",
            saturating!("usage_days", "client_requests"),
            ", ",
            saturating!("usage_days", "errors_client"),
            ", ",
            saturating!("usage_days", "errors_provider"),
            ", ",
            saturating!("usage_days", "input_tokens"),
            ", ",
            saturating!("usage_days", "cached_input_tokens"),
            ", ",
            saturating!("usage_days", "cache_write_tokens"),
            ", ",
            saturating!("usage_days", "cache_write_long_tokens"),
            ", ",
            saturating!("usage_days", "output_tokens"),
            ", ",
            saturating!("usage_days", "reasoning_tokens"),
            ", ",
            saturating!("usage_days", "cost_nano_usd"),
            ", ",
            saturating!("usage_days", "unpriced"),
            ", ",
            saturating!("usage_days", "charged_tokens"),
            ", ",
            saturating!("usage_days", "charged_nano_usd"),
            ", ",
            saturating!("usage_days", "first_byte_ms_sum"),
            ", ",
            saturating!("usage_days", "first_byte_count"),
            ", ",
            saturating!("usage_days", "total_ms_sum"),
            ", ",
            saturating!("usage_days", "total_count")
        ),
        &days,
        |day| day.0.0,
        REGION,
        day.0.1.to_string(),
        day.1.requests,
        day.1.client_requests,
        day.1.errors_client,
        day.1.errors_provider,
        day.1.input,
        day.1.cached_input,
        day.1.cache_write,
        day.1.cache_write_long,
        day.1.output,
        day.1.reasoning,
        day.1.cost,
        day.1.unpriced,
        day.1.charged_tokens,
        day.1.charged_nano_usd,
        day.1.first_byte_ms,
        day.1.first_bytes,
        day.1.total_ms,
        day.1.totals
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::errors;

    #[test]
    fn an_error_is_the_clients_or_the_providers() {
        for (status, whose) in [
            (0, (0, 1)),
            (200, (0, 0)),
            (302, (0, 0)),
            (399, (0, 0)),
            (400, (1, 0)),
            (429, (1, 0)),
            (499, (1, 0)),
            (500, (0, 1)),
            (529, (0, 1)),
            (u16::MAX, (0, 1)),
        ] {
            assert_eq!(errors(status), whose, "{status}");
        }
    }
}
