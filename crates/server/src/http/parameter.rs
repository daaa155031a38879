//! Parameters in paths and headers: extractors that are their own documentation.

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, Path};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use strongroom_model::{CredentialId, Problem, Uid, UserId};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema};

use super::problem::Failure;

/// The number of a credential in the path; anything else is a credential that does not exist.
#[derive(Debug)]
pub struct CredentialPath(pub CredentialId);

/// A credential and one of its versions in the path; anything else is a version that does not exist.
#[derive(Debug)]
pub struct VersionPath {
    /// The credential's number.
    pub credential: CredentialId,
    /// The version's number.
    pub number: i64,
}

/// The name of a credential in the path, percent-decoded.
#[derive(Debug)]
pub struct NamePath(pub String);

/// The name of a provider in the path, percent-decoded.
#[derive(Debug)]
pub struct ProviderPath(pub String);

/// The number of a user in the path; anything else is a user that does not exist.
#[derive(Debug)]
pub struct UserPath(pub UserId);

/// The public id of a token in the path.
#[derive(Debug)]
pub struct TokenPath(pub String);

/// The public identity of a one-time code in the path.
#[derive(Debug)]
pub struct LoginCodePath(pub String);

/// The identity of a limit in the path; anything else is a limit that does not exist.
#[derive(Debug)]
pub struct LimitPath(pub Uid);

/// The id of a request, or of a usage record, in the path; anything else is a request without a record.
#[derive(Debug)]
pub struct RecordPath(pub Uid);

/// The identity of an alert, a silence, a rule or a delivery in the path; anything else is one that does not exist.
#[derive(Debug)]
pub struct AlertPath(pub Uid);

/// The name of a channel of alerts in the path, percent-decoded.
#[derive(Debug)]
pub struct ChannelPath(pub String);

/// The revision in `If-Match`, when there is one. `*` matches every revision.
#[derive(Debug)]
pub struct IfMatch(pub Option<i64>);

/// The key in `Idempotency-Key`, when there is one.
#[derive(Debug)]
pub struct IdempotencyKey(pub Option<String>);

async fn path_of<T: DeserializeOwned + Send + 'static>(
    parts: &mut Parts,
    otherwise: impl FnOnce() -> Problem,
) -> Result<T, Failure> {
    let path = parts.extract::<Path<T>>().await;
    path.map(|Path(value)| value).map_err(|_| Failure(otherwise()))
}

/// A text in the path, which is UTF-8 and holds no NUL, as no name does.
async fn text_of(parts: &mut Parts) -> Result<String, Failure> {
    let wrong = || Problem::invalid("name", "the name in the path is not UTF-8");
    let text: String = path_of(parts, wrong).await?;
    if text.contains('\0') {
        return Err(Problem::not_found("Credential not found").into());
    }
    Ok(text)
}

impl<S: Send + Sync> FromRequestParts<S> for CredentialPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let id = path_of(parts, || Problem::not_found("Credential not found")).await?;
        Ok(Self(CredentialId(id)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let (id, number) = path_of(parts, || Problem::not_found("Version not found")).await?;
        Ok(Self { credential: CredentialId(id), number })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for UserPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let id = path_of(parts, || Problem::not_found("User not found")).await?;
        Ok(Self(UserId(id)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LimitPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let not_found = || Problem::not_found("Limit not found");
        let text: String = path_of(parts, not_found).await?;
        text.parse().map(Self).map_err(|_| Failure(not_found()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RecordPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let text: String = path_of(parts, strongroom::usage::record::not_found).await?;
        text.parse().map(Self).map_err(|_| Failure(strongroom::usage::record::not_found()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AlertPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let not_found = || Problem::not_found("Alert not found");
        let text: String = path_of(parts, not_found).await?;
        text.parse().map(Self).map_err(|_| Failure(not_found()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ChannelPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let wrong = || Problem::not_found("Channel not found");
        let text: String = path_of(parts, wrong).await?;
        if text.contains('\0') { Err(wrong().into()) } else { Ok(Self(text)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NamePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        text_of(parts).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ProviderPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        text_of(parts).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TokenPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        text_of(parts).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LoginCodePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        text_of(parts).await.map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let revision = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        revision.and_then(|revision| revision.parse().ok()).map(|revision| Self(Some(revision))).ok_or_else(
            || {
                let message = "If-Match must be one entity tag as in ETag, such as \"3\"";
                Failure(Problem::invalid("If-Match", message))
            },
        )
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let key = parts.headers.get("idempotency-key");
        Ok(Self(key.map(|key| key.to_str().unwrap_or_default().to_owned())))
    }
}

fn in_path(name: &str, schema: RefOr<Schema>, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .description(Some(description))
        .required(Required::True)
        .schema(Some(schema))
        .build()
}

fn in_header(name: &str, schema: ObjectBuilder, description: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .required(Required::False)
        .schema(Some(schema.schema_type(Type::String)))
        .build()
}

impl IntoParams for CredentialPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", i64::schema(), "The credential's number")]
    }
}

impl IntoParams for VersionPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![
            in_path("id", i64::schema(), "The credential's number"),
            in_path("number", i64::schema(), "The version's number"),
        ]
    }
}

impl IntoParams for NamePath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("name", String::schema(), "The credential's name, percent-encoded")]
    }
}

impl IntoParams for ProviderPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "openai, anthropic, gemini (or google), openrouter, groq …";
        vec![in_path("provider", String::schema(), description)]
    }
}

impl IntoParams for UserPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", i64::schema(), "The user's number")]
    }
}

impl IntoParams for TokenPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", String::schema(), "The token's public id")]
    }
}

impl IntoParams for LoginCodePath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", String::schema(), "The code's public identity")]
    }
}

impl IntoParams for LimitPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", String::schema(), "The limit's identity")]
    }
}

impl IntoParams for RecordPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description =
            "The request's id, as `x-strongroom-request-id` and the log have it, or the record's";
        vec![in_path("id", String::schema(), description)]
    }
}

impl IntoParams for AlertPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("id", String::schema(), "Its identity")]
    }
}

impl IntoParams for ChannelPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("name", String::schema(), "The channel's name or identity, percent-encoded")]
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().pattern(Some(r#"^(\*|"[0-9]{1,18}")$"#));
        let description = "The `ETag` that the change is based on; 412 when it has passed";
        vec![in_header("If-Match", schema, description)]
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().min_length(Some(1)).max_length(Some(255));
        let description = "Any text of up to 255 characters, new for every request";
        vec![in_header("Idempotency-Key", schema, description)]
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn if_match(value: Option<&str>) -> Result<Option<i64>, Failure> {
        let mut request = Request::new(());
        if let Some(value) = value {
            request.headers_mut().insert(header::IF_MATCH, value.parse().unwrap());
        }
        let (mut parts, ()) = request.into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.map(|IfMatch(revision)| revision)
    }

    #[tokio::test]
    async fn if_match_takes_our_entity_tags() {
        assert_eq!(if_match(Some("\"3\"")).await.unwrap(), Some(3));
        assert_eq!(if_match(Some("*")).await.unwrap(), None);
        assert_eq!(if_match(None).await.unwrap(), None);
        for wrong in ["3", "W/\"3\"", "\"x\""] {
            assert_eq!(if_match(Some(wrong)).await.unwrap_err().0.field.as_deref(), Some("If-Match"));
        }
    }
}
