//! Bodies of the Responses API, as OpenAI, OpenRouter and Groq take them.
//!
//! Sources, field by field: <https://platform.openai.com/docs/api-reference/responses/create>,
//! <https://openrouter.ai/docs/api-reference/responses-api/overview>, <https://console.groq.com/docs/responses-api>, and the
//! request types of the library openai 3.57.

use super::price_terms::{CODE_SESSION, FILE_SEARCH, HEARD, TIER, WEB_SEARCH, WEB_SEARCH_PREVIEW};
use super::rule::{
    CACHE_CONTROL, Effect, Figure, Object, Rule, Shape, Table, bytes, field, files, refused, text, window,
};
use super::shapes::{PLUGIN, PROMPT_CACHE_OPTIONS, REASONING, routing};

/// `responses`.
pub(super) static RESPONSES: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("input", Rule::Of(&Shape::text_or(&Rule::Object(&ITEM)))),
        text("instructions"),
        field("max_output_tokens", Rule::Figure(Figure::MaxTokens)),
        field("stream", Rule::Stream),
        field("tools", Rule::Each(&Rule::Object(&TOOL))),
        bytes("tool_choice"),
        field("reasoning", Rule::Object(&REASONING)),
        field("text", Rule::Schema),
        bytes("temperature"),
        bytes("top_p"),
        bytes("store"),
        bytes("include"),
        bytes("parallel_tool_calls"),
        field("stream_options", Rule::StreamOptions),
        bytes("metadata"),
        bytes("user"),
        field("service_tier", TIER),
        bytes("truncation"),
        bytes("top_logprobs"),
        bytes("safety_identifier"),
        bytes("prompt_cache_key"),
        bytes("prompt_cache_retention"),
        field("prompt_cache_options", Rule::Object(&PROMPT_CACHE_OPTIONS)),
        field("max_tool_calls", Rule::Figure(Figure::ToolCalls)),
        bytes("moderation"),
        bytes("access_programs"),
        bytes("image"),
        field("background", Rule::Background),
        // A conversation of before: it fitted into the window, and may hold files.
        files("previous_response_id"),
        files("conversation"),
        // A stored prompt brings its own tools and settings along.
        refused("prompt"),
        refused("background_options"),
        // The provider sums up the conversation by another run of the model.
        refused("context_management"),
        // OpenRouter.
        field("plugins", Rule::Each(&Rule::Object(&PLUGIN))),
        routing("provider"),
        routing("session_id"),
        routing("trace"),
        bytes("top_k"),
        refused("models"),
        refused("route"),
        refused("preset"),
    ],
    has_two_spellings: false,
    is_open: false,
};

/// An item of the input. One without a type is a message, or the name of an item of before.
static ITEM: Object = Object {
    without: Some((&["type", "content"], Effect::Files)),
    fields: &[
        field("type", Rule::Word(ITEM_TYPES)),
        bytes("role"),
        field("content", Rule::Of(&CONTENT)),
        bytes("id"),
        bytes("status"),
        bytes("phase"),
        bytes("name"),
        bytes("namespace"),
        bytes("arguments"),
        bytes("call_id"),
        field("output", Rule::Of(&OUTPUT)),
        field("summary", Rule::Of(&CONTENT)),
        field("encrypted_content", Rule::Sealed),
        bytes("input"),
        bytes("caller"),
        bytes("async"),
        bytes("action"),
        bytes("actions"),
        bytes("operation"),
        bytes("max_output_length"),
        bytes("pending_safety_checks"),
        bytes("acknowledged_safety_checks"),
        field("environment", Rule::Of(&ENVIRONMENT)),
        bytes("execution"),
        bytes("queries"),
        bytes("results"),
        bytes("outputs"),
        bytes("result"),
        bytes("code"),
        bytes("fingerprint"),
        window("container_id"),
        bytes("server_label"),
        bytes("approval_request_id"),
        bytes("approve"),
        bytes("reason"),
        bytes("error"),
        field("tools", Rule::Each(&Rule::Object(&TOOL))),
        field("reasoning", Rule::Object(&REASONING)),
        field("text", Rule::Schema),
        bytes("prompt_cache_breakpoint"),
    ],
};

