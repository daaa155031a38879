//! `GET /api/admin/credentials/{id}/versions/diff`

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use strongroom_client::wire::problem::ProblemBody;
use strongroom_client::wire::version::{CompareVersions, FieldComparison, VersionComparison};
use strongroom_model::CredentialId;
use strongroom_model::credential::Field;

use crate::http::extract::{Caller, Query, number};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Compare two versions
///
/// By the fingerprints of their values, which are not opened.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}/versions/diff",
    tag = "credentials",
    operation_id = "compare_versions",
    params(
        ("id" = i64, Path, description = "The credential's number"),
        CompareVersions
    ),
    responses((status = 200, body = VersionComparison), (status = "default", description = "A problem", body = ProblemBody)),
    security(("bearer" = []))
)]
pub(super) async fn diff(
    State(state): State<AppState>,
    Caller(actor): Caller,
    id: Result<Path<i64>, PathRejection>,
    Query(query): Query<CompareVersions>,
) -> Answer<Json<VersionComparison>> {
    let id = CredentialId(number(id, "Credential")?);
    let service = state.room.credentials(actor);
    let (credential, _) = service.versions(id).await?;
    let same = service.same_keys(&credential).await?;
    let found = service.compare_versions(id, query.from, query.to).await?;
    let fields = found.fields.iter().map(|(field, difference)| FieldComparison {
        field: match field {
            Field::ApiKey => "apiKey",
            Field::ApiSecret => "apiSecret",
        }
        .to_owned(),
        difference: difference.as_str().to_owned(),
    });
    Ok(Json(VersionComparison {
        fields: fields.collect(),
        from: super::wire(&credential, &found.from, &same),
        to: super::wire(&credential, &found.to, &same),
    }))
}
