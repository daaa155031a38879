//! A provider's API, as its file in `providers/` describes it: paths, headers, what tries a key, what refusals mean.

/// Shape of bodies and errors: whose language is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `{"error":{"message","type","param","code"}}`.
    OpenAi,
    /// `{"type":"error","error":{"type","message"}}`.
    Anthropic,
    /// `{"error":{"code","message","status"}}`.
    Gemini,
}

/// Place where an answer tells what it consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meter {
    /// `usage` of chat completions; a stream has it in its last chunk, when asked for.
    Chat,
    /// `usage` of the Responses API.
    Responses,
    /// `usage.prompt_tokens`.
    Embeddings,
    /// `usage` of Anthropic's messages.
    Messages,
    /// `usageMetadata` of Gemini.
    GenerateContent,
    /// It consumes nothing that is charged for.
    Free,
    /// It costs something, and the answer does not tell how much in tokens.
    Unmetered,
}

/// HTTP method of a path that may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
}

impl Verb {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Operation behind a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name in usage records, such as `chat.completions`.
    pub name: &'static str,
    /// The shape of its bodies.
    pub dialect: Dialect,
    /// Place where its answer tells its usage.
    pub meter: Meter,
}

/// Path that may be called.
#[derive(Debug)]
pub struct ApiPath {
    /// Its method.
    pub verb: Verb,
    /// Below the base URL; `{model}` stands for a model's name.
    pub path: &'static str,
    /// Its operation.
    pub operation: Operation,
    /// Fields of the dialect that this provider documents for a body; of one with others nothing is bounded. `None`: all
    /// fields of the dialect.
    pub takes: Option<&'static [&'static str]>,
    /// Fields of the provider's own.
    pub adds: &'static [AddedField],
}

/// Field of a provider's own, beside those of its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedField {
    /// Its name.
    pub name: &'static str,
    /// Its effect on the bound of a call.
    pub effect: FieldEffect,
}

/// Effect of a field on the bound of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldEffect {
    /// None: its bytes bound it.
    Bytes,
    /// The prompt holds what bytes do not bound: no more than the model's window.
    Window,
    /// Unbounded: a call with it is refused under a limit.
    Refused,
    /// `true` means that the answer comes later, by another call, and would not be counted.
    Deferred,
}

/// Field that bounds a call where its provider heeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundField {
    /// `max_tokens` limits an answer with all that is billed of it.
    Tokens,
    /// `max_completion_tokens` does.
    CompletionTokens,
    /// `max_output_tokens` of the Responses API, or `maxOutputTokens` of Gemini, does.
    OutputTokens,
    /// `max_tool_calls` limits the calls of all tools that the provider carries out.
    ToolCalls,
}

/// Effect of files in a prompt on the bound of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesEffect {
    /// They are in the prompt: no more than the model's window.
    Window,
    /// The same, and a service that reads them may be billed.
    Fee,
    /// Nothing bounds what the provider does with them, or it says nowhere what that is.
    Refused,
}

/// Header that a provider takes its key in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// The key by itself, in a header of this name (lower case).
    Named(&'static str),
}

/// Cheapest call that asks for a key and spends nothing.
#[derive(Debug)]
pub struct Probe {
    /// Segments of its path below the base URL; `..` leads one up.
    pub path: &'static [&'static str],
    /// Query, without the `?`.
    pub query: Option<&'static str>,
    /// Words for an accepted key.
    pub accepted: &'static str,
}

/// Answer of a provider to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProbeOutcome {
    /// It accepts the key.
    Ok,
    /// It does not accept the key.
    BadKey,
    /// The key is right, and nothing is left to spend.
    EmptyAccount,
    /// The key is right, and used too often just now.
    RateLimited,
    /// There was no answer at all.
    Unreachable,
    /// There was an answer that says nothing about the key.
    Unexpected,
}

impl ProbeOutcome {
    /// A stable name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::BadKey => "bad_key",
            Self::EmptyAccount => "empty_account",
            Self::RateLimited => "rate_limited",
            Self::Unreachable => "unreachable",
            Self::Unexpected => "unexpected",
        }
    }
}

