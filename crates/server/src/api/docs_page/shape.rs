//! The objects that answers are made of, each once.

use maud::{Markup, html};
use serde_json::Value;

use super::description::Description;
use super::{fields, words};

/// All of them.
pub(super) fn section(api: &Description<'_>) -> Markup {
    html! {
        section #shapes aria-labelledby="shapes-title" {
            h2 #shapes-title { "Shapes" }
            p.lead { "What answers are made of. An instant is RFC 3339 text in UTC, such as " code { "2026-01-15T10:30:00Z" } "." }
            @for (name, schema) in api.shapes() { (article(api, name, schema)) }
        }
    }
}

fn article(api: &Description<'_>, name: &str, schema: &Value) -> Markup {
    html! {
        article id={ "shape-" (name) } {
            h3 { a href={ "#shape-" (name) } { (name) } }
            @if let Some(text) = schema["description"].as_str() { (words::paragraphs(text)) }
            (fields::table("Fields", &fields::answered(api, schema)))
        }
    }
}
