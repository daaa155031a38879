//! `GET /api/credentials/{name}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::{ReadQuery, RevealedCredential};

use crate::http::extract::{Caller, Query};
use crate::http::parameter::NamePath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Read a key by its credential's name
///
/// Counts one use; 429 when the monthly limit is used up, 404 when no active credential has the name, with the reason
/// when it is frozen or inactive.
#[utoipa::path(
    get,
    path = "/api/credentials/{name}",
    tag = "secrets",
    operation_id = "read_credential_by_name",
    params(NamePath, ReadQuery),
    responses((status = 200, body = RevealedCredential))
)]
pub(super) async fn read_by_name(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    Query(query): Query<ReadQuery>,
) -> Answer<Json<RevealedCredential>> {
    let user = super::other_user(&actor, query.user_id)?;
    let service = state.room.credentials(actor);
    let read = match user {
        Some(user) => service.get_credential(&name, Some(user)).await?,
        None => service.get_own_credential(&name).await?,
    };
    match read {
        Some(read) => Ok(Json(super::wire(read))),
        // Boxed: most reads find something, and all of them would carry the room for it.
        None => Err(Box::pin(service.absence_of(&name, user)).await?.into()),
    }
}
