//! Making, changing and deleting credentials, and resetting the month by hand.

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::audit::Target;
use strongroom_model::credential::{
    Credential, CredentialPatch, Field, NewCredential, Source, check_name, check_rate_limit, check_secret,
};
use strongroom_model::limit::{Unit, Window};
use strongroom_model::{CredentialId, Millis, Problem, ProblemKind, Provider, Secret, Uid, UserId, month};
use strongroom_store::credential::NewRow;
use strongroom_store::idempotency::{self, Remembered};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{StoreError, Write, counter, credential, limit, value, version};

use super::CredentialService;
use crate::audit::entry;
use crate::sealing::Place;

/// How often a change starts over when another one was faster.
const ATTEMPTS: usize = 8;
/// How long an answer is remembered under its idempotency key: a day, in seconds.
const REMEMBER: i64 = 24 * 3600;
/// The mission's `rateLimit`.
pub(super) const MONTHLY_REQUESTS: (Unit, Window) = (Unit::Requests, Window::Month);

/// A request that is to be carried out once, however often it is sent.
#[derive(Debug, Clone)]
pub struct Once {
    /// The value of `Idempotency-Key`.
    pub key: String,
    /// The request itself, to tell another one under the same key.
    pub request: Secret,
}

/// A credential that was made, or the answer that was given when it was.
#[derive(Debug)]
pub enum Created {
    /// Made now.
    Now(Box<Credential>),
    /// Made before: the body of that answer.
    Before(String),
}

pub(super) fn target(credential: &Credential) -> Target {
    Target::named("credential", credential.uid, &credential.name)
}

fn taken(error: StoreError) -> Problem {
    match error {
        StoreError::Taken(_) => Problem {
            field: Some("name".into()),
            ..Problem::conflict("a credential of that name is already there")
        },
        StoreError::Dangling(_) => Problem::invalid("userId", "there is no such user"),
        other => other.into(),
    }
}

fn passed() -> Problem {
    Problem::new(
        ProblemKind::PreconditionFailed,
        "the credential was changed meanwhile: read it again and repeat the change with its new revision",
    )
}

