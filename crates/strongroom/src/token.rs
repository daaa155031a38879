//! Tokens: minted once, shown once, checked at every use.

use std::sync::Arc;

use serde_json::json;
use strongroom_crypto::authority::{self, AuthorityMac, TokenHash};
use strongroom_crypto::random;
use strongroom_crypto::token::{self as token_text, NewToken};
use strongroom_model::actor::Scope;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::audit::{Filter, Target};
use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
use strongroom_model::tag::TagSet;
use strongroom_model::token::Token;
use strongroom_model::{Actor, ActorKind, Millis, Problem, ProblemKind, Provider, Role, Secret, UserId};
use strongroom_store::alert::incident::Subject;
use strongroom_store::limit::LimitChange;
use strongroom_store::token::StoredToken;
use strongroom_store::{Session, StoreError, Write, limit};

use crate::audit::AuditService;
use crate::cache::Cache;
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::event::{Seen, note_event};

/// The fact that a first admin token was made, and what it is called.
const FIRST: &str = "first_admin_token";
const FIRST_NAME: &str = "first-admin";

/// For so long after its revocation a token may still be shown by programs that have not heard of it.
const REVOKED_GRACE_SECONDS: i64 = 600;

/// Request for a new token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// When it stops working.
    pub expires_at: Option<Millis>,
    /// For how many seconds it works until somebody prolongs it; `None`: nobody has to.
    pub lease_seconds: Option<i64>,
    /// Names of the credentials it reaches; all when empty.
    pub credentials: Vec<String>,
    /// Providers it reaches; all when empty.
    pub providers: Vec<Provider>,
    /// Models that its calls may ask for; all when empty. See [`Scope::models`].
    pub models: Vec<String>,
    /// What its calls are booked to, as far as these keys are declared.
    pub tags: TagSet,
    /// The user it acts for.
    pub user: Option<UserId>,
    /// Limits that bind it from the start.
    pub limits: Vec<(Unit, Window, i64)>,
}

impl TokenRequest {
    /// A token that reaches everything its role may, without end.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
            expires_at: None,
            lease_seconds: None,
            credentials: Vec::new(),
            providers: Vec::new(),
            models: Vec::new(),
            tags: TagSet::default(),
            user: None,
            limits: Vec::new(),
        }
    }
}

/// A token's metadata, with the names of the credentials in its scope.
#[derive(Debug, Clone)]
pub struct NamedToken {
    /// The token.
    pub token: Token,
    /// Names of the credentials in its scope; the uid of one that is gone.
    pub credentials: Vec<String>,
}

impl NamedToken {
    pub(crate) async fn of(session: &mut Session, token: Token) -> Result<Self, Problem> {
        let mut credentials = Vec::with_capacity(token.scope.credentials.len());
        for uid in &token.scope.credentials {
            let name = strongroom_store::credential::name_of(session, *uid).await?;
            credentials.push(name.unwrap_or_else(|| uid.to_string()));
        }
        Ok(Self { token, credentials })
    }
}

/// Manages and checks tokens.
#[derive(Debug, Clone)]
pub struct TokenService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) actor: Actor,
}

fn target(token: &Token) -> Target {
    Target::named("token", &token.id, &token.name)
}

/// The longest that a token which has to be prolonged works without.
const LONGEST_LEASE: i64 = 24 * 3600;

fn check_lease(seconds: i64) -> Result<(), Problem> {
    if (1..=LONGEST_LEASE).contains(&seconds) {
        return Ok(());
    }
    Err(Problem::invalid("leaseSeconds", format!("leaseSeconds must be 1 to {LONGEST_LEASE}")))
}

fn refused() -> Problem {
    Problem::new(ProblemKind::Unauthenticated, "Invalid or expired token")
}

