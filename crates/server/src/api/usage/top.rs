//! `GET /api/admin/usage/top`

use axum::Json;
use axum::extract::State;
use strongroom::usage::rollup::Period;
use strongroom_client::wire::usage::{ListTopUsage, TopUsage};
use strongroom_model::{Millis, Problem};

use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

const SUBJECTS: [&str; 5] = ["credential", "token", "user", "team", "tag"];

/// List the dearest credentials, tokens, users, teams or tags
///
/// As they were ranked last, some minutes ago. For a range of one's own, and figures that are exact now, ask `/api/admin/usage`.
#[utoipa::path(
    get,
    path = "/api/admin/usage/top",
    tag = "usage",
    operation_id = "list_top_usage",
    params(ListTopUsage),
    responses((status = 200, body = Vec<TopUsage>))
)]
pub(super) async fn top(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListTopUsage>,
) -> Answer<Json<Vec<TopUsage>>> {
    let (by, period) =
        (query.by.as_deref().unwrap_or("credential"), query.period.as_deref().unwrap_or("30d"));
    let by = SUBJECTS
        .into_iter()
        .find(|known| *known == by)
        .ok_or_else(|| Problem::invalid("by", format!("by must be one of {}", SUBJECTS.join(", "))))?;
    let period = Period::ALL
        .into_iter()
        .find(|known| known.as_str() == period)
        .ok_or_else(|| Problem::invalid("period", "period must be 24h, 7d or 30d"))?;
    let tops = state.room.usage(actor).tops(period, by).await?;
    let wire = |top: strongroom::usage::rollup::Top| TopUsage {
        place: top.place,
        subject: top.subject,
        requests: top.client_requests,
        cost_nano_usd: top.cost_nano_usd,
        as_of: Millis(top.made_at_ms),
    };
    Ok(Json(tops.into_iter().map(wire).collect()))
}
