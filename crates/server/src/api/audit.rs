//! `/api/admin/audit-logs`

mod list;
mod verify;

use strongroom_client::wire::audit::AuditEntry;
use strongroom_model::audit::Entry;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list)).routes(routes!(verify::verify, verify::verify_against))
}

fn wire(linked: Entry) -> AuditEntry {
    let entry = linked.entry;
    AuditEntry {
        chain_id: linked.chain_id,
        seq: linked.seq,
        uid: entry.uid.to_string(),
        at: entry.at,
        action: entry.action,
        actor: entry.actor,
        target_kind: entry.target.kind,
        target_id: entry.target.id,
        target_name: entry.target.name,
        outcome: entry.outcome.as_str().to_owned(),
        // A detail that is no JSON was edited; it is shown as it stands, and verification names it.
        detail: serde_json::from_str(&entry.detail).unwrap_or(serde_json::Value::String(entry.detail)),
        request_id: entry.request_id,
        remote_address: entry.remote_address,
        key_id: linked.key_id,
        link: linked.link,
    }
}
