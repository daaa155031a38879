//! Deleted credentials: listed, taken back within their time, and purged after it.

use serde_json::json;
use strongroom_crypto::authority::CredentialGrant;
use strongroom_model::credential::Credential;
use strongroom_model::version::Erasure;
use strongroom_model::{CredentialId, Millis, Problem};
use strongroom_store::credential::deleted;
use strongroom_store::{StoreError, credential, version};

use super::{ATTEMPTS, CredentialService, passed, target};
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;

/// Credentials that are looked at together.
const PAGE: i64 = 256;
const DAY_MS: i64 = 86_400_000;

fn not_deleted() -> Problem {
    Problem::not_found(
        "there is no deleted credential with this number, or its time to be taken back is over",
    )
}

impl CredentialService {
    /// Credentials that are deleted and can be taken back, by id.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list_deleted(&self) -> Result<Vec<Credential>, Problem> {
        self.deleted_before(Millis(i64::MAX)).await
    }

    async fn deleted_before(&self, before: Millis) -> Result<Vec<Credential>, Problem> {
        let mut all: Vec<Credential> = Vec::new();
        loop {
            let after = all.last().map_or(0, |last| last.id.0);
            let mut session = self.admission.read_ledger().await?;
            let now = session.now().await?;
            let page = deleted::list(&mut session, before, after, PAGE, now).await?;
            let is_last = (page.len() as i64) < PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Days in which a deleted credential can be taken back.
    #[must_use]
    pub fn recovery_days(&self) -> u32 {
        self.settings.recovery_days
    }

    /// Takes a deletion back: the credential is as it was.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when its name is another's meanwhile, `PreconditionFailed` or
    /// `Integrity`.
    pub async fn undelete(&self, id: CredentialId, if_match: Option<i64>) -> Result<Credential, Problem> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let found = deleted::get(&mut tx, id, now).await?.ok_or_else(not_deleted)?;
            if if_match.is_some_and(|revision| revision != found.revision) {
                return Err(passed());
            }
            let after = Credential { deleted_at: None, ..found.clone() };
            // Before there was a MAC over deletions, that of the living row stayed.
            if !self.custody.verify_row_mac(&after) {
                self.require_genuine(&found)?;
            }
            let mac = self.custody.sign_credential(&CredentialGrant::from(&after));
            let done = deleted::undelete(&mut tx, id, found.revision, &mac, now).await;
            if !done.map_err(|error| taken_meanwhile(error, &found.name))? {
                tx.roll_back().await?;
                continue;
            }
            let after = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            let detail = json!({ "id": id, "deletedAt": found.deleted_at });
            let entry = entry(&self.actor, "credential.undelete", target(&after), now, &detail);
            self.custody.append(&mut tx, vec![entry]).await?;
            tx.commit().await?;
            return Ok(after);
        }
        Err(passed())
    }

    /// Erases all values of a deleted credential for good. What was used and what was done with it stays on record.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `PreconditionFailed`.
    pub async fn purge(&self, id: CredentialId, if_match: Option<i64>) -> Result<(), Problem> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let found = deleted::get(&mut tx, id, now).await?.ok_or_else(not_deleted)?;
            if if_match.is_some_and(|revision| revision != found.revision) {
                return Err(passed());
            }
            if !deleted::purge(&mut tx, id, found.revision, now).await? {
                tx.roll_back().await?;
                continue;
            }
            let mut erased = Vec::new();
            for one in version::list(&mut tx, found.uid).await? {
                if self.custody.change_version(&mut tx, one.uid, Fate::Erased(Erasure::Purged), now).await? {
                    erased.push(one.number);
                }
            }
            let detail = json!({ "id": id, "deletedAt": found.deleted_at, "versions": erased });
            let entry = entry(&self.actor, "credential.purge", target(&found), now, &detail);
            self.custody.append(&mut tx, vec![entry]).await?;
            return Ok(tx.commit().await?);
        }
        Err(passed())
    }

    /// Purges what was deleted so long ago that its time to be taken back is over. Tells how many credentials.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn purge_deleted(&self) -> Result<usize, Problem> {
        let now = self.custody.now().await?;
        let before = Millis(now.0 - i64::from(self.settings.recovery_days) * DAY_MS);
        let mut purged = 0;
        for one in self.deleted_before(before).await? {
            match self.purge(one.id, Some(one.revision)).await {
                Ok(()) => purged += 1,
                // Taken back or purged meanwhile.
                Err(problem)
                    if matches!(
                        problem.kind,
                        strongroom_model::ProblemKind::NotFound
                            | strongroom_model::ProblemKind::PreconditionFailed
                    ) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(purged)
    }
}

fn taken_meanwhile(error: StoreError, name: &str) -> Problem {
    match error {
        StoreError::Taken(_) => Problem::conflict(format!(
            "the name {name:?} is another credential's meanwhile: give that one another name, then repeat this"
        )),
        other => other.into(),
    }
}
