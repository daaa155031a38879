//! Usage: what a call to a provider consumed, in the words that all providers' figures are brought to.

mod asked;
mod terms;

pub use asked::{Asked, AskedFor};
pub use terms::{Geography, Terms, Tier, Unpriced, Untold, Use, Uses};

use crate::amount::Amount;

/// Tokens of one call. Parts are never added to their whole: `cached_input`, the cache writes and `audio_input` are within
/// `input`, `cached_audio_input` is within both of its names, `reasoning`, `audio_output` and `image_output` are within
/// `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUsage {
    /// All tokens of the prompt, those read from and written to a cache included.
    pub input: Amount,
    /// Of the input, tokens that were read from the provider's cache.
    pub cached_input: Amount,
    /// Of the input, tokens that were written to a cache that lives for minutes.
    pub cache_write: Amount,
    /// Of the input, tokens that were written to a cache that lives for hours.
    pub cache_write_long: Amount,
    /// Of the input, tokens of audio, those from the cache included.
    pub audio_input: Amount,
    /// Of the input, tokens of audio that were read from the cache.
    pub cached_audio_input: Amount,
    /// All tokens of the answer, reasoning included.
    pub output: Amount,
    /// Of the output, tokens that were spent on reasoning.
    pub reasoning: Amount,
    /// Of the output, tokens of audio.
    pub audio_output: Amount,
    /// Of the output, tokens of images.
    pub image_output: Amount,
    /// Of the input, tokens of a kind that the answer does not tell, beside others that it does.
    pub untold_input: Amount,
    /// The same of the output.
    pub untold_output: Amount,
    /// Uses of services with a fee.
    pub uses: Uses,
    /// Other facts that decide the price.
    pub terms: Terms,
    /// Cost that the provider states, in billionths of a US dollar, where it says so (OpenRouter).
    pub reported_nano_usd: Option<Amount>,
}

impl TokenUsage {
    /// Tokens of prompt and answer: what a token limit counts.
    #[must_use]
    pub const fn total(&self) -> Amount {
        self.input.plus(self.output)
    }

    /// Takes what is not told of the input for audio: of a call that holds some it may be.
    pub fn take_untold_input_for_audio(&mut self) {
        self.audio_input = self.audio_input.plus(std::mem::take(&mut self.untold_input));
    }
}

/// The most that a call can consume, as far as its request tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBound {
    /// The most tokens that all its prompts can have together; `None` when they hold what bytes do not bound, such as
    /// images by URL, or were not read.
    pub input: Option<Amount>,
    /// The most tokens that one answer can have; `None` when the request does not say.
    pub output: Option<Amount>,
    /// Number of its prompts: each of them can fill a model's window.
    pub prompts: Amount,
    /// Number of answers that it asks for, to all prompts together.
    pub answers: Amount,
    /// `true` when the answer tells its usage: what does not is refused under a limit on tokens or dollars.
    pub is_metered: bool,
    /// The first field that is there and whose value or name nobody understands: it may ask for anything, so that
    /// nothing bounds the call, not even the model. Refused by this name under a limit on tokens or dollars.
    pub unclear: Option<Box<str>>,
    /// Things that it asks for and that decide its price beside its tokens; most calls ask for nothing.
    pub asked: Vec<Asked>,
    /// The most that the provider bills for refusing it, in billionths of a US dollar.
    pub refusal_fee: Amount,
}

impl CallBound {
    /// A call of which nothing is known.
    pub const UNKNOWN: Self = Self {
        input: None,
        output: None,
        prompts: Amount::ONE,
        answers: Amount::ONE,
        is_metered: false,
        unclear: None,
        asked: Vec::new(),
        refusal_fee: Amount::ZERO,
    };

    /// A call with one prompt and one answer, which tells its usage.
    #[must_use]
    pub const fn of(input: Option<i64>, output: Option<i64>) -> Self {
        let input = match input {
            Some(input) => Some(Amount::of(input)),
            None => None,
        };
        let output = match output {
            Some(output) => Some(Amount::of(output)),
            None => None,
        };
        let (prompts, answers) = (Amount::ONE, Amount::ONE);
        Self {
            input,
            output,
            prompts,
            answers,
            is_metered: true,
            unclear: None,
            asked: Vec::new(),
            refusal_fee: Amount::ZERO,
        }
    }
}

/// Source of a record's token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metering {
    /// The provider's own figures.
    Reported,
    /// The provider's last word is not known: what was held counts. Records of earlier versions may say `received`: a
    /// stream that broke off, by what was shown of it.
    Held,
    /// The endpoint reports no tokens; only the request counts.
    Unmetered,
}

impl Metering {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reported, Self::Held, Self::Unmetered];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Held => "held",
            Self::Unmetered => "unmetered",
        }
    }
}
