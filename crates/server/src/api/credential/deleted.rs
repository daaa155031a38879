//! `GET /api/admin/credentials/deleted`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::version::DeletedCredential;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// List deleted credentials
///
/// Those that can still be restored, each with the end of that time.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/deleted",
    tag = "credentials",
    operation_id = "deleted_credentials",
    responses((status = 200, body = Vec<DeletedCredential>))
)]
pub(super) async fn deleted(
    State(state): State<AppState>,
    Caller(actor): Caller,
) -> Answer<Json<Vec<DeletedCredential>>> {
    let service = state.room.credentials(actor);
    let days = i64::from(service.recovery_days());
    let found = service.list_deleted().await?.into_iter().filter_map(|one| {
        let deleted_at = one.deleted_at?;
        Some(DeletedCredential {
            id: one.id.0,
            name: one.name,
            provider: one.provider.to_string(),
            usage_count: one.usage_count,
            revision: one.revision,
            deleted_at,
            purge_at: deleted_at.plus_seconds(days * 86_400),
        })
    });
    Ok(Json(found.collect()))
}
