//! Leaks: whether a key that was found somewhere is ours, who could have had it, and what to do then.

use std::sync::Arc;

use serde_json::json;
use strongroom_crypto::authority::{AuthorityMac, TokenHash};
use strongroom_model::alert::{Level, Rule};
use strongroom_model::audit::Target;
use strongroom_model::credential::{Credential, CredentialPatch, check_secret};
use strongroom_model::token::Token;
use strongroom_model::user::User;
use strongroom_model::{Actor, CredentialId, Millis, Problem, Role, Secret, Uid, UserId};
use strongroom_store::alert::incident::Subject;
pub use strongroom_store::leak::{Address, Spent};
use strongroom_store::{Session, credential, leak, offboard, token, user, value, version};

use crate::admission::AdmissionBatcher;
use crate::credential::{ChangedVersion, CredentialService, used_here};
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::event::{Seen, note_lasting};

/// Keys that one question may hold.
pub const MOST_KEYS: usize = 1000;

/// A key that is ours.
#[derive(Debug, Clone)]
pub enum Found {
    /// The key of a credential.
    Credential(Box<LeakedKey>),
    /// A token of this strongroom.
    Token(Box<Token>),
}

/// Facts about keys that were found somewhere.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Of each key where it is ours.
    pub keys: Vec<Vec<Found>>,
    /// Versions that were changed outside strongroom: their keys may not be known any more.
    pub changed: Vec<ChangedVersion>,
}

/// Where a key is stored, and who could have had it.
#[derive(Debug, Clone)]
pub struct LeakedKey {
    /// The credential's identity.
    pub uid: Uid,
    /// Its number, when it is not deleted.
    pub id: Option<CredentialId>,
    /// Its name.
    pub name: String,
    /// The version that holds the key.
    pub version: i64,
    /// True if that is the version in use.
    pub is_current: bool,
    /// True if somebody is served from it with this key.
    pub is_served: bool,
    /// True if it is frozen.
    pub is_frozen: bool,
    /// True if it was deleted.
    pub is_deleted: bool,
    /// Whose it is when it is not everybody's.
    pub owner: Option<UserId>,
    /// When this version was last used through strongroom, as far as it is known; `None` when it never was.
    pub last_used: Option<Millis>,
    /// Tokens and users that reach it.
    pub access: Access,
}

/// Whose role and scope reach a credential.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Tokens that are alive.
    pub tokens: Vec<Token>,
    /// Users that are active, who may show a JWT.
    pub users: Vec<User>,
}

/// How far the trouble reaches.
#[derive(Debug, Clone)]
pub struct Radius {
    /// The credential as it is now.
    pub credential: Credential,
    /// The start of the period that is reported.
    pub since: Millis,
    /// Tokens and users that reach it.
    pub access: Access,
    /// Addresses that the key was handed out to.
    pub addresses: Vec<Address>,
    /// Spending with it, by actor.
    pub spent: Vec<Spent>,
}

/// Looks for leaks, and responds to them.
#[derive(Debug, Clone)]
pub struct LeakService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    /// Credentials as this actor changes them.
    pub(crate) credentials: CredentialService,
    pub(crate) actor: Actor,
}

impl LeakService {
    /// Says of each key where it is ours. By fingerprint: nothing is opened. The audit trail has which credentials were
    /// found, and nothing of the keys.
    ///
    /// # Errors
    /// [`Problem`] when there are too many keys, or the database cannot be read.
    pub async fn check(&self, keys: &[Secret]) -> Result<Checked, Problem> {
        if keys.is_empty() || keys.len() > MOST_KEYS {
            return Err(Problem::invalid("keys", format!("give 1 to {MOST_KEYS} keys at once")));
        }
        // What calls have used so far is to count.
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let mut found = self.find_token(&mut session, key).await?;
            found.extend(self.find_credentials(&mut session, key, now).await?);
            all.push(found);
        }
        let changed = self.custody.changed_versions(&mut session).await?;
        drop(session);
        let name = |found: &Found| match found {
            Found::Credential(key) => key.name.clone(),
            Found::Token(token) => format!("token {}", token.id),
        };
        let mut names: Vec<_> = all.iter().flatten().map(name).collect();
        names.sort_unstable();
        names.dedup();
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let detail = json!({ "keys": keys.len(), "found": names, "changedVersions": changed.len() });
        for found in all.iter().flatten() {
            if let Some(seen) = wrong(found, now) {
                note_lasting(&self.custody, &mut tx, seen, now).await?;
            }
        }
        let entry = entry(&self.actor, "leak.check", Target::kind("leak"), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(Checked { keys: all, changed })
    }

    async fn find_token(&self, session: &mut Session, key: &Secret) -> Result<Vec<Found>, Problem> {
        let Some(id) = strongroom_crypto::token::id_of(key.expose()) else { return Ok(Vec::new()) };
        let Some(stored) = token::get(session, id).await? else { return Ok(Vec::new()) };
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let is_it =
            strongroom_crypto::authority::is_token(&self.custody.keyring(), key, &TokenHash::read(&hash));
        Ok(if is_it { vec![Found::Token(Box::new(stored.token))] } else { Vec::new() })
    }

