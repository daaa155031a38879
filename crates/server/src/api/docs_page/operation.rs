//! One operation: what it does, who may, what it takes, what it answers, and how to call it.

use axum::http::{Method, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use super::description::{Description, Operation};
use super::fields::{self, Field};
use super::{example, words};
use crate::api::access::route::{self, Access};

/// The operation's part of the page.
pub(super) fn article(api: &Description<'_>, operation: &Operation<'_>) -> Markup {
    let anchor = operation.anchor();
    html! {
        article.operation id=(anchor) {
            h3 { a href={ "#" (anchor) } { (operation.summary()) } }
            p.route { (verb(operation.method)) " " (words::path(operation.path)) }
            (access(operation))
            @if let Some(text) = operation.description() { (words::paragraphs(text)) }
            (fields::table("Parameters", &parameters(api, operation)))
            @if let Some(body) = operation.body() { (fields::table("Body", &fields::sent(api, body))) }
            (answers(api, operation))
            (example::listing(&example::call(api, operation)))
        }
    }
}

/// The method as a badge.
pub(super) fn verb(method: &str) -> Markup {
    html! { span class={ "verb " (method) } { (method.to_uppercase()) } }
}

/// Roles that may call it and what is kept of that: not a part of OpenAPI, but of our table of routes.
fn access(operation: &Operation<'_>) -> Markup {
    let method: Method = operation.method.to_uppercase().parse().unwrap_or_default();
    let Some(route) = route::find(&method, operation.path) else { return html! {} };
    html! {
        p.access {
            @match route.access {
                Access::Public => "No token needed",
                Access::Roles(roles) => {
                    "Role "
                    @for (n, role) in roles.iter().enumerate() {
                        @if n > 0 { @if n + 1 == roles.len() { " or " } @else { ", " } }
                        span.role { (role.as_str()) }
                    }
                }
            }
            @if route.effect.is_audited() { " · audited as " code { (route.action) } }
        }
    }
}

fn parameters(api: &Description<'_>, operation: &Operation<'_>) -> Vec<Field> {
    let parameters = operation.parameters().iter().map(|parameter| {
        let place = parameter["in"].as_str().unwrap_or_default();
        let is_required = parameter["required"] == true && place != "path";
        Field {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            kind: fields::kind_sent(api, &parameter["schema"]),
            note: Some(if is_required { format!("{place}, required") } else { place.to_owned() }),
            text: parameter["description"].as_str().unwrap_or_default().to_owned(),
        }
    });
    parameters.collect()
}

fn answers(api: &Description<'_>, operation: &Operation<'_>) -> Markup {
    let responses = operation.json["responses"].as_object().into_iter().flatten();
    html! {
        table.answers role="table" {
            caption { "Answers" }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Status" }
                    th role="columnheader" scope="col" { "Body and headers" }
                }
            }
            tbody role="rowgroup" {
                @for (status, response) in responses {
                    tr role="row" {
                        td role="cell" { (status_name(status)) }
                        td role="cell" { (answer(api, response)) }
                    }
                }
            }
        }
    }
}

fn status_name(status: &str) -> Markup {
    let known = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok());
    html! {
        @match known {
            Some(code) => { code { (code.as_u16()) } " " (code.canonical_reason().unwrap_or_default()) }
            None => "Any other",
        }
    }
}

fn answer(api: &Description<'_>, response: &Value) -> Markup {
    let contents = response["content"].as_object().into_iter().flatten();
    let headers = response["headers"].as_object().into_iter().flatten();
    let text = response["description"].as_str().unwrap_or_default();
    html! {
        @for (media, content) in contents {
            p {
                @if media == "application/json" {
                    (fields::kind(api, &content["schema"]))
                } @else {
                    code { (media) }
                }
            }
        }
        @if !text.is_empty() && response.get("content").is_none() { p { (words::prose(text)) } }
        @for (name, header) in headers {
            p {
                code { (name) } ": "
                (words::prose(&words::uncapital(header["description"].as_str().unwrap_or_default())))
            }
        }
    }
}
