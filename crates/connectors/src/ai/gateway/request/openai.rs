//! Bodies in OpenAI's language, as OpenAI, Groq, OpenRouter, and Anthropic's and Google's compatible endpoints take them.
//!
//! Sources, field by field: <https://platform.openai.com/docs/api-reference/chat/create>, `/completions/create`,
//! `/embeddings/create`; <https://console.groq.com/docs/api-reference#chat-create>;
//! <https://openrouter.ai/docs/api-reference/parameters>; <https://docs.claude.com/en/api/openai-sdk>;
//! <https://ai.google.dev/gemini-api/docs/openai>; and the request types of the libraries openai 3.57 and groq 1.7.

use super::price_terms::{COST, HEARD, PICTURED, SPOKEN, TIER};
use super::rule::{CACHE_CONTROL, Effect, Figure, Object, Rule, Table, bytes, field, refused, text, window};
use super::shapes::{CHAT_CONTENT, PLUGIN, PROMPT_CACHE_OPTIONS, REASONING, routing};

/// `chat/completions`.
pub(super) static CHAT: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("messages", Rule::Each(&Rule::Object(&MESSAGE))),
        field("max_tokens", Rule::Figure(Figure::MaxTokens)),
        field("max_completion_tokens", Rule::Figure(Figure::MaxCompletionTokens)),
        bytes("temperature"),
        field("stream", Rule::Stream),
        field("stream_options", Rule::StreamOptions),
        field("tools", Rule::Each(&Rule::Object(&TOOL))),
        bytes("tool_choice"),
        field("n", Rule::Figure(Figure::Answers)),
        bytes("top_p"),
        field("response_format", Rule::Schema),
        bytes("stop"),
        bytes("seed"),
        bytes("user"),
        bytes("metadata"),
        bytes("store"),
        field("service_tier", TIER),
        bytes("reasoning_effort"),
        bytes("verbosity"),
        bytes("parallel_tool_calls"),
        bytes("frequency_penalty"),
        bytes("presence_penalty"),
        bytes("logit_bias"),
        bytes("logprobs"),
        bytes("top_logprobs"),
        bytes("function_call"),
        field("functions", Rule::Schema),
        bytes("safety_identifier"),
        bytes("prompt_cache_key"),
        bytes("prompt_cache_retention"),
        field("prompt_cache_options", Rule::Object(&PROMPT_CACHE_OPTIONS)),
        // Moderation is free of charge.
        bytes("moderation"),
        field("prediction", Rule::Prediction),
        field(
            "modalities",
            Rule::Each(&Rule::Word(&[("text", Effect::Bytes), ("audio", SPOKEN), ("image", PICTURED)])),
        ),
        field("audio", Rule::Any(SPOKEN)),
        field("background", Rule::Background),
        // It searches again for as long as the model asks for it.
        refused("web_search_options"),
        // Groq.
        bytes("reasoning_format"),
        bytes("include_reasoning"),
        bytes("disable_tool_validation"),
        bytes("citation_options"),
        bytes("documents"),
        // Agents of several models and tools, and what they search.
        refused("compound_custom"),
        refused("search_settings"),
        refused("include_domains"),
        refused("exclude_domains"),
        // OpenRouter. `models`, `route` and `preset` choose another model than the one whose bounds are known.
        field("reasoning", Rule::Object(&REASONING)),
        field("plugins", Rule::Each(&Rule::Object(&PLUGIN))),
        routing("provider"),
        routing("transforms"),
        field("usage", COST),
        routing("session_id"),
        routing("trace"),
        routing("debug"),
        CACHE_CONTROL,
        text("prompt"),
        bytes("top_k"),
        bytes("top_a"),
        bytes("min_p"),
        bytes("repetition_penalty"),
        bytes("structured_outputs"),
        bytes("image_config"),
        refused("models"),
        refused("route"),
        refused("preset"),
        // Anthropic.
        field("thinking", Rule::Object(&THINKING)),
        // Google, whose own fields lie in one of these.
        field("extra_body", Rule::Object(&Object::of(&[field("google", Rule::Object(&GOOGLE))]))),
        field("google", Rule::Object(&GOOGLE)),
        // Mistral, DeepSeek, and servers that programs run themselves, such as vLLM.
        bytes("safe_prompt"),
        bytes("random_seed"),
        bytes("min_tokens"),
        bytes("ignore_eos"),
        bytes("stop_token_ids"),
        bytes("skip_special_tokens"),
        bytes("length_penalty"),
        bytes("guided_json"),
        bytes("guided_regex"),
        bytes("guided_choice"),
        bytes("guided_grammar"),
        bytes("chat_template_kwargs"),
        field("best_of", Rule::Figure(Figure::BestOf)),
    ],
    has_two_spellings: false,
    is_open: false,
};

