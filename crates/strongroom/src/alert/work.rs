//! Work on alerts that servers do beside requests.

use std::sync::Arc;

use strongroom_model::alert::{Level, Rule};
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::alert::incident::Subject;
use strongroom_store::meta;

use super::Alerts;
use super::lasting::BACKUP_PROVEN;
use crate::audit::{AuditService, Verification};
use crate::custody::trail::entry;
use crate::event::{Seen, end_lasting, is_open, note_lasting};

/// Work on alerts that servers do beside requests, each again and again.
#[derive(Debug, Clone)]
pub struct AlertWork {
    pub(crate) alerts: Arc<Alerts>,
}

impl AlertWork {
    /// The alerts that fire, by rule and level, for metrics.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn counts(&self) -> Result<Vec<(String, String, i64)>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        Ok(strongroom_store::alert::incident::count_open(&mut session).await?)
    }

    /// Looks at this server itself, whose clock says `local`. Tells how much there was to write.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn watch_node(&self, local: Millis) -> Result<usize, Problem> {
        self.alerts.watch_node(local).await
    }

    /// Verifies the audit trail as a whole, and writes down that it does not verify, or does again.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read; faults of the chain are in the result.
    pub async fn verify_audit(&self) -> Result<Verification, Problem> {
        let custody = &self.alerts.custody;
        let verified = AuditService { custody: Arc::clone(custody) }.verify(&[]).await?;
        let subject = Subject::of("audit", strongroom_store::REGION);
        let is_told = is_open(&mut custody.store.read().await?, Rule::AuditBroken, &subject).await?;
        if is_told != verified.faults.is_empty() {
            return Ok(verified);
        }
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        match verified.faults.first() {
            Some(first) => {
                let seen = Seen::of(Rule::AuditBroken, Level::Critical, subject);
                note_lasting(custody, &mut tx, Seen { value: first.seq, ..seen }, now).await?;
            }
            None => {
                end_lasting(&mut tx, Rule::AuditBroken, &subject, "it verifies as a whole", now).await?;
            }
        }
        tx.commit().await?;
        Ok(verified)
    }

    /// Writes down that a week is over, once for all servers, when a channel is to be told of it. Tells whether this server did.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn write_digest(&self) -> Result<bool, Problem> {
        self.alerts.write_digest().await
    }

    /// Notes that somebody has proven a backup, which was made at this instant.
    ///
    /// # Errors
    /// [`Problem`] on the field `madeAt` when that lies ahead.
    pub async fn note_proven_backup(&self, actor: &Actor, made_at: Millis) -> Result<(), Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        if made_at > now.plus_seconds(3600) {
            return Err(Problem::invalid("madeAt", "madeAt must not lie ahead"));
        }
        let known = meta::get(&mut tx, BACKUP_PROVEN).await?.and_then(|text| text.parse::<i64>().ok());
        // What an old backup proves is that it is old.
        if known.is_none_or(|known| known < made_at.0) {
            meta::set(&mut tx, BACKUP_PROVEN, &made_at.0.to_string()).await?;
        }
        let detail = serde_json::json!({ "madeAt": made_at });
        let target = strongroom_model::audit::Target::kind("backup");
        custody.append(&mut tx, vec![entry(actor, "backup.proven", target, now, &detail)]).await?;
        Ok(tx.commit().await?)
    }
}
