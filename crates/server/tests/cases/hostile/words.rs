//! What hostile callers and providers say.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

/// The providers, and where a credential's endpoint leads below the puppet's address.
pub(super) const PROVIDERS: [(&str, &str); 4] =
    [("openai", "/v1"), ("anthropic", ""), ("gemini", ""), ("openrouter", "/api/v1")];

/// One call and what the provider says to it.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) answer: Vec<u8>,
    pub(super) hangs_up: bool,
}

/// An answer with this body.
pub(crate) fn json_answer(body: &Value) -> Vec<u8> {
    answer(200, "application/json", body.to_string().as_bytes())
}

/// A small answer that uses 12 tokens.
pub(super) fn plain_answer() -> Vec<u8> {
    json_answer(&json!({ "model": "gpt-4o-mini", "choices": [{ "message": { "content": "hi" } }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12 } }))
}

fn answer(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Texts where a name belongs.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9.-]{1,12}",
        2 => any::<String>(),
        1 => Just("a\u{0}b".to_owned()),
        1 => Just("\u{202e}\u{200b}\u{feff}model".to_owned()),
        1 => Just("'; DROP TABLE usage_lines; --".to_owned()),
        1 => Just("../../v1/keys".to_owned()),
        1 => (1000_usize..5000).prop_map(|length| "m".repeat(length)),
        1 => vec(any::<char>(), 2000..3000).prop_map(|letters| letters.into_iter().collect()),
    ]
}

/// Figures of every size and kind.
fn figure() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (0_i64..5000).prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|it| Number::from_f64(it).map_or(Value::Null, Value::Number)),
        1 => prop_oneof![Just(i64::MAX), Just(i64::MIN), Just(-1), Just(0), Just(1_000_000_000_000_000)]
            .prop_map(Value::from),
        1 => any::<i64>().prop_map(|it| Value::from(it.to_string())),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
    ]
}

/// Any JSON, not deep.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![figure(), text().prop_map(Value::from)];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Members of requests that the gateway reads, with anything in their places.
fn request() -> impl Strategy<Value = Value> {
    let known = prop::sample::select(vec![
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "best_of",
        "stream",
        "stream_options",
        "prompt",
        "input",
        "messages",
        "contents",
        "generationConfig",
        "generation_config",
        "tools",
        "service_tier",
        "background",
        "metadata",
        "user",
    ]);
    let member = (known.prop_map(str::to_owned), prop_oneof![figure(), anything()]);
    (text(), vec(member, 0..5), vec((text(), anything()), 0..2)).prop_map(|(model, known, others)| {
        let mut body: Map<String, Value> = others.into_iter().collect();
        body.extend(known);
        body.insert("model".to_owned(), Value::from(model));
        Value::Object(body)
    })
}

/// Usage as each provider writes it, with anything in the place of figures.
fn usage() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 14] = [
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
        "promptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "cachedContentTokenCount",
        "toolUsePromptTokenCount",
        "cost",
        "prompt_tokens_details",
    ];
    let member = (
        prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        prop_oneof![4 => figure(), 1 => anything()],
    );
    vec(member, 0..8).prop_map(|members| Value::Object(members.into_iter().collect()))
}

/// An answer's body: one JSON text or an event stream, which may be cut anywhere.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let body = (text(), usage(), usage(), any::<bool>()).prop_map(|(model, one, other, is_stream)| {
        let whole = json!({ "model": model, "modelVersion": model, "usage": one, "usageMetadata": other,
            "message": { "usage": one, "model": model }, "response": { "usage": other, "model": model },
            "choices": [{ "finish_reason": "stop" }] });
        if is_stream {
            ("text/event-stream", format!("data: {whole}\n\nevent: x\ndata: {{\"type\":\"message_delta\",\"usage\":{one}}}\n\ndata: [DONE]\n\n"))
        } else {
            ("application/json", whole.to_string())
        }
    });
    let status =
        prop_oneof![6 => Just(200_u16), 1 => Just(400), 1 => Just(429), 1 => Just(500), 1 => Just(302)];
    (body, status, any::<prop::sample::Index>(), 0_u8..5).prop_map(|((kind, body), status, cut, is_cut)| {
        let mut bytes = answer(status, kind, body.as_bytes());
        if is_cut == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop::sample::select(vec![
        "x-request-id",
        "x-strongroom-request-id",
        "x-strongroom-tags",
        "user-agent",
        "anthropic-version",
        "traceparent",
        "idempotency-key",
    ]);
    vec((name.prop_map(str::to_owned), "[ -~]{0,200}"), 0..3)
}

/// Any exchange.
pub(super) fn exchange() -> impl Strategy<Value = Exchange> {
    let path = prop_oneof![
        Just("/openai/v1/chat/completions".to_owned()),
        Just("/openai/v1/completions".to_owned()),
        Just("/openai/v1/responses".to_owned()),
        Just("/openai/v1/embeddings".to_owned()),
        Just("/openai/v1/images/generations".to_owned()),
        Just("/anthropic/v1/messages".to_owned()),
        Just("/openrouter/api/v1/chat/completions".to_owned()),
        Just("/v1/chat/completions".to_owned()),
        "[a-zA-Z0-9._-]{1,40}".prop_map(|model| format!("/gemini/v1beta/models/{model}:generateContent")),
        (300_usize..3000)
            .prop_map(|length| format!("/gemini/v1beta/models/{}:generateContent", "m".repeat(length))),
    ];
    (path, headers(), request(), said(), 0_u8..6).prop_map(|(path, headers, body, answer, hangs_up)| {
        Exchange { path, headers, body: body.to_string().into_bytes(), answer, hangs_up: hangs_up == 0 }
    })
}

/// Exchanges that held everybody up once.
pub(super) fn known() -> Vec<Exchange> {
    let chat = |body: Value, answer: Vec<u8>, hangs_up: bool| Exchange {
        path: "/openai/v1/chat/completions".to_owned(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
        answer,
        hangs_up,
    };
    let huge = json!({ "model": "gpt-4o-mini", "max_tokens": 1e15, "n": 1e15, "messages": [] });
    let with_model = |model: &str| json!({ "model": model, "max_tokens": 5, "messages": [] });
    let told = |figure: Value| {
        json_answer(
            &json!({ "model": "m\u{0}", "choices": [], "usage": { "prompt_tokens": figure, "completion_tokens": figure } }),
        )
    };
    let mut known = vec![
        chat(with_model("a\u{0}b"), plain_answer(), false),
        chat(with_model(&"x".repeat(3000)), plain_answer(), false),
        chat(with_model(&"é".repeat(1500)), plain_answer(), false),
        chat(with_model(&"m".repeat(10_000_000)), plain_answer(), false),
        chat(huge.clone(), Vec::new(), true),
        chat(huge, Vec::new(), true),
        chat(with_model("gpt-4o-mini"), Vec::new(), false),
    ];
    for figure in [json!(i64::MAX), json!(u64::MAX), json!(i64::MIN), json!(1e300), json!("12"), json!(1.5)] {
        known.push(chat(with_model("gpt-4o-mini"), told(figure), false));
    }
    known
}
