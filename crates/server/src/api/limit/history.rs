//! `GET /api/admin/limits/{id}/history`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::{LimitHistory, LimitRefusals, LimitSample, ShowLimitHistory};
use strongroom_model::Millis;

use crate::http::extract::{Caller, Query};
use crate::http::parameter::LimitPath;
use crate::http::problem::Answer;
use crate::state::AppState;

const DAY_MS: i64 = 86_400_000;

/// Show how a limit came to where it stands
///
/// Limits per minute have no samples.
#[utoipa::path(
    get,
    path = "/api/admin/limits/{id}/history",
    tag = "limits",
    operation_id = "show_limit_history",
    params(LimitPath, ShowLimitHistory),
    responses((status = 200, body = LimitHistory))
)]
pub(super) async fn history(
    State(state): State<AppState>,
    Caller(actor): Caller,
    LimitPath(id): LimitPath,
    Query(query): Query<ShowLimitHistory>,
) -> Answer<Json<LimitHistory>> {
    let from = match query.from {
        Some(from) => from,
        None => Millis(state.room.now().await?.0 - DAY_MS),
    };
    let history = state.room.limits(actor).history(id, from).await?;
    let samples = history.samples.into_iter().map(|sample| LimitSample {
        at: Millis(sample.at_ms),
        window_start: Millis(sample.window_start_ms),
        amount: sample.amount,
        used: sample.settled.saturating_add(sample.adjusted),
        held: sample.held,
        refused: sample.refused,
    });
    let refusals = history
        .refusals
        .into_iter()
        .map(|slot| LimitRefusals { from: Millis(slot.slot_start_ms), refused: slot.refused });
    Ok(Json(LimitHistory {
        samples: samples.collect(),
        refusals: refusals.collect(),
        used_up_at: history.used_up_at,
        limit: super::wire(history.standing),
    }))
}
