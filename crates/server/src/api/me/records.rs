//! `GET /api/me/usage/records`

use axum::extract::State;
use axum::response::Response;
use strongroom_client::wire::usage_record::{ListUsageRecords, UsageRecords};

use crate::api::usage::records::{answer, asked};
use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the caller's usage records
///
/// The newest first. A search for something rare looks at 50,000 records at the most and says how far back it came.
#[utoipa::path(
    get,
    path = "/api/me/usage/records",
    tag = "me",
    operation_id = "list_own_usage_records",
    params(ListUsageRecords),
    responses(
        (status = 200, body = UsageRecords, headers(("Link" = String, description = "The next page, when there is one")))
    )
)]
pub(super) async fn records(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListUsageRecords>,
) -> Answer<Response> {
    let found = state.room.usage(actor).own_records(asked(&query)?).await?;
    Ok(answer("/api/me/usage/records", query, found))
}
