//! `GET /api/admin/routes/explain`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::route::{ExplainRoute, ExplainedRoute, RoutePlace};
use strongroom_model::Problem;

use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// The longest name of a model, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Explain where a model's name goes
///
/// As `/v1/chat/completions` would resolve it for this caller. Nothing is called and nothing is counted.
#[utoipa::path(
    get,
    path = "/api/admin/routes/explain",
    tag = "routes",
    operation_id = "explain_route",
    params(ExplainRoute),
    responses((status = 200, body = ExplainedRoute))
)]
pub(super) async fn explain(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ExplainRoute>,
) -> Answer<Json<ExplainedRoute>> {
    let name = query.model;
    if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let message = "model must be a model's name as programs ask for it, such as openai/gpt-4o-mini";
        return Err(Problem::invalid("model", message).into());
    }
    let explained = state.gateway.explain(actor, &name).await?;
    let places = explained.places.into_iter().map(|place| RoutePlace {
        provider: place.at.provider.to_string(),
        reason: place.at.because.to_string(),
        because: place.at.because.word().to_owned(),
        model: place.at.model,
        is_served: place.is_served,
    });
    Ok(Json(ExplainedRoute {
        model: name,
        is_alias: explained.is_alias,
        places: places.collect(),
        refusal: explained.refusal,
    }))
}