/// Reads the first admin token that somebody chose.
///
/// # Errors
/// [`Problem`] naming the mend when it has not the shape of one of ours.
pub fn read_first_token(text: Secret) -> Result<NewToken, Problem> {
    let id = token_text::id_of(text.expose()).map(ToOwned::to_owned).ok_or_else(|| {
        Problem::invalid(
            "auth.admin_token",
            "STRONGROOM_ADMIN_TOKEN, or the file that STRONGROOM_ADMIN_TOKEN_FILE names, holds no strongroom token, \
             sr_<id>_<secret><checksum>: it was cut, or chosen by hand; make one with `strongroom token generate`",
        )
    })?;
    Ok(NewToken { id, text })
}

fn detail(token: &NamedToken) -> serde_json::Value {
    json!({
        "role": token.token.role,
        "expiresAt": token.token.expires_at,
        "isLeased": token.token.leased_until.is_some(),
        "credentials": token.credentials,
        "providers": token.token.scope.providers.iter().map(Provider::as_str).collect::<Vec<_>>(),
        "models": token.token.scope.models,
        "tags": token.token.tags.pairs(),
        "userId": token.token.user,
    })
}

fn actor_of(token: &Token) -> Actor {
    let mut actor = Actor::new(ActorKind::Token(token.id.clone()), token.role);
    actor.scope = token.scope.clone();
    actor.user = token.user;
    actor.tags = token.tags.clone();
    actor
}

/// The actor as it is now, when something was changed since it showed who it is.
///
/// # Errors
/// [`Problem`] of kind `Unauthenticated` when its token was revoked or has expired meanwhile.
pub(crate) async fn reauthenticate(cache: &Arc<Cache>, actor: &Actor) -> Result<Actor, Problem> {
    let ActorKind::Token(id) = &actor.kind else { return Ok(actor.clone()) };
    let snapshot = cache.snapshot().await?;
    let known = cache.known_token(id, snapshot).await?;
    let known = known.filter(|known| known.is_valid && known.token.is_alive(snapshot.now));
    let known = known.ok_or_else(refused)?;
    let (remote_address, request_id) = (actor.remote_address.clone(), actor.request_id.clone());
    Ok(Actor { remote_address, request_id, ..actor_of(&known.token) })
}

/// Mints the first admin token, once per database: of several nodes that start at once exactly one does.
/// `given` is used in place of a fresh one.
///
/// # Errors
/// [`Problem`] when the given token has not the shape of one.
pub(crate) async fn mint_first(
    custody: &Arc<Custody>,
    given: Option<Secret>,
) -> Result<Option<NewToken>, Problem> {
    let trail = AuditService { custody: Arc::clone(custody) };
    let new = match given {
        None => token_text::generate(),
        Some(text) => read_first_token(text)?,
    };
    if strongroom_store::meta::get(&mut custody.store.read().await?, FIRST).await?.is_some() {
        return Ok(None);
    }
    // Whoever takes that fact out of the database gets no second one, by whatever id: the trail says whether there was one.
    if !trail.verify(&[]).await?.faults.is_empty() {
        custody.counters.integrity_failures.add_one();
        return Err(Problem::integrity(
            "the audit trail was changed, so that no first admin token is made; run `strongroom audit verify` and restore the \
             tables audit_logs and audit_heads",
        ));
    }
    if had_first_token(&trail).await? {
        custody.counters.integrity_failures.add_one();
        tracing::error!(
            "that there was a first admin token was removed from the database outside strongroom: none is made; run \
             `strongroom audit verify`, and for another admin token `strongroom token create` on this machine"
        );
        return Ok(None);
    }
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    if !strongroom_store::meta::claim(&mut tx, FIRST, &new.id).await? {
        tx.roll_back().await?;
        return Ok(None);
    }
    let actor = Actor::system();
    let request = TokenRequest::new(FIRST_NAME, Role::Admin);
    insert(custody, &mut tx, &actor, &new, request, Scope::default(), now).await?;
    tx.commit().await?;
    Ok(Some(new))
}

/// Tells whether the trail says that a first admin token was made.
async fn had_first_token(trail: &AuditService) -> Result<bool, Problem> {
    let filter = Filter {
        action: Some("token.create".to_owned()),
        target: Some(FIRST_NAME.to_owned()),
        actor: Some(Actor::system().label()),
        ..Filter::default()
    };
    Ok(!trail.list(&filter, false, None, 1).await?.items.is_empty())
}

