//! Resetting the month by hand.

use serde_json::json;
use strongroom_model::audit::Target;
use strongroom_model::{Problem, month};
use strongroom_store::alert::incident;
use strongroom_store::counter;

use super::CredentialService;
use crate::custody::trail::entry;

impl CredentialService {
    /// Sets what counts against the limits of this month to zero: a signed adjustment per credential, so that the
    /// counts themselves stay. Tells how many credentials it touched.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn reset_monthly_usage(&self) -> Result<u64, Problem> {
        self.admission.settle_now().await?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let touched = counter::reset_month(&mut tx, month::start(now), &self.actor.label(), now).await?;
        incident::reset_month(&mut tx, month::start(now), "usage was reset", now).await?;
        self.custody.exhausted.forget_written();
        let detail = json!({ "credentials": touched });
        let target = Target::kind("credential");
        let entry = entry(&self.actor, "credential.reset_monthly_usage", target, now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(touched)
    }
}
