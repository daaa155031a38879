//! NUL in every text that a route takes: refused by name, on every kind of database.

use serde_json::{Map, Value, json};
use strongroom_server::api::access::route::ROUTES;

use crate::BACKEND;
use crate::cases::route_table::to_nothing;
use crate::support::call::{Call, get_raw};
use crate::support::server::Installation;

const NUL: &str = "a\u{0}b";

fn resolved<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => description.pointer(reference.trim_start_matches('#')).expect("a schema"),
        None => schema,
    }
}

/// A value that fits a schema, with NUL in its texts when `has_nul`.
fn filled(description: &Value, schema: &Value, has_nul: bool, depth: u8) -> Value {
    let schema = resolved(description, schema);
    for one_of in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[one_of].as_array() {
            let choice = choices.iter().find(|choice| choice["type"] != "null").expect("a choice");
            return filled(description, choice, has_nul, depth);
        }
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    match kind {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") if depth < 4 => json!([filled(description, &schema["items"], has_nul, depth + 1)]),
        Some("object") if depth < 4 => {
            let empty = Map::new();
            let fields = schema["properties"].as_object().unwrap_or(&empty);
            let filled = fields
                .iter()
                .map(|(name, field)| (name.clone(), filled(description, field, has_nul, depth + 1)));
            Value::Object(filled.collect())
        }
        Some("string") | None if has_nul => json!(NUL),
        _ => json!("a"),
    }
}

/// Bodies for a route that hold NUL: everywhere at once, and in one field alone.
fn bodies(description: &Value, schema: &Value) -> Vec<Value> {
    let all = filled(description, schema, true, 0);
    let plain = filled(description, schema, false, 0);
    let mut bodies = vec![all.clone()];
    for (name, value) in all.as_object().into_iter().flatten() {
        if value.to_string().contains("\\u0000") {
            let mut body = plain.clone();
            body[name] = value.clone();
            bodies.push(body);
            // The other fields left out: it may be the only one that is looked at.
            bodies.push(json!({ name.clone(): value.clone() }));
        }
    }
    bodies
}

#[tokio::test]
async fn it_is_refused_in_every_text_of_every_route() {
    let server = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let description = serde_json::to_value(strongroom_server::api::openapi()).unwrap();
    let mut tried = 0;
    for route in ROUTES {
        let operation = &description["paths"][route.path][route.method.to_lowercase()];
        if route.path.contains('{') {
            let filled = route.path.replace("{number}", "1");
            let (before, rest) = filled.split_once('{').unwrap_or((&filled, ""));
            let after = rest.split_once('}').map_or("", |(_, after)| after);
            for spelling in ["a%00b", "%00", "1%00"] {
                let path = format!("{before}{spelling}{after}");
                let answer = Call::new(&server.url, route.method, &path).token(&server.admin).await;
                assert!(
                    (400..500).contains(&answer.status),
                    "{} {path}: {} {}",
                    route.method,
                    answer.status,
                    answer.text
                );
                tried += 1;
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            let path = format!("{}?{}=a%00b", to_nothing(route), parameter["name"].as_str().unwrap());
            let answer = Call::new(&server.url, route.method, &path).token(&server.admin).await;
            assert!(
                (400..500).contains(&answer.status),
                "{} {path}: {} {}",
                route.method,
                answer.status,
                answer.text
            );
            tried += 1;
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !schema.is_null() {
            for body in bodies(&description, schema) {
                let call = Call::new(&server.url, route.method, &to_nothing(route)).token(&server.admin);
                let answer = call.json(body.clone()).await;
                let what = format!("{} {} {body}", route.method, route.path);
                // Rows are answered for one by one.
                let is_told = match route.action {
                    "credential.import" => answer.status < 500,
                    _ => (400..500).contains(&answer.status),
                };
                assert!(is_told, "{what}: {} {}", answer.status, answer.text);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    for path in ["/v1/models?key=sr_a%00b", "/openai/v1/models?key=sr_aaaaaaaaaaaa_%00", "/api/a%00b"] {
        let (status, text) = get_raw(server.address(), path, &server.admin);
        assert!(status < 500, "{path}: {text}");
    }
    assert!(!server.said().contains("refused a statement"), "{}", server.said());
}
