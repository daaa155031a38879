//! The API's description as a page for people: one file, no script needed, nothing fetched from anywhere.

mod description;
mod example;
mod fields;
mod operation;
mod shape;
mod words;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};
use strongroom_model::Role;
use utoipa::openapi::OpenApi;

use description::Description;

const STYLE: &str = include_str!("../../assets/docs.css");
const SCRIPT: &str = include_str!("../../assets/docs.js");
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
    %3Crect width='32' height='32' rx='7' fill='%230b5c55'/%3E%3Ccircle cx='16' cy='16' r='8' fill='none' \
    stroke='%23fff' stroke-width='2.5'/%3E%3Cpath d='M16 8v5m0 6v5M8 16h5m6 0h5' stroke='%23fff' \
    stroke-width='2.5'/%3E%3C/svg%3E";

/// Content security policy: the page may show itself. Its style and its script are allowed by their hashes and nothing else is.
pub(super) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});

/// The page.
#[must_use]
pub(super) fn render(api: &OpenApi) -> String {
    let json = serde_json::to_value(api).unwrap_or_default();
    page(&Description::new(&json)).into_string()
}

fn page(api: &Description<'_>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (api.title()) " HTTP API" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                div.side {
                    header {
                        a.mark href="#content" { (api.title()) }
                        span.version { (api.version()) }
                    }
                    (contents(api))
                }
                div.page {
                    main #content tabindex="-1" {
                        (introduction(api))
                        @for tag in api.tags() { (section(api, tag)) }
                        (shape::section(api))
                    }
                    footer { p { "For programs: " a href="/openapi.json" { "openapi.json" } ", OpenAPI 3.1." } }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn contents(api: &Description<'_>) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                li { a.topic href="#start" { "Start" } }
                @for tag in api.tags() {
                    li {
                        a.topic href={ "#" (tag.name) } { (words::title(tag.name)) }
                        ul { (links(api, tag)) }
                    }
                }
                li { a.topic href="#shapes" { "Shapes" } }
            }
        }
    }
}

fn links(api: &Description<'_>, tag: description::Tag<'_>) -> Markup {
    html! {
        @for operation in api.operations_of(tag.name) {
            li {
                a href={ "#" (operation.anchor()) } {
                    (operation::verb(operation.method)) " " span { (operation.summary()) }
                }
            }
        }
    }
}

fn introduction(api: &Description<'_>) -> Markup {
    html! {
        section #start aria-labelledby="start-title" {
            h1 #start-title { "HTTP API" }
            p.lead { (words::prose(api.summary())) }
            p {
                "Requests and answers are JSON. A request shows who it is from in the header "
                (words::prose("`Authorization: Bearer …`")) ": " (words::prose(&words::uncapital(api.bearer())))
                ". The examples expect two variables:"
            }
            (example::listing("export STRONGROOM_URL=http://127.0.0.1:8420\nexport STRONGROOM_TOKEN=sr_…"))
            p {
                "A token or user has one role, and a token may be narrowed to some credentials and providers. "
                "What changes something or reads a key leaves an entry in the audit trail."
            }
            table role="table" {
                caption { "Roles" }
                thead role="rowgroup" { tr role="row" { th role="columnheader" { "Role" } th role="columnheader" { "May" } } }
                tbody role="rowgroup" {
                    @for role in Role::ALL {
                        tr role="row" {
                            td role="cell" { code { (role.as_str()) } }
                            td role="cell" { (may(role)) }
                        }
                    }
                }
            }
            p {
                "What goes wrong has a status of 400 or above and a "
                a href="#shape-ProblemBody" { "problem" }
                " as its body. Its " code { "error" } " says what is wrong and what to do; programs go by its "
                code { "code" } "."
            }
        }
    }
}

fn may(role: Role) -> &'static str {
    match role {
        Role::Admin => "Everything",
        Role::Auditor => "Metadata and the audit trail, never a key",
        Role::Reader => "Reading keys; every read counts one use",
        Role::Gateway => "Using keys through the gateway, never reading one",
    }
}

fn section(api: &Description<'_>, tag: description::Tag<'_>) -> Markup {
    html! {
        section id=(tag.name) aria-labelledby={ (tag.name) "-title" } {
            h2 id={ (tag.name) "-title" } { (words::title(tag.name)) }
            @if let Some(text) = tag.description { p.lead { (words::prose(text)) "." } }
            // Where there is no room for the column at the side.
            ul.index { (links(api, tag)) }
            @for operation in api.operations_of(tag.name) { (operation::article(api, &operation)) }
        }
    }
}

#[cfg(test)]
mod tests;