    async fn find_credentials(
        &self,
        session: &mut Session,
        key: &Secret,
        now: Millis,
    ) -> Result<Vec<Found>, Problem> {
        let mut found = Vec::new();
        for holder in value::holders(session, &self.custody.keyring().fingerprint(key)).await? {
            let corrupt =
                |_| Problem::integrity("a credential's identity was changed; run `strongroom audit verify`");
            let uid: Uid = holder.credential_uid.parse().map_err(corrupt)?;
            let credential = credential::get_by_uid(session, uid, now).await?;
            let access = match &credential {
                Some(credential) => access(session, credential, now).await?,
                None => Access::default(),
            };
            let last_used = match &credential {
                Some(credential) => last_use(session, credential, holder.version_number).await?,
                None => None,
            };
            found.push(Found::Credential(Box::new(LeakedKey {
                uid,
                id: credential.as_ref().map(|it| it.id),
                version: holder.version_number,
                is_current: holder.is_current,
                is_served: holder.is_served(),
                is_frozen: holder.is_frozen,
                is_deleted: holder.is_deleted,
                owner: credential.as_ref().and_then(|it| it.user),
                last_used,
                access,
                name: holder.name,
            })));
        }
        Ok(found)
    }

    /// Freezes a credential: within a second nobody is served from it anywhere, neither through the gateway nor in place
    /// of it from the environment. Its key stays sealed as it is.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `Integrity`.
    pub async fn freeze(&self, id: CredentialId) -> Result<Credential, Problem> {
        let patch = CredentialPatch { is_frozen: Some(true), ..CredentialPatch::default() };
        self.credentials.update_as("credential.freeze", id, patch, None).await
    }

    /// Serves from a frozen credential again.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` or `Integrity`.
    pub async fn unfreeze(&self, id: CredentialId) -> Result<Credential, Problem> {
        let patch = CredentialPatch { is_frozen: Some(false), ..CredentialPatch::default() };
        self.credentials.update_as("credential.unfreeze", id, patch, None).await
    }

    /// Responds to a leak: freezes the credential, or with a new key goes on with that at once, and tells how far the trouble
    /// reaches. The old key is not served again either way, nor taken from the environment.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault, or of kind `NotFound` or `Integrity`.
    pub async fn respond(
        &self,
        name: &str,
        new_key: Option<Secret>,
        since: Option<Millis>,
    ) -> Result<Radius, Problem> {
        if let Some(key) = &new_key {
            check_secret("apiKey", key)?;
        }
        let (before, held) = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            let found = credential::get_by_name(&mut session, name, now).await?;
            let found = found.ok_or_else(|| Problem::not_found("Credential not found"))?;
            let held = match &new_key {
                Some(key) => value::holders(&mut session, &self.custody.keyring().fingerprint(key)).await?,
                None => Vec::new(),
            };
            (found, held)
        };
        if !held.is_empty() {
            return Err(Problem::invalid(
                "apiKey",
                "this key was stored here before; make a new one at the provider",
            ));
        }
        let patch = CredentialPatch {
            is_frozen: Some(new_key.is_none()),
            api_key: new_key,
            ..CredentialPatch::default()
        };
        let after = self.credentials.update_as("leak.respond", before.id, patch, None).await?;
        self.radius(after, since.unwrap_or(before.created_at)).await
    }

    /// Tokens and users that reach a credential.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn access_of(&self, credential: &Credential) -> Result<Access, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        access(&mut session, credential, now).await
    }

    async fn radius(&self, credential: Credential, since: Millis) -> Result<Radius, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        Ok(Radius {
            access: access(&mut session, &credential, now).await?,
            addresses: leak::addresses(&mut session, credential.uid, since).await?,
            spent: leak::spent(&mut session, credential.uid, since).await?,
            credential,
            since,
        })
    }
}

/// What is wrong with a key that was found: nothing when it opens nothing any more.
fn wrong(found: &Found, now: Millis) -> Option<Seen> {
    let (subject, mark) = match found {
        Found::Credential(key) if key.is_served && !key.is_frozen && !key.is_deleted => {
            (Subject::of("credential", key.uid), key.version)
        }
        Found::Token(token) if token.is_alive(now) => (Subject::of("token", &token.id), 1),
        Found::Credential(_) | Found::Token(_) => return None,
    };
    Some(Seen { mark, ..Seen::of(Rule::Leak, Level::Critical, subject) })
}

/// The last use of a version, by the sums of each day.
async fn last_use(
    session: &mut Session,
    credential: &Credential,
    number: i64,
) -> Result<Option<Millis>, Problem> {
    let Some(version) = version::get(session, credential.uid, number).await? else { return Ok(None) };
    let uid = version.uid.to_string();
    let day = offboard::last_days(session, credential.uid).await?.into_iter().find(|(of, _)| *of == uid);
    Ok(day.map(|(_, day)| used_here(credential, &version, Millis(day))))
}

/// Tokens and users that could have had a key: whose role reads or uses keys, and who sees this credential.
async fn access(session: &mut Session, credential: &Credential, now: Millis) -> Result<Access, Problem> {
    let users = user::list(session).await?;
    let sees = |role: Role, user: Option<UserId>| match role {
        Role::Auditor => false,
        Role::Admin => true,
        Role::Reader | Role::Gateway => credential.is_global || (user.is_some() && credential.user == user),
    };
    let tokens = token::list(session).await?.into_iter().map(|stored| stored.token);
    let tokens = tokens.filter(|token| {
        token.is_alive(now)
            && token.scope.permits(credential.uid, &credential.provider)
            && sees(token.role, token.user)
    });
    let tokens = tokens.collect();
    let users = users.into_iter().map(|stored| stored.user);
    let users = users.filter(|user| user.is_active && sees(user.role, Some(user.id))).collect();
    Ok(Access { tokens, users })
}
