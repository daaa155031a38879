//! `GET /api/admin/credentials/unused`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::version::UnusedQuery;

use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List unused credentials
///
/// Those that are older than this number of days and were not used in as many.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/unused",
    tag = "credentials",
    operation_id = "unused_credentials",
    params(UnusedQuery),
    responses((status = 200, body = Vec<Credential>))
)]
pub(super) async fn unused(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<UnusedQuery>,
) -> Answer<Json<Vec<Credential>>> {
    let found = state.room.credentials(actor).unused(query.days).await?;
    Ok(Json(found.iter().map(super::wire).collect()))
}