/// Answer that means something else than its status says. All that is given must hold.
#[derive(Debug)]
pub struct Refusal {
    /// One of these statuses; of none, any.
    pub statuses: &'static [u16],
    /// The text at this JSON pointer (RFC 6901) is one of these.
    pub text: Option<(&'static str, &'static [&'static str])>,
    /// The text at this JSON pointer has these words in it, in upper or lower case.
    pub message: Option<(&'static str, &'static str)>,
    /// The text at this JSON pointer begins with these words, in upper or lower case. Errors repeat what was asked behind
    /// their first words, so that whoever calls can write others into them.
    pub message_begins: Option<(&'static str, &'static str)>,
    /// Ends of that text, of which it has one unless nothing stands behind the words that it begins with; of none, any. A full
    /// stop is no part of them. Where the name of a field that the caller made up may come first, this is how the provider's
    /// own sentence is told from it.
    pub message_ends: &'static [&'static str],
    /// An entry of `error.details` has one of these as its `reason`; of none, any.
    pub reasons: &'static [&'static str],
    /// No entry of `error.details` has this `@type`.
    pub without_detail: Option<&'static str>,
    /// The number at this JSON pointer is zero or less.
    pub nothing_left_at: Option<&'static str>,
    /// Its meaning.
    pub outcome: ProbeOutcome,
    /// What it means for a call.
    pub in_calls: InCalls,
    /// What the provider bills for it at the least, in billionths of a US dollar.
    pub fee_nano_usd: i64,
    /// The same in our words, with the remedy.
    pub words: &'static str,
}

/// Meaning of a refusal for a call, which says what a probe, that asks for nothing, does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InCalls {
    /// The same as for a probe.
    Same,
    /// The key is not accepted for any call.
    BadKey,
    /// The key may not do what was asked, and another key may.
    NotPermitted,
    /// The key has used up what it may have of the model that was asked for, and serves other models.
    Model,
    /// It is about what was asked.
    Request,
}

/// Making of keys over the provider's API.
#[derive(Debug)]
pub struct Minting {
    /// Segments of the path below the base URL where keys are made; `{project}` stands for the account's project. A key is
    /// revoked one segment below, by its name.
    pub path: &'static [&'static str],
    /// JSON pointer to a new key.
    pub key: &'static str,
    /// JSON pointer to what the provider calls it.
    pub id: &'static str,
}

/// Whoever a provider tells when a key was last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Teller {
    /// Whoever shows the key itself.
    Key,
    /// Whoever shows the key that makes such keys.
    Minter,
    /// Nobody.
    Nobody,
}

/// Stand-in for one segment of a path: the project in which keys are made.
pub const PROJECT: &str = "{project}";

/// API of a provider on the wire.
#[derive(Debug)]
pub struct Api {
    /// The shape of its errors, and of its bodies where a path does not say otherwise.
    pub dialect: Dialect,
    /// Header that takes the key.
    pub key_header: KeyHeader,
    /// Headers that every call in the provider's own dialect must have, beside the key.
    pub fixed_headers: &'static [(&'static str, &'static str)],
    /// Fields that bound a call here, as a page of the provider says; what it passes over bounds nothing.
    pub bounds: &'static [BoundField],
    /// Effect of files in a prompt, and of what may refer to some.
    pub files: FilesEffect,
    /// `true` when what a schema names is copied to where it is named, so that a prompt can be longer than its bytes.
    pub unrolls_schemas: bool,
    /// `true` when the figures of an answer tell its cost.
    pub reports_cost: bool,
    /// `true` when a stream tells its usage without being asked to, and perhaps only then.
    pub tells_usage_unasked: bool,
    /// Names of members beside `error` in which it says what is wrong.
    pub errors_in: &'static [&'static str],
    /// Paths that may be called.
    pub paths: &'static [ApiPath],
    /// Call that tries a key.
    pub probe: Probe,
    /// Answers that mean something else than their status says; the first that fits decides.
    pub refusals: &'static [Refusal],
    /// Highest fee of these refusals, in billionths of a US dollar.
    pub refusal_fee_nano_usd: i64,
    /// Call that makes keys, where there is one.
    pub minting: Option<Minting>,
    /// Call that tells when a key was last used.
    pub last_use: Teller,
    /// Segments of the path below the base URL where it tells; `{project}` stands for the account's project.
    pub last_use_path: &'static [&'static str],
}
