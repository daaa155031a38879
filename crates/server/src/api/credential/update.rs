//! `PATCH /api/admin/credentials/{id}`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use strongroom_client::wire::credential::{Credential, UpdateCredential};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_model::credential::CredentialPatch;
use strongroom_model::{CredentialId, Problem, Provider, UserId};

use crate::http::extract::{Caller, JsonBody, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Change a credential
///
/// A field that is absent stays as it is. A new `apiKey` makes a new version.
#[utoipa::path(
    patch,
    path = "/api/admin/credentials/{id}",
    tag = "credentials",
    operation_id = "update_credential",
    request_body = UpdateCredential,
    params(
        ("id" = i64, Path, description = "The credential's number"),
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses(
        (status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))),
        (status = "default", description = "A problem", body = ProblemBody)
    ),
    security(("bearer" = []))
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    headers: HeaderMap,
    JsonBody(body, _): JsonBody<UpdateCredential>,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    let patch = requested(body)?;
    let changed = state.room.credentials(actor).update(id, patch, revision).await?;
    Ok(super::with_etag(Json(super::wire(&changed)).into_response(), changed.revision))
}

fn requested(body: UpdateCredential) -> Result<CredentialPatch, Problem> {
    Ok(CredentialPatch {
        name: body.name,
        provider: body.provider.as_deref().map(Provider::parse).transpose()?,
        api_key: body.api_key.map(|key| key.0),
        api_secret: body.api_secret.map(|secret| secret.map(|secret| secret.0)),
        endpoint: body.endpoint,
        priority: body.priority,
        is_active: body.is_active,
        is_frozen: None,
        is_global: body.is_global,
        user: body.user_id.map(|user| user.map(UserId)),
        rate_limit: body.rate_limit,
        expires_at: body.expires_at,
        rotate_after_days: body.rotate_after_days,
        minter: body.rotate_with.map(|with| with.map(|it| (CredentialId(it.credential_id), it.project))),
    })
}
