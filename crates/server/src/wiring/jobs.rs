//! What runs beside the requests.

use std::time::Duration;

use strongroom::Strongroom;
use tokio_util::sync::CancellationToken;

/// Writes the heads of the audit chain to the log at intervals: a copy outside the database, against which a chain that
/// was cut short or put back can be told.
pub(super) async fn log_audit_heads(room: Strongroom, interval: Duration, stop: CancellationToken) {
    loop {
        match room.audit().heads().await {
            Ok(heads) => heads.iter().for_each(|head| {
                tracing::info!(chain = head.chain_id, seq = head.seq, link = head.link, "audit head");
            }),
            Err(problem) => tracing::warn!(code = problem.kind.code(), "the audit heads cannot be read"),
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = stop.cancelled() => return,
        }
    }
}
