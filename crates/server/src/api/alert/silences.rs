//! `GET /api/admin/alerts/silences`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::alert::{ListSilences, Silence};

use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List silences
#[utoipa::path(
    get,
    path = "/api/admin/alerts/silences",
    tag = "alerts",
    operation_id = "list_silences",
    params(ListSilences),
    responses((status = 200, body = Vec<Silence>))
)]
pub(super) async fn silences(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListSilences>,
) -> Answer<Json<Vec<Silence>>> {
    let found = state.room.alerts(actor).silences(query.all.unwrap_or(false)).await?;
    Ok(Json(found.into_iter().map(super::wire_silence).collect()))
}
