//! OpenAI's language, which OpenRouter and Groq speak too, and Anthropic and Gemini beside their own.

use serde_json::{Value, json};

use super::ending::told;
use super::reply::{Reply, WORDS, event, figures, wanted_text, wants_tool};
use super::{Arrived, Bill};

pub(super) fn answer(provider: &str, path: &str, arrived: &Arrived) -> Reply {
    let body = &arrived.body;
    let model = body["model"].as_str().unwrap_or("none").to_owned();
    let streams = body["stream"] == true;
    if model.contains("no-such-model") {
        let error = json!({ "message": "The model does not exist", "type": "invalid_request_error", "param": null,
            "code": "model_not_found" });
        return Reply::Whole(404, json!({ "error": error }));
    }
    let path = path.strip_prefix("v1beta/openai/").or(path.strip_prefix("v1/")).unwrap_or(path);
    if provider == "mistral" && !body["stream_options"].is_null() {
        let detail = json!([{ "type": "extra_forbidden", "loc": ["body", "stream_options"] }]);
        return Reply::Whole(422, json!({ "object": "error", "message": { "detail": detail } }));
    }
    match (arrived.method.as_str(), path) {
        ("POST", "fim/completions") => chat(provider, &model, arrived),
        ("POST", "chat/completions") if streams => chat_stream(provider, &model, arrived),
        ("POST", "chat/completions") => chat(provider, &model, arrived),
        ("POST", "responses") if streams => responses_stream(&model, arrived),
        ("POST", "responses") => Reply::Whole(200, response(&model, "completed", arrived)),
        ("POST", "embeddings") => {
            let (input, _) = figures(arrived);
            // Libraries ask for it packed unless they are told otherwise.
            let vector =
                if body["encoding_format"] == "base64" { json!("AACAPwAAAEA=") } else { json!([1.0, 2.0]) };
            let data = json!([{ "object": "embedding", "index": 0, "embedding": vector }]);
            let usage =
                told(arrived, json!({ "prompt_tokens": input, "total_tokens": input }), "prompt_tokens");
            Reply::Whole(200, json!({ "object": "list", "data": data, "model": model, "usage": usage }))
        }
        ("POST", "moderations") => {
            Reply::Whole(200, json!({ "id": "modr-1", "model": model, "results": [{ "flagged": false }] }))
        }
        ("POST", "audio/transcriptions") => {
            Reply::Whole(200, json!({ "text": format!("{} bytes", arrived.bytes) }))
        }
        ("POST", "audio/speech") => Reply::Binary("audio/mpeg", (0..=255).cycle().take(100_000).collect()),
        ("POST", "images/generations") => {
            Reply::Whole(200, json!({ "created": 1, "data": [{ "b64_json": "AAAA" }] }))
        }
        ("GET", "models") => {
            let model = json!({ "id": "fake-model", "object": "model", "created": 1, "owned_by": provider });
            Reply::Whole(200, json!({ "object": "list", "data": [model] }))
        }
        _ => Reply::Whole(
            404,
            json!({ "error": { "message": "Unknown request URL", "type": "invalid_request_error" } }),
        ),
    }
}

/// Those that tell of no cache.
const UNCACHED: [&str; 4] = ["together", "perplexity", "mistral", "cohere"];

/// Those that tell the usage of a stream unasked, in its last piece.
const UNASKED: [&str; 4] = ["together", "perplexity", "mistral", "cohere"];

