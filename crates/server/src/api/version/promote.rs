//! `POST /api/admin/credentials/{id}/promote`

use axum::extract::State;
use strongroom_client::wire::version::PromoteQuery;

use crate::api::credential::Changed;
use crate::http::extract::{Caller, Query};
use crate::http::parameter::{CredentialPath, IfMatch};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Promote the staged version
///
/// The provider is asked about it first, unless the key has already passed a probe; 422 when it does not accept the key.
/// Calls under way end with the old version, which is retired when no server uses it any more.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/promote",
    tag = "credentials",
    operation_id = "promote_version",
    params(CredentialPath, PromoteQuery, IfMatch),
    responses(Changed)
)]
pub(super) async fn promote(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    Query(query): Query<PromoteQuery>,
    IfMatch(revision): IfMatch,
) -> Answer<Changed> {
    let changed = state.room.credentials(actor).promote(id, query.skip_test, revision).await?;
    Ok(Changed(changed))
}
