//! Limits, as people manage them: where each stands, and what a call would meet.

mod expected;
pub mod history;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::actor::Scope;
use strongroom_model::alert::Rule;
use strongroom_model::audit::Target;
use strongroom_model::limit::{CounterState, Limit, LimitScope, Unit, Window};
use strongroom_model::price::PriceTable;
use strongroom_model::usage::CallBound;
use strongroom_model::{Actor, Amount, Millis, Problem, Provider, Uid, UserId, reason};
use strongroom_store::alert::incident;
use strongroom_store::counter::{self, CounterKey};
use strongroom_store::limit::LimitChange;
use strongroom_store::{Session, Write, limit};

use crate::admission::AdmissionBatcher;
use crate::crossing;
use crate::custody::Custody;
use crate::custody::trail::entry;

pub(crate) use expected::at_end;
pub use expected::charged;

/// Whom a limit is to bind, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A credential, by its name.
    Credential(String),
    /// A token, by its public id.
    Token(String),
    /// A user.
    User(UserId),
}

/// A limit that is there, with another amount, or without one: removed.
fn changed(limit: &Limit, amount: Option<i64>, at: Millis) -> LimitChange<'_> {
    LimitChange { scope: &limit.scope, unit: limit.unit, window: limit.window, amount, uid: limit.uid, at }
}

/// A limit and where it stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The limit.
    pub limit: Limit,
    /// The name of whom it binds; its identity when it is gone.
    pub name: String,
    /// Use in this window, corrections included.
    pub used: i64,
    /// The most that calls under way may still use.
    pub held: i64,
    /// When the window ends; `None` for a budget that never starts over.
    pub resets_at: Option<Millis>,
}

impl Standing {
    /// The amount that is left for calls.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.limit.amount.saturating_sub(self.used).saturating_sub(self.held).max(0)
    }

    /// How full it is, calls under way among it.
    fn parts_of_a_million(&self) -> i128 {
        let used = i128::from(self.used) + i128::from(self.held);
        used * 1_000_000 / i128::from(self.limit.amount.max(1))
    }
}

/// A page of limits.
#[derive(Debug, Clone)]
pub struct LimitPage {
    /// Those of the page, the oldest first.
    pub limits: Vec<Standing>,
    /// The last one of them, when there are more behind it.
    pub next: Option<Uid>,
}

/// The limits that are going to run out first.
#[derive(Debug, Clone)]
pub struct Fullest {
    /// The fullest in front.
    pub limits: Vec<Standing>,
    /// How many limits there are.
    pub count: i64,
}

impl Fullest {
    /// Tells whether all that there are were looked at.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        i64::try_from(self.limits.len()).unwrap_or(i64::MAX) >= self.count
    }
}

/// Limits that are all looked at for the fullest of them.
const MAX_LOOKED_AT: i64 = 200;

/// A call that might be made.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// With this credential, by name.
    pub credential: Option<String>,
    /// By this token, by its public id.
    pub token: Option<String>,
    /// By this user.
    pub user: Option<UserId>,
    /// Of this model of the credential's provider.
    pub model: Option<String>,
    /// The provider that the model goes to when no credential is named.
    pub provider: Option<Provider>,
    /// With so many tokens in the prompt.
    pub input_tokens: Option<i64>,
    /// With so many tokens in the answer at the most.
    pub output_tokens: Option<i64>,
}

/// Limits that a call would meet.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Why the token may not make it, whatever limits say.
    pub refusal: Option<String>,
    /// Each limit that binds it, and what it needs of it; `None` when nothing bounds that, which refuses the call.
    pub limits: Vec<(Standing, Option<i64>)>,
}

impl Verdict {
    /// Tells whether this limit lets it through.
    #[must_use]
    pub fn passes((standing, needs): &(Standing, Option<i64>)) -> bool {
        needs.is_some_and(|needs| needs <= standing.remaining())
    }

    /// Tells whether all limits let it through.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none() && self.limits.iter().all(Self::passes)
    }
}

/// Manages limits.
#[derive(Debug, Clone)]
pub struct LimitService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) actor: Actor,
}

fn not_found() -> Problem {
    Problem::not_found("Limit not found")
}

pub(crate) async fn standing(session: &mut Session, limit: Limit, now: Millis) -> Result<Standing, Problem> {
    let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
    let states = counter::read_all(session, &[key]).await?;
    standing_of(session, limit, states.get(&key).copied().unwrap_or_default(), now).await
}

/// How several limits stand: their counters are read at once.
async fn standings(session: &mut Session, limits: Vec<Limit>, now: Millis) -> Result<Vec<Standing>, Problem> {
    let key = |limit: &Limit| CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
    let keys: Vec<_> = limits.iter().map(key).collect();
    let states = counter::read_all(session, &keys).await?;
    let mut found = Vec::with_capacity(limits.len());
    for limit in limits {
        let state = states.get(&key(&limit)).copied().unwrap_or_default();
        found.push(standing_of(session, limit, state, now).await?);
    }
    Ok(found)
}

