//! `POST /api/admin/alerts/{id}/resolve`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::Alert;

use crate::http::extract::Caller;
use crate::http::parameter::AlertPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// End an alert by hand
///
/// It fires once more when what it is about happens once more; a threshold of a limit in the next window, or when the limit was changed.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/{id}/resolve",
    tag = "alerts",
    operation_id = "resolve_alert",
    params(AlertPath),
    responses((status = 200, body = Alert))
)]
pub(super) async fn resolve(
    State(state): State<AppState>,
    Caller(actor): Caller,
    AlertPath(id): AlertPath,
) -> Answer<Json<Alert>> {
    Ok(Json(super::wire(state.room.alerts(actor).resolve(id).await?)))
}
