//! Usage by the hour and by status, how long answers took, and what a month is going to cost.

use strongroom_model::forecast::{self, Forecast, LOOKBACK_HOURS, LastHours};
use strongroom_model::latency::{FIRST_BYTE_BOUNDS_MS, TOTAL_BOUNDS_MS, percentile};
use strongroom_model::{Millis, Problem, month};
use strongroom_store::usage_hours;

use super::UsageService;

pub use strongroom_store::usage_hours::{HourDim, HourSums, HoursQuery};

const HOUR_MS: i64 = 3_600_000;

/// How long answers took, in milliseconds; `None` where there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latency {
    /// Half began within this time.
    pub first_byte_p50_ms: Option<i64>,
    /// 95 of 100 began within this time.
    pub first_byte_p95_ms: Option<i64>,
    /// Half were over within this time.
    pub total_p50_ms: Option<i64>,
    /// 95 of 100 were over within this time.
    pub total_p95_ms: Option<i64>,
    /// Tokens of answers per second, from the first byte to the last.
    pub output_tokens_per_second: Option<f64>,
}

impl Latency {
    /// The latency that sums tell.
    #[must_use]
    pub fn of(sums: &HourSums) -> Self {
        let first = |share| percentile(&FIRST_BYTE_BOUNDS_MS, &sums.first_byte, share);
        let total = |share| percentile(&TOTAL_BOUNDS_MS, &sums.total, share);
        let streamed = sums.streamed_ms_sum;
        Self {
            first_byte_p50_ms: first(500),
            first_byte_p95_ms: first(950),
            total_p50_ms: total(500),
            total_p95_ms: total(950),
            output_tokens_per_second: (streamed > 0)
                .then(|| sums.figures.output_tokens as f64 * 1000.0 / streamed as f64),
        }
    }
}

/// The spend of this month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthForecast {
    /// The first instant of the month.
    pub month_start: Millis,
    /// Spent so far.
    pub spent_nano_usd: i64,
    /// At its end; `None` with less than 24 hours to tell by.
    pub at_end: Option<Forecast>,
}

impl UsageService {
    /// Sums of hours, by the groups that are asked for.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn hours(&self, query: &HoursQuery) -> Result<Vec<HourSums>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        Ok(usage_hours::sums(&mut session, query).await?)
    }

    /// What this month is going to cost.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn forecast(&self) -> Result<MonthForecast, Problem> {
        let now = self.custody.now().await?;
        let month_start = month::start(now);
        let lookback = now.0 - now.0.rem_euclid(HOUR_MS) - HOUR_MS * (LOOKBACK_HOURS as i64 - 1);
        let query = HoursQuery {
            by: HourDim::Hour,
            split: None,
            provider: None,
            model: None,
            source: None,
            from: Millis(lookback),
            to: Millis(i64::MAX),
        };
        let hours = self.hours(&query).await?;
        let amounts = hours
            .iter()
            .filter_map(|hour| Some((Millis(hour.group_key.parse().ok()?), hour.figures.cost_nano_usd)));
        let last = LastHours::of(amounts, now);
        let request = super::sums::SumsRequest::new(super::sums::Dim::Source, month_start, Millis(i64::MAX));
        let spent: i64 = self.groups(request).await?.iter().map(|group| group.figures.cost_nano_usd).sum();
        let at_end = forecast::until(month::next(now), spent, &last, now);
        Ok(MonthForecast { month_start, spent_nano_usd: spent, at_end })
    }
}