fn usage(provider: &str, arrived: &Arrived) -> Value {
    let (input, output) = figures(arrived);
    let plain =
        json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output });
    let with = |more: Value| {
        let mut all = plain.clone();
        for (name, value) in more.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        all
    };
    let mut usage = match provider {
        // Reasoning stands beside the completion.
        "grok" => with(json!({ "completion_tokens": output - 1,
            "prompt_tokens_details": { "text_tokens": input, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 2 },
            "completion_tokens_details": { "reasoning_tokens": 1, "audio_tokens": 0 } })),
        "deepseek" => with(json!({ "prompt_cache_hit_tokens": 2, "prompt_cache_miss_tokens": input - 2,
            "completion_tokens_details": { "reasoning_tokens": 1 } })),
        "perplexity" => with(json!({ "search_context_size": "low",
            "cost": { "input_tokens_cost": 0.00001, "output_tokens_cost": 0.00002, "request_cost": 0.005,
                "total_cost": 0.00503 } })),
        "together" | "mistral" | "cohere" => plain,
        _ => with(json!({ "prompt_tokens_details": { "cached_tokens": 2, "audio_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 1, "audio_tokens": 0 } })),
    };
    if provider == "openrouter" {
        usage["cost"] = json!(0.00042);
    }
    told(arrived, usage, "completion_tokens")
}

/// What a call is billed.
pub(super) fn bill(provider: &str, path: &str, arrived: &Arrived) -> Bill {
    let (input, output) = figures(arrived);
    let has_cache = !UNCACHED.contains(&provider);
    let cached_input = if has_cache { 2 } else { 0 };
    match path.strip_prefix("v1beta/openai/").or(path.strip_prefix("v1/")).unwrap_or(path) {
        "chat/completions" | "responses" => {
            Bill { calls: 1, input: input - cached_input, cached_input, cache_write: 0, output }
        }
        "embeddings" => Bill { calls: 1, input, ..Bill::default() },
        _ => Bill::default(),
    }
}

fn tool_call() -> Value {
    json!({ "id": "call_1", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Graz\"}" } })
}

fn chat(provider: &str, model: &str, arrived: &Arrived) -> Reply {
    let (message, reason) = if wants_tool(arrived) {
        (json!({ "role": "assistant", "content": null, "tool_calls": [tool_call()] }), "tool_calls")
    } else {
        (json!({ "role": "assistant", "content": wanted_text(arrived), "refusal": null }), "stop")
    };
    let choice = json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": reason });
    Reply::Whole(
        200,
        json!({ "id": "chatcmpl-1", "object": "chat.completion", "created": 1_750_000_000, "model": model,
            "choices": [choice], "usage": usage(provider, arrived), "system_fingerprint": "fp_1" }),
    )
}

fn chat_stream(provider: &str, model: &str, arrived: &Arrived) -> Reply {
    let asked = arrived.body["stream_options"]["include_usage"] == true;
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_750_000_000,
            "model": model, "choices": choices });
        if asked {
            chunk["usage"] = usage;
        }
        event("", &chunk)
    };
    let so_far = if arrived.header("x-stainless-fake-figures") == Some("always") {
        json!({ "prompt_tokens": figures(arrived).0, "completion_tokens": 1 })
    } else {
        Value::Null
    };
    let delta =
        |delta: Value| chunk(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), so_far.clone());
    let (middle, reason) = if wants_tool(arrived) {
        let mut call = tool_call();
        call["index"] = json!(0);
        (vec![delta(json!({ "tool_calls": [call] }))], "tool_calls")
    } else {
        (WORDS.iter().map(|word| delta(json!({ "content": word }))).collect(), "stop")
    };
    let mut end = vec![chunk(json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), Value::Null)];
    if UNASKED.contains(&provider) {
        let last = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_750_000_000, "model": model,
            "choices": [{ "index": 0, "delta": { "content": "" }, "finish_reason": reason }],
            "usage": usage(provider, arrived) });
        end = vec![event("", &last)];
    } else if asked {
        end.push(chunk(json!([]), usage(provider, arrived)));
    } else if provider == "groq" {
        let mut last = json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model,
            "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] });
        last["x_groq"] = json!({ "id": "req_1", "usage": usage(provider, arrived) });
        end = vec![event("", &last)];
    }
    let apart = |input: i64, output: i64| {
        let usage = json!({ "prompt_tokens": input, "completion_tokens": output });
        event("", &json!({ "id": "chatcmpl-1", "model": model, "choices": [], "usage": usage }))
    };
    let mut begin = vec![delta(json!({ "role": "assistant", "content": "" }))];
    match arrived.header("x-stainless-fake-figures") {
        Some("early") => begin.insert(0, apart(figures(arrived).0, 0)),
        Some("shrink") => end.push(apart(0, 0)),
        _ => {}
    }
    end.push("data: [DONE]\n\n".to_owned());
    Reply::Pieces { kind: "text/event-stream; charset=utf-8", begin, middle, end }
}

fn response(model: &str, status: &str, arrived: &Arrived) -> Value {
    let (input, output) = figures(arrived);
    let content = json!([{ "type": "output_text", "text": wanted_text(arrived), "annotations": [] }]);
    let message = json!({ "type": "message", "id": "msg_1", "status": status, "role": "assistant", "content": content });
    let usage = json!({ "input_tokens": input, "input_tokens_details": { "cached_tokens": 2 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 1 }, "total_tokens": input + output });
    let usage = told(arrived, usage, "output_tokens");
    json!({ "id": "resp_1", "object": "response", "created_at": 1_750_000_000, "status": status, "model": model,
        "output": [message], "parallel_tool_calls": true, "tool_choice": "auto", "tools": [],
        "usage": if status == "completed" { usage } else { Value::Null } })
}

fn responses_stream(model: &str, arrived: &Arrived) -> Reply {
    let begun = json!({ "type": "response.created", "sequence_number": 0,
        "response": response(model, "in_progress", arrived) });
    let middle = WORDS.iter().enumerate().map(|(index, word)| {
        let delta = json!({ "type": "response.output_text.delta", "sequence_number": index + 1, "item_id": "msg_1",
            "output_index": 0, "content_index": 0, "delta": word, "logprobs": [] });
        event("response.output_text.delta", &delta)
    });
    let done = json!({ "type": "response.completed", "sequence_number": 9,
        "response": response(model, "completed", arrived) });
    Reply::Pieces {
        kind: "text/event-stream; charset=utf-8",
        begin: vec![event("response.created", &begun)],
        middle: middle.collect(),
        end: vec![event("response.completed", &done)],
    }
}
