//! Changing credentials: new versions of secrets, and resealing for another provider or endpoint.

use serde_json::json;
use strongroom_crypto::authority::CredentialGrant;
use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::credential::{
    Credential, CredentialPatch, Field, check_expiry, check_name, check_rate_limit, check_rotation,
    check_secret,
};
use strongroom_model::limit::LimitScope;
use strongroom_model::{CredentialId, Millis, Problem};
use strongroom_store::alert::incident::Subject;
use strongroom_store::{Write, credential, limit, version};

use super::create::check_owner;
use super::{ATTEMPTS, CredentialService, monthly_limit, passed, taken, target};
use crate::crossing;
use crate::custody::seal::SealBinding;
use crate::custody::trail::entry;
use crate::custody::version_facts::Fate;
use crate::event::{Seen, note_event};

impl CredentialService {
    /// Changes a credential. A new secret makes a new version; another provider or endpoint reseals all.
    /// With `if_match` only when its revision is still that one.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault; of kind `NotFound`, `Conflict`, `PreconditionFailed` or `Integrity`.
    pub async fn update(
        &self,
        id: CredentialId,
        patch: CredentialPatch,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        self.update_as("credential.update", id, patch, if_match).await
    }

    /// The same under another name in the audit trail.
    pub(crate) async fn update_as(
        &self,
        action: &'static str,
        id: CredentialId,
        patch: CredentialPatch,
        if_match: Option<i64>,
    ) -> Result<Credential, Problem> {
        check_patch(&patch)?;
        for _ in 0..ATTEMPTS {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let before = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            if if_match.is_some_and(|revision| revision != before.revision) {
                return Err(passed());
            }
            self.require_genuine(&before)?;
            if let Some(Some(at)) = patch.expires_at {
                check_expiry(at, now)?;
            }
            let mut after = self.patched(&before, &patch, now)?;
            if let Some(minter) = &patch.minter {
                after.minter = match minter {
                    Some((id, project)) => {
                        Some(self.minter(&mut tx, &after, *id, project.clone(), now).await?)
                    }
                    None => None,
                };
            }
            if let Some(after) = self.write_update(&mut tx, &before, after, action, &patch, now).await? {
                tx.commit().await?;
                return Ok(after);
            }
            tx.roll_back().await?;
            if if_match.is_some() {
                return Err(passed());
            }
        }
        Err(passed())
    }

    fn patched(
        &self,
        before: &Credential,
        patch: &CredentialPatch,
        now: Millis,
    ) -> Result<Credential, Problem> {
        let mut after = before.clone();
        after.name = patch.name.clone().unwrap_or(after.name);
        after.provider = patch.provider.clone().unwrap_or(after.provider);
        after.endpoint = patch.endpoint.clone().unwrap_or(after.endpoint);
        after.priority = patch.priority.unwrap_or(after.priority);
        after.is_active = patch.is_active.unwrap_or(after.is_active);
        after.frozen_at = match patch.is_frozen {
            None => after.frozen_at,
            Some(false) => None,
            Some(true) => after.frozen_at.or(Some(now)),
        };
        after.is_global = patch.is_global.unwrap_or(after.is_global);
        after.user = patch.user.unwrap_or(after.user);
        after.rate_limit = patch.rate_limit.unwrap_or(after.rate_limit);
        after.expires_at = patch.expires_at.unwrap_or(after.expires_at);
        after.rotate_after_days = patch.rotate_after_days.unwrap_or(after.rotate_after_days);
        after.tags = patch.tags.clone().unwrap_or(after.tags);
        if patch.provider.is_some() || patch.endpoint.is_some() {
            after.endpoint = self.endpoint(&after.provider, after.endpoint.as_deref())?;
        }
        if patch.is_global.is_some() || patch.user.is_some() {
            check_owner(after.is_global, after.user)?;
        }
        Ok(after)
    }

    /// `None` when another change was faster.
    async fn write_update(
        &self,
        tx: &mut Write,
        before: &Credential,
        mut after: Credential,
        action: &'static str,
        patch: &CredentialPatch,
        now: Millis,
    ) -> Result<Option<Credential>, Problem> {
        let has_new_secret = patch.api_key.is_some() || patch.api_secret.is_some();
        let has_moved = after.provider != before.provider || after.endpoint != before.endpoint;
        if has_new_secret {
            after.version = random::uid();
        }
        after.mac = self.custody.sign_credential(&CredentialGrant::from(&after));
        // The row is written first: it is locked then, and of two changes at once the slower one stops here.
        if !credential::update(tx, &after, now).await.map_err(taken)? {
            return Ok(None);
        }
        if has_moved {
            self.reseal(tx, before, &after, patch).await?;
        }
        if has_new_secret {
            version::insert(tx, after.uid, after.version, &self.actor.label(), now).await?;
            self.custody.change_version(tx, before.version, Fate::Replaced, now).await?;
            self.seal_version(tx, before, &after, patch).await?;
            self.custody.sign_new_version(tx, after.version, now).await?;
        }
        if patch.rate_limit.is_some() {
            let scope = LimitScope::Credential(after.uid);
            limit::set(tx, &monthly_limit(&scope, after.rate_limit, now)).await?;
            let limits = limit::list_of_scope(tx, &scope, i64::MAX).await?;
            if let Some(limit) = limits.iter().find(|limit| limit.counter_subject() == after.uid) {
                crossing::changed(&self.custody, tx, limit, "the limit was changed", now).await?;
                self.custody.exhausted.forget_written();
            }
        }
        let after = credential::get(tx, after.id, now).await?.ok_or_else(super::not_found)?;
        let mut detail = json!({ "changed": changed(before, &after, patch), "revision": after.revision, "version": after.version_number });
        if has_new_secret {
            let pruned = self.prune(tx, &after, now).await?;
            if !pruned.is_empty() {
                detail["pruned"] = json!(pruned);
            }
        }
        if before.frozen_at.is_some() && after.frozen_at.is_none() {
            let subject = Subject::of("credential", after.uid);
            let seen = Seen::of(Rule::AuthorityChanged, Level::High, subject);
            note_event(&self.custody, tx, seen, now).await?;
        }
        let entry = entry(&self.actor, action, target(&after), now, &detail);
        self.custody.append(tx, vec![entry]).await?;
        Ok(Some(after))
    }

