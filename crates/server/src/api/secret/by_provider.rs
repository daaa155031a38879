//! `GET /api/providers/{provider}/credential`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::credential::{ReadQuery, RevealedCredential};
use strongroom_client::wire::problem::ProblemBody;

use crate::http::extract::{Caller, Query, name};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Read the key to use for a provider
///
/// The first by priority that is within its limit; counts one use. 429 when none is left. When the database knows
/// nothing of the provider, the key of the server's environment, with `source` `environment`.
#[utoipa::path(
    get,
    path = "/api/providers/{provider}/credential",
    tag = "secrets",
    operation_id = "read_credential_by_provider",
    params(("provider" = String, Path, description = "openai, anthropic, gemini (or google), openrouter, groq …"), ReadQuery),
    responses((status = 200, body = RevealedCredential), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn read_by_provider(
    State(state): State<AppState>,
    Caller(actor): Caller,
    path: Result<Path<String>, PathRejection>,
    Query(query): Query<ReadQuery>,
) -> Answer<Json<RevealedCredential>> {
    let provider = name(path)?;
    let user = super::other_user(&actor, query.user_id)?;
    let service = state.room.credentials(actor);
    let read = match user {
        Some(user) => service.get_credential_by_provider(&provider, Some(user)).await?,
        None => service.get_own_credential_by_provider(&provider).await?,
    };
    match read {
        Some(read) => Ok(Json(super::wire(read))),
        None => Err(Box::pin(service.absence_at(&provider, user)).await?.into()),
    }
}
