//! `POST /api/admin/sessions/codes`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::session::CreatedLoginCode;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::pages;
use crate::state::AppState;

/// Create a one-time code for the dashboard
///
/// With it a browser is signed in as the caller, once and within a minute. The answer holds the code; it is not stored.
#[utoipa::path(
    post,
    path = "/api/admin/sessions/codes",
    tag = "sessions",
    operation_id = "create_login_code",
    responses((status = 201, body = CreatedLoginCode))
)]
pub(super) async fn offer(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<(StatusCode, Json<CreatedLoginCode>)> {
    let made = state.room.sign_ins().create_code(&actor).await?;
    let created = CreatedLoginCode {
        id: made.id,
        code: SecretText(made.text),
        expires_at: made.until,
        url: pages::address(state.public_url.as_deref(), state.listening.as_deref()),
    };
    Ok((StatusCode::CREATED, Json(created)))
}
