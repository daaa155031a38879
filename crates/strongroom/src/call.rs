//! Calls to providers with a key that the caller never sees: who may, with which credential, and what it counts.

mod attempt;
mod model_names;
mod selection;
mod settlement;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_connectors::ai::gateway::Refused;
use strongroom_model::limit::LimitScope;
use strongroom_model::price::PriceTable;
use strongroom_model::tag::TagSet;
use strongroom_model::usage::{CallBound, Metering, TokenUsage};
use strongroom_model::{Actor, Problem, ProblemKind, Provider, RawUsage, Role};
use strongroom_store::change::Subject;
use strongroom_store::counter::CounterKey;

use crate::admission::{
    AdmissionBatcher, Demand, Held, Need, Plan, Refusal, bind_client, bind_credential, client_scopes,
    limit_reached,
};
use crate::cache::{Cache, Snapshot};
use crate::canary::Canaries;
use crate::cooldown::Cooldowns;
use crate::custody::Custody;
use crate::settings::Settings;
use crate::token;

pub use attempt::{Attempt, Running};
pub(crate) use model_names::ModelNames;
pub use strongroom_connectors::ai::gateway::{FailureReason, RefusalBill, Report};

use selection::{Candidate, Key};
use settlement::{ClientSide, Holds, Purpose};

/// How often claims are made again because something changed meanwhile.
const ATTEMPTS: usize = 16;
/// How often changes may put it off before they let it go ahead.
const PATIENT: usize = 3;

/// Where a call may go, and what it may consume there.
#[derive(Debug, Clone)]
pub struct CallTarget {
    /// Whose API.
    pub provider: Provider,
    /// The model as the provider names it; `None` when the call has none.
    pub model: Option<String>,
    /// The most that it can consume.
    pub bound: CallBound,
}

/// A call that a program wants to make.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// The operation, such as `chat.completions`.
    pub operation: &'static str,
    /// Where it may go, in the order to try.
    pub targets: Vec<CallTarget>,
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// There was no connection.
    Connect,
    /// A connection that was kept open was closed as the request was sent, or this server could make none: the credential
    /// has no part in it.
    Ours,
    /// The answer did not start in time.
    Timeout,
    /// The provider refused it, most likely for what the caller sent along: the credential has no part in it.
    Unblamed {
        /// The HTTP status.
        status: u16,
    },
    /// The key may not do what was asked, and another may; it is right for the rest.
    NotPermitted {
        /// The HTTP status.
        status: u16,
    },
    /// The key has used up what it may have of the model that was asked for; it is right for others.
    OfModel {
        /// The HTTP status.
        status: u16,
        /// When the provider says to come back.
        retry_after: Option<Duration>,
    },
    /// The provider refused it.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The meaning of the answer for the key.
        health: FailureReason,
        /// When the provider says to come back.
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// The failure of an attempt that the provider refused, by what that means for the key.
    #[must_use]
    pub fn of_refusal(status: u16, refused: Refused) -> Self {
        let Refused { reason, retry_after, is_of_model } = refused;
        match reason {
            Some(_) if is_of_model => Self::OfModel { status, retry_after },
            Some(health) => Self::Refused { status, health, retry_after },
            None => Self::NotPermitted { status },
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone)]
pub struct CallEnd {
    /// Its use, as far as that is known. Where it is charged as held, the least of it.
    pub usage: Option<TokenUsage>,
    /// The model that answered, when the answer says so.
    pub model: Option<String>,
    /// The provider's own usage figures.
    pub raw_usage: Option<RawUsage>,
    /// The source of `usage`.
    pub metering: Metering,
}

impl CallEnd {
    /// Nothing is known: what was held counts.
    pub const UNKNOWN: Self = Self { usage: None, model: None, raw_usage: None, metering: Metering::Held };

    /// Nothing was consumed.
    pub const UNBILLED: Self =
        Self { usage: None, model: None, raw_usage: None, metering: Metering::Unmetered };

