//! Figures that pages show of sums of usage. Their names and definitions are those of `strongroom_model::figure`.

use maud::{Markup, html};
use strongroom::usage::Used;
use strongroom_model::figure::{self as definition, Figure};

use crate::figure;

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// What it cost.
    Spend,
    /// Calls that programs made.
    Calls,
    /// Tokens of prompts and answers.
    Tokens,
    /// Uses of keys that failed.
    Errors,
    /// Of these, those that the provider refused.
    ClientErrors,
    /// Of these, those at which the provider failed.
    ProviderErrors,
    /// The same as a share.
    ErrorShare,
    /// The share of prompts that came from a cache.
    CachedShare,
    /// Mean time to the first byte.
    FirstByte,
    /// The time within which half of all answers began.
    FirstByteHalf,
    /// The time within which 95 of a hundred answers began.
    FirstByteMost,
    /// Speed of answers.
    TokensPerSecond,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Spend,
        Self::Calls,
        Self::Tokens,
        Self::Errors,
        Self::ClientErrors,
        Self::ProviderErrors,
        Self::ErrorShare,
        Self::CachedShare,
        Self::FirstByte,
        Self::FirstByteHalf,
        Self::FirstByteMost,
        Self::TokensPerSecond,
    ];
    /// Those that are always shown.
    pub(crate) const TILES: [Self; 4] = [Self::Spend, Self::Calls, Self::Tokens, Self::ErrorShare];

    /// The name in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Errors => "errors",
            Self::ClientErrors => "client-errors",
            Self::ProviderErrors => "provider-errors",
            Self::ErrorShare => "error-share",
            Self::CachedShare => "cached-share",
            Self::FirstByte => "first-byte",
            Self::FirstByteHalf => "first-byte-p50",
            Self::FirstByteMost => "first-byte-p95",
            Self::TokensPerSecond => "tokens-per-second",
        }
    }

    /// The figure of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|measure| measure.as_str() == name)
    }

    /// What it is, as everybody is told.
    #[must_use]
    pub const fn figure(self) -> Figure {
        match self {
            Self::Spend => definition::SPEND,
            Self::Calls => definition::CALLS,
            Self::Tokens => definition::TOKENS,
            Self::Errors => definition::ERRORS,
            Self::ClientErrors => definition::CLIENT_ERRORS,
            Self::ProviderErrors => definition::PROVIDER_ERRORS,
            Self::ErrorShare => definition::ERROR_SHARE,
            Self::CachedShare => definition::CACHED_SHARE,
            Self::FirstByte | Self::FirstByteHalf | Self::FirstByteMost => definition::FIRST_BYTE,
            Self::TokensPerSecond => definition::OUTPUT_TOKENS_PER_SECOND,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::FirstByte => "First byte, mean",
            Self::FirstByteHalf => "First byte, p50",
            Self::FirstByteMost => "First byte, p95",
            _ => self.figure().title,
        }
    }

    /// Its definition.
    #[must_use]
    pub const fn definition(self) -> &'static str {
        self.figure().words
    }

    /// Tells whether its values can be put on top of each other.
    #[must_use]
    pub const fn is_sum(self) -> bool {
        matches!(
            self,
            Self::Spend
                | Self::Calls
                | Self::Tokens
                | Self::Errors
                | Self::ClientErrors
                | Self::ProviderErrors
        )
    }

    /// Tells whether it is a percentile, which is kept by provider, model and source alone.
    #[must_use]
    pub const fn is_percentile(self) -> bool {
        matches!(self, Self::FirstByteHalf | Self::FirstByteMost)
    }

    /// The figure; `None` where nothing was measured. Shares are thousandths.
    #[must_use]
    pub fn value(self, used: &Used) -> Option<i64> {
        let errors = used.errors_client.saturating_add(used.errors_provider);
        let share = |part: i64, whole: i64| (whole > 0).then(|| ratio(part, 1000, whole));
        match self {
            Self::Spend => Some(used.cost_nano_usd),
            Self::Calls => Some(used.client_requests),
            Self::Tokens => Some(used.input_tokens.saturating_add(used.output_tokens)),
            Self::Errors => Some(errors),
            Self::ClientErrors => Some(used.errors_client),
            Self::ProviderErrors => Some(used.errors_provider),
            Self::ErrorShare => share(errors, used.requests),
            Self::CachedShare => share(used.cached_input_tokens, used.input_tokens),
            Self::FirstByte => {
                (used.first_byte_count > 0).then(|| ratio(used.first_byte_ms_sum, 1, used.first_byte_count))
            }
            Self::FirstByteHalf => used.latency.and_then(|latency| latency.first_byte_p50_ms),
            Self::FirstByteMost => used.latency.and_then(|latency| latency.first_byte_p95_ms),
            Self::TokensPerSecond => {
                let milliseconds = used.total_ms_sum.saturating_sub(used.first_byte_ms_sum);
                (milliseconds > 0 && used.output_tokens > 0)
                    .then(|| ratio(used.output_tokens, 1000, milliseconds))
            }
        }
    }

    /// A value as people read it.
    pub(crate) fn shown(self) -> fn(i64) -> String {
        match self {
            Self::Spend => figure::dollars,
            Self::Calls
            | Self::Tokens
            | Self::Errors
            | Self::ClientErrors
            | Self::ProviderErrors
            | Self::TokensPerSecond => figure::count,
            Self::ErrorShare | Self::CachedShare => figure::permille,
            Self::FirstByte | Self::FirstByteHalf | Self::FirstByteMost => figure::milliseconds,
        }
    }

    /// The same where there is little room.
    pub(crate) fn on_axis(self) -> fn(i64) -> String {
        match self {
            Self::Spend => figure::axis_dollars,
            other if other.is_sum() => figure::short_count,
            other => other.shown(),
        }
    }

    /// The figure of some sums, exact where the pointer rests.
    pub(crate) fn shown_markup(self, used: &Used) -> Markup {
        match self.value(used) {
            None => html! { "–" },
            Some(nano) if self == Self::Spend => figure::exact_dollars(nano),
            Some(tokens) if self == Self::Tokens => {
                html! { span title=(figure::count(tokens)) { (figure::short_count(tokens)) } }
            }
            Some(value) => html! { ((self.shown())(value)) },
        }
    }
}

