//! Vocabulary of the tables that state the effect of each field of a request on the bound of a call.

use strongroom_model::usage::AskedFor;

/// Effect of a value on the bound, beyond its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// No effect: its bytes bound it.
    Bytes,
    /// The provider writes up to so many tokens into the prompt for it.
    Framed(i64),
    /// The prompt holds what bytes do not bound: no more than the model's window.
    Window,
    /// A file, or what may refer to one: what the provider does with it, its own file says.
    Files,
    /// The same as `Window`, unless the object that says so has `encrypted_content`, which is sealed.
    Stored,
    /// The same as `Window` where the object that says so has an `environment`, whose own rule says which; without one nobody
    /// says where it runs.
    Placed,
    /// The answer holds what the request's own figure does not bound: no more than the model can write.
    Longest,
    /// The provider runs the model again and again over a growing prompt, and `max_tool_calls` says how often at the most.
    Loop,
    /// The provider runs the model up to so many times.
    Repeats(i64),
    /// It decides the price too, beside what else it does.
    Priced(AskedFor, &'static Effect),
    /// Unbounded, or not known to be bounded.
    Refused,
}

/// A whole number that a request may give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// `max_tokens`, and what is it in other dialects.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
    /// `n`, `candidateCount`.
    Answers,
    /// `best_of`: all of them are billed, whichever is shown.
    BestOf,
    /// Tokens of thinking, where a provider takes them beside those of the answer. Below zero: as the model likes.
    Thinking,
    /// `max_tool_calls`.
    ToolCalls,
}

impl Figure {
    pub(super) const COUNT: usize = 6;

    /// Its largest value that is understood.
    pub(super) const fn most(self) -> i64 {
        match self {
            // The largest whole number that every decoder reads as it is written.
            Self::MaxTokens | Self::MaxCompletionTokens | Self::Thinking => 1 << 53,
            // OpenAI's own bound for `n`; the others' are smaller.
            Self::Answers | Self::BestOf => 128,
            Self::ToolCalls => 1000,
        }
    }

    /// Its smallest.
    pub(super) const fn least(self) -> i64 {
        if matches!(self, Self::Thinking) { -1 } else { 0 }
    }
}

/// Values that are allowed, and their effect.
#[derive(Debug)]
pub(super) enum Rule {
    /// Any value.
    Any(Effect),
    /// Asks that the prompt be kept in a cache, for a while that decides the price.
    CacheControl,
    /// Text that only the provider can read: each byte may stand for several tokens.
    Sealed,
    /// A JSON Schema, of which Google copies what `$ref` names to where it is named.
    Schema,
    /// A whole number.
    Figure(Figure),
    /// `true` does this; `false` does nothing.
    Switch(Effect),
    /// A word that decides the price, or does not.
    Term(fn(&str) -> Option<AskedFor>),
    /// A word; one that is not listed is refused.
    Word(&'static [(&'static str, Effect)]),
    /// An array, in which each is so.
    Each(&'static Rule),
    /// An object.
    Object(&'static Object),
    /// By what kind of value it is.
    Of(&'static Shape),
    /// Several prompts in one call: texts, or tokens.
    Prompts,
    /// A text that is written into the answer too: rejected tokens are billed as output.
    Prediction,
    /// `model`.
    Model,
    /// `stream`.
    Stream,
    /// `stream_options`.
    StreamOptions,
    /// `stream_options.include_usage`.
    IncludeUsage,
    /// `background`.
    Background,
}

/// Value that may be of several kinds; a kind that is `None` is refused.
#[derive(Debug)]
pub(super) struct Shape {
    /// A text, a number, a truth value.
    pub(super) scalar: Option<Effect>,
    /// Each item of an array.
    pub(super) items: Option<&'static Rule>,
    pub(super) object: Option<&'static Object>,
}

impl Shape {
    /// A text, or an array.
    pub(super) const fn text_or(items: &'static Rule) -> Self {
        Self { scalar: Some(Effect::Bytes), items: Some(items), object: None }
    }
}

/// The fields of an object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) fields: &'static [Field],
    /// One that has a value for none of these fields does this.
    pub(super) without: Option<(&'static [&'static str], Effect)>,
}

impl Object {
    pub(super) const fn of(fields: &'static [Field]) -> Self {
        Self { fields, without: None }
    }
}

/// A field of an object.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name; of Google's fields that in camel case.
    pub(super) name: &'static str,
    pub(super) rule: Rule,
}

pub(super) const fn field(name: &'static str, rule: Rule) -> Field {
    Field { name, rule }
}

/// A field whose bytes bound it.
pub(super) const fn bytes(name: &'static str) -> Field {
    field(name, BYTES)
}

/// `cache_control`: bytes bound it, and it decides the price.
pub(super) const CACHE_CONTROL: Field = field("cache_control", Rule::CacheControl);

/// A field that is one text; several could be several prompts, or more than text.
pub(super) const fn text(name: &'static str) -> Field {
    field(name, Rule::Of(&Shape { scalar: Some(Effect::Bytes), items: None, object: None }))
}

/// A field that holds, or refers to, what bytes do not bound.
pub(super) const fn window(name: &'static str) -> Field {
    field(name, Rule::Any(Effect::Window))
}

/// A field that holds, or may refer to, a file.
pub(super) const fn files(name: &'static str) -> Field {
    field(name, Rule::Any(Effect::Files))
}

/// A field that is known to let nothing bound the call. Those that nobody knows are refused as well; this one is listed to
/// say why.
pub(super) const fn refused(name: &'static str) -> Field {
    field(name, Rule::Any(Effect::Refused))
}

pub(super) const BYTES: Rule = Rule::Any(Effect::Bytes);

/// Fields of an operation's body.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) fields: &'static [Field],
    /// `true` when fields may be written in snake case too, as Google's JSON takes them.
    pub(super) has_two_spellings: bool,
    /// `true` when fields that are not listed are of no interest.
    pub(super) is_open: bool,
}
