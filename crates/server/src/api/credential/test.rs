//! `POST /api/admin/credentials/{id}/test`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::credential::{LiveTest, TestQuery, TestResult};
use strongroom_connectors::ai::{ProbeOutcome, ProbeReport};

use crate::http::extract::{Caller, Query};
use crate::http::parameter::CredentialPath;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Test a credential
///
/// Decrypts it and checks its state and its limit, with the same answers as reading it; with `live=true` it also makes
/// the cheapest authenticated call that the provider offers. Counts no use.
#[utoipa::path(
    post,
    path = "/api/admin/credentials/{id}/test",
    tag = "credentials",
    operation_id = "test_credential",
    params(CredentialPath, TestQuery),
    responses((status = 200, body = TestResult))
)]
pub(super) async fn test(
    State(state): State<AppState>,
    Caller(actor): Caller,
    CredentialPath(id): CredentialPath,
    Query(query): Query<TestQuery>,
) -> Answer<Json<TestResult>> {
    let report = state.room.credentials(actor).test(id, query.live).await?;
    let message = match report.live.as_ref().map(|live| live.outcome) {
        None | Some(ProbeOutcome::Ok) => "Credential is valid and within rate limits",
        Some(ProbeOutcome::BadKey) => "The provider refuses this key",
        Some(ProbeOutcome::EmptyAccount) => "The provider knows this key, but its account is empty",
        Some(ProbeOutcome::RateLimited) => "The provider knows this key, but limits its rate just now",
        Some(ProbeOutcome::Unreachable) => "The provider cannot be reached",
        Some(ProbeOutcome::Unexpected) => "The provider gave an answer that says nothing about this key",
    };
    let credential = report.credential;
    Ok(Json(TestResult {
        message: message.to_owned(),
        provider: credential.provider.to_string(),
        usage_count: credential.usage_count,
        current_month_usage: credential.current_month_usage,
        rate_limit: credential.rate_limit,
        live: report.live.map(live),
    }))
}

pub(in crate::api) fn live(report: ProbeReport) -> LiveTest {
    LiveTest {
        outcome: report.outcome.as_str().to_owned(),
        status: report.status,
        detail: report.detail,
        latency_ms: u64::try_from(report.latency.as_millis()).unwrap_or(u64::MAX),
    }
}