async fn standing_of(
    session: &mut Session,
    limit: Limit,
    CounterState { settled, held, adjusted, .. }: CounterState,
    now: Millis,
) -> Result<Standing, Problem> {
    let name = name_of(session, &limit.scope).await?.unwrap_or_else(|| limit.scope.id());
    let resets_at = limit.window.end(now);
    Ok(Standing { name, used: settled.saturating_add(adjusted), held, resets_at, limit })
}

pub(crate) async fn name_of(session: &mut Session, scope: &LimitScope) -> Result<Option<String>, Problem> {
    Ok(match scope {
        LimitScope::Credential(uid) => strongroom_store::credential::name_of(session, *uid).await?,
        LimitScope::Token(id) => {
            strongroom_store::token::get(session, id).await?.map(|stored| stored.token.name)
        }
        LimitScope::User(id) => {
            strongroom_store::user::get(session, *id).await?.map(|stored| stored.user.name)
        }
    })
}

pub(crate) async fn scope_of(
    session: &mut Session,
    bound: &Bound,
    now: Millis,
) -> Result<LimitScope, Problem> {
    match bound {
        Bound::Credential(name) => {
            let found = strongroom_store::credential::get_by_name(session, name, now).await?;
            let found =
                found.ok_or_else(|| Problem::invalid("credential", "there is no credential of that name"))?;
            Ok(LimitScope::Credential(found.uid))
        }
        Bound::Token(id) => {
            let found = strongroom_store::token::get(session, id).await?;
            let found = found.ok_or_else(|| {
                Problem::invalid("token", "there is no token of that id; `strongroom token list` shows them")
            })?;
            Ok(LimitScope::Token(found.token.id))
        }
        Bound::User(id) => {
            let found = strongroom_store::user::get(session, *id).await?;
            found.ok_or_else(|| Problem::invalid("userId", "there is no such user"))?;
            Ok(LimitScope::User(*id))
        }
    }
}

/// Why a token of this scope may not ask for the model of a question.
fn refusal_of(scope: &Scope, provider: &Provider, question: &Question) -> Option<String> {
    let model = question.model.as_deref()?;
    let within =
        model.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
    let may = scope.permits_model(provider, Some(model)) || scope.permits_model(provider, Some(within));
    (!may).then(|| format!("the token may ask for no other models than {}", scope.models.join(", ")))
}

