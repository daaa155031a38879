//! Reminders: keys that expire, keys that have been in use for long, and keys that nobody uses.

use serde_json::json;
use strongroom_model::credential::Credential;
use strongroom_model::{CredentialId, Millis, Problem};
use strongroom_store::{credential, reminder};

use super::{CredentialService, target};
use crate::custody::trail::entry;

/// How long before its expiry people are told, in milliseconds.
const SOON: i64 = 14 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// Reason of a reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is not handed out any more since this instant.
    Expired(Millis),
    /// It is not handed out any more from this instant on, within two weeks.
    ExpiresSoon(Millis),
    /// Its key was to be replaced at this instant.
    Rotation(Millis),
}

impl Due {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired(_) => "expired",
            Self::ExpiresSoon(_) => "expires_soon",
            Self::Rotation(_) => "rotation_due",
        }
    }

    /// The instant that it is about.
    #[must_use]
    pub const fn at(self) -> Millis {
        match self {
            Self::Expired(at) | Self::ExpiresSoon(at) | Self::Rotation(at) => at,
        }
    }

    /// Returns the reminders about a credential, the most urgent first.
    #[must_use]
    pub fn of(credential: &Credential, now: Millis) -> Vec<Self> {
        let expiry = credential.expires_at.and_then(|at| match at.0 - now.0 {
            left if left <= 0 => Some(Self::Expired(at)),
            left if left < SOON => Some(Self::ExpiresSoon(at)),
            _ => None,
        });
        let rotation = credential.rotation_due().filter(|at| *at <= now).map(Self::Rotation);
        expiry.into_iter().chain(rotation).collect()
    }
}

impl CredentialService {
    /// Says in the log and the audit trail what has become due, each once. Tells how much was said.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn remind(&self) -> Result<usize, Problem> {
        let due = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            reminder::list_due(&mut session, Millis(now.0 + SOON), now).await?
        };
        let mut said = 0;
        for id in due {
            said += self.remind_of(CredentialId(id)).await?;
        }
        Ok(said)
    }

    async fn remind_of(&self, id: CredentialId) -> Result<usize, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let Some(found) = credential::get(&mut tx, id, now).await? else {
            return Ok(tx.roll_back().await.map(|()| 0)?);
        };
        let mut entries = Vec::new();
        let mut new = Vec::new();
        for due in Due::of(&found, now) {
            if !reminder::note(&mut tx, found.uid, due.as_str(), due.at(), now).await? {
                continue;
            }
            let detail = json!({ "reminder": due.as_str(), "at": due.at() });
            entries.push(entry(&self.actor, "credential.reminder", target(&found), now, &detail));
            new.push(due);
        }
        if entries.is_empty() {
            tx.roll_back().await?;
            return Ok(0);
        }
        self.custody.append(&mut tx, entries).await?;
        tx.commit().await?;
        for due in &new {
            tracing::warn!(credential = %found.name, reminder = due.as_str(), at = %due.at(), "a credential needs care");
        }
        Ok(new.len())
    }

    /// Credentials that are older than so many days and were not used in as many, by id.
    ///
    /// # Errors
    /// [`Problem`] on the field `days`.
    pub async fn unused(&self, days: i64) -> Result<Vec<Credential>, Problem> {
        if !(1..=3660).contains(&days) {
            return Err(Problem::invalid("days", "days must be 1 to 3660"));
        }
        let since = Millis(self.custody.now().await?.0 - days * DAY_MS);
        let mut all = self.list_credentials().await?;
        all.retain(|it| it.created_at < since && it.last_used.is_none_or(|at| at < since));
        Ok(all)
    }
}
