//! Anthropic's own language.

use serde_json::{Value, json};

use super::ending::told;
use super::reply::{Reply, WORDS, event, figures, wanted_text, wants_tool};
use super::{Arrived, Bill};

pub(super) fn answer(path: &str, arrived: &Arrived) -> Reply {
    let body = &arrived.body;
    let model = body["model"].as_str().unwrap_or("none");
    if model.contains("no-such-model") {
        let error = json!({ "type": "not_found_error", "message": "model: no-such-model" });
        return Reply::Whole(404, json!({ "type": "error", "error": error }));
    }
    match (arrived.method.as_str(), path) {
        ("POST", "v1/messages") if body["stream"] == true => stream(model, arrived),
        ("POST", "v1/messages") => {
            Reply::Whole(200, message(model, content(arrived), usage(arrived, figures(arrived).1)))
        }
        ("POST", "v1/messages/count_tokens") => {
            Reply::Whole(200, json!({ "input_tokens": figures(arrived).0 }))
        }
        ("GET", "v1/models") => {
            let model = json!({ "type": "model", "id": "claude-fake", "display_name": "Fake",
                "created_at": "2025-01-01T00:00:00Z" });
            Reply::Whole(
                200,
                json!({ "data": [model], "has_more": false, "first_id": "claude-fake", "last_id": "claude-fake" }),
            )
        }
        _ => Reply::Whole(
            404,
            json!({ "type": "error", "error": { "type": "not_found_error", "message": "Not found" } }),
        ),
    }
}

fn content(arrived: &Arrived) -> Value {
    if wants_tool(arrived) {
        json!([{ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Graz" } }])
    } else {
        json!([{ "type": "text", "text": wanted_text(arrived) }])
    }
}

fn usage(arrived: &Arrived, output: i64) -> Value {
    let figures = json!({ "input_tokens": figures(arrived).0, "cache_creation_input_tokens": 3, "cache_creation": { "ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 0 },
        "cache_read_input_tokens": 4, "output_tokens": output, "service_tier": "standard" });
    told(arrived, figures, "output_tokens")
}

/// What a call is billed.
pub(super) fn bill(path: &str, arrived: &Arrived) -> Bill {
    if path != "v1/messages" {
        return Bill::default();
    }
    let (input, output) = figures(arrived);
    Bill { calls: 1, input, cached_input: 4, cache_write: 3, output }
}

fn message(model: &str, content: Value, usage: Value) -> Value {
    let reason = if content[0]["type"] == "tool_use" { "tool_use" } else { "end_turn" };
    json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": reason, "stop_sequence": null, "usage": usage })
}

fn stream(model: &str, arrived: &Arrived) -> Reply {
    let mut start = message(model, json!([]), usage(arrived, 1));
    start["stop_reason"] = Value::Null;
    let named = |name: &str, mut data: Value| {
        data["type"] = json!(name);
        event(name, &data)
    };
    let (block, deltas) = if wants_tool(arrived) {
        let block = json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} });
        (block, vec![json!({ "type": "input_json_delta", "partial_json": "{\"city\":\"Graz\"}" })])
    } else {
        let deltas = WORDS.iter().map(|word| json!({ "type": "text_delta", "text": word }));
        (json!({ "type": "text", "text": "" }), deltas.collect())
    };
    let reason = if wants_tool(arrived) { "tool_use" } else { "end_turn" };
    let last = told(arrived, json!({ "output_tokens": figures(arrived).1 }), "output_tokens");
    Reply::Pieces {
        kind: "text/event-stream; charset=utf-8",
        begin: vec![
            named("message_start", json!({ "message": start })),
            named("content_block_start", json!({ "index": 0, "content_block": block })),
            named("ping", json!({})),
        ],
        middle: deltas
            .into_iter()
            .map(|delta| named("content_block_delta", json!({ "index": 0, "delta": delta })))
            .collect(),
        end: vec![
            named("content_block_stop", json!({ "index": 0 })),
            named(
                "message_delta",
                json!({ "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": last }),
            ),
            named("message_stop", json!({})),
        ],
    }
}
