//! Admission: what a call may consume is held on every limit that it touches before it leaves, and settled afterwards.
//!
//! See `docs/adr/0006-holds-belong-to-servers.md` for how it stays exact through crashes and on several servers.

mod batcher;
pub(crate) mod immediate;
pub(crate) mod leases;
mod recovery;

use strongroom_model::alert::Thresholds;
use strongroom_model::limit::{CounterState, Limit, LimitScope, Unit};
use strongroom_model::price::ModelPrice;
use strongroom_model::usage::{CallBound, Untold};
use strongroom_model::{Actor, ActorKind, Amount, Millis, Problem, ProblemKind, Uid};
use strongroom_store::counter::CounterKey;
use strongroom_store::usage::Record;

pub(crate) use batcher::{AdmissionBatcher, Refusal};
pub(crate) use leases::{Claim, Consumed};
pub(crate) use recovery::{recover_holds, settle_node};

use crate::cache::{Cache, Snapshot};

/// The most that a call needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    pub(crate) requests: Amount,
    /// `None` when nothing bounds them.
    pub(crate) tokens: Option<Amount>,
    /// `None` when no price is known.
    pub(crate) nano_usd: Option<Amount>,
    /// What it asks for and has no price when the answer does not tell of it.
    pub(crate) to_be_told: Untold,
}

/// The fields of a request that nothing bounds, to name them to its caller.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AtFault<'b> {
    /// Nothing bounds its use.
    unclear: Option<&'b str>,
    /// Its use may be bounded, and has no price.
    unpriced: Option<&'b str>,
}

/// A need, and the fields of the request that are at fault where nothing bounds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand<'b> {
    pub(crate) need: Need,
    pub(crate) at_fault: AtFault<'b>,
}

impl<'b> Demand<'b> {
    /// The most that a call within these bounds can need.
    pub(crate) fn within(bound: &'b CallBound, price: Option<&ModelPrice>) -> Self {
        let mut to_be_told = Untold::NONE;
        for asked in &bound.asked {
            to_be_told.set(Untold::needed_by(asked.what), true);
        }
        let unbounded = Need { requests: Amount::ONE, tokens: None, nano_usd: None, to_be_told };
        let mut at_fault = AtFault { unclear: bound.unclear.as_deref(), unpriced: None };
        if !bound.is_metered || bound.unclear.is_some() {
            return Self { need: unbounded, at_fault };
        }
        let (tokens, nano_usd) = match price {
            Some(price) => {
                let most = price.most(bound);
                at_fault.unpriced = most.nano_usd.err();
                (Some(most.tokens), most.nano_usd.ok())
            }
            None => {
                let of_all = |output: Amount| output.times(bound.answers.max(Amount::ONE));
                let tokens = bound.input.zip(bound.output).map(|(input, output)| input.plus(of_all(output)));
                // What uses no tokens costs nothing, whatever the price.
                (tokens, tokens.filter(|tokens| *tokens == Amount::ZERO))
            }
        };
        // What reaches the ceiling may go beyond it: nothing bounds it.
        let bounded = |amount: &Amount| !amount.is_at_ceiling();
        let nano_usd = nano_usd.filter(bounded).map(|most| most.max(bound.refusal_fee));
        let need = Need { tokens: tokens.filter(bounded), nano_usd, ..unbounded };
        Self { need, at_fault }
    }
}

impl Need {
    pub(crate) fn of(&self, unit: Unit) -> Option<Amount> {
        match unit {
            Unit::Requests => Some(self.requests),
            Unit::Tokens => self.tokens,
            Unit::NanoUsd => self.nano_usd,
        }
    }
}

/// Use of a call, by unit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) requests: Amount,
    pub(crate) tokens: Amount,
    pub(crate) nano_usd: Amount,
}

impl Spent {
    pub(crate) fn of(&self, unit: Unit) -> i64 {
        let amount = match unit {
            Unit::Requests => self.requests,
            Unit::Tokens => self.tokens,
            Unit::NanoUsd => self.nano_usd,
        };
        amount.get()
    }
}

