//! `POST /api/ai/suggestions`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::ai::{Suggestion, SuggestionRequest};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Ask a model for a suggestion about an error
///
/// Providers are asked one after the other until one answers with a suggestion. Each call is counted like any other.
#[utoipa::path(
    post,
    path = "/api/ai/suggestions",
    tag = "ai",
    operation_id = "suggest",
    request_body = SuggestionRequest,
    responses((status = 200, body = Suggestion))
)]
pub(super) async fn suggest(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<SuggestionRequest>,
) -> Answer<Json<Suggestion>> {
    let service = state.room.ai(actor).with_models(state.ai_models.clone());
    let found = service.generate_suggestion(&body.error_text, &body.error_type, &body.severity).await?;
    Ok(Json(Suggestion {
        root_cause: found.root_cause,
        resolution_steps: found.resolution_steps,
        code_example: found.code_example,
        prevention_measures: found.prevention_measures,
        confidence: found.confidence,
    }))
}
