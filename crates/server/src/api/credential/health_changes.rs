//! `GET /api/admin/credentials/{id}/health`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::{HealthChange, ListHealthChanges};
use strongroom_model::Millis;

use crate::http::extract::{Caller, Query};
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

const DAYS_MS: i64 = 30 * 86_400_000;

/// List what became of a credential's health
///
/// Each change that a server has seen in its provider's answers, the newest first; 500 at the most.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}/health",
    tag = "credentials",
    operation_id = "list_health_changes",
    params(CredentialPath, ListHealthChanges),
    responses((status = 200, body = Vec<HealthChange>))
)]
pub(super) async fn health_changes(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    Query(query): Query<ListHealthChanges>,
) -> Answer<Json<Vec<HealthChange>>> {
    let from = match query.from {
        Some(from) => from,
        None => Millis(state.room.now().await?.0 - DAYS_MS),
    };
    let service = state.room.credentials(actor);
    let (credential, versions) = service.versions(id).await?;
    let number = |uid: &str| {
        let version = versions.iter().find(|version| version.uid.to_string() == uid);
        version.map(|version| version.number)
    };
    let changes = service.health_changes(credential.uid, from).await?;
    let wire = changes.into_iter().map(|change| HealthChange {
        at: Millis(change.at_ms),
        version: number(&change.version_uid),
        node: change.node_uid,
        before: change.before,
        state: change.state,
    });
    Ok(Json(wire.collect()))
}