impl CredentialService {
    /// Makes a credential.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault; of kind `Conflict` when the name is taken.
    pub async fn create(&self, new: NewCredential) -> Result<Credential, Problem> {
        let mut tx = self.room.0.store.write().await?;
        let made = self.create_in(&mut tx, new).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Makes a credential once per idempotency key, and remembers for a day the answer that `render` makes of it.
    ///
    /// # Errors
    /// As [`Self::create`], and of kind `Unprocessable` when the key was used for another request.
    pub async fn create_once(
        &self,
        new: NewCredential,
        once: Once,
        render: impl Fn(&Credential) -> String,
    ) -> Result<Created, Problem> {
        if once.key.is_empty() || once.key.len() > 255 || once.key.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "Idempotency-Key",
                "Idempotency-Key must be 1 to 255 printable characters",
            ));
        }
        let actor = self.actor.label();
        let request_hash = self.room.0.keyring.fingerprint(&once.request).value;
        for _ in 0..ATTEMPTS {
            let mut tx = self.room.0.store.write().await?;
            let now = tx.now().await?;
            let since = now.plus_seconds(-REMEMBER);
            if let Some(given) = idempotency::get(&mut tx, &actor, &once.key, since).await? {
                if given.request_hash != request_hash {
                    return Err(Problem::new(
                        ProblemKind::Unprocessable,
                        "this Idempotency-Key was used for another request; use a new one",
                    ));
                }
                return Ok(Created::Before(given.body));
            }
            // The answer is reserved first: of two requests at once the second waits here and then finds the answer.
            let made = self.make(&mut tx, new.clone(), now).await?;
            let answer = Remembered { request_hash: request_hash.clone(), status: 201, body: render(&made) };
            match idempotency::put(&mut tx, &actor, &once.key, &answer, (since, now)).await {
                Ok(()) => {
                    self.audit_created(&mut tx, &made, now).await?;
                    tx.commit().await?;
                    return Ok(Created::Now(Box::new(made)));
                }
                Err(StoreError::Taken(_)) => tx.roll_back().await?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(passed())
    }

    async fn create_in(&self, tx: &mut Write, new: NewCredential) -> Result<Credential, Problem> {
        let now = tx.now().await?;
        let made = self.make(tx, new, now).await?;
        self.audit_created(tx, &made, now).await?;
        Ok(made)
    }

    async fn audit_created(&self, tx: &mut Write, made: &Credential, now: Millis) -> Result<(), Problem> {
        let detail = json!({
            "id": made.id, "provider": made.provider.as_str(), "endpoint": made.endpoint,
            "isGlobal": made.is_global, "userId": made.user, "rateLimit": made.rate_limit,
        });
        let entry = entry(&self.actor, "credential.create", target(made), now, &detail);
        self.room.append(tx, vec![entry]).await
    }

    async fn make(&self, tx: &mut Write, new: NewCredential, now: Millis) -> Result<Credential, Problem> {
        check_name(&new.name)?;
        if let Some(key) = &new.api_key {
            check_secret("apiKey", key)?;
        }
        if let Some(secret) = &new.api_secret {
            check_secret("apiSecret", secret)?;
        }
        if let Some(limit) = new.rate_limit {
            check_rate_limit(limit)?;
        }
        self.check_where(&new.provider, new.endpoint.as_deref())?;
        check_owner(new.is_global, new.user)?;
        let (uid, version_uid) = (random::uid(), random::uid());
        let row = NewRow {
            id: None,
            uid,
            name: &new.name,
            provider: &new.provider,
            endpoint: new.endpoint.as_deref(),
            priority: new.priority.unwrap_or_else(|| new.provider.default_priority()),
            is_active: new.is_active,
            is_global: new.is_global,
            user: new.user,
            version: version_uid,
            created_at: now,
            updated_at: now,
        };
        let id = credential::insert(tx, &row).await.map_err(taken)?;
        version::insert(tx, uid, version_uid, &self.actor.label(), now).await?;
        let place = Place { credential: uid, provider: &new.provider, endpoint: new.endpoint.as_deref() };
        for (field, secret) in [(Field::ApiKey, &new.api_key), (Field::ApiSecret, &new.api_secret)] {
            if let Some(secret) = secret {
                self.room.seal_into(tx, place, version_uid, field, secret).await?;
            }
        }
        limit::set_for_credential(tx, uid, MONTHLY_REQUESTS, new.rate_limit, now).await?;
        let made = credential::get(tx, id, now).await?;
        made.ok_or_else(|| Problem::internal("the credential is not there after it was made"))
    }

    /// Changes a credential. A new secret makes a new version; another provider or endpoint seals all anew.
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
        check_patch(&patch)?;
        for _ in 0..ATTEMPTS {
            let mut tx = self.room.0.store.write().await?;
            let now = tx.now().await?;
            let before = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            if if_match.is_some_and(|revision| revision != before.revision) {
                return Err(passed());
            }
            let after = self.patched(&before, &patch)?;
            if let Some(after) = self.write_update(&mut tx, &before, after, &patch, now).await? {
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

    fn patched(&self, before: &Credential, patch: &CredentialPatch) -> Result<Credential, Problem> {
        let mut after = before.clone();
        after.name = patch.name.clone().unwrap_or(after.name);
        after.provider = patch.provider.clone().unwrap_or(after.provider);
        after.endpoint = patch.endpoint.clone().unwrap_or(after.endpoint);
        after.priority = patch.priority.unwrap_or(after.priority);
        after.is_active = patch.is_active.unwrap_or(after.is_active);
        after.is_global = patch.is_global.unwrap_or(after.is_global);
        after.user = patch.user.unwrap_or(after.user);
        after.rate_limit = patch.rate_limit.unwrap_or(after.rate_limit);
        if patch.provider.is_some() || patch.endpoint.is_some() {
            self.check_where(&after.provider, after.endpoint.as_deref())?;
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
        patch: &CredentialPatch,
        now: Millis,
    ) -> Result<Option<Credential>, Problem> {
        let has_new_secret = patch.api_key.is_some() || patch.api_secret.is_some();
        let has_moved = after.provider != before.provider || after.endpoint != before.endpoint;
        if has_new_secret {
            after.version = random::uid();
        }
        // The row is written first: it is locked then, and of two changes at once the slower one stops here.
        if !credential::update(tx, &after, now).await.map_err(taken)? {
            return Ok(None);
        }
        if has_moved {
            self.seal_anew(tx, before, &after).await?;
        }
        if has_new_secret {
            version::insert(tx, after.uid, after.version, &self.actor.label(), now).await?;
            self.seal_version(tx, before, &after, patch).await?;
        }
        if patch.rate_limit.is_some() {
            limit::set_for_credential(tx, after.uid, MONTHLY_REQUESTS, after.rate_limit, now).await?;
        }
        let after = credential::get(tx, after.id, now).await?.ok_or_else(super::not_found)?;
        let detail =
            json!({ "changed": changed(patch), "revision": after.revision, "version": after.version_number });
        let entry = entry(&self.actor, "credential.update", target(&after), now, &detail);
        self.room.append(tx, vec![entry]).await?;
        Ok(Some(after))
    }

    /// Seals every value of a credential for its new provider and endpoint. An old version that does not open stays
    /// as broken as it is; the present one must open.
    async fn seal_anew(
        &self,
        tx: &mut Write,
        before: &Credential,
        after: &Credential,
    ) -> Result<(), Problem> {
        for value in value::list_of_credential(tx, before.uid).await? {
            match self.room.open_value(Place::of(before), &value) {
                Ok(secret) => {
                    self.room.seal_into(tx, Place::of(after), value.version, value.field, &secret).await?;
                }
                Err(_) if value.version != before.version => {}
                Err(error) => return Err(broken(before, error)),
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
        let place = Place::of(after);
        let kept = value::list_of_version(tx, before.version).await?;
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
                    .map(|value| self.room.open_value(place, value).map_err(|error| broken(before, error)))
                    .transpose()?,
            };
            if let Some(secret) = secret {
                self.room.seal_into(tx, place, after.version, field, &secret).await?;
            }
        }
        Ok(())
    }

    /// Deletes a credential; its name is free at once. With `if_match` only when its revision is still that one.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `PreconditionFailed`.
    pub async fn delete(&self, id: CredentialId, if_match: Option<i64>) -> Result<(), Problem> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.room.0.store.write().await?;
            let now = tx.now().await?;
            let found = credential::get(&mut tx, id, now).await?.ok_or_else(super::not_found)?;
            if if_match.is_some_and(|revision| revision != found.revision) {
                return Err(passed());
            }
            if credential::delete(&mut tx, id, found.revision, now).await? {
                let entry =
                    entry(&self.actor, "credential.delete", target(&found), now, &json!({ "id": id }));
                self.room.append(&mut tx, vec![entry]).await?;
                return Ok(tx.commit().await?);
            }
            tx.roll_back().await?;
        }
        Err(passed())
    }

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

    /// Whether a credential of this provider may point at this endpoint.
    fn check_where(&self, provider: &Provider, endpoint: Option<&str>) -> Result<(), Problem> {
        let speaks_by_itself = provider.known().is_some_and(|known| known.base_url.is_some());
        match endpoint {
            Some(endpoint) => self.room.0.guard.check(endpoint).map(|_| ()),
            None if speaks_by_itself => Ok(()),
            None => Err(Problem::invalid(
                "endpoint",
                format!("provider {provider} needs an endpoint: the base URL of its OpenAI-compatible API"),
            )),
        }
    }
}

fn broken(credential: &Credential, error: strongroom_crypto::OpenError) -> Problem {
    Problem::integrity(format!(
        "credential {:?} cannot be opened, so it cannot be sealed anew: {error}; \
         restore the row from a backup, or store the key anew in the same change",
        credential.name
    ))
    .caused_by(error)
}

fn check_owner(is_global: bool, user: Option<UserId>) -> Result<(), Problem> {
    if is_global || user.is_some() {
        return Ok(());
    }
    Err(Problem::invalid("userId", "a credential that is not global needs a userId: whose it is"))
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
    Ok(())
}

/// The names of the fields that a patch touches, never their values.
fn changed(patch: &CredentialPatch) -> Vec<&'static str> {
    let touched = [
        ("name", patch.name.is_some()),
        ("provider", patch.provider.is_some()),
        ("apiKey", patch.api_key.is_some()),
        ("apiSecret", patch.api_secret.is_some()),
        ("endpoint", patch.endpoint.is_some()),
        ("priority", patch.priority.is_some()),
        ("isActive", patch.is_active.is_some()),
        ("isGlobal", patch.is_global.is_some()),
        ("userId", patch.user.is_some()),
        ("rateLimit", patch.rate_limit.is_some()),
    ];
    touched.into_iter().filter_map(|(name, is_touched)| is_touched.then_some(name)).collect()
}