/// Holds on counters for one side of a call.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) claims: Vec<Claim>,
    /// Of which of this server's lives: what was held in an earlier one has been settled by others.
    pub(crate) epoch: u64,
}

impl Held {
    /// Returns the settlement when nothing of it was used.
    pub(crate) fn nothing_consumed(&self) -> Vec<Consumed> {
        self.consumed(|_| 0)
    }

    /// Returns the settlement when so much of each claim was used.
    pub(crate) fn consumed(&self, amount: impl Fn(&Claim) -> i64) -> Vec<Consumed> {
        let one = |claim: &Claim| Consumed { key: claim.key, held: claim.amount, amount: amount(claim) };
        self.claims.iter().map(one).collect()
    }
}

/// A call that has ended, on its way into the ledger.
#[derive(Debug)]
pub(crate) struct Settlement {
    /// Everything that was held for it, with what it consumed.
    pub(crate) consumed: Vec<Consumed>,
    pub(crate) epoch: u64,
    pub(crate) at: Millis,
    pub(crate) record: Option<Record>,
}

/// Whom the claims of a call are for: the places of the limits, to name the one that refuses.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) claims: Vec<Claim>,
    /// The limits of those claims that have one, with their places: most calls have none.
    pub(crate) limits: Vec<(usize, Limit)>,
}

impl Plan {
    fn push(&mut self, claim: Claim, limit: Option<&Limit>) {
        self.limits.extend(limit.map(|limit| (self.claims.len(), limit.clone())));
        self.claims.push(claim);
    }

    /// The limit of a claim, if it has one.
    pub(crate) fn limit(&self, claim: usize) -> Option<&Limit> {
        self.limits.iter().find(|(place, _)| *place == claim).map(|(_, limit)| limit)
    }

    /// A credential's monthly requests, which are counted with and without a limit.
    pub(crate) fn count_uses(&mut self, credential: Uid, limits: &[Limit], snapshot: Snapshot) {
        let key = CounterKey::monthly_requests(credential, snapshot.now);
        let limit = limits.iter().find(|limit| limit.counter_subject() == credential);
        let thresholds = limit.map_or(Thresholds::NONE, |limit| limit.thresholds);
        self.push(Claim { key, amount: 1, limit: limit.map(|limit| limit.amount), thresholds }, limit);
    }

    /// The limits of a scope, less the one that [`Plan::count_uses`] has.
    ///
    /// # Errors
    /// [`Problem`] of kind `Denied` when a limit counts what nothing bounds.
    pub(crate) fn bind(
        &mut self,
        limits: &[Limit],
        demand: &Demand<'_>,
        snapshot: Snapshot,
    ) -> Result<(), Problem> {
        let Demand { need, at_fault } = demand;
        for limit in limits {
            if matches!(&limit.scope, LimitScope::Credential(uid) if *uid == limit.counter_subject()) {
                continue;
            }
            let amount = need.of(limit.unit).ok_or_else(|| unbounded(limit.unit, *at_fault))?;
            // What uses no tokens is free. A model that costs nothing by the table may cost something by its provider's word.
            if amount == Amount::ZERO && need.tokens == Some(Amount::ZERO) {
                continue;
            }
            let key = CounterKey::at(limit.uid, limit.unit, limit.window, snapshot.now);
            let (amount, thresholds) = (amount.get(), limit.thresholds);
            self.push(Claim { key, amount, limit: Some(limit.amount), thresholds }, Some(limit));
        }
        Ok(())
    }
}

fn unbounded(unit: Unit, at_fault: AtFault<'_>) -> Problem {
    let of = match unit {
        Unit::NanoUsd => "US dollars",
        _ => "tokens",
    };
    if let Some(field) = at_fault.unclear {
        return Problem::denied(format!(
            "a limit in {of} applies, and {field} of the request is nothing whose use can be bounded; leave it out, or \
             write it as the provider's reference does"
        ));
    }
    if let Some(field) = at_fault.unpriced.filter(|_| unit == Unit::NanoUsd) {
        return Problem::denied(format!(
            "a limit in {of} applies, and what {field} of the request may cost with this model is not known or has no bound; \
             leave it out, bound it, or add its price to the price table"
        ));
    }
    Problem::denied(match unit {
        Unit::NanoUsd => {
            "a limit in US dollars applies, and no price is known for this model or endpoint; add the model to the price \
             table, or use one that is in it"
        }
        _ => {
            "a limit in tokens applies, and nothing bounds what this call would use; set the most tokens of the answer, \
             or use a model that is in the price table and an endpoint that reports its usage"
        }
    })
}

