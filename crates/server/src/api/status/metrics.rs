//! `GET /metrics`

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use strongroom_model::{Actor, Problem, Role};

use crate::http::authentication::Evidence;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show metrics
///
/// OpenMetrics text. Labels are routes and statuses, never names of credentials. Where the server listens on loopback
/// only, anybody may read them, and only a token of role `admin` or `auditor` sees providers by name; where other
/// machines can connect, such a token is required.
#[utoipa::path(get, path = "/metrics", tag = "status", operation_id = "show_metrics", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn metrics(State(state): State<AppState>, request: Request) -> Answer<Response> {
    let evidence = Evidence::of(&request);
    drop(request);
    let reader = evidence.authenticate(&state.authenticator).await;
    let may_know = |actor: Actor| match actor.role {
        Role::Admin | Role::Auditor => Ok(()),
        _ => Err(Problem::denied("metrics are for the roles admin and auditor")),
    };
    let reader = reader.and_then(may_know);
    let names_providers = reader.is_ok();
    if !state.is_local_only() {
        reader?;
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    // What is counted here is told also while the database is away.
    let alerts = state.room.alert_work().counts().await.unwrap_or_default();
    let text = state.metrics.render(&state.room, &alerts, names_providers);
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
