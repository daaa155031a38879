//! Signing in with a browser: one-time codes, and sessions that are looked up at every request.
//!
//! A session points at a token, a user or somebody who may read the data directory, and is worth what they are worth at that
//! moment: a token that was revoked, or a user who was disabled, has no session from the next request on, on every node.

mod form;

use std::sync::Arc;

use serde_json::json;
use strongroom_crypto::{random, sign_in as secrets};
use strongroom_model::audit::Target;
use strongroom_model::sign_in::{CODE_SECONDS, Holder, LoginCode, MAX_AGENT, PageSession, SESSION_SECONDS};
use strongroom_model::{Actor, Millis, Problem, ProblemKind, Role, Secret, Uid, UserId};
use strongroom_store::Write;
use strongroom_store::sign_in::{self as store, StoredCode, StoredSession};

use crate::cache::Cache;
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::database_timeout::with_timeout;
use crate::{token, user};

pub use form::Sending;

/// The last use of a session is written down once in so many milliseconds.
const SEEN_EVERY_MS: i64 = 60_000;

/// A one-time code that was just made.
#[derive(Debug, Clone)]
pub struct NewCode {
    /// Its public identity, from which it cannot be told.
    pub id: String,
    /// Its text, which is stored nowhere.
    pub text: Secret,
    /// From when on it is worth nothing.
    pub until: Millis,
}

/// A session that was just made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The text of its cookie, which is stored nowhere.
    pub cookie: Secret,
    /// The session.
    pub session: PageSession,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: PageSession,
    /// The actor that the session stands for at this moment.
    pub actor: Actor,
    /// The token that every form of this session carries.
    pub form_token: String,
}

/// The way by which somebody signs in.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A one-time code, which is spent by it.
    Code(Secret),
    /// Somebody whose token was checked just now; of a signed one, until when it holds.
    Checked(Actor, Option<Millis>),
}

/// The browser that a session is for.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    /// Its address.
    pub address: Option<String>,
    /// Its name for itself (`User-Agent`).
    pub agent: Option<String>,
    /// Set when programs of other ports of its machine get its cookies.
    pub is_shared: bool,
}

/// Makes codes and sessions, finds and ends them.
#[derive(Debug, Clone)]
pub struct SignInService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) cache: Arc<Cache>,
}

fn refused() -> Problem {
    Problem::new(
        ProblemKind::Unauthenticated,
        "this code was used already, is older than a minute, or was never made here; run `strongroom open` again",
    )
}

fn target(session: &PageSession) -> Target {
    Target::named("session", session.uid, session.holder.label())
}

impl SignInService {
    /// Makes a code with which a browser gets a session of this actor, within a minute and once.
    ///
    /// # Errors
    /// [`Problem`] of kind `Denied` for an actor who can hold no session.
    pub async fn create_code(&self, actor: &Actor) -> Result<NewCode, Problem> {
        let holder = Holder::of(actor).ok_or_else(|| {
            Problem::denied("sessions are for people: a token, a user, or somebody of this machine")
        })?;
        let text = secrets::generate_secret();
        let hash = secrets::code_hash(&text);
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let code = LoginCode { holder, until: now.plus_seconds(CODE_SECONDS) };
        let mac = secrets::code_mac(&self.custody.keyring(), &code, &hash);
        let (until, id) = (code.until, hash.clone());
        store::insert_code(&mut tx, &StoredCode { code, hash, mac }, now).await?;
        let entry = entry(actor, "session.offer", Target::kind("session"), now, &json!({ "until": until }));
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(NewCode { id, text, until })
    }

