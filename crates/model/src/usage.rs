//! Usage: what a call to a provider consumed, in the words that all providers' figures are brought to.

/// Tokens of one call. Parts are never added to their whole: `cached_input` and the cache writes are within `input`,
/// `reasoning` is within `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// All tokens of the prompt, those read from and written to a cache included.
    pub input: i64,
    /// Of the input, tokens that were read from the provider's cache.
    pub cached_input: i64,
    /// Of the input, tokens that were written to a cache that lives for minutes.
    pub cache_write: i64,
    /// Of the input, tokens that were written to a cache that lives for an hour.
    pub cache_write_long: i64,
    /// All tokens of the answer, reasoning included.
    pub output: i64,
    /// Of the output, tokens that were spent on reasoning.
    pub reasoning: i64,
    /// What the provider says the call cost, in billionths of a US dollar, where it says so (OpenRouter).
    pub reported_nano_usd: Option<i64>,
}

impl TokenUsage {
    /// Tokens of prompt and answer: what a token limit counts.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.input.saturating_add(self.output)
    }
}

/// The most that a call can consume, as far as its request tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBound {
    /// The most tokens that the prompt can have; `None` when it holds what bytes do not bound, such as images by URL,
    /// or was not read.
    pub input: Option<i64>,
    /// The most tokens that one answer can have; `None` when the request does not say.
    pub output: Option<i64>,
    /// How many answers it asks for.
    pub answers: i64,
    /// Whether the answer tells its usage: what does not is refused under a limit on tokens or dollars.
    pub is_metered: bool,
}

impl CallBound {
    /// A call of which nothing is known.
    pub const UNKNOWN: Self = Self { input: None, output: None, answers: 1, is_metered: false };
}

/// What a record's tokens rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metering {
    /// The provider's own figures.
    Reported,
    /// The stream broke off; what was received until then.
    Received,
    /// Nothing is known: what was held counts.
    Held,
    /// The endpoint reports no tokens; only the request counts.
    Unmetered,
}

impl Metering {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reported, Self::Received, Self::Held, Self::Unmetered];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Received => "received",
            Self::Held => "held",
            Self::Unmetered => "unmetered",
        }
    }
}