/// Scopes whose limits bind a call beside the credential's.
pub(crate) fn client_scopes(actor: &Actor) -> impl Iterator<Item = LimitScope> + use<> {
    let token = match &actor.kind {
        ActorKind::Token(id) => Some(LimitScope::Token(id.clone())),
        _ => None,
    };
    token.into_iter().chain(actor.user.map(LimitScope::User))
}

/// The problem of a limit that has no room: now, or ever, when the call may use more than all of it. Requests are counted one by one, so that
/// a limit of none of them is simply reached.
pub(crate) fn limit_reached(limit: &Limit, state: CounterState, amount: i64, now: Millis) -> Problem {
    let resets = limit.window.end(now);
    let again = match resets {
        Some(at) => format!("it starts over at {at}"),
        None => "it does not start over: raise it, or use another".to_owned(),
    };
    let window = match limit.window {
        strongroom_model::limit::Window::Prepaid => "in all".to_owned(),
        window => format!("per {}", window.as_str()),
    };
    // What is said once of requests and tokens is said of each sum of money.
    let shown = |amount: i64| match limit.unit {
        Unit::NanoUsd => limit.unit.shown(amount),
        _ => amount.to_string(),
    };
    if limit.unit != Unit::Requests && amount > limit.amount {
        return Problem::invalid(
            "max_tokens",
            format!(
                "this call may use up to {} {window}, more than the whole limit of {} of this {}: it can never pass, however \
                 long it waits; ask for fewer tokens of the answer (max_tokens, max_completion_tokens, max_output_tokens or \
                 maxOutputTokens), shorten the prompt, or have the limit raised with `strongroom limit update`",
                limit.unit.shown(amount),
                limit.unit.shown(limit.amount),
                limit.scope.kind(),
            ),
        );
    }
    Problem {
        retry_at: resets,
        ..Problem::new(
            ProblemKind::LimitReached,
            format!(
                "Rate limit exceeded: this {} may use {} {window}; {} are used, {} are held by calls under way, and \
                 this call needs {}; {again}",
                limit.scope.kind(),
                limit.unit.shown(limit.amount),
                shown(state.settled + state.adjusted),
                shown(state.held + state.leased),
                shown(amount),
            ),
        )
    }
}

/// Puts the limits of token and user into a plan.
///
/// # Errors
/// [`Problem`] of kind `Denied` when a limit counts what nothing bounds.
pub(crate) async fn bind_client(
    cache: &Cache,
    plan: &mut Plan,
    actor: &Actor,
    demand: &Demand<'_>,
    snapshot: Snapshot,
) -> Result<(), Problem> {
    for scope in client_scopes(actor) {
        let limits = match cache.known_limits_of(&scope, snapshot.generation) {
            Some(limits) => limits,
            None => cache.limits_of(&scope, snapshot.generation).await?,
        };
        plan.bind(&limits, demand, snapshot)?;
    }
    Ok(())
}

/// Puts a credential's own counter and limits into a plan.
///
/// # Errors
/// [`Problem`] of kind `Denied` when a limit counts what nothing bounds.
pub(crate) async fn bind_credential(
    cache: &Cache,
    plan: &mut Plan,
    credential: Uid,
    demand: &Demand<'_>,
    snapshot: Snapshot,
) -> Result<(), Problem> {
    let scope = LimitScope::Credential(credential);
    let limits = match cache.known_limits_of(&scope, snapshot.generation) {
        Some(limits) => limits,
        None => cache.limits_of(&scope, snapshot.generation).await?,
    };
    plan.count_uses(credential, &limits, snapshot);
    plan.bind(&limits, demand, snapshot)
}
