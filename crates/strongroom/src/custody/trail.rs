//! Writing the audit trail: entries are linked into the chain in the operation's own transaction.

use strongroom_crypto::{audit_chain, random};
use strongroom_model::audit::{Head, NewEntry, Outcome, Target};
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::{REGION, Write};

use super::Custody;

/// An entry of a success, not linked yet.
pub(crate) fn entry(
    actor: &Actor,
    action: &str,
    target: Target,
    at: Millis,
    detail: &serde_json::Value,
) -> NewEntry {
    NewEntry {
        uid: random::uid(),
        at,
        action: action.to_owned(),
        actor: actor.label(),
        target,
        outcome: Outcome::Success,
        detail: detail.to_string(),
        request_id: actor.request_id.clone(),
        remote_address: actor.remote_address.clone(),
    }
}

impl Custody {
    /// Adds entries to the chain as the last thing before a commit: the head stays locked until then.
    pub(crate) async fn append(&self, tx: &mut Write, entries: Vec<NewEntry>) -> Result<(), Problem> {
        let head = self.lock_chain(tx).await?;
        self.append_behind(tx, head, entries).await
    }

    /// The head of the chain, locked until the transaction ends. Who holds it is the only one to commit an entry.
    pub(crate) async fn lock_chain(&self, tx: &mut Write) -> Result<Head, Problem> {
        let head = strongroom_store::audit::lock_head(tx, REGION).await?;
        head.filter(|head| audit_chain::head_verifies(&self.keyring(), head)).ok_or_else(|| {
            self.counters.integrity_failures.add_one();
            Problem::integrity(
                "the head of the audit chain was changed or removed, so nothing more is done; \
                 run `strongroom audit verify` and restore the tables audit_logs and audit_heads",
            )
        })
    }

    pub(crate) async fn append_behind(
        &self,
        tx: &mut Write,
        head: Head,
        entries: Vec<NewEntry>,
    ) -> Result<(), Problem> {
        let keyring = &self.keyring();
        let (mut seq, mut link) = (head.seq, head.link);
        let mut linked = Vec::with_capacity(entries.len());
        for entry in entries {
            seq += 1;
            let next = audit_chain::link(keyring, REGION, seq, &link, entry);
            link.clone_from(&next.link);
            linked.push(next);
        }
        let head = audit_chain::head(keyring, REGION, seq, &link);
        strongroom_store::audit::append(tx, &linked, &head).await?;
        linked.iter().for_each(|_| self.counters.audit_entries.add_one());
        Ok(())
    }

    /// Writes an entry of its own: for what was denied or failed, and changed nothing. Repeats within a minute become one.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be written.
    pub(crate) async fn note(
        &self,
        actor: &Actor,
        action: &str,
        target: Target,
        outcome: Outcome,
        detail: &serde_json::Value,
    ) -> Result<(), Problem> {
        self.note_failure(NewEntry { outcome, ..entry(actor, action, target, Millis(0), detail) }).await
    }
}
