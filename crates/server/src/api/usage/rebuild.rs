//! `POST /api/admin/usage/rebuild`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage::UsageRebuilt;
use strongroom_model::Millis;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Make all roll-ups again
///
/// Hours from the records that are kept, and the sums of single credentials, tokens, users and tags from those of days. Counters and
/// the ledger itself stay as they are.
#[utoipa::path(
    post,
    path = "/api/admin/usage/rebuild",
    tag = "usage",
    operation_id = "rebuild_usage",
    responses((status = 200, body = UsageRebuilt))
)]
pub(super) async fn rebuild(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<UsageRebuilt>> {
    let now = state.room.now().await?;
    let kept_from = Millis(now.0 - i64::from(state.usage_retention_days) * super::DAY_MS);
    let done = state.room.usage(actor).rebuild(kept_from).await?;
    Ok(Json(UsageRebuilt { days_of_records: done.days_of_records, days: done.days }))
}
