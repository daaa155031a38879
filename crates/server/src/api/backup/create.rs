//! `POST /api/admin/backup`

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use strongroom_model::Problem;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Make a backup
///
/// The whole database as it is at this moment, sealed under a key that the master key wraps. The answer is the file; it is
/// complete when it ends as announced, and `strongroom backup verify` proves it.
#[utoipa::path(
    post,
    path = "/api/admin/backup",
    tag = "backup",
    operation_id = "create_backup",
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream", body = Vec<u8>)
    )
)]
pub(super) async fn create(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Response> {
    let backup = state.room.backups(actor).create().await?;
    let name = format!("attachment; filename=\"strongroom-{}.backup\"", backup.uid);
    let uid = backup.uid;
    let told = move |problem: &Problem| {
        tracing::error!(backup = %uid, %problem, "failed to finish a backup; its file is of no use");
    };
    let body =
        Body::from_stream(backup.into_stream().inspect_err(told).map_err(|problem| problem.to_string()));
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, body).into_response())
}
