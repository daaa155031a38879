//! The page of the real API holds together, and a hostile description stays text.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::description::Description;
use super::{CONTENT_SECURITY_POLICY, page, render};

fn real() -> String {
    render(&crate::api::openapi())
}

/// The values of an attribute, all over the page.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    page.split(&opening).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn every_operation_has_its_own_place_and_every_link_leads_somewhere() {
    let (page, api) = (real(), crate::api::openapi().to_json().unwrap());
    let json: Value = serde_json::from_str(&api).unwrap();
    let description = Description::new(&json);
    let ids = values(&page, "id");
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "an id is there twice");
    assert!(description.operations().len() > 25);
    for operation in description.operations() {
        assert!(distinct.contains(operation.anchor().as_str()), "{} {}", operation.method, operation.path);
    }
    for link in values(&page, "href").into_iter().filter_map(|link| link.strip_prefix('#')) {
        assert!(distinct.contains(link), "#{link} leads nowhere");
    }
}

#[test]
fn the_page_obeys_its_own_policy() {
    let page = real();
    for attribute in ["style", "src", "onclick", "onload", "srcset"] {
        assert_eq!(values(&page, attribute), Vec::<&str>::new(), "{attribute}");
    }
    assert!(!page.contains("javascript:") && !page.contains("@import") && !page.contains("url("));
    let policy = CONTENT_SECURITY_POLICY.as_str();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn fields_of_objects_and_lists_in_a_body_are_shown_where_they_are_sent() {
    let page = real();
    for field in ["scope.credentials", "rows[].apiKey", "anchors[].seq", "Idempotency-Key", "If-Match"] {
        assert!(page.contains(&format!("<code>{field}</code>")), "{field}");
    }
}

#[test]
fn a_hostile_description_stays_text() {
    let evil = "\"><script>alert(1)</script>`<b>`";
    let json = json!({
        "info": { "title": evil, "version": evil, "description": evil },
        "tags": [{ "name": "x", "description": evil }],
        "paths": { "/<i>/{<u>}": { "get": {
            "tags": ["x"], "summary": evil, "description": evil,
            "parameters": [{ "name": evil, "in": evil, "schema": { "type": evil }, "description": evil }],
            "responses": { "200": {
                "content": { evil: {} }, "headers": { evil: { "description": evil } }, "description": evil
            } }
        } } }
    });
    let page = page(&Description::new(&json)).into_string();
    for raw in ["<script>alert", "<b>", "<i>", "<u>"] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[test]
fn an_empty_description_makes_a_page() {
    assert!(page(&Description::new(&json!({}))).into_string().contains("</html>"));
}
