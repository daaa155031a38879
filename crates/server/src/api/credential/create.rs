//! `POST /api/admin/credentials`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use strongroom::credential::{Created, Once};
use strongroom_client::wire::credential::{CreateCredential, Credential};
use strongroom_model::credential::NewCredential;
use strongroom_model::tag::TagSet;
use strongroom_model::{Problem, Provider, Secret, UserId};

use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::IdempotencyKey;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Create a credential
///
/// With a header `Idempotency-Key` the same request sent again within a day gives the same answer and creates nothing.
#[utoipa::path(
    post,
    path = "/api/admin/credentials",
    tag = "credentials",
    operation_id = "create_credential",
    request_body = CreateCredential,
    params(IdempotencyKey),
    responses(
        (status = 201, body = Credential, headers(("ETag" = String, description = "The revision")))
    )
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    IdempotencyKey(key): IdempotencyKey,
    JsonBody(body, raw): JsonBody<CreateCredential>,
) -> Answer<Response> {
    let new = requested(body)?;
    let service = state.room.credentials(actor);
    let Some(key) = key else {
        let made = service.create(new).await?;
        let answer = (StatusCode::CREATED, Json(super::wire(&made))).into_response();
        return Ok(super::with_etag(answer, made.revision));
    };
    // A fingerprint of the request is kept, never the request: it holds the key.
    let request = Secret::new(String::from_utf8_lossy(&raw).into_owned());
    let render = |made: &_| serde_json::to_string(&super::wire(made)).unwrap_or_default();
    let body = match service.create_once(new, Once { key, request }, render).await? {
        Created::Now(made) => render(&made),
        Created::Before(body) => body,
    };
    // A credential has its first revision when it is made, whenever that was.
    let answer = (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    Ok(super::with_etag(answer, 1))
}

fn requested(body: CreateCredential) -> Result<NewCredential, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (Some(name), Some(provider)) = (given(body.name), given(body.provider)) else {
        return Err(Problem::invalid("name", "Name and provider are required"));
    };
    Ok(NewCredential {
        name,
        provider: Provider::parse(&provider)?,
        api_key: body.api_key.map(|key| key.0),
        api_secret: body.api_secret.map(|secret| secret.0),
        endpoint: body.endpoint,
        priority: body.priority,
        is_active: body.is_active.unwrap_or(true),
        is_global: body.is_global.unwrap_or(body.user_id.is_none()),
        user: body.user_id.map(UserId),
        rate_limit: body.rate_limit,
        expires_at: body.expires_at,
        rotate_after_days: body.rotate_after_days,
        tags: TagSet::given(&body.tags)?,
    })
}