    /// Seals every value of a credential for its new provider and endpoint. An old version that does not open stays
    /// as broken as it is; the present one must open, but for what the patch replaces.
    async fn reseal(
        &self,
        tx: &mut Write,
        before: &Credential,
        after: &Credential,
        patch: &CredentialPatch,
    ) -> Result<(), Problem> {
        for value in self.custody.values_of_credential(tx, before.uid).await? {
            match self.custody.open_value(SealBinding::of(before), &value) {
                Ok(secret) => {
                    self.custody
                        .seal_into(tx, SealBinding::of(after), value.version, value.field, &secret)
                        .await?;
                }
                Err(_) if value.version != before.version || replaces(patch, value.field) => {}
                Err(error) => return Err(self.broken(before, error)),
            }
        }
        Ok(())
    }

    /// Fills a new version: what the patch brings, and what it leaves from the version before.
    async fn seal_version(
        &self,
        tx: &mut Write,
        before: &Credential,
        after: &Credential,
        patch: &CredentialPatch,
    ) -> Result<(), Problem> {
        let place = SealBinding::of(after);
        let kept = self.custody.values_of_version(tx, before.version).await?;
        for field in [Field::ApiKey, Field::ApiSecret] {
            let brought = match field {
                Field::ApiKey => patch.api_key.clone().map(Some),
                Field::ApiSecret => patch.api_secret.clone(),
            };
            let secret = match brought {
                Some(brought) => brought,
                None => kept
                    .iter()
                    .find(|value| value.field == field)
                    // Already sealed for where the credential points now.
                    .map(|value| {
                        self.custody.open_value(place, value).map_err(|error| self.broken(before, error))
                    })
                    .transpose()?,
            };
            if let Some(secret) = secret {
                self.custody.seal_into(tx, place, after.version, field, &secret).await?;
            }
        }
        Ok(())
    }

    fn broken(&self, credential: &Credential, error: strongroom_crypto::OpenError) -> Problem {
        self.custody.counters.integrity_failures.add_one();
        Problem::integrity(format!(
            "credential {:?} cannot be opened, so it cannot be resealed: {error}; restore the row from a backup, or \
             store the key again in the same change",
            credential.name
        ))
        .caused_by(error)
    }
}

fn replaces(patch: &CredentialPatch, field: Field) -> bool {
    match field {
        Field::ApiKey => patch.api_key.is_some(),
        Field::ApiSecret => patch.api_secret.is_some(),
    }
}

fn check_patch(patch: &CredentialPatch) -> Result<(), Problem> {
    if let Some(name) = &patch.name {
        check_name(name)?;
    }
    if let Some(key) = &patch.api_key {
        check_secret("apiKey", key)?;
    }
    if let Some(Some(secret)) = &patch.api_secret {
        check_secret("apiSecret", secret)?;
    }
    if let Some(Some(limit)) = patch.rate_limit {
        check_rate_limit(limit)?;
    }
    if let Some(Some(days)) = patch.rotate_after_days {
        check_rotation(days)?;
    }
    Ok(())
}

/// Returns the changes of a patch: `[before, after]` of metadata, and of secrets only that there is a new one.
fn changed(before: &Credential, after: &Credential, patch: &CredentialPatch) -> serde_json::Value {
    let fields = |it: &Credential| {
        [
            ("name", json!(it.name)),
            ("provider", json!(it.provider.as_str())),
            ("endpoint", json!(it.endpoint)),
            ("priority", json!(it.priority)),
            ("isActive", json!(it.is_active)),
            ("isFrozen", json!(it.frozen_at.is_some())),
            ("isGlobal", json!(it.is_global)),
            ("userId", json!(it.user)),
            ("rateLimit", json!(it.rate_limit)),
            ("expiresAt", json!(it.expires_at)),
            ("rotateAfterDays", json!(it.rotate_after_days)),
            ("tags", json!(it.tags.pairs())),
            ("rotateWith", json!(it.minter.as_ref().map(|minter| minter.id))),
        ]
    };
    let mut changed = serde_json::Map::new();
    for ((name, old), (_, new)) in fields(before).into_iter().zip(fields(after)) {
        if old != new {
            changed.insert(name.to_owned(), json!([old, new]));
        }
    }
    for (name, is_new) in [("apiKey", patch.api_key.is_some()), ("apiSecret", patch.api_secret.is_some())] {
        if is_new {
            changed.insert(name.to_owned(), json!("new"));
        }
    }
    changed.into()
}
