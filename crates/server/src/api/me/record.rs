//! `GET /api/me/usage/records/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage_record::UsageRecord;

use crate::api::usage::records::wire;
use crate::http::extract::Caller;
use crate::http::parameter::RecordPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show the usage records of a request of the caller's
///
/// In the order of time: a call has one for each credential that was tried.
#[utoipa::path(
    get,
    path = "/api/me/usage/records/{id}",
    tag = "me",
    operation_id = "show_own_usage_record",
    params(RecordPath),
    responses((status = 200, body = Vec<UsageRecord>))
)]
pub(super) async fn record(
    State(state): State<AppState>,
    Caller(actor): Caller,
    RecordPath(id): RecordPath,
) -> Answer<Json<Vec<UsageRecord>>> {
    let found = state.room.usage(actor).own_record(id).await?;
    Ok(Json(found.into_iter().map(wire).collect()))
}
