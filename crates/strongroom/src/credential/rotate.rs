//! Rotation by itself: a provider that mints keys makes a new one, it comes into use, and the old one is revoked once no
//! call needs it.

use serde_json::json;
use strongroom_connectors::ai::minting::{self, Minted};
use strongroom_model::alert::{Level, Rule};
use strongroom_model::credential::{Credential, Minter};
use strongroom_model::problem::Causes;
use strongroom_model::{CredentialId, Millis, Problem, Secret};
use strongroom_store::alert::incident::Subject;
use strongroom_store::{Write, credential, reminder, version};

use super::change::Change;
use super::{CredentialService, target};
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;
use crate::event::{Seen, end_lasting, note_lasting};

/// Milliseconds for which a retired key stays good at its provider, so that it can still be rolled back to.
const GRACE: i64 = 24 * HOUR;
const HOUR: i64 = 3_600_000;

/// A credential, and the one whose key mints keys for it, opened.
pub(super) struct Opened {
    found: Credential,
    pub(super) minter: Credential,
    key: Secret,
    project: Option<String>,
}

impl Opened {
    pub(super) fn minter(&self) -> minting::Minter<'_> {
        minting::Minter {
            provider: &self.minter.provider,
            endpoint: self.minter.endpoint.as_deref(),
            key: &self.key,
            project: self.project.as_deref(),
        }
    }
}

fn by_hand() -> Problem {
    Problem::conflict(
        "no credential is set that mints keys for this one (rotateWith): set one, or stage a new key by hand",
    )
}

impl CredentialService {
    /// Tells whether a credential may mint keys for another one.
    pub(super) async fn minter(
        &self,
        tx: &mut Write,
        found: &Credential,
        id: CredentialId,
        project: Option<String>,
        now: Millis,
    ) -> Result<Minter, Problem> {
        let wrong = |message: &str| Problem::invalid("rotateWith", message);
        let minter =
            credential::get(tx, id, now).await?.ok_or_else(|| wrong("there is no such credential"))?;
        if minter.uid == found.uid || minter.provider != found.provider {
            return Err(wrong("rotateWith must name another credential of the same provider"));
        }
        if !minting::mints(&minter.provider) {
            return Err(wrong("this provider has no API that makes keys; rotate by hand"));
        }
        if minting::needs_project(&minter.provider) != project.is_some() {
            return Err(Problem::invalid(
                "rotateWith.project",
                "OpenAI makes keys in a project, which has to be named; other providers have none",
            ));
        }
        if project
            .as_ref()
            .is_some_and(|it| it.is_empty() || it.len() > 128 || it.chars().any(char::is_control))
        {
            return Err(Problem::invalid(
                "rotateWith.project",
                "rotateWith.project must be 1 to 128 characters",
            ));
        }
        Ok(Minter { credential: minter.uid, id: minter.id, project })
    }

    /// Has the provider make a new key, asks about it, and brings it into use. The old one is revoked a day after no call
    /// uses it any more, if it was made in this way too.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, `Conflict` when nothing is set to mint with or a version is staged,
    /// `PreconditionFailed`, or `BadGateway` when the provider does not do its part.
    pub async fn rotate(&self, id: CredentialId, if_match: Option<i64>) -> Result<Credential, Problem> {
        let opened = self.open_minter(id, if_match).await?;
        let client = self.settings.guard.client()?;
        let name = format!("strongroom {} v{}", opened.found.name, opened.found.version_number + 1);
        let Minted { key, id: provider_key } = minting::mint(&client, opened.minter(), &name).await?;
        let stage =
            Change::Stage { api_key: key, api_secret: None, provider_key: Some(provider_key.clone()) };
        let staged = match self.change(id, &stage, Some(opened.found.revision)).await {
            Ok(staged) => staged,
            Err(problem) => {
                // Nobody knows the key: it is not left behind.
                if let Err(left) = minting::revoke(&client, opened.minter(), &provider_key).await {
                    tracing::error!(credential = %opened.found.name, provider_key, problem = %left,
                        "failed to revoke a new key that is not used: revoke it at the provider");
                }
                return Err(problem);
            }
        };
        self.promote(id, false, Some(staged.revision)).await
    }

    /// Opens the credential that mints for another one, and writes that its key leaves.
    async fn open_minter(&self, id: CredentialId, if_match: Option<i64>) -> Result<Opened, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        credential::lock(&mut tx, id).await?;
        let found = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
        if if_match.is_some_and(|revision| revision != found.revision) {
            return Err(super::passed());
        }
        self.require_genuine(&found)?;
        if let Some(staged) = found.staged {
            return Err(Problem::conflict(format!(
                "version {} is staged already: promote it or abort it first",
                staged.number
            )));
        }
        let opened = self.open_minter_of(&mut tx, found, now).await?;
        let detail = json!({ "with": opened.minter.name, "provider": opened.minter.provider.as_str(),
            "endpoint": opened.minter.endpoint });
        let entry = entry(&self.actor, "credential.rotate", target(&opened.found), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(opened)
    }

