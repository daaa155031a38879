//! Limits, by the scope that they bind.

use std::sync::Arc;

use strongroom_model::Problem;
use strongroom_model::limit::{Limit, LimitScope};
use strongroom_store::{Session, limit};

use super::Cache;
use crate::database_timeout::with_timeout;

impl Cache {
    /// The limits of a scope, as of this generation.
    pub(crate) async fn limits_of(
        &self,
        scope: &LimitScope,
        generation: i64,
    ) -> Result<Arc<Vec<Limit>>, Problem> {
        match self.known_limits_of(scope, generation) {
            Some(limits) => Ok(limits),
            None => {
                let looking =
                    async { self.limits_in(&mut self.custody.store.read().await?, scope, generation).await };
                Box::pin(with_timeout(looking)).await
            }
        }
    }

    /// The limits of a scope, as of this generation, looked for in an open session.
    pub(crate) async fn limits_in(
        &self,
        session: &mut Session,
        scope: &LimitScope,
        generation: i64,
    ) -> Result<Arc<Vec<Limit>>, Problem> {
        if let Some(limits) = self.known_limits_of(scope, generation) {
            return Ok(limits);
        }
        let limits = Arc::new(limit::list_of_scope(session, scope, generation).await?);
        let kept = Arc::clone(&limits);
        self.keep(generation, |known| known.limits.insert(scope.clone(), kept));
        Ok(limits)
    }

    /// The limits of a scope, if they are known already.
    pub(crate) fn known_limits_of(&self, scope: &LimitScope, generation: i64) -> Option<Arc<Vec<Limit>>> {
        let known = self.known();
        (known.generation == generation).then(|| known.limits.get(scope).cloned()).flatten()
    }
}
