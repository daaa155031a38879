//! The least that a bound can be, by a plain reading of a body that knows no tables: marks of what is not text, figures,
//! and the length of all texts.

use serde_json::Value;
use strongroom_connectors::ai::gateway::{Meter, Operation};

/// Least that a body asks for; `None` is more than it says.
#[derive(Debug)]
pub(crate) struct Least {
    pub(crate) input: Option<i64>,
    pub(crate) output: Option<i64>,
    pub(crate) answers: i64,
    pub(crate) prompts: i64,
}

/// Kinds of parts, tools and items, which stand at `type`.
const KINDS: &[&str] = &[
    "image",
    "image_url",
    "input_image",
    "input_audio",
    "file",
    "input_file",
    "item_reference",
    "url",
    "base64",
    "computer_20250124",
    "web_search_tool_result",
    "container_upload",
];
/// Fields that hold or name what is not text.
const FIELDS: &[&str] = &[
    "image_url",
    "input_audio",
    "inlineData",
    "inline_data",
    "fileData",
    "file_data",
    "file_id",
    "cachedContent",
    "cached_content",
    "previous_response_id",
    "conversation",
    "container",
    "googleSearch",
    "google_search",
    "urlContext",
    "url_context",
    "codeExecution",
    "code_execution",
];
/// Below these a program writes what it likes.
const FREE: &[&str] = &[
    "parameters",
    "parametersJsonSchema",
    "input_schema",
    "schema",
    "arguments",
    "args",
    "response",
    "metadata",
    "response_format",
    "responseSchema",
    "responseJsonSchema",
    "output_config",
    "input_examples",
    "variables",
    "filters",
];

pub(crate) fn least(operation: Operation, body: &str) -> Least {
    let value: Value = serde_json::from_str(body).expect("JSON");
    let fields = value.as_object().expect("an object");
    let whole = |name: &str| fields.get(name).and_then(Value::as_i64);
    let prompts =
        ["prompt", "input"].iter().find_map(|name| fields.get(*name)).map_or(1, |given| match given {
            Value::Array(items)
                if operation.meter != Meter::Responses && !items.iter().all(Value::is_number) =>
            {
                items.len() as i64
            }
            _ => 1,
        });
    let config = ["generationConfig", "generation_config"].iter().find_map(|name| fields.get(*name));
    let of_config = |name: &str| config.and_then(|config| config.get(name)).and_then(Value::as_i64);
    let (output, each) = match operation.meter {
        Meter::Embeddings => (Some(0), 1),
        Meter::GenerateContent => (of_config("maxOutputTokens"), of_config("candidateCount").unwrap_or(1)),
        Meter::Responses => (whole("max_output_tokens"), 1),
        Meter::Messages => (whole("max_tokens"), 1),
        _ => (
            whole("max_tokens").max(whole("max_completion_tokens")),
            whole("n").max(whole("best_of")).unwrap_or(1),
        ),
    };
    let is_sound = has_sound(&value);
    Least {
        input: (!has_mark(&value)).then(|| longest(&value)),
        output: output.filter(|_| !is_sound),
        answers: each * prompts,
        prompts,
    }
}

/// Tells whether more than text is asked for.
fn has_sound(value: &Value) -> bool {
    let is_sound = |modality: &Value| !matches!(modality.as_str(), Some("text" | "TEXT"));
    ["/modalities", "/generationConfig/responseModalities"]
        .iter()
        .filter_map(|place| value.pointer(place).and_then(Value::as_array))
        .any(|modalities| modalities.iter().any(is_sound))
}

fn has_mark(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let is_call = fields.get("type").and_then(Value::as_str) == Some("tool_use");
            let is_mark = FIELDS.contains(&name.as_str()) && !value.is_null();
            let is_kind = name == "type" && value.as_str().is_some_and(|kind| KINDS.contains(&kind));
            let is_free = FREE.contains(&name.as_str()) || (name == "input" && is_call);
            is_mark || is_kind || (!is_free && has_mark(value))
        }),
        Value::Array(items) => items.iter().any(has_mark),
        _ => false,
    }
}

/// A token for each byte of what is said, and four for each object, which is how messages are framed.
fn longest(value: &Value) -> i64 {
    match value {
        Value::Object(fields) => {
            let of_field = |(name, value): (&String, &Value)| name.len() as i64 + longest(value);
            4 + fields.iter().map(of_field).sum::<i64>()
        }
        Value::Array(items) => items.iter().map(longest).sum(),
        Value::String(text) => text.len() as i64,
        word => word.to_string().len() as i64,
    }
}
