//! `GET /api/me/usage`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::usage::{ShowOwnUsage, ShowUsage, Usage};
use strongroom_model::Problem;

use crate::api::usage::question::{Of, Question};
use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show the caller's usage
///
/// Of a token what was done with it, of a user what was done with any of their tokens.
#[utoipa::path(
    get,
    path = "/api/me/usage",
    tag = "me",
    operation_id = "show_own_usage",
    params(ShowOwnUsage),
    responses((status = 200, body = Usage))
)]
pub(super) async fn usage(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ShowOwnUsage>,
) -> Answer<Json<Usage>> {
    let ShowOwnUsage { group_by, split_by, from, to } = query;
    let query = ShowUsage { group_by, split_by, from, to, ..ShowUsage::default() };
    let question = Question::of(&query, "provider", state.room.now().await?)?;
    if question.is_of_hours() {
        return Err(Problem::invalid(
            "groupBy",
            "of single callers there are days, and no hours or statuses",
        )
        .into());
    }
    let rows = question.ask(&state.room.usage(actor), Of::Caller).await?;
    Ok(Json(question.answer(rows)))
}
