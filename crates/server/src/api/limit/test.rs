//! `POST /api/admin/limits/test`

use axum::Json;
use axum::extract::State;
use strongroom::limit::{Question, Verdict};
use strongroom_client::wire::limit::{LimitsTest, TestLimits, TestedLimit};
use strongroom_model::{Problem, UserId};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Test a call against the limits
///
/// Counts nothing. Without `inputTokens` and `outputTokens` the most that the model can use is assumed.
#[utoipa::path(
    post,
    path = "/api/admin/limits/test",
    tag = "limits",
    operation_id = "test_limits",
    request_body = TestLimits,
    responses((status = 200, body = LimitsTest))
)]
pub(super) async fn test(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<TestLimits>,
) -> Answer<Json<LimitsTest>> {
    // Without a credential the model goes where it would go on the unified API.
    let place = match (&body.credential, &body.model) {
        (None, Some(model)) => {
            let explained = state.gateway.explain(actor.clone(), model).await?;
            let refused = |reason| Problem::invalid("model", reason);
            explained.refusal.map_or(Ok(()), |reason| Err(refused(reason)))?;
            explained.places.into_iter().next().map(|place| place.at)
        }
        _ => None,
    };
    let (provider, model) = match place {
        Some(at) => (Some(at.provider), Some(at.model)),
        None => (None, body.model),
    };
    let question = Question {
        provider,
        credential: body.credential,
        token: body.token,
        user: body.user_id.map(UserId),
        model,
        input_tokens: body.input_tokens,
        output_tokens: body.output_tokens,
    };
    let verdict = state.room.limits(actor).test(&question).await?;
    let (allowed, refusal) = (verdict.is_allowed(), verdict.refusal.clone());
    let tested = verdict.limits.into_iter().map(|one| TestedLimit {
        allowed: Verdict::passes(&one),
        needs: one.1,
        limit: super::wire(one.0),
    });
    Ok(Json(LimitsTest { allowed, refusal, limits: tested.collect() }))
}
