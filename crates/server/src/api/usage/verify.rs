//! `GET /api/admin/usage/verify`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage::{UsageDiscrepancy, UsageVerification};
use strongroom_model::Millis;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Verify that all counters equal the ledger
#[utoipa::path(
    get,
    path = "/api/admin/usage/verify",
    tag = "usage",
    operation_id = "verify_usage",
    responses(
        (status = 200, body = UsageVerification)
    )
)]
pub(super) async fn verify(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<UsageVerification>> {
    let now = state.room.now().await?;
    let kept_from = Millis(now.0 - i64::from(state.usage_retention_days) * super::DAY_MS);
    let found = state.room.usage(actor).verify(kept_from).await?;
    let discrepancies: Vec<_> = found
        .into_iter()
        .map(|one| UsageDiscrepancy {
            subject: one.subject_uid,
            unit: one.unit,
            window: one.window_kind,
            counted: one.counted,
            recorded: one.recorded,
        })
        .collect();
    Ok(Json(UsageVerification { valid: discrepancies.is_empty(), discrepancies }))
}
