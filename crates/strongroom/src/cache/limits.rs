//! Limits, by the scope that they bind.

use std::sync::Arc;

use strongroom_model::Problem;
use strongroom_model::limit::{Limit, LimitScope};
use strongroom_store::change::Subject;
use strongroom_store::{Session, limit};

use super::{Cache, make_room};
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
        self.keep(generation, &Subject::Scope(scope.clone()), |known| {
            make_room(&mut known.limits);
            known.limits.insert(scope.clone(), kept)
        });
        Ok(limits)
    }

    /// The limits of a scope, if they are known already.
    pub(crate) fn known_limits_of(&self, scope: &LimitScope, generation: i64) -> Option<Arc<Vec<Limit>>> {
        let known = self.known();
        let limits = known.limits.get(scope)?;
        let holds =
            known.generation == generation || known.holds_at(generation, &Subject::Scope(scope.clone()));
        holds.then(|| Arc::clone(limits))
    }
}