    /// The end of a call that the provider refused, if it bills that all the same: at what it told, else at what was held, and
    /// at no less than the fee that it says it takes.
    #[must_use]
    pub fn of_refusal(bill: RefusalBill) -> Option<Self> {
        let RefusalBill { report, fee, may_be_billed } = bill;
        let mut end = match report {
            Some(report) => Self::of(*report),
            None if may_be_billed => Self::UNKNOWN,
            None => return None,
        };
        if fee.is_some() {
            let usage = end.usage.get_or_insert_default();
            usage.reported_nano_usd = usage.reported_nano_usd.max(fee);
        }
        Some(end)
    }

    /// The end of a call whose answer said this of itself. Figures that are not the provider's last word bound nothing:
    /// the call is charged at what was held, and at no less than they say.
    #[must_use]
    pub fn of(report: Report) -> Self {
        let Report { usage, is_final, model, raw } = report;
        let metering = if is_final { Metering::Reported } else { Metering::Held };
        Self { usage, model, raw_usage: raw.filter(|_| is_final), metering }
    }
}

/// The parts that calls work with.
#[derive(Debug)]
pub(crate) struct Calls {
    pub(crate) custody: Arc<Custody>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    pub(crate) canaries: Canaries,
    pub(crate) cooldowns: Arc<Cooldowns>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) model_names: ModelNames,
    /// Turns taken, to spread calls over equals.
    pub(crate) turns: AtomicUsize,
}

/// Calls, as one actor makes them.
#[derive(Debug, Clone)]
pub struct CallService {
    pub(crate) calls: Arc<Calls>,
    pub(crate) actor: Arc<Actor>,
}

/// A call under way: the attempts that it takes.
#[derive(Debug)]
pub struct Call {
    calls: Arc<Calls>,
    actor: Arc<Actor>,
    call: NewCall,
    candidates: Vec<Candidate>,
    tried: usize,
    /// True if a credential has had a second turn.
    has_repeated: bool,
    /// The snapshot by which the candidates were found.
    chosen_at: Snapshot,
    client: Arc<Mutex<ClientSide>>,
    refusal: Option<Problem>,
}

impl CallService {
    /// Finds who may serve a call.
    ///
    /// # Errors
    /// [`Problem`] of kind `Denied` when the actor may not, `NotFound` when nobody serves these providers.
    pub async fn begin(&self, call: NewCall) -> Result<Call, Problem> {
        if self.actor.role == Role::Auditor {
            return Err(Problem::denied("an auditor sees metadata and uses no keys"));
        }
        let mut snapshot = self.calls.cache.snapshot().await?;
        let candidates = match self.calls.candidates(&self.actor, &call, snapshot).await {
            // What another server has just made is not known here yet: nobody is turned away by what was known before.
            Err(problem) if matches!(problem.kind, ProblemKind::Denied | ProblemKind::NotFound) => {
                self.calls.cache.invalidate();
                let again = self.calls.cache.snapshot().await?;
                if again.generation == snapshot.generation {
                    return Err(problem);
                }
                snapshot = again;
                self.calls.candidates(&self.actor, &call, snapshot).await?
            }
            found => found?,
        };
        Ok(Call {
            calls: Arc::clone(&self.calls),
            actor: Arc::clone(&self.actor),
            call,
            candidates,
            tried: 0,
            has_repeated: false,
            chosen_at: snapshot,
            client: Arc::default(),
            refusal: None,
        })
    }
}

impl CallService {
    /// Tells whether a credential of this provider, or the environment, serves this actor.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn serves(&self, provider: &Provider) -> Result<bool, Problem> {
        let bound = CallBound::UNKNOWN;
        let target = CallTarget { provider: provider.clone(), model: None, bound };
        match self.begin(NewCall { operation: "models", targets: vec![target] }).await {
            Ok(_) => Ok(true),
            Err(problem) if matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Denied) => Ok(false),
            Err(problem) => Err(problem),
        }
    }
}

