//! Shapes that several operations share, and the table of those that are not bounded.

use std::borrow::Cow;

use strongroom_model::provider::{ModelEffect, ModelMatch, SPECIAL_MODELS};

use super::price_terms::{FILE_PARSER, HEARD, LIFETIME};
use super::rule::{
    BYTES, CACHE_CONTROL, Effect, Field, Object, Rule, Shape, Table, bytes, field, files, refused, window,
};

/// Operations that are free, or tell no usage: what they ask for is not bounded, and fields are of interest only where they
/// change how the call is carried on.
pub(super) static OPEN: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("stream", Rule::Stream),
        field("background", Rule::Background),
    ],
    has_two_spellings: false,
    is_open: true,
};

/// `stream_options`: <https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options>.
pub(super) static STREAM_OPTIONS: Object =
    Object::of(&[field("include_usage", Rule::IncludeUsage), bytes("include_obfuscation")]);

/// Texts, and parts of a message in OpenAI's chat language. Sources: `content` of
/// <https://platform.openai.com/docs/api-reference/chat/create#chat_create-messages>, and what others add to it:
/// <https://console.groq.com/docs/api-reference#chat-create> (`document`),
/// <https://openrouter.ai/docs/features/multimodal/videos> (`video_url`).
pub(super) static CHAT_CONTENT: Shape = Shape::text_or(&CHAT_PART);
static CHAT_PART: Rule = Rule::Object(&Object::of(&[
    field("type", Rule::Word(CHAT_PART_TYPES)),
    bytes("text"),
    bytes("refusal"),
    CACHE_CONTROL,
    bytes("prompt_cache_breakpoint"),
    bytes("thinking"),
    window("image_url"),
    field("input_audio", Rule::Any(HEARD)),
    field("video_url", Rule::Any(HEARD)),
    files("file"),
    files("document"),
]));
const CHAT_PART_TYPES: &[(&str, Effect)] = &[
    ("text", Effect::Bytes),
    ("refusal", Effect::Bytes),
    ("thinking", Effect::Bytes),
    ("image_url", Effect::Window),
    ("input_audio", HEARD),
    ("video_url", HEARD),
    ("file", Effect::Files),
    ("document", Effect::Files),
];

/// An input of an embedding that is more than a text: <https://openrouter.ai/docs/api-reference/embeddings>.
pub(super) static EMBEDDED: Object = Object::of(&[field("content", Rule::Of(&CHAT_CONTENT))]);

/// One of `plugins` of <https://openrouter.ai/docs/features/plugins>. `web` runs the provider's own search where it has one, which
/// asks the model again for each result; others choose another model.
pub(super) static PLUGIN: Object = Object::of(&[
    field("id", Rule::Word(PLUGIN_IDS)),
    bytes("enabled"),
    bytes("pdf"),
    bytes("max_files"),
    bytes("engine"),
    bytes("max_results"),
    bytes("search_prompt"),
    bytes("include_domains"),
    bytes("exclude_domains"),
]);
const PLUGIN_IDS: &[(&str, Effect)] = &[
    ("response-healing", Effect::Bytes),
    ("context-compression", Effect::Bytes),
    ("file-parser", FILE_PARSER),
    ("web", Effect::Refused),
];

/// Amount of thinking, of OpenAI and OpenRouter: <https://openrouter.ai/docs/use-cases/reasoning-tokens>. `max_tokens` is
/// within the answer's for some models and beside it for others. A `mode` other than the usual one is nobody's to bound.
pub(super) static REASONING: Object = Object::of(&[
    bytes("effort"),
    bytes("summary"),
    bytes("generate_summary"),
    bytes("exclude"),
    bytes("enabled"),
    bytes("context"),
    field("max_tokens", Rule::Figure(super::rule::Figure::Thinking)),
    field("mode", Rule::Word(&[("standard", Effect::Bytes)])),
]);

/// `prompt_cache_options` of <https://platform.openai.com/docs/guides/prompt-caching>.
pub(super) static PROMPT_CACHE_OPTIONS: Object = Object::of(&[
    bytes("mode"),
    field("ttl", LIFETIME),
    refused("prewarm"),
    refused("comparison_response_id"),
]);

/// Effect of a model that does more than its requests say, wherever it is called; the names stand in the providers' files.
pub(super) fn effect_of_model(name: &str) -> Effect {
    // Nobody says that a provider compares names to the letter.
    let name = match name.trim() {
        name if name.bytes().any(|byte| byte.is_ascii_uppercase()) => Cow::Owned(name.to_ascii_lowercase()),
        name => Cow::Borrowed(name),
    };
    let short = name.rsplit('/').next().unwrap_or(&name);
    let fits = |form: ModelMatch| match form {
        ModelMatch::Begins(text) => short.starts_with(text),
        ModelMatch::Contains(text) => has(short, text),
        ModelMatch::WholeBegins(text) => name.starts_with(text),
        ModelMatch::WholeContains(text) => has(&name, text),
        ModelMatch::Variant(text) => short.split(':').skip(1).any(|variant| variant.trim() == text),
    };
    match SPECIAL_MODELS.iter().find(|(form, _)| fits(*form)) {
        Some((_, ModelEffect::Refused)) => Effect::Refused,
        Some((_, ModelEffect::Window)) => Effect::Window,
        None => Effect::Bytes,
    }
}

/// Tells whether a short name has a part: each call asks, and preparing a search would take longer than searching.
fn has(name: &str, part: &str) -> bool {
    let (name, part) = (name.as_bytes(), part.as_bytes());
    let Some((first, _)) = part.split_first() else { return true };
    memchr::memchr_iter(*first, name).any(|place| name[place..].starts_with(part))
}

/// Fields of OpenRouter that change where a call goes and how it is named there, and not how many tokens it takes.
pub(super) const fn routing(name: &'static str) -> Field {
    field(name, BYTES)
}
