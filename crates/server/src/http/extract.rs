//! Reading requests, with errors that name the field at fault and repeat no value.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use strongroom_model::{Actor, Problem};

use super::problem::Failure;

/// The longest that a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON body and its raw bytes.
#[derive(Debug)]
pub struct JsonBody<T>(pub T, pub Bytes);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = json_bytes(request, state).await?;
        if let Some(path) = nul_in(&body) {
            return Err(without_nul(&path).into());
        }
        let value = parse(&body)?;
        Ok(Self(value, body))
    }
}

/// A JSON body with rows that are checked and answered for one by one, those with NUL in a text among them.
#[derive(Debug)]
pub struct JsonRows<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonRows<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        parse(&json_bytes(request, state).await?).map(Self)
    }
}

async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence != "application/json" {
        let message = "send the body as JSON, with Content-Type: application/json";
        return Err(Problem::invalid("Content-Type", message).into());
    }
    let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state))
        .await
        .map_err(|_| Problem::invalid("body", "the body did not arrive within 30 seconds"))?
        .map_err(|_| Problem::invalid("body", "the body is too large, or did not arrive whole"))?;
    Ok(body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // Serde would also fill a struct from an array, by position.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::invalid("body", "the body must be a JSON object").into());
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            let (path, what) = without_values(&path, &error.to_string());
            Failure(Problem::invalid(path, what))
        } else {
            let at = format!("line {}, column {}", error.line(), error.column());
            Failure(Problem::invalid("body", format!("the body is not JSON: see {at}")))
        }
    })?;
    reader.end().map_err(|_| Problem::invalid("body", "the body has something after its JSON"))?;
    Ok(value)
}

/// No text that we keep may hold NUL: PostgreSQL has no such text.
fn without_nul(path: &str) -> Problem {
    // A list is one field, whichever of its items it is.
    let field = path.split('[').next().unwrap_or(path);
    Problem::invalid(field.to_owned(), format!("{path} must not hold NUL"))
}

/// The path of the first text or name in a JSON body that holds NUL, which JSON can only write as an escape.
fn nul_in(body: &[u8]) -> Option<String> {
    const ESCAPE: &[u8] = b"\\u0000";
    body.windows(ESCAPE.len()).find(|window| *window == ESCAPE)?;
    // What cannot be read is told by whoever reads it.
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    path_of_nul(&value, String::new())
}

fn path_of_nul(value: &serde_json::Value, path: String) -> Option<String> {
    use serde_json::Value;
    let named = |path: String| if path.is_empty() { "body".to_owned() } else { path };
    match value {
        Value::String(text) => text.contains('\0').then(|| named(path)),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| path_of_nul(item, format!("{path}[{index}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            if name.contains('\0') {
                return Some(named(path.clone()));
            }
            // What cannot be a field of ours may be a secret in the wrong place.
            let shown = if could_be_a_field(name) { name } else { "…" };
            let dot = if path.is_empty() { "" } else { "." };
            path_of_nul(field, format!("{path}{dot}{shown}"))
        }),
        _ => None,
    }
}

/// Serde's messages repeat the value that did not fit, which may be a secret in the wrong field.
fn without_values(path: &str, message: &str) -> (String, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let path = if path == "." { "body" } else { path };
    if let Some(rest) = message.strip_prefix("unknown field `")
        && let Some((field, expected)) = rest.split_once('`')
    {
        let expected = expected.trim_start_matches(", ");
        // A mistyped field is worth naming; what cannot be one may be a secret in the wrong place.
        let field = if could_be_a_field(field) { field } else { path_above(path) };
        return (field.to_owned(), format!("there is no field of that name; {expected}"));
    }
    if let Some(rest) = message.strip_prefix("missing field `") {
        return (rest.trim_end_matches('`').to_owned(), message.replace('`', ""));
    }
    let what = match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{path} must be {expected}"),
        None => format!("{path} cannot be read"),
    };
    (path.to_owned(), what)
}

/// Tells whether a caller may have meant this as the name of a field: no provider's key is so short.
fn could_be_a_field(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The path without its last field.
fn path_above(path: &str) -> &str {
    path.rsplit_once('.').map_or("body", |(above, _)| above)
}

/// The query of a URL.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("%00") {
            let nul = url::form_urlencoded::parse(query.as_bytes())
                .find(|(name, value)| name.contains('\0') || value.contains('\0'));
            if let Some((name, _)) = nul {
                let name = if could_be_a_field(&name) { &name } else { "query" };
                return Err(Failure(without_nul(name)));
            }
        }
        let pairs = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let (path, what) = without_values(&path, &error.inner().to_string());
            let path = if path == "body" { "query".to_owned() } else { path };
            Failure(Problem::invalid(path, what))
        })
    }
}

/// The actor, which access control has put into the request.
#[derive(Debug, Clone)]
pub struct Caller(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor
            .map(Self)
            .ok_or_else(|| Failure(Problem::internal("authentication middleware did not set an actor")))
    }
}

#[cfg(test)]
mod tests {
    use strongroom_client::wire::credential::CreateCredential;

    use super::*;

    fn problem(body: &str) -> Problem {
        parse::<CreateCredential>(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn an_error_names_the_field_and_repeats_no_value() {
        let wrong_type = problem(r#"{"name":"a","provider":"openai","rateLimit":"sk-canary-secret"}"#);
        assert_eq!(wrong_type.field.as_deref(), Some("rateLimit"));
        assert!(!wrong_type.message.contains("canary"), "{}", wrong_type.message);
        let unknown = problem(r#"{"nam":"a"}"#);
        assert_eq!(unknown.field.as_deref(), Some("nam"));
        assert!(unknown.message.contains("`name`"), "{}", unknown.message);
        let wrong_text = problem(r#"{"apiKey":42}"#);
        assert_eq!(wrong_text.field.as_deref(), Some("apiKey"));
        assert!(!wrong_text.message.contains("42"), "{}", wrong_text.message);
        for broken in ["", "{", "[]", "sk-canary", r#"{"name":"a"} x"#] {
            let broken = problem(broken);
            assert!(!broken.message.contains("canary"), "{}", broken.message);
        }
    }

    #[test]
    fn an_array_is_not_taken_for_an_object() {
        for body in ["[]", r#" ["a","openai","sk-x"]"#] {
            assert_eq!(problem(body).field.as_deref(), Some("body"));
        }
    }

    #[test]
    fn a_field_that_may_be_a_secret_is_not_repeated() {
        for body in [r#"{"sk-canary0123456789abcdefghijklmnopqrstuvwxyz":1}"#, r#"{"a canary":1}"#] {
            let unknown = problem(body);
            assert_eq!(unknown.field.as_deref(), Some("body"));
            assert!(!unknown.message.contains("canary"), "{}", unknown.message);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"name\":{}", "[".repeat(100_000));
        assert_eq!(problem(&deep).kind, strongroom_model::ProblemKind::Invalid);
    }
}
