//! `POST /api/admin/credentials/import`

use axum::Json;
use axum::extract::State;
use strongroom::credential::{ImportOptions, ImportRow, Imported};
use strongroom_client::wire::import::{self, ImportReport, ImportRequest, ImportedRow};
use strongroom_model::{CredentialId, Problem, UserId};

use crate::http::extract::{Caller, JsonRows};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Rows that one request may bring.
const MAX_ROWS: usize = 500;

/// Import credentials
///
/// Each row is reported on its own; sending the same request again changes nothing.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/import",
    tag = "credentials",
    operation_id = "import_credentials",
    request_body = ImportRequest,
    responses((status = 200, body = ImportReport))
)]
pub(super) async fn import(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonRows(body): JsonRows<ImportRequest>,
) -> Answer<Json<ImportReport>> {
    if body.rows.len() > MAX_ROWS {
        return Err(Problem::invalid(
            "rows",
            format!("rows must be at most {MAX_ROWS}; send more in further requests"),
        )
        .into());
    }
    if !["env", "legacy", "file"].contains(&body.source.as_str()) {
        return Err(Problem::invalid("source", "source must be env, legacy or file").into());
    }
    let options = ImportOptions {
        source: body.source,
        dry_run: body.dry_run,
        skip_known_secrets: body.skip_known_secrets,
    };
    let rows = body.rows.into_iter().map(requested).collect();
    let imports = state.room.credentials(actor).import(rows, &options).await?;
    let mut report =
        ImportReport { dry_run: options.dry_run, migrated: 0, skipped: 0, failed: 0, rows: Vec::new() };
    for row in imports {
        let (outcome, reason) = match row.outcome {
            Imported::Migrated => {
                report.migrated += 1;
                ("migrated", None)
            }
            Imported::Skipped(reason) => {
                report.skipped += 1;
                ("skipped", Some(reason))
            }
            Imported::Failed(problem) => {
                report.failed += 1;
                ("failed", Some(problem.message))
            }
        };
        report.rows.push(ImportedRow {
            name: row.name,
            outcome: outcome.to_owned(),
            reason,
            id: row.id.map(|id| id.0),
            digest: row.digest,
        });
    }
    Ok(Json(report))
}

fn requested(row: import::ImportRow) -> ImportRow {
    ImportRow {
        id: row.id.map(CredentialId),
        name: row.name,
        provider: row.provider,
        api_key: row.api_key.map(|key| key.0),
        api_secret: row.api_secret.map(|secret| secret.0),
        endpoint: row.endpoint,
        priority: row.priority,
        is_active: row.is_active,
        is_global: row.is_global,
        user: row.user_id.map(UserId),
        rate_limit: row.rate_limit,
        expires_at: row.expires_at,
        rotate_after_days: row.rotate_after_days,
        usage_count: row.usage_count,
        current_month_usage: row.current_month_usage,
        last_used: row.last_used,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
