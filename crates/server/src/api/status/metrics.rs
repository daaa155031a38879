//! `GET /metrics`

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::http::AppState;

/// Tell what was counted
///
/// OpenMetrics text. Labels are routes and statuses, never names of credentials.
#[utoipa::path(get, path = "/metrics", tag = "status", operation_id = "show_metrics", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(state): State<AppState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.render(&state.room)).into_response()
}
