//! `POST /api/admin/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use strongroom::token::TokenRequest;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::token::{CreateToken, CreatedToken, TokenLimit};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::tag::TagSet;
use strongroom_model::{Problem, Provider, Role, UserId};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Create a token
///
/// The answer holds the token, once: it is not stored and cannot be shown again.
#[utoipa::path(
    post,
    path = "/api/admin/tokens",
    tag = "tokens",
    operation_id = "create_token",
    request_body = CreateToken,
    responses((status = 201, body = CreatedToken))
)]
pub(super) async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<CreateToken>,
) -> Answer<(StatusCode, Json<CreatedToken>)> {
    let (new, named) = state.room.tokens(actor).create(requested(body)?).await?;
    let created = CreatedToken { token: SecretText(new.text), metadata: super::wire(named) };
    Ok((StatusCode::CREATED, Json(created)))
}

fn limit(limit: &TokenLimit) -> Result<(Unit, Window, i64), Problem> {
    Ok((Unit::parse(&limit.unit)?, Window::parse(&limit.window)?, limit.amount))
}

fn requested(body: CreateToken) -> Result<TokenRequest, Problem> {
    let scope = body.scope.unwrap_or_default();
    Ok(TokenRequest {
        name: body.name,
        role: Role::parse(&body.role)?,
        expires_at: body.expires_at,
        lease_seconds: body.lease_seconds,
        credentials: scope.credentials,
        providers: scope
            .providers
            .iter()
            .map(|provider| Provider::parse(provider))
            .collect::<Result<_, _>>()?,
        models: scope.models,
        tags: TagSet::given(&body.tags)?,
        user: body.user_id.map(UserId),
        limits: body.limits.iter().map(limit).collect::<Result<_, _>>()?,
    })
}
