//! `GET` and `POST /api/admin/audit-logs/verify`

use axum::Json;
use axum::extract::State;
use strongroom::audit::{Anchor, Verification};
use strongroom_client::wire::audit::{AuditAnchor, AuditFault, AuditVerification, VerifyAudit};

use crate::http::extract::JsonBody;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Verify the audit trail
///
/// Reads every entry and recomputes every link. A broken chain is an answer, not an error: see `valid`.
#[utoipa::path(
    get,
    path = "/api/admin/audit-logs/verify",
    tag = "audit",
    operation_id = "verify_audit_trail",
    responses((status = 200, body = AuditVerification))
)]
pub(super) async fn verify(State(state): State<AppState>) -> Answer<Json<AuditVerification>> {
    Ok(Json(wire(state.room.alert_work().verify_audit().await?)))
}

/// Verify the audit trail against heads kept elsewhere
///
/// Only this shows that the whole database was put back to an earlier state.
#[utoipa::path(
    post,
    path = "/api/admin/audit-logs/verify",
    tag = "audit",
    operation_id = "verify_audit_trail_against",
    request_body = VerifyAudit,
    responses((status = 200, body = AuditVerification))
)]
pub(super) async fn verify_against(
    State(state): State<AppState>,
    JsonBody(body, _): JsonBody<VerifyAudit>,
) -> Answer<Json<AuditVerification>> {
    let anchors: Vec<_> = body
        .anchors
        .into_iter()
        .map(|anchor| Anchor { chain_id: anchor.chain_id, seq: anchor.seq, link: anchor.link })
        .collect();
    Ok(Json(wire(state.room.audit().verify(&anchors).await?)))
}

fn wire(found: Verification) -> AuditVerification {
    AuditVerification {
        valid: found.faults.is_empty(),
        entries: found.entries,
        heads: found
            .heads
            .into_iter()
            .map(|head| AuditAnchor { chain_id: head.chain_id, seq: head.seq, link: head.link })
            .collect(),
        faults: found
            .faults
            .into_iter()
            .map(|fault| AuditFault { chain_id: fault.chain_id, seq: fault.seq, fault: fault.fault })
            .collect(),
    }
}
