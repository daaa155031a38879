//! Bodies of Anthropic's messages, as Anthropic and OpenRouter take them.
//!
//! Sources, field by field: <https://platform.claude.com/docs/en/api/messages>, the pages of the tools below
//! <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview>, and the request types of the library
//! anthropic 2.13, its betas among them.

use super::price_terms::{ANTHROPIC_TIER, PLACE, SPEED};
use super::rule::{
    BYTES, CACHE_CONTROL, Effect, Figure, Object, Rule, Shape, Table, bytes, field, files, refused, window,
};
use super::shapes::{PLUGIN, routing};

/// `messages`.
pub(super) static MESSAGES: Table = Table {
    fields: &[
        field("model", Rule::Model),
        field("max_tokens", Rule::Figure(Figure::MaxTokens)),
        field("messages", Rule::Each(&Rule::Object(&MESSAGE))),
        field("system", Rule::Of(&CONTENT)),
        field("stream", Rule::Stream),
        field("tools", Rule::Each(&Rule::Object(&TOOL))),
        bytes("tool_choice"),
        bytes("temperature"),
        bytes("metadata"),
        bytes("stop_sequences"),
        field("thinking", Rule::Object(&THINKING)),
        bytes("output_config"),
        bytes("output_format"),
        bytes("top_k"),
        bytes("top_p"),
        CACHE_CONTROL,
        field("service_tier", ANTHROPIC_TIER),
        field("speed", SPEED),
        field("inference_geo", PLACE),
        bytes("user_profile_id"),
        bytes("workspace_id"),
        bytes("billing_policy"),
        // Compared with what was sent before, and not put into the prompt.
        bytes("diagnostics"),
        field("context_management", Rule::Object(&CONTEXT_MANAGEMENT)),
        field("background", Rule::Background),
        // Skills are put into the prompt.
        window("container"),
        // The provider runs the model over what the servers answer, again and again.
        refused("mcp_servers"),
        // Other runs of the model, or of another one.
        refused("compaction"),
        refused("fallbacks"),
        refused("fallback_credit_token"),
        refused("thread"),
        // OpenRouter.
        field("plugins", Rule::Each(&Rule::Object(&PLUGIN))),
        routing("provider"),
        routing("transforms"),
        routing("session_id"),
        routing("trace"),
        bytes("user"),
        refused("models"),
        refused("route"),
        refused("preset"),
    ],
    has_two_spellings: false,
    is_open: false,
};

static MESSAGE: Object = Object::of(&[bytes("role"), field("content", Rule::Of(&CONTENT))]);

/// Budget of thinking. Between tools it may be larger than `max_tokens`:
/// <https://platform.claude.com/docs/en/build-with-claude/extended-thinking#interleaved-thinking>.
static THINKING: Object = Object::of(&[
    field(
        "type",
        Rule::Word(&[
            ("enabled", Effect::Bytes),
            ("disabled", Effect::Bytes),
            ("adaptive", Effect::Bytes),
            ("between_tools", Effect::Bytes),
        ]),
    ),
    field("budget_tokens", Rule::Figure(Figure::Thinking)),
    bytes("display"),
]);

/// Edits that leave something out. Those that sum up the conversation run the model once more.
static CONTEXT_MANAGEMENT: Object = Object::of(&[field(
    "edits",
    Rule::Each(&Rule::Object(&Object::of(&[
        field(
            "type",
            Rule::Word(&[
                ("clear_tool_uses_20250919", Effect::Bytes),
                ("clear_thinking_20251015", Effect::Bytes),
            ]),
        ),
        bytes("trigger"),
        bytes("keep"),
        bytes("clear_at_least"),
        bytes("clear_tool_inputs"),
        bytes("exclude_tools"),
    ]))),
)]);

/// Text, or blocks.
static CONTENT: Shape = Shape {
    scalar: Some(Effect::Bytes),
    items: Some(&Rule::Object(&BLOCK)),
    // What a tool of the provider returned.
    object: Some(&BLOCK),
};

static BLOCK: Object = Object::of(&[
    field("type", Rule::Word(BLOCK_TYPES)),
    bytes("text"),
    field("content", Rule::Of(&CONTENT)),
    CACHE_CONTROL,
    bytes("id"),
    bytes("name"),
    bytes("input"),
    bytes("tool_use_id"),
    bytes("is_error"),
    bytes("thinking"),
    // Holds all that was thought, of which `thinking` is a summary.
    field("signature", Rule::Sealed),
    field("data", Rule::Sealed),
    bytes("caller"),
    bytes("toolset_name"),
    bytes("title"),
    bytes("context"),
    field("citations", Rule::Of(&CITATIONS)),
    field("source", Rule::Of(&SOURCE)),
    bytes("transformations"),
    bytes("server_name"),
    bytes("error_code"),
    bytes("stdout"),
    bytes("stderr"),
    bytes("return_code"),
    files("file_id"),
    window("tool_name"),
    window("tool_references"),
    window("encrypted_content"),
    window("encrypted_stdout"),
    window("url"),
    bytes("page_age"),
    bytes("retrieved_at"),
]);

