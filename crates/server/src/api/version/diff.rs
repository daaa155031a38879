//! `GET /api/admin/credentials/{id}/versions/diff`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::version::{CompareVersions, FieldComparison, VersionComparison};
use strongroom_model::credential::Field;

use crate::http::extract::{Caller, Query};
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Compare two versions
///
/// By the fingerprints of their values; nothing is decrypted.
#[utoipa::path(
    get,
    path = "/api/admin/credentials/{id}/versions/diff",
    tag = "credentials",
    operation_id = "compare_versions",
    params(CredentialPath, CompareVersions),
    responses((status = 200, body = VersionComparison))
)]
pub(super) async fn diff(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    Query(query): Query<CompareVersions>,
) -> Answer<Json<VersionComparison>> {
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
