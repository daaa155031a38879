//! Gemini's own language.

use serde_json::{Value, json};

use super::ending::told;
use super::reply::{Reply, WORDS, event, figures, wanted_text, wants_tool};
use super::{Arrived, Bill};

/// What a call is billed: thoughts are output.
pub(super) fn bill(path: &str, arrived: &Arrived) -> Bill {
    if !path.ends_with(":generateContent") && !path.ends_with(":streamGenerateContent") {
        return Bill::default();
    }
    let (input, output) = figures(arrived);
    Bill { calls: 1, input: input - 1, cached_input: 1, cache_write: 0, output: output + 2 }
}

pub(super) fn answer(path: &str, arrived: &Arrived) -> Reply {
    let not_found = || {
        Reply::Whole(
            404,
            json!({ "error": { "code": 404, "message": "models/x is not found", "status": "NOT_FOUND" } }),
        )
    };
    let Some(rest) = path.strip_prefix("v1beta/models").or(path.strip_prefix("v1/models")) else {
        return not_found();
    };
    if rest.is_empty() {
        let model = json!({ "name": "models/gemini-fake", "version": "1", "displayName": "Fake",
            "supportedGenerationMethods": ["generateContent"] });
        return Reply::Whole(200, json!({ "models": [model] }));
    }
    let Some((model, method)) = rest.trim_start_matches('/').split_once(':') else { return not_found() };
    if model.contains("no-such-model") {
        return not_found();
    }
    let chunk = |parts: Value, is_last: bool| {
        let (input, output) = figures(arrived);
        let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
        if is_last {
            candidate["finishReason"] = json!("STOP");
        }
        let output = if is_last { output } else { 1 };
        let figures = json!({ "promptTokenCount": input, "candidatesTokenCount": output, "thoughtsTokenCount": 2,
            "totalTokenCount": input + output + 2, "cachedContentTokenCount": 1 });
        json!({ "candidates": [candidate], "modelVersion": model, "responseId": "r1",
            "usageMetadata": told(arrived, figures, "candidatesTokenCount") })
    };
    let tool = || json!([{ "functionCall": { "name": "weather", "args": { "city": "Graz" } } }]);
    match method {
        "generateContent" if wants_tool(arrived) => Reply::Whole(200, chunk(tool(), true)),
        "generateContent" => Reply::Whole(200, chunk(json!([{ "text": wanted_text(arrived) }]), true)),
        "countTokens" => Reply::Whole(200, json!({ "totalTokens": figures(arrived).0 })),
        "embedContent" => Reply::Whole(200, json!({ "embedding": { "values": [1.0, 2.0] } })),
        "batchEmbedContents" => Reply::Whole(200, json!({ "embeddings": [{ "values": [1.0, 2.0] }] })),
        "streamGenerateContent" => {
            let chunks: Vec<Value> = if wants_tool(arrived) {
                vec![chunk(tool(), true)]
            } else {
                let last = WORDS.len() - 1;
                let words = WORDS.iter().enumerate();
                words.map(|(index, word)| chunk(json!([{ "text": word }]), index == last)).collect()
            };
            if arrived.query.as_deref().is_some_and(|query| query.contains("alt=sse")) {
                let mut events: Vec<_> = chunks.iter().map(|chunk| event("", chunk)).collect();
                let end = events.split_off(events.len() - 1);
                Reply::Pieces { kind: "text/event-stream", begin: Vec::new(), middle: events, end }
            } else {
                let mut pieces: Vec<_> = chunks.iter().map(|chunk| format!(",\r\n{chunk}")).collect();
                pieces[0].replace_range(..1, "[");
                pieces.push("]".to_owned());
                Reply::Pieces { kind: "application/json", begin: pieces, middle: Vec::new(), end: Vec::new() }
            }
        }
        _ => not_found(),
    }
}
