//! Testing a credential without counting a use.

use std::time::Duration;

use serde_json::json;
use strongroom_connectors::ai::{self, ProbeReport};
use strongroom_model::audit::Target;
use strongroom_model::credential::Credential;
use strongroom_model::secret_form::{self, Purpose};
use strongroom_model::{CredentialId, Millis, Problem, ProblemKind, Secret, month};
use strongroom_store::Session;
use strongroom_store::value::SealedValue;

use super::CredentialService;
use super::visibility::{expired, no_key, unserved};
use crate::custody::Custody;
use crate::custody::trail::entry;

/// How a credential stands.
#[derive(Debug)]
pub struct TestReport {
    /// The credential.
    pub credential: Credential,
    /// The provider's answer, when it was asked.
    pub live: Option<ProbeReport>,
}

async fn look(
    custody: &Custody,
    session: &mut Session,
    id: CredentialId,
    now: Millis,
) -> Result<(Credential, Vec<SealedValue>), Problem> {
    let found = strongroom_store::credential::get(session, id, now).await?;
    let credential = found.ok_or_else(super::not_found)?;
    let values = custody.values_of_version(session, credential.version).await?;
    Ok((credential, values))
}

/// The longest that a live call may take, all in all.
const LIVE_TEST_TIMEOUT: Duration = Duration::from_secs(30);

impl CredentialService {
    /// Opens a credential and checks its limit; with `live`, also asks its provider. Counts no use.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, also when it is frozen or inactive, `LimitReached`, `Integrity`, or `Unprocessable` when it
    /// has no key or has expired.
    pub async fn test(&self, id: CredentialId, live: bool) -> Result<TestReport, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let (mut credential, values) = look(&self.custody, &mut session, id, now).await?;
        drop(session);
        let mut opened = self.custody.open_all(&credential, values);
        if opened.is_err() {
            // A change of provider or endpoint may have come between the row and its values: they are looked at again
            // where none can.
            let mut tx = self.custody.store.write().await?;
            strongroom_store::credential::lock(&mut tx, id).await?;
            let (again, values) = look(&self.custody, &mut tx, id, now).await?;
            tx.roll_back().await?;
            opened = self.custody.open_all(&again, values);
            credential = again;
        }
        // Every value was opened, so that a broken second secret is noticed too.
        let key = match opened {
            Ok(opened) => opened.api_key.ok_or_else(|| no_key(&credential))?,
            Err(fault) => {
                return Err(self.custody.report_broken(&self.actor, &credential, fault).await);
            }
        };
        // Stored by an earlier version, or moved in: the provider would refuse it.
        if let Err(fault) = secret_form::check(&key, Purpose::ApiKey) {
            return Err(Problem::new(
                ProblemKind::Unprocessable,
                format!(
                    "the stored key of credential {:?} {fault}; update the credential with it",
                    credential.name
                ),
            ));
        }
        // What reading it would say.
        if let Some(problem) = unserved(&credential) {
            return Err(problem);
        }
        if let Some(at) = credential.expires_at.filter(|at| *at <= now) {
            return Err(expired(&credential, at));
        }
        if !credential.rate_limit_status(Millis(0)).allowed() {
            let refusal = Problem::new(ProblemKind::LimitReached, "Rate limit exceeded");
            return Err(Problem { retry_at: Some(month::next(now)), ..refusal });
        }
        if !live {
            return Ok(TestReport { credential, live: None });
        }
        // Written before the key leaves: whoever asked may hang up before the provider has answered.
        let mut tx = self.custody.store.write().await?;
        let target = Target::named("credential", credential.uid, &credential.name);
        let detail = json!({ "live": true, "provider": credential.provider.as_str(), "endpoint": credential.endpoint });
        let now = tx.now().await?;
        let entry = entry(&self.actor, "credential.test", target, now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        let report = self.ask_provider(&credential, &key).await?;
        Ok(TestReport { credential, live: Some(report) })
    }

    /// Asks a credential's provider about a key with a call that spends nothing.
    pub(super) async fn ask_provider(
        &self,
        credential: &Credential,
        key: &Secret,
    ) -> Result<ProbeReport, Problem> {
        let client = self.settings.guard.client()?;
        let probe = ai::probe(&client, &credential.provider, credential.endpoint.as_deref(), key);
        tokio::time::timeout(LIVE_TEST_TIMEOUT, probe).await.map_err(|_| {
            Problem::new(ProblemKind::BadGateway, "the provider did not answer within 30 seconds")
        })
    }
}
