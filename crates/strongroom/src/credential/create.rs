//! Making credentials, once per idempotency key.

use serde_json::json;
use strongroom_connectors::endpoint_form;
use strongroom_crypto::authority::{CredentialGrant, Life};
use strongroom_crypto::random;
use strongroom_model::credential::{
    Credential, Field, NewCredential, check_expiry, check_name, check_rate_limit, check_rotation,
    check_secret,
};
use strongroom_model::limit::LimitScope;
use strongroom_model::{Millis, Problem, ProblemKind, Provider, Secret, UserId};
use strongroom_store::credential::NewRow;
use strongroom_store::idempotency::{self, Remembered};
use strongroom_store::{Write, credential, limit, version};

use super::{CredentialService, monthly_limit, passed, taken, target};
use crate::custody::seal::SealBinding;
use crate::custody::trail::entry;

/// How long an answer is remembered under its idempotency key: a day, in seconds.
const REMEMBER: i64 = 24 * 3600;

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

impl CredentialService {
    /// Makes a credential.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault; of kind `Conflict` when the name is taken.
    pub async fn create(&self, new: NewCredential) -> Result<Credential, Problem> {
        let mut tx = self.custody.store.write().await?;
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
        let request_hash = self.custody.keyring().fingerprint(&once.request).value;
        // Stored like the request itself: as a fingerprint, for callers may put anything into a header.
        let key = self.custody.keyring().fingerprint(&Secret::new(once.key)).value;
        let mut conflict = None;
        for _ in 0..2 {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let since = now.plus_seconds(-REMEMBER);
            if let Some(given) = idempotency::get(&mut tx, &actor, &key, since).await? {
                if given.request_hash != request_hash {
                    return Err(Problem::new(
                        ProblemKind::Unprocessable,
                        "this Idempotency-Key was used for another request; use a new one",
                    ));
                }
                return Ok(Created::Before(given.body));
            }
            // Of two such requests at once the second waits in here, at the name or at the key, until the first has
            // committed; then it starts over and finds the first one's answer.
            match self.make_once(&mut tx, new.clone(), &key, &request_hash, &render, now).await {
                Ok(made) => {
                    tx.commit().await?;
                    return Ok(Created::Now(Box::new(made)));
                }
                Err(problem) if problem.kind == ProblemKind::Conflict => {
                    tx.roll_back().await?;
                    conflict = Some(problem);
                }
                Err(other) => return Err(other),
            }
        }
        Err(conflict.unwrap_or_else(passed))
    }

    async fn make_once(
        &self,
        tx: &mut Write,
        new: NewCredential,
        key: &str,
        request_hash: &str,
        render: impl Fn(&Credential) -> String,
        now: Millis,
    ) -> Result<Credential, Problem> {
        let made = self.make(tx, new, now).await?;
        let answer = Remembered { request_hash: request_hash.to_owned(), status: 201, body: render(&made) };
        let actor = self.actor.label();
        idempotency::put(tx, &actor, key, &answer, now.plus_seconds(-REMEMBER), now).await?;
        self.audit_created(tx, &made, now).await?;
        Ok(made)
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
            "expiresAt": made.expires_at, "rotateAfterDays": made.rotate_after_days, "tags": made.tags.pairs(),
        });
        let entry = entry(&self.actor, "credential.create", target(made), now, &detail);
        self.custody.append(tx, vec![entry]).await
    }

    async fn make(&self, tx: &mut Write, mut new: NewCredential, now: Millis) -> Result<Credential, Problem> {
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
        new.expires_at.map_or(Ok(()), |at| check_expiry(at, now))?;
        new.rotate_after_days.map_or(Ok(()), check_rotation)?;
        new.endpoint = self.endpoint(&new.provider, new.endpoint.as_deref())?;
        check_owner(new.is_global, new.user)?;
        let (uid, version_uid) = (random::uid(), random::uid());
        let grant = CredentialGrant {
            credential: uid,
            name: &new.name,
            provider: &new.provider,
            endpoint: new.endpoint.as_deref(),
            is_active: new.is_active,
            is_frozen: false,
            is_global: new.is_global,
            user: new.user,
            version: version_uid,
            life: Life { expires_at: new.expires_at, ..Life::default() },
        };
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
            expires_at: new.expires_at,
            rotate_after_days: new.rotate_after_days,
            tags: &new.tags,
            mac: self.custody.sign_credential(&grant),
            created_at: now,
            updated_at: now,
        };
        let id = credential::insert(tx, &row).await.map_err(taken)?;
        version::insert(tx, uid, version_uid, &self.actor.label(), now).await?;
        let place =
            SealBinding { credential: uid, provider: &new.provider, endpoint: new.endpoint.as_deref() };
        for (field, secret) in [(Field::ApiKey, &new.api_key), (Field::ApiSecret, &new.api_secret)] {
            if let Some(secret) = secret {
                self.custody.seal_into(tx, place, version_uid, field, secret).await?;
            }
        }
        self.custody.sign_new_version(tx, version_uid, now).await?;
        let scope = LimitScope::Credential(uid);
        limit::set_on_new(tx, &monthly_limit(&scope, new.rate_limit, now)).await?;
        let made = credential::get(tx, id, now).await?;
        made.ok_or_else(|| Problem::internal("the credential is not there after it was made"))
    }

    /// The endpoint that a credential of this provider gets: checked, and as the base of the provider's API.
    pub(super) fn endpoint(
        &self,
        provider: &Provider,
        endpoint: Option<&str>,
    ) -> Result<Option<String>, Problem> {
        let speaks_by_itself = provider.known().is_some();
        match endpoint {
            Some(endpoint) => {
                let url = self.settings.guard.check(endpoint)?;
                endpoint_form::normalised(provider, endpoint, &url).map(Some)
            }
            None if speaks_by_itself => Ok(None),
            None => Err(Problem::invalid(
                "endpoint",
                "a provider that strongroom does not know needs an endpoint: the base URL of its OpenAI-compatible API",
            )),
        }
    }
}

pub(super) fn check_owner(is_global: bool, user: Option<UserId>) -> Result<(), Problem> {
    if is_global || user.is_some() {
        return Ok(());
    }
    Err(Problem::invalid("userId", "a credential that is not global needs a userId: whose it is"))
}
