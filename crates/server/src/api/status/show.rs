//! `GET /api/admin/status`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::status::Status;
use strongroom_model::Role;

use crate::http::extract::Caller;
use crate::state::AppState;

/// Show the status of the server
#[utoipa::path(
    get,
    path = "/api/admin/status",
    tag = "status",
    operation_id = "show_status",
    responses((status = 200, body = Status))
)]
pub(super) async fn show(State(state): State<AppState>, Caller(actor): Caller) -> Json<Status> {
    Json(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database: state.room.database().to_owned(),
        // A program has no use for it.
        master_fingerprint: matches!(actor.role, Role::Admin | Role::Auditor)
            .then(|| state.room.master_fingerprint().to_owned()),
        actor: actor.label(),
        role: actor.role.as_str().to_owned(),
        environment_fallback: state.room.has_environment_fallback(),
        listening: state.listening.clone(),
    })
}
