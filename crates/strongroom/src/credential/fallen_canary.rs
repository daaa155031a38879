//! Staged versions that providers refuse: taken back as they fall.

use strongroom_model::{Problem, ProblemKind};

use super::CredentialService;
use crate::canary::{Fallen, FallenCanaries};

impl CredentialService {
    /// Takes back staged versions as they fall, until no calls can be made any more.
    pub(crate) async fn take_back(&self, canaries: &mut FallenCanaries) {
        while let Some(Fallen { credential, version, reason }) = canaries.next().await {
            match self.refuse_canary(credential, version, reason.clone()).await {
                Ok(found) => {
                    tracing::warn!(credential = %found.name, reason, "took back a staged version that its provider refused");
                }
                // It was promoted, aborted or taken back by another server meanwhile.
                Err(Problem { kind: ProblemKind::Conflict | ProblemKind::NotFound, .. }) => {}
                Err(problem) => {
                    tracing::error!(%problem, reason, "failed to take back a staged version; trying again");
                    canaries.forget(version);
                }
            }
        }
    }
}
