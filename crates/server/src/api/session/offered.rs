//! `GET /api/admin/sessions/codes/{id}`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::session::LoginCodeState;

use crate::http::parameter::LoginCodePath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Tell what became of a one-time code
///
/// A code that was never made waits no more than one that was used or is over.
#[utoipa::path(
    get,
    path = "/api/admin/sessions/codes/{id}",
    tag = "sessions",
    operation_id = "show_login_code",
    params(LoginCodePath),
    responses((status = 200, body = LoginCodeState))
)]
pub(super) async fn offered(
    State(state): State<AppState>,
    LoginCodePath(id): LoginCodePath,
) -> Answer<Json<LoginCodeState>> {
    let is_waiting = state.room.sign_ins().is_code_waiting(&id).await?;
    Ok(Json(LoginCodeState { is_waiting }))
}