impl LimitService {
    /// All limits, the oldest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self) -> Result<Vec<Standing>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let all = limit::list(&mut session).await?;
        standings(&mut session, all, now).await
    }

    /// A page of them, the oldest first: behind the last one of the page before, at most so many.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn page(&self, after: Option<Uid>, count: i64) -> Result<LimitPage, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let mut found = limit::page(&mut session, after, count.saturating_add(1)).await?;
        let has_more = i64::try_from(found.len()).unwrap_or(i64::MAX) > count;
        found.truncate(usize::try_from(count).unwrap_or(0));
        let next = found.last().map(|last| last.uid).filter(|_| has_more);
        Ok(LimitPage { limits: standings(&mut session, found, now).await?, next })
    }

    /// Those of this credential, token or user.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list_of(&self, scope: &LimitScope) -> Result<Vec<Standing>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let found = limit::list_of_scope(&mut session, scope, i64::MAX).await?;
        standings(&mut session, found, now).await
    }

    /// Those that are going to run out first, the fullest in front. Of very many only those of which an alert fires are looked at: what is
    /// below all its thresholds is not among them.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn fullest(&self) -> Result<Fullest, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let count = limit::count(&mut session).await?;
        let found = if count <= MAX_LOOKED_AT {
            limit::list(&mut session).await?
        } else {
            let open = incident::list_open(&mut session, Rule::LimitThreshold, MAX_LOOKED_AT).await?;
            let mut found = BTreeMap::new();
            for one in open {
                let Some(key) = one.counter() else { continue };
                if let Some(limit) = limit::of_counter(&mut session, &key).await? {
                    found.insert(limit.uid, limit);
                }
            }
            found.into_values().collect()
        };
        let mut limits = standings(&mut session, found, now).await?;
        limits.sort_by_key(|one| Reverse(one.parts_of_a_million()));
        Ok(Fullest { limits, count })
    }

    /// One limit.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn require(&self, uid: Uid) -> Result<Standing, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let found = limit::get(&mut session, uid).await?.ok_or_else(not_found)?;
        standing(&mut session, found, now).await
    }

    /// Sets a limit: one that is there for the same unit and window gets the new amount and goes on counting.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault.
    pub async fn set(
        &self,
        bound: &Bound,
        unit: Unit,
        window: Window,
        amount: i64,
    ) -> Result<Standing, Problem> {
        Limit::check_amount("amount", amount)?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let scope = scope_of(&mut tx, bound, now).await?;
        let change =
            LimitChange { scope: &scope, unit, window, amount: Some(amount), uid: random::uid(), at: now };
        limit::set(&mut tx, &change).await?;
        let all = limit::list_of_scope(&mut tx, &scope, i64::MAX).await?;
        let made = all.into_iter().find(|it| (it.unit, it.window) == (unit, window)).ok_or_else(not_found)?;
        self.finish(tx, "limit.set", made, now, None).await
    }

    /// Changes the amount of a limit, which goes on counting.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or naming the field at fault.
    pub async fn change(&self, uid: Uid, amount: i64) -> Result<Standing, Problem> {
        self.change_as(uid, amount, None).await
    }

    async fn change_as(&self, uid: Uid, amount: i64, reason: Option<&str>) -> Result<Standing, Problem> {
        Limit::check_amount("amount", amount)?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let mut found = limit::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        limit::set(&mut tx, &changed(&found, Some(amount), now)).await?;
        (found.amount, found.updated_at) = (amount, now);
        self.finish(tx, "limit.set", found, now, reason).await
    }

    /// Changes the amount of a limit for a reason, which stands in the audit trail.
    ///
    /// # Errors
    /// As [`Self::change`]; [`Problem`] on the field `reason`.
    pub async fn change_because(&self, uid: Uid, amount: i64, reason: &str) -> Result<Standing, Problem> {
        let reason = reason::check(reason)?;
        self.change_as(uid, amount, Some(&reason)).await
    }

    /// Removes a limit: calls are admitted without it from now on.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn remove(&self, uid: Uid) -> Result<Standing, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let found = limit::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        limit::set(&mut tx, &changed(&found, None, now)).await?;
        self.finish(tx, "limit.remove", found, now, None).await
    }

    async fn finish(
        &self,
        mut tx: Write,
        action: &str,
        limit: Limit,
        now: Millis,
        reason: Option<&str>,
    ) -> Result<Standing, Problem> {
        if action == "limit.set" {
            crossing::changed(&self.custody, &mut tx, &limit, "the limit was changed", now).await?;
            self.custody.exhausted.forget_written();
        }
        let standing = standing(&mut tx, limit, now).await?;
        let limit = &standing.limit;
        let mut detail = json!({
            "scope": limit.scope.kind(), "unit": limit.unit.as_str(), "window": limit.window.as_str(),
            "amount": limit.amount,
        });
        if let Some(reason) = reason {
            detail["reason"] = reason.into();
        }
        let target = Target::named("limit", limit.uid, &standing.name);
        let entry = entry(&self.actor, action, target, now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(standing)
    }

    /// Returns the limits that a call would meet. Counts nothing.
    ///
    /// # Errors
    /// [`Problem`] naming what is not there.
    pub async fn test(&self, question: &Question) -> Result<Verdict, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let now = session.now().await?;
        let mut scopes = Vec::new();
        let mut provider = question.provider.clone();
        let mut user = question.user;
        let mut refusal = None;
        if let Some(name) = &question.credential {
            scopes.push(scope_of(&mut session, &Bound::Credential(name.clone()), now).await?);
            let found = strongroom_store::credential::get_by_name(&mut session, name, now).await?;
            provider = found.map(|found| found.provider);
        }
        if let Some(id) = &question.token {
            scopes.push(scope_of(&mut session, &Bound::Token(id.clone()), now).await?);
            let found = strongroom_store::token::get(&mut session, id).await?;
            let scope = found.as_ref().map(|found| &found.token.scope);
            refusal = scope
                .zip(provider.as_ref())
                .and_then(|(scope, provider)| refusal_of(scope, provider, question));
            user = user.or(found.and_then(|found| found.token.user));
        }
        if let Some(id) = user {
            scopes.push(scope_of(&mut session, &Bound::User(id), now).await?);
        }
        if scopes.is_empty() {
            return Err(Problem::invalid("credential", "name a credential, a token or a user"));
        }
        let mut limits = Vec::new();
        for scope in &scopes {
            for found in limit::list_of_scope(&mut session, scope, i64::MAX).await? {
                let needs = self.needs(question, provider.as_ref(), found.unit, now);
                limits.push((standing(&mut session, found, now).await?, needs));
            }
        }
        Ok(Verdict { refusal, limits })
    }

    fn needs(
        &self,
        question: &Question,
        provider: Option<&Provider>,
        unit: Unit,
        now: Millis,
    ) -> Option<i64> {
        let bound = CallBound::of(question.input_tokens, question.output_tokens);
        let price = provider.zip(question.model.as_deref()).and_then(|(provider, model)| {
            let within = model.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('/'));
            let prices = &self.prices;
            prices.find(provider, model, now).or_else(|| prices.find(provider, within?, now))
        });
        let demand = crate::admission::Demand::within(&bound, price);
        demand.need.of(unit).map(Amount::get)
    }
}
