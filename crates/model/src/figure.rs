//! Definitions of all figures about usage, once: the description of the API, pages, and `docs/analytics.md` take their words from here.

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name in this program.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it is.
    pub words: &'static str,
    /// The fields of the API that hold it.
    pub fields: &'static [&'static str],
}

/// Spend.
pub const SPEND: Figure = Figure {
    key: "spend",
    title: "Spend",
    unit: "billionths of a US dollar",
    words: "The cost of all uses of which a price is known, by the price table of the time. Uses without a price are counted apart and \
            are not in it.",
    fields: &["costNanoUsd"],
};

/// Unpriced.
pub const UNPRICED: Figure = Figure {
    key: "unpriced",
    title: "Unpriced",
    unit: "uses",
    words: "Uses of which no price is known: their model is not in the price table, or the provider did not say what they used.",
    fields: &["unpriced"],
};

/// Calls.
pub const CALLS: Figure = Figure {
    key: "calls",
    title: "Calls",
    unit: "requests",
    words: "What programs asked for. A call that was tried with several credentials counts once.",
    fields: &["requests", "clientRequests"],
};

/// Uses of keys.
pub const ATTEMPTS: Figure = Figure {
    key: "attempts",
    title: "Uses of keys",
    unit: "uses",
    words: "How often keys were used: once for each credential that was tried, and once for each key that was handed out.",
    fields: &["keyUses"],
};

/// Answered.
pub const ANSWERED: Figure = Figure {
    key: "answered",
    title: "Answered",
    unit: "share of uses",
    words: "Uses with a status below 400, of all uses.",
    fields: &[],
};

/// Errors of clients.
pub const CLIENT_ERRORS: Figure = Figure {
    key: "client_errors",
    title: "Errors of clients",
    unit: "uses",
    words: "Answers with a status of 400 to 499: the provider refused what it was asked, or the key that asked.",
    fields: &["clientErrors"],
};

/// Errors of providers.
pub const PROVIDER_ERRORS: Figure = Figure {
    key: "provider_errors",
    title: "Errors of providers",
    unit: "uses",
    words: "Answers with a status of 500 and above, and uses that got no answer.",
    fields: &["providerErrors"],
};

/// Errors.
pub const ERRORS: Figure = Figure {
    key: "errors",
    title: "Errors",
    unit: "uses",
    words: "Errors of clients and of providers together.",
    fields: &["errors"],
};

/// Error share.
pub const ERROR_SHARE: Figure = Figure {
    key: "error_share",
    title: "Error share",
    unit: "share of uses",
    words: "Errors, of all uses of keys.",
    fields: &[],
};

/// Refused by limits.
pub const REFUSED: Figure = Figure {
    key: "refused",
    title: "Refused by limits",
    unit: "calls",
    words: "Calls that one of strongroom's own limits refused. They reached no provider, cost nothing, and are in no other figure.",
    fields: &["refused"],
};

/// Input tokens.
pub const INPUT_TOKENS: Figure = Figure {
    key: "input_tokens",
    title: "Input tokens",
    unit: "tokens",
    words: "Tokens of prompts, those from and into a cache among them.",
    fields: &["inputTokens"],
};

/// Cached input tokens.
pub const CACHED_INPUT_TOKENS: Figure = Figure {
    key: "cached_input_tokens",
    title: "Cached input tokens",
    unit: "tokens",
    words: "Of the input tokens, those that the provider read from its cache.",
    fields: &["cachedInputTokens"],
};

/// Tokens written to a cache.
pub const CACHE_WRITE_TOKENS: Figure = Figure {
    key: "cache_write_tokens",
    title: "Tokens written to a cache",
    unit: "tokens",
    words: "Of the input tokens, those that the provider wrote to its cache.",
    fields: &["cacheWriteTokens"],
};

/// Cached share.
pub const CACHED_SHARE: Figure = Figure {
    key: "cached_share",
    title: "Cached share",
    unit: "share of input tokens",
    words: "Cached input tokens of all input tokens.",
    fields: &[],
};

/// Output tokens.
pub const OUTPUT_TOKENS: Figure = Figure {
    key: "output_tokens",
    title: "Output tokens",
    unit: "tokens",
    words: "Tokens of answers, those of reasoning among them.",
    fields: &["outputTokens"],
};

/// Reasoning tokens.
pub const REASONING_TOKENS: Figure = Figure {
    key: "reasoning_tokens",
    title: "Reasoning tokens",
    unit: "tokens",
    words: "Of the output tokens, those that the model spent on reasoning.",
    fields: &["reasoningTokens"],
};

