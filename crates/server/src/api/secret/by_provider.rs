//! `GET /api/providers/{provider}/credential`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::{ReadQuery, RevealedCredential};

use crate::http::extract::{Caller, Query};
use crate::http::parameter::ProviderPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Read a key for a provider
///
/// The first by priority that is within its limit; counts one use. 429 when none is left. When the database knows nothing
/// of the provider, the key of the server's environment, with `source` `environment`.
#[utoipa::path(
    get,
    path = "/api/providers/{provider}/credential",
    tag = "secrets",
    operation_id = "read_credential_by_provider",
    params(ProviderPath, ReadQuery),
    responses((status = 200, body = RevealedCredential))
)]
pub(super) async fn read_by_provider(
    State(state): State<AppState>,
    Caller(actor): Caller,
    ProviderPath(provider): ProviderPath,
    Query(query): Query<ReadQuery>,
) -> Answer<Json<RevealedCredential>> {
    let user = super::other_user(&actor, query.user_id)?;
    let service = state.room.credentials(actor);
    let read = match user {
        Some(user) => service.get_credential_by_provider(&provider, Some(user)).await?,
        None => service.get_own_credential_by_provider(&provider).await?,
    };
    match read {
        Some(read) => Ok(Json(super::wire(read))),
        None => Err(Box::pin(service.absence_at(&provider, user)).await?.into()),
    }
}
