//! `PATCH /api/admin/credentials/{id}`

use axum::extract::State;
use strongroom_client::wire::credential::UpdateCredential;
use strongroom_model::credential::CredentialPatch;
use strongroom_model::tag::TagSet;
use strongroom_model::{CredentialId, Problem, Provider, UserId};

use super::Changed;
use crate::http::extract::{Caller, JsonBody};
use crate::http::parameter::{CredentialPath, IfMatch};
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
    params(CredentialPath, IfMatch),
    responses(Changed)
)]
pub(super) async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    IfMatch(revision): IfMatch,
    JsonBody(body, _): JsonBody<UpdateCredential>,
) -> Answer<Changed> {
    let patch = requested(body)?;
    let changed = state.room.credentials(actor).update(id, patch, revision).await?;
    Ok(Changed(changed))
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
        tags: body.tags.as_ref().map(TagSet::given).transpose()?,
    })
}
