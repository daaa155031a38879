//! `POST /api/admin/credentials/reset-monthly-usage`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::problem::Message;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Reset the monthly usage of all credentials
///
/// The month rolls over by itself; this resets the present one by hand. `usageCount` stays.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/reset-monthly-usage",
    tag = "credentials",
    operation_id = "reset_monthly_usage",
    responses((status = 200, body = Message))
)]
pub(super) async fn reset_monthly_usage(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<Message>> {
    state.room.credentials(actor).reset_monthly_usage().await?;
    Ok(Json(Message { message: "Monthly usage counters reset successfully".to_owned() }))
}