fn ratio(part: i64, factor: i64, whole: i64) -> i64 {
    let ratio = i128::from(part) * i128::from(factor) / i128::from(whole);
    i64::try_from(ratio).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use strongroom::usage::Figures;
    use strongroom::usage::hours::Latency;

    use super::*;

    #[test]
    fn a_figure_that_was_not_measured_is_none_and_not_nothing() {
        let none = Used::default();
        for measure in Measure::ALL {
            assert_eq!(Measure::from_name(measure.as_str()), Some(measure));
            assert_eq!(measure.value(&none).is_none(), !measure.is_sum(), "{measure:?}");
        }
        let figures = Figures {
            requests: 8,
            errors_client: 1,
            errors_provider: 1,
            input_tokens: 400,
            cached_input_tokens: 100,
            output_tokens: 50,
            first_byte_ms_sum: 1000,
            first_byte_count: 4,
            total_ms_sum: 3000,
            total_count: 4,
            ..none.figures
        };
        let latency = Latency { first_byte_p50_ms: Some(200), ..Latency::default() };
        let used = Used { figures, latency: Some(latency) };
        let of = |measure: Measure| measure.value(&used);
        assert_eq!((of(Measure::ErrorShare), of(Measure::CachedShare)), (Some(250), Some(250)));
        assert_eq!((of(Measure::FirstByte), of(Measure::TokensPerSecond)), (Some(250), Some(25)));
        assert_eq!((of(Measure::Tokens), of(Measure::Errors)), (Some(450), Some(2)));
        assert_eq!((of(Measure::FirstByteHalf), of(Measure::FirstByteMost)), (Some(200), None));
    }
}
