//! Bodies of requests from anywhere: what is taken for JSON is JSON, what is understood stands in it once, and what is
//! changed on the way is the model and the wish for figures alone.

use http::Method;
use serde_json::Value;
use strongroom_connectors::ai::gateway::{Meter, RequestError, RequestFacts, route_of};
use strongroom_model::Provider;

const PATHS: [&str; 8] = [
    "/openai/v1/chat/completions",
    "/openai/v1/completions",
    "/openai/v1/responses",
    "/openai/v1/embeddings",
    "/openai/v1/images/generations",
    "/anthropic/v1/messages",
    "/anthropic/v1/messages/count_tokens",
    "/gemini/v1beta/models/m:generateContent",
];

/// A body from outside: the first byte says which operation it is for.
pub(crate) fn foreign(data: &[u8]) {
    let [which, body @ ..] = data else { return };
    let path = PATHS[usize::from(*which) % PATHS.len()];
    let (route, rest) = route_of(path).expect("a path of the gateway");
    let operation = route.find(&Method::POST, rest).expect("a path of the gateway").operation;
    let facts = match RequestFacts::read(operation, body) {
        Ok(facts) => facts,
        Err(RequestError::NotJson) => {
            let value: Option<Value> = serde_json::from_slice(body).ok();
            assert!(!value.is_some_and(|value| value.is_object()), "it is a JSON object");
            return;
        }
        Err(_) => return,
    };
    serde_json::from_slice::<serde::de::IgnoredAny>(body).expect("it is JSON");
    for provider in ["openai", "gemini", "deepseek"] {
        let bound = facts.bound_at(&Provider::of_known(provider), facts.model.as_deref());
        let Some(name) = &bound.unclear else { continue };
        assert!((1..256).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
        assert_eq!((bound.input, bound.output), (None, None), "{name}");
    }
    // Halves of surrogate pairs pass, and are no text to compare.
    let Ok(Value::Object(mut expected)) = serde_json::from_slice(body) else { return };
    assert_eq!(expected.get("model").and_then(Value::as_str), facts.model.as_deref());
    let Some(changed) = facts.rewritten(body, Some("another"), operation.meter == Meter::Chat) else {
        return;
    };
    if facts.model.is_some() {
        expected.insert("model".to_owned(), "another".into());
    }
    let mut changed: serde_json::Map<String, Value> =
        serde_json::from_slice(&changed).expect("it is JSON still");
    if operation.meter == Meter::Chat && facts.is_stream && !facts.wants_usage {
        let (asked, given) = (changed.remove("stream_options"), expected.remove("stream_options"));
        let asked = asked.expect("options");
        assert!(
            asked["include_usage"] == true || !matches!(given, None | Some(Value::Null | Value::Object(_)))
        );
        if let (Some(Value::Object(given)), Value::Object(asked)) = (given, asked) {
            assert!(given.iter().all(|(key, value)| key == "include_usage" || asked.get(key) == Some(value)));
        }
    }
    assert_eq!(changed, expected);
}