const ITEM_TYPES: &[(&str, Effect)] = &[
    ("message", Effect::Bytes),
    ("function_call", Effect::Bytes),
    ("function_call_output", Effect::Bytes),
    ("custom_tool_call", Effect::Bytes),
    ("custom_tool_call_output", Effect::Bytes),
    ("local_shell_call", Effect::Bytes),
    ("local_shell_call_output", Effect::Bytes),
    ("shell_call", Effect::Bytes),
    ("shell_call_output", Effect::Bytes),
    ("apply_patch_call", Effect::Bytes),
    ("apply_patch_call_output", Effect::Bytes),
    ("computer_call", Effect::Bytes),
    ("tool_search_call", Effect::Bytes),
    ("tool_search_output", Effect::Bytes),
    ("additional_tools", Effect::Bytes),
    ("configuration_update", Effect::Bytes),
    ("mcp_list_tools", Effect::Bytes),
    ("mcp_call", Effect::Bytes),
    ("mcp_approval_request", Effect::Bytes),
    ("mcp_approval_response", Effect::Bytes),
    ("program", Effect::Bytes),
    ("program_output", Effect::Bytes),
    ("reasoning", Effect::Stored),
    // The provider keeps what these found or made, and puts it into the prompt.
    ("item_reference", Effect::Files),
    ("computer_call_output", Effect::Window),
    ("web_search_call", Effect::Window),
    ("file_search_call", Effect::Window),
    ("code_interpreter_call", Effect::Window),
    ("image_generation_call", Effect::Window),
    // A conversation of before, in a form that nobody knows.
    ("compaction", Effect::Window),
];

/// Text, or parts of it.
static CONTENT: Shape = Shape::text_or(&PART);
static PART: Rule = Rule::Object(&PART_FIELDS);
static PART_FIELDS: Object = Object::of(&[
    field("type", Rule::Word(PART_TYPES)),
    bytes("text"),
    bytes("refusal"),
    bytes("annotations"),
    bytes("logprobs"),
    bytes("detail"),
    bytes("filename"),
    bytes("prompt_cache_breakpoint"),
    CACHE_CONTROL,
    // Output of a shell.
    bytes("stdout"),
    bytes("stderr"),
    bytes("outcome"),
    window("image_url"),
    field("input_audio", Rule::Any(HEARD)),
    files("file_id"),
    files("file_data"),
    files("file_url"),
    field("video_url", Rule::Any(HEARD)),
]);

const PART_TYPES: &[(&str, Effect)] = &[
    ("input_text", Effect::Bytes),
    ("output_text", Effect::Bytes),
    ("text", Effect::Bytes),
    ("refusal", Effect::Bytes),
    ("summary_text", Effect::Bytes),
    ("reasoning_text", Effect::Bytes),
    ("input_image", Effect::Window),
    ("input_file", Effect::Files),
    ("input_audio", HEARD),
    ("input_video", HEARD),
    ("computer_screenshot", Effect::Window),
];

/// Result of a tool.
static OUTPUT: Shape = Shape { scalar: Some(Effect::Bytes), items: Some(&PART), object: Some(&PART_FIELDS) };

/// Place where a shell runs: here, or at the provider; of a computer, the name of its system.
static ENVIRONMENT: Shape =
    Shape { scalar: Some(Effect::Bytes), items: None, object: Some(&SHELL_ENVIRONMENT) };
static SHELL_ENVIRONMENT: Object = Object {
    without: Some((&["type"], Effect::Refused)),
    fields: &[field("type", Rule::Word(&[("local", Effect::Bytes)])), bytes("skills")],
};

/// A tool. Those that the provider carries out are run in a loop, each time over all that came before.
static TOOL: Object = Object::of(&[
    field("type", Rule::Word(TOOL_TYPES)),
    bytes("name"),
    bytes("description"),
    field("parameters", Rule::Schema),
    bytes("strict"),
    bytes("format"),
    bytes("async"),
    bytes("allowed_callers"),
    bytes("defer_loading"),
    field("output_schema", Rule::Schema),
    field("tools", Rule::Each(&Rule::Object(&TOOL))),
    field("environment", Rule::Of(&ENVIRONMENT)),
    bytes("display_height"),
    bytes("display_width"),
    bytes("external_web_access"),
    bytes("filters"),
    bytes("search_context_size"),
    bytes("search_content_types"),
    bytes("user_location"),
    bytes("vector_store_ids"),
    bytes("max_num_results"),
    bytes("ranking_options"),
    bytes("container"),
]);

const TOOL_TYPES: &[(&str, Effect)] = &[
    ("function", Effect::Bytes),
    ("custom", Effect::Bytes),
    ("namespace", Effect::Bytes),
    // Carried out by the program; how much the provider writes into the prompt for them is documented nowhere.
    ("local_shell", Effect::Window),
    // In a container of the provider's it has a fee, and runs in a loop.
    ("shell", Effect::Placed),
    ("apply_patch", Effect::Window),
    ("computer", Effect::Window),
    ("computer_use_preview", Effect::Window),
    ("web_search", WEB_SEARCH),
    ("web_search_2025_08_26", WEB_SEARCH),
    ("web_search_preview", WEB_SEARCH_PREVIEW),
    ("web_search_preview_2025_03_11", WEB_SEARCH_PREVIEW),
    ("file_search", FILE_SEARCH),
    ("code_interpreter", CODE_SESSION),
];
