//! `POST /api/admin/credentials/{id}/versions/{number}/test`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::LiveTest;

use crate::http::extract::Caller;
use crate::http::parameter::VersionPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Probe a version at its provider
///
/// With the cheapest authenticated call that the provider offers. Counts no use.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/versions/{number}/test",
    tag = "credentials",
    operation_id = "test_version",
    params(VersionPath),
    responses((status = 200, body = LiveTest))
)]
pub(super) async fn probe(
    State(state): State<AppState>,
    Caller(actor): Caller,
    version: VersionPath,
) -> Answer<Json<LiveTest>> {
    let probe = state.room.credentials(actor).probe_version(version.credential, version.number).await?;
    Ok(Json(crate::api::credential::live(probe.report)))
}
