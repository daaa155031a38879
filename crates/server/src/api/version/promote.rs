//! `POST /api/admin/credentials/{id}/promote`

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use strongroom_client::wire::credential::Credential;
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::version::PromoteQuery;
use strongroom_model::CredentialId;

use crate::http::extract::{Caller, Query, if_match, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Bring the staged version into use
///
/// The provider is asked about it first, unless it has said well of it already; 422 when it does not accept the key. Calls
/// under way end with the old version, which is retired when no server has one any more.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/promote",
    tag = "credentials",
    operation_id = "promote_version",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        PromoteQuery,
        ("If-Match" = Option<String>, Header, nullable = false, pattern = r#"^(\*|"[0-9]{1,18}")$"#, description = "The `ETag` that the change is based on; 412 when it has passed")
    ),
    responses((status = 200, body = Credential, headers(("ETag" = String, description = "The new revision"))), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn promote(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    Query(query): Query<PromoteQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    let id = CredentialId(number(id, "Credential")?);
    let revision = if_match(&headers)?;
    let changed = state.room.credentials(actor).promote(id, query.skip_test, revision).await?;
    Ok(crate::api::credential::answer(&changed))
}