    /// The actor whose session a code begins, without spending it; `None` for a code that is worth nothing.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn holder_of_code(&self, text: &Secret) -> Result<Option<Actor>, Problem> {
        let hash = secrets::code_hash(text);
        let found = with_timeout(async {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            Ok(store::get_code(&mut session, &hash, now).await?)
        })
        .await?;
        match found.filter(|found| self.is_genuine_code(found)) {
            Some(found) => self.actor_of(&found.code.holder).await,
            None => Ok(None),
        }
    }

    /// Tells whether the code of this identity can still be used.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn is_code_waiting(&self, id: &str) -> Result<bool, Problem> {
        with_timeout(async {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            Ok(store::get_code(&mut session, id, now).await?.is_some())
        })
        .await
    }

    /// Spends a code, as a proof of who shows it.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated` when the code is worth nothing.
    pub async fn spend_code(&self, text: &Secret) -> Result<Actor, Problem> {
        let actor = self.holder_of_code(text).await?.ok_or_else(refused)?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        self.spend(&mut tx, text, now, Holder::of(&actor).as_ref()).await?;
        tx.commit().await?;
        Ok(actor)
    }

    /// Only here it is decided who gets a code, of all who show it at once.
    async fn spend(
        &self,
        tx: &mut Write,
        text: &Secret,
        now: Millis,
        holder: Option<&Holder>,
    ) -> Result<(), Problem> {
        let spent = store::spend_code(tx, &secrets::code_hash(text), now).await?;
        spent.filter(|spent| Some(&spent.code.holder) == holder).map(|_| ()).ok_or_else(refused)
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`Problem`] of kind `Unauthenticated` when the proof is worth nothing.
    pub async fn sign_in(
        &self,
        proof: Proof,
        browser: Browser,
        request_id: Option<String>,
    ) -> Result<NewSession, Problem> {
        let (mut actor, code, end) = match proof {
            Proof::Code(text) => (self.holder_of_code(&text).await?.ok_or_else(refused)?, Some(text), None),
            Proof::Checked(actor, end) => (actor, None, end),
        };
        let holder = Holder::of(&actor).ok_or_else(refused)?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        if let Some(text) = &code {
            self.spend(&mut tx, text, now, Some(&holder)).await?;
        }
        actor.remote_address.clone_from(&browser.address);
        actor.request_id = request_id;
        let session = PageSession {
            uid: random::uid(),
            holder,
            is_shared: browser.is_shared,
            made_at: now,
            seen_at: now,
            ends_at: end.unwrap_or(Millis(i64::MAX)).min(now.plus_seconds(SESSION_SECONDS)),
            address: browser.address,
            agent: browser.agent.map(|agent| shortened(&agent)),
        };
        let cookie = secrets::generate_secret();
        let hash = secrets::session_hash(&cookie);
        let mac = secrets::session_mac(&self.custody.keyring(), &session, &hash);
        store::insert(&mut tx, &StoredSession { session: session.clone(), hash, mac }).await?;
        let detail = json!({ "by": if code.is_some() { "code" } else { "token" }, "isShared": session.is_shared, "endsAt": session.ends_at });
        self.custody
            .append(&mut tx, vec![entry(&actor, "session.create", target(&session), now, &detail)])
            .await?;
        tx.commit().await?;
        Ok(NewSession { cookie, session })
    }

    /// Finds who shows this cookie; `None` when the session has ended, or what it stands on.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read.
    pub async fn find(&self, cookie: &Secret) -> Result<Option<SignedIn>, Problem> {
        let hash = secrets::session_hash(cookie);
        let (found, now) = with_timeout(async {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            Ok((store::get(&mut session, &hash).await?, now))
        })
        .await?;
        let Some(found) = found.filter(|found| self.is_genuine(found) && found.session.is_alive(now)) else {
            return Ok(None);
        };
        let Some(actor) = self.actor_of(&found.session.holder).await? else { return Ok(None) };
        if found.session.seen_at.0 + SEEN_EVERY_MS <= now.0 {
            let mut tx = self.custody.store.write().await?;
            store::see(&mut tx, &hash, now).await?;
            tx.commit().await?;
        }
        let form_token = secrets::form_token(&self.custody.keyring(), &hash);
        Ok(Some(SignedIn { session: found.session, actor, form_token }))
    }

    /// Tells whether the session of this cookie goes on, without counting that as a use of it: a page that is only open keeps
    /// none alive.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read.
    pub async fn goes_on(&self, cookie: &Secret) -> Result<bool, Problem> {
        let hash = secrets::session_hash(cookie);
        let (found, now) = with_timeout(async {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            Ok((store::get(&mut session, &hash).await?, now))
        })
        .await?;
        match found.filter(|found| self.is_genuine(found) && found.session.is_alive(now)) {
            Some(found) => Ok(self.actor_of(&found.session.holder).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Tells whether a form was made for the session of this cookie, in constant time.
    #[must_use]
    pub fn is_form_of(&self, cookie: &Secret, form_token: &str) -> bool {
        secrets::is_form_token(&self.custody.keyring(), &secrets::session_hash(cookie), form_token)
    }

    /// All sessions that go on, the newest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self) -> Result<Vec<PageSession>, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let all = store::list(&mut session, now).await?;
        let all = all.into_iter().filter(|found| self.is_genuine(found) && found.session.is_alive(now));
        Ok(all.map(|found| found.session).collect())
    }

    /// Ends a session: its next request is refused, on every node.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` when there is none, or not of this actor and the actor is no admin.
    pub async fn end(&self, actor: &Actor, uid: Uid) -> Result<(), Problem> {
        let not_found = || Problem::not_found("Session not found, or it has ended");
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let session = store::list(&mut tx, now).await?.into_iter().find(|found| found.session.uid == uid);
        let session = session.ok_or_else(not_found)?.session;
        if actor.role != Role::Admin && Holder::of(actor).as_ref() != Some(&session.holder) {
            return Err(not_found());
        }
        store::end(&mut tx, uid).await?;
        self.note_end(&mut tx, actor, target(&session), now, 1).await?;
        Ok(tx.commit().await?)
    }

    /// Ends all sessions of a user and of the user's tokens. Tells how many.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn end_all_of_user(&self, actor: &Actor, user: UserId) -> Result<u64, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let ended = store::end_all_of_user(&mut tx, user).await?;
        let target = Target::named("session", user, Holder::User(user).label());
        self.note_end(&mut tx, actor, target, now, ended).await?;
        tx.commit().await?;
        Ok(ended)
    }

    async fn note_end(
        &self,
        tx: &mut Write,
        actor: &Actor,
        target: Target,
        now: Millis,
        sessions: u64,
    ) -> Result<(), Problem> {
        let entry = entry(actor, "session.end", target, now, &json!({ "sessions": sessions }));
        self.custody.append(tx, vec![entry]).await
    }

    /// The actor that a holder is at this moment; `None` when the token or user behind it is no longer let in.
    async fn actor_of(&self, holder: &Holder) -> Result<Option<Actor>, Problem> {
        let found = match holder {
            // Whoever may read the data directory is an admin, see `Custody`.
            Holder::Local(_) => return Ok(Some(holder.actor(Role::Admin))),
            Holder::Token(_) => token::reauthenticate(&self.cache, &holder.actor(Role::Gateway)).await,
            Holder::User(id) => with_timeout(user::authenticate(&self.custody, *id)).await,
        };
        match found {
            Ok(actor) => Ok(Some(actor)),
            // A row that was changed has been counted and logged; its sessions are refused as those of nobody.
            Err(problem) if matches!(problem.kind, ProblemKind::Unauthenticated | ProblemKind::Integrity) => {
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    fn is_genuine(&self, found: &StoredSession) -> bool {
        let StoredSession { session, hash, mac } = found;
        let is_ours = secrets::session_verifies(&self.custody.keyring(), session, hash, mac);
        if !is_ours {
            self.custody.counters.integrity_failures.add_one();
            tracing::error!(session = %session.uid, "the row of this session was changed outside strongroom");
        }
        is_ours
    }

    fn is_genuine_code(&self, found: &StoredCode) -> bool {
        let StoredCode { code, hash, mac } = found;
        let is_ours = secrets::code_verifies(&self.custody.keyring(), code, hash, mac);
        if !is_ours {
            self.custody.counters.integrity_failures.add_one();
            tracing::error!(
                holder = code.holder.label(),
                "the row of a login code was changed outside strongroom"
            );
        }
        is_ours
    }
}

/// The browser's name without characters that reorder or hide text, and not longer than is kept.
fn shortened(agent: &str) -> String {
    agent.chars().filter(char::is_ascii).filter(|c| !c.is_ascii_control()).take(MAX_AGENT).collect()
}
