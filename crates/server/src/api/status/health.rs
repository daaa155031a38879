//! `GET /livez` and `GET /readyz`

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use strongroom_client::wire::status::Readiness;

use crate::state::AppState;

/// Longest wait for the database: a load balancer asks the next server when the answer takes long.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Show liveness
#[utoipa::path(get, path = "/livez", tag = "status", operation_id = "show_liveness", responses((status = 200, body = String, content_type = "text/plain")))]
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// Show readiness
///
/// 503 names the dependency that fails, without any detail of the configuration: a database that is `unreachable`, or
/// `not_writable` since this server's last write to it, as when its disk is full; every key and call is written down. The
/// status is `stopping` from the stop signal on. The ledger is `stuck` when several attempts to write down ended calls
/// have failed; they are retried.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "status",
    operation_id = "show_readiness",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness))
)]
pub(super) async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let database = tokio::time::timeout(PING_TIMEOUT, state.room.ping()).await;
    let (status, word, database) = match &database {
        Ok(Ok(())) if !state.room.is_writable() => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "not_writable")
        }
        Ok(Ok(())) => (StatusCode::OK, "ready", "ok"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "unreachable"),
    };
    let is_stuck = state.room.is_ledger_stuck();
    let ledger = if is_stuck { "stuck" } else { "ok" };
    let (status, word) =
        if is_stuck { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") } else { (status, word) };
    let (status, word) =
        if state.room.is_stopping() { (StatusCode::SERVICE_UNAVAILABLE, "stopping") } else { (status, word) };
    let checks = [("database", database), ("ledger", ledger)];
    let checks = BTreeMap::from(checks.map(|(name, state)| (name.to_owned(), state.to_owned())));
    (status, Json(Readiness { status: word.to_owned(), checks }))
}
