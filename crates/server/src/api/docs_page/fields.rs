//! The fields of an object as a table, and types in words.

use maud::{Markup, html};
use serde_json::Value;

use super::description::{Description, referenced};
use super::words;

/// Levels of fields of fields that are shown.
const MAX_DEPTH: usize = 3;

/// Fields of these names stand first, in this order; the others follow by their names.
const FIRST: [&str; 7] = ["id", "uid", "name", "provider", "apiKey", "apiSecret", "endpoint"];

/// A row of the table.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Markup,
    /// Note below the name: `required`, or where it is sent.
    pub(super) note: Option<String>,
    pub(super) text: String,
}

/// The fields of a request's body, and those of the objects in it as `object.field` and `list[].field`.
pub(super) fn sent(api: &Description<'_>, schema: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    collect(api, schema, "", Some(MAX_DEPTH), &mut fields);
    fields
}

/// The fields of an answer's shape; the objects in it have shapes of their own.
pub(super) fn answered(api: &Description<'_>, schema: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    collect(api, schema, "", None, &mut fields);
    fields
}

fn collect(
    api: &Description<'_>,
    schema: &Value,
    prefix: &str,
    depth: Option<usize>,
    fields: &mut Vec<Field>,
) {
    let schema = api.resolve(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(api, part, prefix, depth, fields);
    }
    let is_required = |name: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)))
    };
    let mut properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    properties.sort_by_key(|(name, _)| {
        let rank = FIRST.iter().position(|first| first == name).unwrap_or(FIRST.len());
        // An answer's fields need no order but this one: whether they can be absent says little.
        (depth.is_some() && !is_required(name), rank)
    });
    for (name, property) in properties {
        let note = match (depth, is_required(name)) {
            (Some(_), true) => Some("required".to_owned()),
            (None, false) => Some("may be absent".to_owned()),
            _ => None,
        };
        let kind = if depth.is_some() { kind_sent(api, property) } else { kind(api, property) };
        let text = text(property).to_owned();
        fields.push(Field { name: format!("{prefix}{name}"), kind, note, text });
        if let Some(deeper) = depth.and_then(|depth| depth.checked_sub(1))
            && let Some((inner, suffix)) = object_in(api, property)
        {
            collect(api, inner, &format!("{prefix}{name}{suffix}"), Some(deeper), fields);
        }
    }
}

/// A property's own description, also when it stands in one of its alternatives.
fn text(schema: &Value) -> &str {
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    let own = schema["description"].as_str();
    own.or_else(|| alternatives.filter_map(|one| one["description"].as_str()).next()).unwrap_or_default()
}

/// The object that a property is or is a list of.
fn object_in<'s>(api: &Description<'s>, schema: &'s Value) -> Option<(&'s Value, &'static str)> {
    if schema["type"] == "array" {
        let items = api.resolve(&schema["items"]);
        return items.get("properties").is_some().then_some((items, "[]."));
    }
    let alternatives = schema["oneOf"].as_array().into_iter().flatten();
    let mut candidates = std::iter::once(schema).chain(alternatives).map(|one| api.resolve(one));
    candidates.find(|one| one.get("properties").is_some()).map(|one| (one, "."))
}

/// The type of what is sent, in words. Whether it may be `null` is left out: that is as good as absent, unless the
/// description says more.
pub(super) fn kind_sent(api: &Description<'_>, schema: &Value) -> Markup {
    let mut schema = schema.clone();
    for key in ["oneOf", "type"] {
        if let Some(alternatives) = schema[key].as_array_mut() {
            alternatives.retain(|one| one != "null" && one["type"] != "null");
        }
    }
    kind(api, &schema)
}

/// A type in words; a shape that the page shows is a link to it.
pub(super) fn kind(api: &Description<'_>, schema: &Value) -> Markup {
    if let Some(name) = referenced(schema) {
        if api.has_shape(name) {
            return html! { a href={ "#shape-" (name) } { (name) } };
        }
        return kind(api, api.resolve(schema));
    }
    if let Some(alternatives) = schema["oneOf"].as_array() {
        return html! {
            @for (n, one) in alternatives.iter().enumerate() {
                @if n > 0 { " or " }
                (kind(api, one))
            }
        };
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => html! { "list of " (kind(api, &schema["items"])) },
        Value::String(name) => html! { (word(name, schema)) },
        Value::Array(names) => {
            let words: Vec<&str> =
                names.iter().filter_map(|name| name.as_str()).map(|name| word(name, schema)).collect();
            html! { (words.join(" or ")) }
        }
        _ => html! { "any JSON" },
    }
}

fn word<'s>(name: &'s str, schema: &'s Value) -> &'s str {
    match (name, schema["format"].as_str()) {
        ("string", Some("date-time")) => "instant",
        ("string", Some("password")) => "secret",
        _ => name,
    }
}

/// The table; nothing when there are no rows.
pub(super) fn table(caption: &str, fields: &[Field]) -> Markup {
    html! {
        @if !fields.is_empty() {
            table.fields role="table" {
                caption { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for head in ["Name", "Type", "Description"] { th role="columnheader" scope="col" { (head) } }
                    }
                }
                tbody role="rowgroup" {
                    @for field in fields {
                        tr role="row" {
                            td role="cell" {
                                code { (field.name) }
                                @if let Some(note) = &field.note { " " span.note { (note) } }
                            }
                            td.kind role="cell" { (field.kind) }
                            td role="cell" { (words::prose(&field.text)) }
                        }
                    }
                }
            }
        }
    }
}