async fn insert(
    custody: &Custody,
    tx: &mut Write,
    actor: &Actor,
    new: &NewToken,
    request: TokenRequest,
    scope: Scope,
    now: Millis,
) -> Result<NamedToken, Problem> {
    let token = Token {
        id: new.id.clone(),
        name: request.name,
        role: request.role,
        scope,
        tags: request.tags,
        user: request.user,
        created_at: now,
        expires_at: request.expires_at,
        leased_until: request.lease_seconds.map(|seconds| now.plus_seconds(seconds)),
        revoked_at: None,
    };
    let hash = authority::hash_token(&custody.keyring(), &new.text);
    let stored = custody.sign_token(token, hash);
    strongroom_store::token::insert(tx, &stored).await.map_err(|error| match error {
        StoreError::Dangling(_) => Problem::invalid("userId", "there is no such user"),
        StoreError::Taken(_) => Problem::conflict("a token of that id is already there; generate another"),
        other => other.into(),
    })?;
    let named = NamedToken { token: stored.token, credentials: request.credentials };
    if named.token.role == Role::Admin {
        let subject = Subject::of("token", &named.token.id);
        note_event(custody, tx, Seen::of(Rule::AuthorityChanged, Level::High, subject), now).await?;
    }
    let entry = entry(actor, "token.create", target(&named.token), now, &detail(&named));
    custody.append(tx, vec![entry]).await?;
    Ok(named)
}

/// The actor that a token is.
///
/// # Errors
/// [`Problem`] of kind `Unauthenticated`, in the same words and on the same path for every reason.
pub(crate) async fn authenticate(
    custody: &Custody,
    cache: &Arc<Cache>,
    text: &Secret,
) -> Result<Actor, Problem> {
    let id = token_text::id_of(text.expose()).ok_or_else(refused)?;
    let snapshot = cache.snapshot().await?;
    let known = cache.known_token(id, snapshot).await?;
    let keyring = &custody.keyring();
    let Some(known) = known else {
        // The work of a comparison, so that a known id is not told apart by time.
        let _ = authority::is_token(keyring, text, &TokenHash::of_nobody(keyring));
        return Err(refused());
    };
    if !authority::is_token(keyring, text, &known.hash) {
        return Err(refused());
    }
    if !known.token.is_alive(snapshot.now) || !known.is_valid {
        // Who shows the whole of it has it from somewhere. Whoever knows its public id alone does not come here.
        let is_long_over = |at: Millis| at.plus_seconds(REVOKED_GRACE_SECONDS) <= snapshot.now;
        if known.is_valid && known.token.revoked_at.is_some_and(is_long_over) {
            custody.revoked_uses.note(id);
        }
        return Err(refused());
    }
    Ok(actor_of(&known.token))
}

impl TokenService {
    /// The actor that a token is.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated`, in the same words and on the same path for every reason.
    pub async fn authenticate(&self, text: &Secret) -> Result<Actor, Problem> {
        authenticate(&self.custody, &self.cache, text).await
    }

