//! A new key in steps: staged, asked about, tried with a share of the calls, and then in use, or taken back.

use serde_json::json;
use strongroom_connectors::ai::{ProbeOutcome, ProbeReport};
use strongroom_model::credential::Credential;
use strongroom_model::version::Version;
use strongroom_model::{CredentialId, Problem, ProblemKind, Secret, Uid};
use strongroom_store::{credential, version};

use super::change::{Change, no_version, nothing_staged};
use super::{CredentialService, target};
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;

/// The provider's answer about a version.
#[derive(Debug)]
pub struct VersionProbe {
    /// The number of the version.
    pub number: i64,
    /// The answer.
    pub report: ProbeReport,
}

/// The provider knows the key, though it may not serve it just now.
fn is_accepted(outcome: ProbeOutcome) -> bool {
    matches!(outcome, ProbeOutcome::Ok | ProbeOutcome::RateLimited)
}

impl CredentialService {
    /// Stores a key that waits to come into use. Without a second secret it has the one that is in use.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault; of kind `NotFound`, `Conflict` when one is staged already, or
    /// `PreconditionFailed`.
    pub async fn stage(
        &self,
        id: CredentialId,
        api_key: Secret,
        api_secret: Option<Secret>,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        self.change(id, &Change::Stage { api_key, api_secret, provider_key: None }, if_match).await
    }

    /// Asks the provider about one version with a call that spends nothing, and keeps what it said. Counts no use.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when its values are gone, `Integrity` when it does not open.
    pub async fn probe_version(&self, id: CredentialId, number: i64) -> Result<VersionProbe, Problem> {
        // Written before the key leaves: whoever asked may hang up before the provider has answered.
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        // Another provider or endpoint is not to come between the row and its values.
        credential::lock(&mut tx, id).await?;
        let found = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
        let asked = version::get(&mut tx, found.uid, number).await?.ok_or_else(|| no_version(number))?;
        if let Some((erasure, _)) = asked.erased {
            return Err(Problem::conflict(format!(
                "the values of version {number} are gone: it was {}",
                erasure.as_str()
            )));
        }
        self.custody.require_version(&mut tx, found.uid, &asked).await?;
        let values = self.custody.values_of_version(&mut tx, asked.uid).await?;
        let key = match self.custody.open_all(&found, values) {
            Ok(opened) => opened.api_key.ok_or_else(|| super::visibility::no_key(&found))?,
            Err(fault) => {
                tx.roll_back().await?;
                return Err(self.custody.report_broken(&self.actor, &found, fault).await);
            }
        };
        let detail = json!({
            "version": number, "provider": found.provider.as_str(), "endpoint": found.endpoint,
        });
        let entry = entry(&self.actor, "credential.probe", target(&found), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        let report = self.ask_provider(&found, &key).await?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let fate = Fate::Probed(report.outcome.as_str());
        self.custody.change_version(&mut tx, asked.uid, fate, now).await?;
        tx.commit().await?;
        Ok(VersionProbe { number, report })
    }

    /// Sends so many of a hundred calls through the gateway to the staged version; 0 sends none. The provider is asked
    /// about it first, unless it has said well of it already or `is_trusted`.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when nothing is staged, `Unprocessable` when the provider does not accept
    /// the key, or `PreconditionFailed`.
    pub async fn canary(
        &self,
        id: CredentialId,
        percent: i64,
        is_trusted: bool,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        if percent > 0 && !is_trusted {
            self.require_accepted(id, if_match).await?;
        }
        self.change(id, &Change::Canary { percent }, if_match).await
    }

    /// Brings the staged version into use. Calls under way end with the old one, which is retired when the last of them
    /// has. The provider is asked as for [`Self::canary`].
    ///
    /// # Errors
    /// As [`Self::canary`].
    pub async fn promote(
        &self,
        id: CredentialId,
        is_trusted: bool,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        if !is_trusted {
            self.require_accepted(id, if_match).await?;
        }
        self.change(id, &Change::Promote, if_match).await
    }

    /// Takes the staged version back.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when nothing is staged, or `PreconditionFailed`.
    pub async fn abort(&self, id: CredentialId, if_match: Option<i64>) -> Result<Credential, Problem> {
        self.change(id, &Change::Abort, if_match).await
    }

    /// Takes a staged version back because the provider refuses calls with it.
    pub(crate) async fn refuse_canary(
        &self,
        id: CredentialId,
        version: Uid,
        reason: String,
    ) -> Result<Credential, Problem> {
        self.change(id, &Change::Refuse { version, reason }, None).await
    }

    async fn require_accepted(&self, id: CredentialId, if_match: Option<i64>) -> Result<(), Problem> {
        let (found, staged) = self.staged_version(id).await?;
        // Before a key is sent anywhere for a change that will not be made.
        if if_match.is_some_and(|revision| revision != found.revision) {
            return Err(super::passed());
        }
        let accepted = [ProbeOutcome::Ok, ProbeOutcome::RateLimited].map(ProbeOutcome::as_str);
        if staged.probed.as_ref().is_some_and(|(outcome, _)| accepted.contains(&outcome.as_str())) {
            return Ok(());
        }
        let VersionProbe { number, report } = self.probe_version(id, staged.number).await?;
        if is_accepted(report.outcome) {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::Unprocessable,
            format!(
                "the provider does not say well of version {number} ({}): {}; abort it and stage another key, or go on \
                 without asking (`skipTest`, --no-test on the command line)",
                report.outcome.as_str(),
                report.detail
            ),
        ))
    }

    async fn staged_version(&self, id: CredentialId) -> Result<(Credential, Version), Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let found = credential::get(&mut session, id, now).await?.ok_or_else(super::not_found)?;
        let number = found.staged.ok_or_else(nothing_staged)?.number;
        let staged = version::get(&mut session, found.uid, number).await?.ok_or_else(nothing_staged)?;
        self.custody.require_version(&mut session, found.uid, &staged).await?;
        Ok((found, staged))
    }
}