    pub(super) async fn open_minter_of(
        &self,
        tx: &mut Write,
        found: Credential,
        now: Millis,
    ) -> Result<Opened, Problem> {
        let wanted = found.minter.clone().ok_or_else(by_hand)?;
        credential::lock(tx, wanted.id).await?;
        let minter = credential::get_by_uid(tx, wanted.credential, now).await?.ok_or_else(by_hand)?;
        if minter.provider != found.provider {
            return Err(by_hand());
        }
        let values = self.custody.values_of_version(tx, minter.version).await?;
        let opened = self.custody.open_all(&minter, values).map_err(|fault| {
            self.custody.counters.integrity_failures.add_one();
            Problem::integrity(format!("credential {:?} cannot be opened: {}", minter.name, fault.remedy()))
        })?;
        let key = opened.api_key.ok_or_else(|| super::visibility::no_key(&minter))?;
        Ok(Opened { found, minter, key, project: wanted.project })
    }

    /// Rotates what is due and has something to mint with; of several servers one does. What fails is tried again an hour
    /// later. Tells how many were rotated.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be looked at.
    pub async fn rotate_due(&self) -> Result<usize, Problem> {
        let (due, now) = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            (reminder::list_due(&mut session, Millis(i64::MIN), now).await?, now)
        };
        let mut rotated = 0;
        for id in due.into_iter().map(CredentialId) {
            let mut tx = self.custody.store.write().await?;
            let Some(found) = credential::get(&mut tx, id, now).await?.filter(|it| it.minter.is_some())
            else {
                tx.roll_back().await?;
                continue;
            };
            // What somebody has staged is theirs to promote.
            let is_ours = match found.staged {
                Some(staged) => version::get(&mut tx, found.uid, staged.number)
                    .await?
                    .is_some_and(|it| it.provider_key.is_some() && staged.percent == 0),
                None => true,
            };
            if !is_ours {
                tx.roll_back().await?;
                continue;
            }
            let hour = Millis(now.0 - now.0.rem_euclid(HOUR));
            if !reminder::note(&mut tx, found.uid, "rotation_tried", hour, now).await? {
                tx.roll_back().await?;
                continue;
            }
            tx.commit().await?;
            // A key that was made before and could not come into use then.
            let done = match found.staged {
                Some(_) => self.promote(id, false, Some(found.revision)).await,
                None => self.rotate(id, Some(found.revision)).await,
            };
            match done {
                Ok(found) => {
                    rotated += 1;
                    self.note_rotation(&found, true).await?;
                    tracing::info!(credential = %found.name, version = found.version_number, "rotated a key");
                }
                Err(problem) => {
                    let cause = problem.cause.as_ref().map(|cause| Causes(cause.as_ref()).to_string());
                    tracing::warn!(credential = %found.name, %problem, cause, "failed to rotate a key");
                    self.note_rotation(&found, false).await?;
                }
            }
        }
        Ok(rotated)
    }

    /// Writes down that a key could not be replaced by itself, or that it was after all.
    async fn note_rotation(&self, found: &Credential, is_done: bool) -> Result<(), Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let subject = Subject::of("credential", found.uid);
        if is_done {
            end_lasting(&mut tx, Rule::RotationFailed, &subject, "it was replaced", now).await?;
        } else {
            let seen = Seen::of(Rule::RotationFailed, Level::Critical, subject);
            note_lasting(&self.custody, &mut tx, seen, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Has providers revoke keys that they made and that are retired for a day. Tells how many.
    ///
    /// # Errors
    /// [`Problem`] when it cannot be looked at.
    pub async fn revoke_retired(&self) -> Result<usize, Problem> {
        let revocable = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            let revocable = version::list_revocable(&mut session, Millis(now.0 - GRACE)).await?;
            // Which keys are needed no more is told by the rows and fingerprints of all versions.
            let changed = match revocable.is_empty() {
                true => Vec::new(),
                false => self.custody.changed_versions(&mut session).await?,
            };
            if let Some(first) = changed.first() {
                return Err(Problem::integrity(format!(
                    "no key is revoked at its provider, for the database was changed outside strongroom: {first}, and {} more; \
                     restore the tables credential_versions and credential_values from a backup",
                    changed.len() - 1
                )));
            }
            revocable
        };
        let mut revoked = 0;
        for one in revocable {
            match self.revoke(&one).await {
                Ok(is_first) => revoked += usize::from(is_first),
                Err(problem) => {
                    tracing::warn!(credential = one.credential_id, version = one.number, %problem,
                        "failed to revoke a retired key at its provider");
                }
            }
        }
        Ok(revoked)
    }

    async fn revoke(&self, one: &version::Revocable) -> Result<bool, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let found = credential::get(&mut tx, CredentialId(one.credential_id), now).await?;
        let found = found.ok_or_else(super::not_found)?;
        self.require_genuine(&found)?;
        let version = version::get(&mut tx, found.uid, one.number).await?;
        let version = version.filter(|it| it.provider_key.as_ref() == Some(&one.provider_key));
        let version = version.ok_or_else(|| super::change::no_version(one.number))?;
        self.custody.require_version(&mut tx, found.uid, &version).await?;
        let opened = self.open_minter_of(&mut tx, found, now).await?;
        let detail = json!({ "version": one.number, "with": opened.minter.name });
        let entry = entry(&self.actor, "credential.revoke", target(&opened.found), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        // Several servers may do it: who comes second hears that there is no such key.
        let client = self.settings.guard.client()?;
        minting::revoke(&client, opened.minter(), &one.provider_key).await?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let is_first = self.custody.change_version(&mut tx, version.uid, Fate::Revoked, now).await?;
        tx.commit().await?;
        Ok(is_first)
    }
}
