//! Facts about providers: whether the database has or had credentials of theirs.

use strongroom_model::{Problem, Provider, UserId};
use strongroom_store::change::Subject;
use strongroom_store::credential;

use super::{Cache, Snapshot, make_room};
use crate::database_timeout::with_timeout;

/// Names that may be providers' before they are looked up again: callers make them up.
const MAX_UNKNOWN_PROVIDERS: usize = 1024;

impl Cache {
    /// Tells whether the database has no row at all for a provider, alive or not, that is global or this user's.
    pub(crate) async fn has_no_rows(
        &self,
        provider: &Provider,
        view: Option<UserId>,
        snapshot: Snapshot,
    ) -> Result<bool, Problem> {
        let place = (provider.clone(), view);
        let subject = || Subject::Provider(provider.clone());
        let known = self.at(snapshot, subject).and_then(|known| known.without_rows.get(&place).copied());
        if let Some(known) = known {
            return Ok(known);
        }
        let asking = async {
            let mut session = self.custody.store.read().await?;
            Ok(!credential::provider_has_rows(&mut session, provider, view).await?)
        };
        let has_none = with_timeout(asking).await?;
        self.keep(snapshot.generation, &subject(), |known| {
            make_room(&mut known.without_rows);
            known.without_rows.insert(place, has_none)
        });
        Ok(has_none)
    }

    /// Tells whether a credential of this provider is or was there, whosever it is.
    pub(crate) async fn was_stored(&self, provider: &Provider, snapshot: Snapshot) -> Result<bool, Problem> {
        let subject = || Subject::Provider(provider.clone());
        let known = self.at(snapshot, subject).and_then(|known| known.stored.get(provider).copied());
        if let Some(known) = known {
            return Ok(known);
        }
        let asking = async {
            let mut session = self.custody.store.read().await?;
            Ok(credential::provider_was_stored(&mut session, provider).await?)
        };
        let was_stored = with_timeout(asking).await?;
        self.keep(snapshot.generation, &subject(), |known| {
            if known.stored.len() >= MAX_UNKNOWN_PROVIDERS {
                known.stored.clear();
            }
            known.stored.insert(provider.clone(), was_stored);
        });
        Ok(was_stored)
    }
}