static MESSAGE: Object = Object::of(&[
    bytes("role"),
    field("content", Rule::Of(&CHAT_CONTENT)),
    bytes("name"),
    field("tool_calls", Rule::Each(&Rule::Object(&TOOL_CALL))),
    bytes("tool_call_id"),
    bytes("function_call"),
    bytes("refusal"),
    // An answer of before, by its name.
    field("audio", Rule::Any(HEARD)),
    CACHE_CONTROL,
    // Groq, DeepSeek, OpenRouter: thoughts of before, sealed ones among the details.
    bytes("reasoning"),
    bytes("reasoning_content"),
    field("reasoning_details", Rule::Sealed),
    // OpenRouter: files that were read before, and images that were made.
    window("annotations"),
    window("images"),
    bytes("prefix"),
    field("extra_content", Rule::Sealed),
]);

static TOOL_CALL: Object = Object::of(&[
    bytes("id"),
    bytes("index"),
    bytes("type"),
    bytes("function"),
    bytes("custom"),
    // Google's signatures of thoughts.
    field("extra_content", Rule::Sealed),
]);

/// Tools that the program carries out itself. All others are carried out by the provider, in a loop.
static TOOL: Object = Object::of(&[
    field("type", Rule::Word(&[("function", Effect::Bytes), ("custom", Effect::Bytes)])),
    field("function", Rule::Schema),
    bytes("custom"),
    CACHE_CONTROL,
]);

static THINKING: Object =
    Object::of(&[bytes("type"), field("budget_tokens", Rule::Figure(Figure::Thinking)), bytes("display")]);

static GOOGLE: Object = Object::of(&[
    field(
        "thinking_config",
        Rule::Object(&Object::of(&[
            bytes("include_thoughts"),
            bytes("thinking_level"),
            field("thinking_budget", Rule::Figure(Figure::Thinking)),
        ])),
    ),
    bytes("thought_tag_marker"),
    window("cached_content"),
]);

/// `completions`.
pub(super) static COMPLETIONS: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("prompt", Rule::Prompts),
        field("max_tokens", Rule::Figure(Figure::MaxTokens)),
        bytes("temperature"),
        field("stream", Rule::Stream),
        field("stream_options", Rule::StreamOptions),
        field("n", Rule::Figure(Figure::Answers)),
        field("best_of", Rule::Figure(Figure::BestOf)),
        bytes("top_p"),
        text("suffix"),
        bytes("stop"),
        bytes("echo"),
        bytes("seed"),
        bytes("user"),
        bytes("logprobs"),
        bytes("logit_bias"),
        bytes("frequency_penalty"),
        bytes("presence_penalty"),
        field("background", Rule::Background),
        // OpenRouter.
        field("reasoning", Rule::Object(&REASONING)),
        routing("provider"),
        routing("transforms"),
        field("usage", COST),
        routing("session_id"),
        routing("trace"),
        bytes("metadata"),
        bytes("top_k"),
        bytes("top_a"),
        bytes("min_p"),
        bytes("repetition_penalty"),
        refused("models"),
        refused("route"),
        refused("preset"),
    ],
    has_two_spellings: false,
    is_open: false,
};

/// `embeddings`.
pub(super) static EMBEDDINGS: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("input", Rule::Prompts),
        bytes("encoding_format"),
        bytes("dimensions"),
        bytes("user"),
        bytes("input_type"),
        bytes("truncate"),
        routing("provider"),
        field("stream", Rule::Stream),
        field("background", Rule::Background),
    ],
    has_two_spellings: false,
    is_open: false,
};