    /// Mints a token. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault.
    pub async fn create(&self, mut request: TokenRequest) -> Result<(NewToken, NamedToken), Problem> {
        request.name = request.name.trim().to_owned();
        let name = &request.name;
        if name.is_empty() || name.chars().count() > 128 || name.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "name",
                "name must be 1 to 128 characters without control characters",
            ));
        }
        let is_narrow = !request.credentials.is_empty() || !request.providers.is_empty();
        if is_narrow && matches!(request.role, Role::Admin | Role::Auditor) {
            return Err(Problem::invalid(
                "scope",
                "a scope narrows which keys a reader or gateway token reaches; an admin could mint itself a wider one, \
                 and an auditor reaches none",
            ));
        }
        Scope::check_models(&request.models)?;
        if !request.models.is_empty() && request.role != Role::Gateway {
            return Err(Problem::invalid(
                "scope.models",
                "scope.models binds calls through the gateway: whoever may read keys can ask for any model with them; use the role gateway",
            ));
        }
        request.lease_seconds.map_or(Ok(()), check_lease)?;
        let limits = std::mem::take(&mut request.limits);
        for (index, (unit, window, amount)) in limits.iter().enumerate() {
            Limit::check_amount("amount", *amount)?;
            if limits[..index].iter().any(|(other, over, _)| (other, over) == (unit, window)) {
                let message = "limits names one unit twice for the same window; leave one of them out";
                return Err(Problem::invalid("limits", message));
            }
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        if request.expires_at.is_some_and(|at| at <= now) {
            return Err(Problem::invalid("expiresAt", "expiresAt must be in the future"));
        }
        let mut scope = Scope {
            credentials: Vec::new(),
            providers: request.providers.clone(),
            models: request.models.clone(),
        };
        for (index, name) in request.credentials.iter().enumerate() {
            let found = strongroom_store::credential::get_by_name(&mut tx, name, now).await?;
            // Not repeated: what no credential is named by may be a secret in the wrong place.
            let found = found.ok_or_else(|| {
                let message = format!("scope.credentials[{index}] is the name of no credential");
                Problem::invalid("scope.credentials", message)
            })?;
            scope.credentials.push(found.uid);
        }
        let new = token_text::generate();
        let named = insert(&self.custody, &mut tx, &self.actor, &new, request, scope, now).await?;
        for (unit, window, amount) in limits {
            let (uid, of) = (random::uid(), LimitScope::Token(named.token.id.clone()));
            let change = LimitChange { scope: &of, unit, window, amount: Some(amount), uid, at: now };
            limit::set_on_new(&mut tx, &change).await?;
            let detail = json!({
                "scope": of.kind(), "unit": unit.as_str(), "window": window.as_str(), "amount": amount,
            });
            let about = Target::named("limit", uid, &named.token.name);
            let entry = entry(&self.actor, "limit.set", about, now, &detail);
            self.custody.append(&mut tx, vec![entry]).await?;
        }
        tx.commit().await?;
        Ok((new, named))
    }

    /// All tokens, the oldest first, revoked ones too.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self) -> Result<Vec<NamedToken>, Problem> {
        let mut session = self.custody.store.read().await?;
        let mut tokens = Vec::new();
        for StoredToken { token, .. } in strongroom_store::token::list(&mut session).await? {
            tokens.push(NamedToken::of(&mut session, token).await?);
        }
        Ok(tokens)
    }

    /// Has a token that has to be prolonged work for so many seconds from now on, also after it has lapsed. No entry of the audit
    /// trail says so: it is done every few seconds, and that it has to be is in the entry of its making.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` when there is none that has to be, or it was revoked.
    pub async fn prolong(&self, id: &str, seconds: i64) -> Result<Millis, Problem> {
        check_lease(seconds)?;
        let mut tx = self.custody.store.write().await?;
        let until = tx.now().await?.plus_seconds(seconds);
        if !strongroom_store::token::prolong(&mut tx, id, until).await? {
            return Err(Problem::not_found("Token not found, revoked, or none that has to be prolonged"));
        }
        tx.commit().await?;
        Ok(until)
    }

    /// Revokes a token: from the next request on it is refused, on every node.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` when there is none, or it was revoked already.
    pub async fn revoke(&self, id: &str) -> Result<(), Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let stored = strongroom_store::token::get(&mut tx, id).await?;
        let stored = stored.ok_or_else(|| Problem::not_found("Token not found"))?;
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let revoked = self.custody.sign_token(Token { revoked_at: Some(now), ..stored.token }, hash);
        if !strongroom_store::token::revoke(&mut tx, &revoked).await? {
            return Err(Problem::not_found("Token not found, or revoked already"));
        }
        let entry = entry(&self.actor, "token.revoke", target(&revoked.token), now, &json!({}));
        self.custody.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }
}
