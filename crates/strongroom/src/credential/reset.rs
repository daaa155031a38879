//! Resetting the month by hand.

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::audit::Target;
use strongroom_model::credential::Source;
use strongroom_model::{Problem, Provider, Uid, month};
use strongroom_store::counter;
use strongroom_store::usage::{self, Kind, Record};

use super::CredentialService;
use crate::audit::entry;

impl CredentialService {
    /// Sets what counts against the limits of this month to zero: a signed adjustment per credential, so that the
    /// counts themselves stay. Tells how many credentials it touched.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn reset_monthly_usage(&self) -> Result<usize, Problem> {
        let mut tx = self.room.0.store.write().await?;
        let now = tx.now().await?;
        let window_start = month::start(now);
        let counters = counter::lock_month(&mut tx, window_start).await?;
        let actor = self.actor.label();
        for found in &counters {
            let uid: Uid = found.subject_uid.parse().map_err(|_| {
                Problem::integrity(format!("a counter has the malformed subject {:?}", found.subject_uid))
            })?;
            counter::add(&mut tx, uid, window_start, (0, -found.used), None).await?;
            let record = Record {
                uid: random::uid(),
                at: now,
                window_start,
                kind: Kind::Reset,
                actor: &actor,
                user: self.actor.user,
                credential: Some(uid),
                version: None,
                provider: &Provider::stored(String::new()),
                source: Source::Database,
                requests: 0,
                adjustment: -found.used,
            };
            usage::insert(&mut tx, &record).await?;
        }
        let detail = json!({ "credentials": counters.len() });
        let target = Target::kind("credential");
        let entry = entry(&self.actor, "credential.reset_monthly_usage", target, now, &detail);
        self.room.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(counters.len())
    }
}
