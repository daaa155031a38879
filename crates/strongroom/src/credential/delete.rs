//! Deleting credentials.

use serde_json::json;
use strongroom_crypto::authority::CredentialGrant;
use strongroom_model::credential::Credential;
use strongroom_model::{CredentialId, Problem};
use strongroom_store::credential;

use super::{ATTEMPTS, CredentialService, passed, target};
use crate::custody::trail::entry;

impl CredentialService {
    /// Deletes a credential; its name is free at once, and it can be taken back for a while. With `if_match` only when its revision is still that one.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `PreconditionFailed`.
    pub async fn delete(&self, id: CredentialId, if_match: Option<i64>) -> Result<(), Problem> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let found = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            if if_match.is_some_and(|revision| revision != found.revision) {
                return Err(passed());
            }
            let after = Credential { deleted_at: Some(now), ..found.clone() };
            // A row that does not say what we wrote is not signed: deleted, it stays as broken as it is.
            let mac = if self.custody.verify_row_mac(&found) {
                self.custody.sign_credential(&CredentialGrant::from(&after))
            } else {
                found.mac.clone()
            };
            if credential::delete(&mut tx, id, found.revision, &mac, now).await? {
                let entry =
                    entry(&self.actor, "credential.delete", target(&found), now, &json!({ "id": id }));
                self.custody.append(&mut tx, vec![entry]).await?;
                return Ok(tx.commit().await?);
            }
            tx.roll_back().await?;
        }
        Err(passed())
    }
}