const BLOCK_TYPES: &[(&str, Effect)] = &[
    ("text", Effect::Bytes),
    ("thinking", Effect::Bytes),
    ("redacted_thinking", Effect::Bytes),
    ("tool_use", Effect::Bytes),
    ("tool_result", Effect::Bytes),
    ("server_tool_use", Effect::Bytes),
    ("mcp_tool_use", Effect::Bytes),
    ("mcp_tool_result", Effect::Bytes),
    ("search_result", Effect::Bytes),
    // Its source says whether bytes bound it.
    ("document", Effect::Bytes),
    ("image", Effect::Window),
    ("container_upload", Effect::Files),
    // Each stands for the whole definition of a tool.
    ("tool_reference", Effect::Window),
    ("compaction", Effect::Window),
    // What a provider's tool found, sealed or as a file.
    ("web_search_tool_result", Effect::Window),
    ("web_search_result", Effect::Window),
    ("web_search_tool_result_error", Effect::Bytes),
    ("web_fetch_tool_result", Effect::Window),
    ("web_fetch_result", Effect::Window),
    ("web_fetch_tool_result_error", Effect::Bytes),
    ("code_execution_tool_result", Effect::Window),
    ("code_execution_result", Effect::Window),
    ("code_execution_output", Effect::Window),
    ("encrypted_code_execution_result", Effect::Window),
    ("bash_code_execution_tool_result", Effect::Window),
    ("bash_code_execution_result", Effect::Window),
    ("bash_code_execution_output", Effect::Window),
    ("tool_search_tool_result", Effect::Window),
    ("tool_search_tool_search_result", Effect::Window),
];

/// Of an answer of before, where its text comes from; of a document, whether to say so: then it is cut into sentences, each
/// with a mark: <https://platform.claude.com/docs/en/build-with-claude/citations#token-costs>.
static CITATIONS: Shape = Shape { scalar: None, items: Some(&BYTES), object: Some(&CITATIONS_CONFIG) };
static CITATIONS_CONFIG: Object = Object::of(&[field("enabled", Rule::Switch(Effect::Window))]);

/// Source of an image or a document; of a search result, its address.
static SOURCE: Shape = Shape { scalar: Some(Effect::Bytes), items: None, object: Some(&SOURCE_FIELDS) };
static SOURCE_FIELDS: Object = Object {
    without: Some((&["type"], Effect::Files)),
    fields: &[
        field(
            "type",
            Rule::Word(&[
                ("text", Effect::Bytes),
                ("content", Effect::Bytes),
                // Its media type says of what.
                ("base64", Effect::Window),
                ("url", Effect::Files),
                ("file", Effect::Files),
            ]),
        ),
        field("media_type", Rule::Word(MEDIA_TYPES)),
        bytes("data"),
        field("content", Rule::Of(&CONTENT)),
        files("url"),
        files("file_id"),
    ],
};

/// Of images, texts and documents: <https://platform.claude.com/docs/en/api/messages>.
const MEDIA_TYPES: &[(&str, Effect)] = &[
    ("image/jpeg", Effect::Bytes),
    ("image/png", Effect::Bytes),
    ("image/gif", Effect::Bytes),
    ("image/webp", Effect::Bytes),
    ("text/plain", Effect::Bytes),
    ("application/pdf", Effect::Files),
];

/// A tool that the program carries out. All others are carried out by Anthropic, which runs the model over their results
/// until it pauses the turn by itself: <https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools>.
static TOOL: Object = Object::of(&[
    field("type", Rule::Word(TOOL_TYPES)),
    bytes("name"),
    bytes("description"),
    bytes("input_schema"),
    CACHE_CONTROL,
    bytes("strict"),
    bytes("defer_loading"),
    bytes("eager_input_streaming"),
    bytes("input_examples"),
    bytes("allowed_callers"),
    bytes("configs"),
    bytes("display_width_px"),
    bytes("display_height_px"),
    bytes("display_number"),
    bytes("enable_zoom"),
    bytes("max_characters"),
    // Of tools that are refused by their type.
    bytes("max_uses"),
    bytes("allowed_domains"),
    bytes("blocked_domains"),
    bytes("user_location"),
    bytes("citations"),
    bytes("max_content_tokens"),
]);

/// Tokens of their definitions: bash 245, text editor 700, computer 735 and a system prompt of 466 to 499, says
/// <https://platform.claude.com/docs/en/about-claude/pricing#tool-use-pricing>. The others' are documented nowhere.
const TOOL_TYPES: &[(&str, Effect)] = &[
    ("custom", Effect::Bytes),
    ("bash_20241022", Effect::Framed(512)),
    ("bash_20250124", Effect::Framed(512)),
    ("text_editor_20241022", Effect::Framed(1024)),
    ("text_editor_20250124", Effect::Framed(1024)),
    ("text_editor_20250429", Effect::Framed(1024)),
    ("text_editor_20250728", Effect::Framed(1024)),
    ("memory_20250818", Effect::Window),
    ("computer_20241022", Effect::Window),
    ("computer_20250124", Effect::Window),
    ("computer_20251124", Effect::Window),
    ("computer_toolset_20260801", Effect::Window),
    ("browser_toolset_20260801", Effect::Window),
];