/// Tokens.
pub const TOKENS: Figure = Figure {
    key: "tokens",
    title: "Tokens",
    unit: "tokens",
    words: "Input tokens and output tokens together.",
    fields: &[],
};

/// Time to the first byte.
pub const FIRST_BYTE: Figure = Figure {
    key: "first_byte",
    title: "Time to the first byte",
    unit: "milliseconds",
    words: "From the admission of a use to the head of its answer. Percentiles are read from twelve classes of times, and are exact to \
            the class.",
    fields: &["meanFirstByteMs", "firstByteP50Ms", "firstByteP95Ms"],
};

/// Time to the end.
pub const TOTAL_TIME: Figure = Figure {
    key: "total_time",
    title: "Time to the end",
    unit: "milliseconds",
    words: "From the admission of a use to the last byte of its answer. Percentiles are read from twelve classes of times, and are exact \
            to the class.",
    fields: &["meanTotalMs", "totalP50Ms", "totalP95Ms"],
};

/// Tokens per second.
pub const OUTPUT_TOKENS_PER_SECOND: Figure = Figure {
    key: "output_tokens_per_second",
    title: "Tokens per second",
    unit: "tokens per second",
    words: "Output tokens, divided by the time from the first byte to the last.",
    fields: &["outputTokensPerSecond"],
};

/// Against the days before.
pub const PREVIOUS: Figure = Figure {
    key: "previous",
    title: "Against the days before",
    unit: "as the figure",
    words: "The same of as many days before; of a range that has not ended, as many as of it have begun.",
    fields: &["previous"],
};

/// Forecast.
pub const FORECAST: Figure = Figure {
    key: "forecast",
    title: "Forecast",
    unit: "billionths of a US dollar",
    words: "What is spent this month, and for each hour that is left 0.6 of the mean hour of the last 24 and 0.4 of that of the last seven \
            days; once there are 14 days, shaped by the hour of the week. With less than 24 hours there is none.",
    fields: &["expectedNanoUsd"],
};

/// Band of the forecast.
pub const FORECAST_BAND: Figure = Figure {
    key: "forecast_band",
    title: "Band of the forecast",
    unit: "billionths of a US dollar",
    words: "What this month comes to when the days that are left are like the fifth from below, and the fifth from above, of the days of the \
            last two weeks.",
    fields: &["lowNanoUsd", "highNanoUsd"],
};

/// Used up at.
pub const USED_UP_AT: Figure = Figure {
    key: "used_up_at",
    title: "Used up at",
    unit: "instant",
    words: "When a limit is used up at its rate of the last 24 hours of this window; none where it starts over before.",
    fields: &["usedUpAt"],
};

/// Every figure.
pub const FIGURES: &[Figure] = &[
    SPEND,
    UNPRICED,
    CALLS,
    ATTEMPTS,
    ANSWERED,
    CLIENT_ERRORS,
    PROVIDER_ERRORS,
    ERRORS,
    ERROR_SHARE,
    REFUSED,
    INPUT_TOKENS,
    CACHED_INPUT_TOKENS,
    CACHE_WRITE_TOKENS,
    CACHED_SHARE,
    OUTPUT_TOKENS,
    REASONING_TOKENS,
    TOKENS,
    FIRST_BYTE,
    TOTAL_TIME,
    OUTPUT_TOKENS_PER_SECOND,
    PREVIOUS,
    FORECAST,
    FORECAST_BAND,
    USED_UP_AT,
];

/// The figure of this name.
#[must_use]
pub fn find(key: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.key == key)
}

/// The figure that a field of the API holds.
#[must_use]
pub fn of_field(field: &str) -> Option<&'static Figure> {
    FIGURES.iter().find(|figure| figure.fields.contains(&field))
}

/// The definitions as a table in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| Figure | Counted in | Fields | Meaning |\n|---|---|---|---|\n");
    for Figure { title, unit, words, fields, .. } in FIGURES {
        let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        let fields = if fields.is_empty() { "–".to_owned() } else { fields.join(", ") };
        text.push_str(&format!("| {title} | {unit} | {fields} | {words} |\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own_and_words() {
        let (mut names, mut held) = (BTreeSet::new(), BTreeSet::new());
        for Figure { key, title, words, fields, .. } in FIGURES {
            assert!(names.insert(*key) && names.insert(*title), "{key} is there twice");
            assert!(fields.iter().all(|field| held.insert(*field)), "{fields:?}");
            assert!(words.ends_with('.') && !words.contains('|') && !words.contains("  "), "{words}");
        }
        assert_eq!(find("spend").unwrap().fields, ["costNanoUsd"]);
        assert_eq!(of_field("unpriced").unwrap().title, "Unpriced");
        assert_eq!((find("x"), of_field("x")), (None, None));
    }
}
