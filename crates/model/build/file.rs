//! The form of a provider's file.

use serde::Deserialize;

/// `providers/<name>.toml`: what is known of a provider before anybody configures it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderFile {
    pub(crate) sources: Vec<String>,
    pub(crate) as_of: String,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    pub(crate) title: String,
    pub(crate) priority: i64,
    pub(crate) base_url: String,
    pub(crate) keys_page: String,
    #[serde(default)]
    pub(crate) model_patterns: Vec<String>,
    pub(crate) suggestion_model: Option<String>,
    pub(crate) prices: Prices,
    pub(crate) vendor: Option<String>,
    #[serde(default)]
    pub(crate) vendor_writes_dots: bool,
    #[serde(default)]
    pub(crate) resells: bool,
    #[serde(default)]
    pub(crate) keys: Keys,
    pub(crate) variables: Variables,
    #[serde(default)]
    pub(crate) run: Run,
    pub(crate) gateway: Gateway,
    #[serde(default)]
    pub(crate) models: Vec<Models>,
    pub(crate) api: Api,
}

/// `providers/compatible.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompatibleFile {
    pub(crate) as_of: String,
    pub(crate) api: Api,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prices {
    Table,
    Reported,
    None,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keys {
    #[serde(default)]
    pub(crate) marked: Vec<Marked>,
    #[serde(default)]
    pub(crate) all_are_marked: bool,
    #[serde(default)]
    pub(crate) unmarked: Vec<Unmarked>,
    #[serde(default)]
    pub(crate) logins: Vec<String>,
    #[serde(default)]
    pub(crate) admin: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Marked {
    pub(crate) begins: String,
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) of: Alphabet,
    #[serde(default)]
    pub(crate) is_shared: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alphabet {
    Plain,
    LowerPlain,
    Dashed,
    DashedRun,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unmarked {
    pub(crate) behind: String,
    pub(crate) length: usize,
    #[serde(default)]
    pub(crate) is_hex: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variables {
    pub(crate) keys: Vec<String>,
    #[serde(default)]
    pub(crate) further_keys: Vec<String>,
    #[serde(default)]
    pub(crate) address_beginnings: Vec<String>,
    /// Further words that say, in the name of a variable beside one for a key, whose key it is.
    #[serde(default)]
    pub(crate) key_words: Vec<String>,
    #[serde(default)]
    pub(crate) no_address_beginnings: Vec<String>,
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
    #[serde(default)]
    pub(crate) elsewhere: Vec<Elsewhere>,
    pub(crate) base_url: Option<String>,
}

/// A variable that says that keys are for another API, unless it has one of these values.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Elsewhere {
    pub(crate) variable: String,
    #[serde(default)]
    pub(crate) unless: Vec<String>,
    pub(crate) address: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    #[serde(default)]
    pub(crate) base_urls: Vec<RunAddress>,
    #[serde(default)]
    pub(crate) keys: Vec<String>,
    #[serde(default)]
    pub(crate) switches: Vec<Switch>,
    #[serde(default)]
    pub(crate) removed: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunAddress {
    pub(crate) variable: String,
    pub(crate) path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    pub(crate) variable: String,
    pub(crate) value: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gateway {
    pub(crate) begins: String,
    pub(crate) openai_below: Option<String>,
    #[serde(default)]
    pub(crate) models_have_slashes: bool,
    #[serde(default)]
    pub(crate) spellings: Vec<(String, String)>,
}

/// Names of models that do more than their requests say.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Models {
    pub(crate) begins: Option<String>,
    pub(crate) contains: Option<String>,
    pub(crate) whole_begins: Option<String>,
    pub(crate) whole_contains: Option<String>,
    pub(crate) variant: Option<String>,
    pub(crate) effect: ModelEffect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelEffect {
    Refused,
    Window,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    pub(crate) dialect: Dialect,
    /// `true` when the dialect is the provider's own, which others speak too.
    #[serde(default)]
    pub(crate) owns_dialect: bool,
    pub(crate) key_header: String,
    #[serde(default)]
    pub(crate) fixed_headers: Vec<Header>,
    pub(crate) bounds: Vec<Bound>,
    pub(crate) files: Option<Files>,
    #[serde(default)]
    pub(crate) unrolls_schemas: bool,
    #[serde(default)]
    pub(crate) reports_cost: bool,
    #[serde(default)]
    pub(crate) tells_usage_unasked: bool,
    /// Names of members beside `error` in which it says what is wrong.
    #[serde(default)]
    pub(crate) errors_in: Vec<String>,
    pub(crate) paths: Vec<Path>,
    pub(crate) probe: Probe,
    pub(crate) refusals_like: Option<String>,
    #[serde(default)]
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) minting: Option<Minting>,
    pub(crate) last_use: Option<LastUse>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) enum BoundField {
    #[serde(rename = "max_tokens")]
    Tokens,
    #[serde(rename = "max_completion_tokens")]
    CompletionTokens,
    #[serde(rename = "max_output_tokens")]
    OutputTokens,
    #[serde(rename = "max_tool_calls")]
    ToolCalls,
}

/// A field that bounds a call here, and the page that says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bound {
    pub(crate) field: BoundField,
    pub(crate) source: String,
}

/// What becomes of files in a prompt, and the page that says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    pub(crate) effect: FilesEffect,
    pub(crate) source: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FilesEffect {
    Window,
    Fee,
    Refused,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Path {
    pub(crate) get: Option<String>,
    pub(crate) post: Option<String>,
    pub(crate) operation: String,
    pub(crate) meter: Meter,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) takes: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) adds: Vec<AddedField>,
}

/// A field of a provider's own, beside those of its dialect.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddedField {
    pub(crate) field: String,
    pub(crate) effect: FieldEffect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FieldEffect {
    Bytes,
    Window,
    Refused,
    Deferred,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Meter {
    Chat,
    Responses,
    Embeddings,
    Messages,
    GenerateContent,
    Free,
    Unmetered,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probe {
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) accepted: String,
}

/// All that is given must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub(crate) statuses: Vec<u16>,
    pub(crate) text: Option<TextAt>,
    pub(crate) message: Option<String>,
    pub(crate) message_begins: Option<String>,
    /// Ends of the whole message, of which it has one unless nothing stands behind its first words; without its full stop.
    #[serde(default)]
    pub(crate) message_ends: Vec<String>,
    /// JSON pointer to the message, if not OpenAI's.
    pub(crate) message_at: Option<String>,
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
    pub(crate) without_detail: Option<String>,
    pub(crate) nothing_left_at: Option<String>,
    pub(crate) outcome: Outcome,
    /// What it means for a call, if not what it means for a probe: whoever calls may have brought it about.
    #[serde(default)]
    pub(crate) in_calls: InCalls,
    /// What the provider bills for it.
    #[serde(default)]
    pub(crate) fee_nano_usd: i64,
    pub(crate) words: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InCalls {
    #[default]
    Same,
    BadKey,
    NotPermitted,
    Model,
    Request,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextAt {
    pub(crate) at: String,
    pub(crate) is: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    BadKey,
    EmptyAccount,
    RateLimited,
    Unexpected,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Minting {
    pub(crate) path: String,
    pub(crate) key: String,
    pub(crate) id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastUse {
    pub(crate) told_to: ToldTo,
    pub(crate) path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ToldTo {
    Key,
    Minter,
}
