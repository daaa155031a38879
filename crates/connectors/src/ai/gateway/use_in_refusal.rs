//! Signs of use in an answer that says no.

use serde::de::DeserializeSeed;
use serde_json::Value;

use super::largest::{Parsed, Seen};

/// Tells whether an answer that says no tells of some use, in whatever words: what it was is then not known.
pub(super) fn tells_of_use(body: &[u8]) -> bool {
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
    // The data of an event may stand on several lines.
    let data: Vec<u8> = lines.clone().filter_map(data_of).collect::<Vec<_>>().join(&b'\n');
    std::iter::once(body).chain(std::iter::once(&data[..])).chain(lines).any(|text| any_use_within(text, 0))
}

/// The data of a line of an event.
fn data_of(line: &[u8]) -> Option<&[u8]> {
    line.trim_ascii_start().strip_prefix(b"data:")
}

/// Most texts within a text that are looked into.
const MOST_NESTED: usize = 4;

/// Looks for use in the JSON of a text, wherever it begins.
fn any_use_within(text: &[u8], nested: usize) -> bool {
    let Some(start) = text.iter().position(|byte| matches!(byte, b'{' | b'[')) else { return false };
    let mut seen = Seen::default();
    let mut from = serde_json::Deserializer::from_slice(&text[start..]);
    Parsed(&mut seen).deserialize(&mut from).is_ok_and(|it| says_use(&it, nested))
}

/// Names under which text stands that was generated.
const GENERATED: [&str; 9] = [
    "choices",
    "candidates",
    "failed_generation",
    "output",
    "output_text",
    "content",
    "delta",
    "partial_response",
    "executed_tools",
];

fn says_use(value: &Value, nested: usize) -> bool {
    match value {
        Value::Object(entries) => entries.iter().any(|(name, value)| match name.as_str() {
            // What the caller sent, as some validators repeat it.
            "input" | "flagged_input" | "ctx" | "loc" => false,
            name if tells_use_by_name(name) => is_something(value),
            name if GENERATED.contains(&name) => !matches!(value, Value::Bool(_)) && is_something(value),
            _ => says_use(value, nested),
        }),
        Value::Array(values) => values.iter().any(|it| says_use(it, nested)),
        // JSON of another provider; what is quoted within words is most likely the caller's.
        Value::String(text) if nested < MOST_NESTED && text.trim_start().starts_with(['{', '[']) => {
            any_use_within(text.as_bytes(), nested + 1)
        }
        _ => false,
    }
}

/// Tells whether a name is one of figures of use, or of a cost.
fn tells_use_by_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let others = ["max", "limit", "remaining", "requested", "type", "per_"];
    let is_bound = others.iter().any(|word| name.contains(word)) || name.starts_with("n_");
    let is_figure = ["usage", "token", "cost", "billed_units"].iter().any(|word| name.contains(word));
    is_figure && !is_bound
}

/// Tells whether a value is anything but zeros.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty() && text.parse::<f64>().ok() != Some(0.0),
        Value::Array(values) => values.iter().any(is_something),
        Value::Object(entries) => entries.values().any(is_something),
    }
}
