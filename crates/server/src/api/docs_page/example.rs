//! Examples: how to call an operation with curl.

use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::description::{Description, Operation};

/// A listing that a click selects whole and the script gives a button to copy.
pub(super) fn listing(text: &str) -> Markup {
    html! { div.listing { pre tabindex="0" { code { (text) } } } }
}

/// The command. The body comes on standard input: what is in it does not show in the list of processes.
pub(super) fn call(api: &Description<'_>, operation: &Operation<'_>) -> String {
    let body = operation.body().map(|schema| value(api, schema));
    let mut lines = Vec::new();
    let method = match (operation.method, &body) {
        ("get", None) | ("post", Some(_)) => String::new(),
        (method, _) => format!("-X {} ", method.to_uppercase()),
    };
    lines.push(format!("curl {method}\"$STRONGROOM_URL{}\"", target(operation)));
    if operation.needs_token() {
        lines.push("-H \"Authorization: Bearer $STRONGROOM_TOKEN\"".to_owned());
    }
    let Some(body) = body else { return lines.join(" \\\n  ") };
    lines.push("-H 'Content-Type: application/json'".to_owned());
    lines.push("--data @- <<'JSON'".to_owned());
    let body = serde_json::to_string_pretty(&body).unwrap_or_default();
    format!("{}\n{body}\nJSON", lines.join(" \\\n  "))
}

/// The path with values for its parameters, and the query's required parameters.
fn target(operation: &Operation<'_>) -> String {
    let mut target = operation.path.to_owned();
    let mut query = Vec::new();
    for parameter in operation.parameters() {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = plain(name, &parameter["schema"]);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match parameter["in"].as_str() {
            Some("path") => target = target.replace(&format!("{{{name}}}"), &value),
            Some("query") if parameter["required"] == true => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query.join("&"));
    }
    target
}

/// The schema's own example; else one of its required fields, or of its first field when none is required.
fn value(api: &Description<'_>, schema: &Value) -> Value {
    let schema = api.resolve(schema);
    if let Some(given) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return given.clone();
    }
    let Some(properties) = schema["properties"].as_object() else { return json!({}) };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let shown = properties.iter().filter(|(name, _)| required.contains(&name.as_str()));
    let mut fields: Map<String, Value> =
        shown.map(|(name, field)| (name.clone(), of_field(api, name, field))).collect();
    if fields.is_empty() {
        fields.extend(
            properties.iter().take(1).map(|(name, field)| (name.clone(), of_field(api, name, field))),
        );
    }
    Value::Object(fields)
}

fn of_field(api: &Description<'_>, name: &str, schema: &Value) -> Value {
    let schema = api.resolve(schema);
    if schema["type"] == "array" {
        return json!([value_or_plain(api, name, &schema["items"])]);
    }
    value_or_plain(api, name, schema)
}

fn value_or_plain(api: &Description<'_>, name: &str, schema: &Value) -> Value {
    let resolved = api.resolve(schema);
    if resolved.get("properties").is_some() { value(api, resolved) } else { plain(name, resolved) }
}

/// A value that says what kind of value it stands for.
fn plain(name: &str, schema: &Value) -> Value {
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|one| one.as_str() == Some(kind)))
    };
    if is("integer") || is("number") {
        json!(1)
    } else if is("boolean") {
        json!(true)
    } else {
        match name {
            "name" => json!("openai-primary"),
            "provider" => json!("openai"),
            _ if schema["format"] == "date-time" => json!("2027-01-01T00:00:00Z"),
            _ => json!(name.to_uppercase()),
        }
    }
}
