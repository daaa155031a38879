//! `POST /api/admin/usage/reprice`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage::{RepriceUsage, UsageRepriced};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Reprice usage records
///
/// By the present price table, from the providers' figures that are kept. What was charged on limits stays.
#[utoipa::path(
    post,
    path = "/api/admin/usage/reprice",
    tag = "usage",
    operation_id = "reprice_usage",
    request_body = RepriceUsage,
    responses((status = 200, body = UsageRepriced))
)]
pub(super) async fn reprice(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<RepriceUsage>,
) -> Answer<Json<UsageRepriced>> {
    let from = super::from(body.from.as_deref(), state.room.now().await?)?;
    let done = state.room.usage(actor).reprice(from).await?;
    Ok(Json(UsageRepriced { records: done.records, changed: done.changed, nano_usd: done.nano_usd }))
}