impl CallService {
    /// Tells whether a credential of this provider is or was there, whosever it is: such a name before a model is a provider's. With
    /// `looks_again` also what another server has just stored is seen.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn knows(&self, provider: &Provider, looks_again: bool) -> Result<bool, Problem> {
        let snapshot = self.calls.cache.snapshot().await?;
        if self.calls.cache.was_stored(provider, snapshot).await? {
            return Ok(true);
        }
        if !looks_again {
            return Ok(false);
        }
        self.calls.cache.invalidate();
        let again = self.calls.cache.snapshot().await?;
        Ok(again.generation != snapshot.generation && self.calls.cache.was_stored(provider, again).await?)
    }
}

impl Call {
    /// The next credential that may serve, admitted on all limits that it touches; `None` when nobody is left.
    ///
    /// # Errors
    /// [`Problem`] of kind `LimitReached` naming the limit, `Unavailable` when the database is away.
    pub async fn next(&mut self) -> Result<Option<Attempt>, Problem> {
        // From when it was put off so often until it is answered.
        let (mut put_off, mut ahead) = (0, None);
        for _ in 0..ATTEMPTS {
            let snapshot = self.calls.cache.snapshot().await?;
            if snapshot.generation != self.chosen_at.generation {
                if !self.is_choice_unchanged() {
                    Box::pin(self.refresh_candidates(snapshot)).await?;
                }
                self.chosen_at = snapshot;
            }
            let Some(candidate) = self.candidates.get(self.tried) else {
                return self.refusal.take().map_or(Ok(None), Err);
            };
            let demand = self.demand(candidate.target, snapshot);
            let need = demand.need;
            let mut plan = Plan::default();
            bind_client(&self.calls.cache, &mut plan, &self.actor, &demand, snapshot).await?;
            let client_claims = plan.claims.len();
            if let Key::Sealed(served) = &candidate.key
                && let Err(problem) =
                    bind_credential(&self.calls.cache, &mut plan, served.credential.uid, &demand, snapshot)
                        .await
            {
                if problem.kind != ProblemKind::Denied {
                    return Err(problem);
                }
                self.pass_on(problem);
                continue;
            }
            // What an attempt before this one held of token and user is held on.
            let reused = settlement::reuse(&self.client, &mut plan, client_claims);
            let claims = std::mem::take(&mut plan.claims);
            let subjects = || self.subjects(candidate);
            let admitted = self.calls.admission.admit(claims, snapshot, subjects).await;
            match admitted {
                Ok(held) => return Ok(Some(self.attempt(held, reused, client_claims, need, snapshot))),
                Err(Refusal::Stale) => {
                    self.calls.cache.invalidate();
                    put_off += 1;
                    if put_off >= PATIENT && ahead.is_none() {
                        ahead = Some(self.calls.custody.store.prioritise_call());
                    }
                }
                Err(Refusal::Problem(problem)) => return Err(problem),
                Err(Refusal::Limit { claim, amount, state }) => {
                    self.calls.custody.counters.limit_refusals.add_one();
                    let Some(limit) = plan.limit(claim) else {
                        return Err(Problem::internal("a counter without a limit refused"));
                    };
                    let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, snapshot.now);
                    self.calls.custody.note_refusal(limit, key, amount, snapshot.now);
                    let problem = limit_reached(limit, state, amount, snapshot.now);
                    if claim < client_claims {
                        // Another credential would not help.
                        return Err(problem);
                    }
                    self.pass_on(problem);
                }
            }
        }
        Err(Problem::new(ProblemKind::Unavailable, "credentials are being changed all the time; try again"))
    }

    /// Gives the credential that was tried last a second turn, once in a call. Tells whether it has one.
    pub fn repeat(&mut self) -> bool {
        let may = !self.has_repeated && self.tried > 0;
        if may {
            (self.has_repeated, self.tried) = (true, self.tried - 1);
        }
        may
    }

    /// Tells whether somebody is left to try.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.tried < self.candidates.len()
    }

    /// The next candidate, please. That a limit is reached is the best answer when nobody is left.
    fn pass_on(&mut self, problem: Problem) {
        self.tried += 1;
        let keeps = self.refusal.as_ref().is_some_and(|before| before.kind == ProblemKind::LimitReached);
        if !keeps {
            self.refusal = Some(problem);
        }
    }

    /// Finds the candidates again after a change. Those that were tried are not tried again.
    async fn refresh_candidates(&mut self, snapshot: Snapshot) -> Result<(), Problem> {
        self.actor = Arc::new(token::reauthenticate(&self.calls.cache, &self.actor).await?);
        let tried: Vec<_> = self.candidates[..self.tried].iter().map(Candidate::identity).collect();
        self.candidates = match self.calls.candidates(&self.actor, &self.call, snapshot).await {
            Ok(candidates) => candidates.into_iter().filter(|it| !tried.contains(&it.identity())).collect(),
            // Who was tried may have been the last one.
            Err(problem) if self.tried > 0 && problem.kind == ProblemKind::NotFound => Vec::new(),
            Err(problem) => return Err(problem),
        };
        self.tried = 0;
        Ok(())
    }

    /// Tells whether nothing was changed that the candidates were found by: who calls, and the credentials of the providers.
    fn is_choice_unchanged(&self) -> bool {
        let providers = self.call.targets.iter().map(|target| Subject::Provider(target.provider.clone()));
        let subjects: Vec<_> = client_scopes(&self.actor).map(Subject::Scope).chain(providers).collect();
        self.calls.cache.are_unchanged(&subjects, self.chosen_at)
    }

    /// The scopes whose limits bind an attempt.
    fn subjects(&self, candidate: &Candidate) -> Vec<Subject> {
        let credential = match &candidate.key {
            Key::Sealed(active) => Some(LimitScope::Credential(active.credential.uid)),
            Key::Environment(..) => None,
        };
        client_scopes(&self.actor).chain(credential).map(Subject::Scope).collect()
    }

    fn demand(&self, target: usize, snapshot: Snapshot) -> Demand<'_> {
        let target = &self.call.targets[target];
        let price =
            target.model.as_deref().and_then(|it| self.calls.prices.find(&target.provider, it, snapshot.now));
        Demand::within(&target.bound, price)
    }

    /// What an attempt is booked to.
    fn tags_of(&self, candidate: &Candidate, snapshot: Snapshot) -> TagSet {
        let of_credential = match &candidate.key {
            Key::Sealed(active) => Some(&active.credential.tags),
            Key::Environment(..) => None,
        };
        self.calls.custody.spend_tags.of(&self.actor.tags, of_credential, snapshot.now)
    }

    fn attempt(
        &mut self,
        mut held: Held,
        reused: Held,
        client_claims: usize,
        need: Need,
        snapshot: Snapshot,
    ) -> Attempt {
        let candidate = self.candidates[self.tried].clone();
        self.tried += 1;
        let credential = match client_claims {
            // Most often: to split all of it off would allocate again.
            0 => Held { claims: std::mem::take(&mut held.claims), epoch: held.epoch },
            _ => Held { claims: held.claims.split_off(client_claims), epoch: held.epoch },
        };
        let client = settlement::join(held, reused);
        let target = &self.call.targets[candidate.target];
        Attempt::new(
            candidate.key.clone(),
            Purpose {
                calls: Arc::clone(&self.calls),
                operation: self.call.operation,
                actor: self.actor.label(),
                user: self.actor.user,
                request_id: self.actor.request_id.clone(),
                tags: self.tags_of(&candidate, snapshot),
                provider: target.provider.clone(),
                model: target.model.clone(),
                target: candidate.target,
                need,
                snapshot,
            },
            Holds { client, credential },
            Arc::clone(&self.client),
        )
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        settlement::close(&self.calls, &self.client);
    }
}
