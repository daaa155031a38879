//! `GET /api/admin/usage/records/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage_record::UsageRecord;

use super::records::wire;
use crate::http::extract::Caller;
use crate::http::parameter::RecordPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show the usage records of a request
///
/// In the order of time: a call has one for each credential that was tried.
#[utoipa::path(
    get,
    path = "/api/admin/usage/records/{id}",
    tag = "usage",
    operation_id = "show_usage_record",
    params(RecordPath),
    responses((status = 200, body = Vec<UsageRecord>))
)]
pub(super) async fn record(
    State(state): State<AppState>,
    Caller(actor): Caller,
    RecordPath(id): RecordPath,
) -> Answer<Json<Vec<UsageRecord>>> {
    let found = state.room.usage(actor).record(id).await?;
    Ok(Json(found.into_iter().map(wire).collect()))
}
