//! Uses that are over as soon as they are admitted: a key that is handed out, or a use that a program reports.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_crypto::random;
use strongroom_model::alert::Thresholds;
use strongroom_model::credential::{Credential, Source};
use strongroom_model::limit::LimitScope;
use strongroom_model::usage::{Metering, TokenUsage, Untold};
use strongroom_model::{Actor, Amount, LedgerText, Millis, Problem, Uid};
use strongroom_store::counter::{self, CounterKey, Delta};
use strongroom_store::usage::{Kind, Record};
use strongroom_store::{Session, Write};

use super::{AtFault, Demand, Need, Plan, client_scopes, limit_reached};
use crate::cache::{Cache, Snapshot};
use crate::crossing::{self, Crossing, counted};
use crate::custody::Custody;

/// One use, which consumes no tokens that anybody could count.
const ONE_USE: Demand<'static> = Demand {
    need: Need {
        requests: Amount::ONE,
        tokens: Some(Amount::ZERO),
        nano_usd: Some(Amount::ZERO),
        to_be_told: Untold::NONE,
    },
    at_fault: AtFault { unclear: None, unpriced: None },
};

/// Plans one use of a credential: the counters and limits that it touches.
pub(crate) async fn plan_use(
    cache: &Cache,
    session: &mut Session,
    actor: &Actor,
    credential: Uid,
    snapshot: Snapshot,
) -> Result<Plan, Problem> {
    let mut plan = Plan::default();
    let limits = cache.limits_in(session, &LimitScope::Credential(credential), snapshot.generation).await?;
    plan.count_uses(credential, &limits, snapshot);
    plan.bind(&limits, &ONE_USE, snapshot)?;
    plan_client_use(cache, session, &mut plan, actor, snapshot).await?;
    Ok(plan)
}

/// Adds the limits of token and user to the plan of one use.
pub(crate) async fn plan_client_use(
    cache: &Cache,
    session: &mut Session,
    plan: &mut Plan,
    actor: &Actor,
    snapshot: Snapshot,
) -> Result<(), Problem> {
    for scope in client_scopes(actor) {
        let limits = cache.limits_in(session, &scope, snapshot.generation).await?;
        plan.bind(&limits, &ONE_USE, snapshot)?;
    }
    Ok(())
}

/// Counts each of these uses on all its counters, or refuses it. Tells for each the first counter's standing: what counts
/// against the limit, and what was consumed, with this use in it.
///
/// The counters are locked until the transaction ends: no two callers can both take the last use.
pub(crate) async fn take_all(
    custody: &Custody,
    tx: &mut Write,
    plans: &[&Plan],
    now: Millis,
) -> Result<Vec<Result<Standing, Problem>>, Problem> {
    let keys: Vec<CounterKey> = plans
        .iter()
        .flat_map(|plan| plan.claims.iter().map(|claim| claim.key))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut states = counter::lock_all(tx, &keys).await?;
    let before = states.clone();
    let mut deltas: BTreeMap<CounterKey, Delta> = BTreeMap::new();
    let mut thresholds: BTreeMap<CounterKey, (i64, Thresholds)> = BTreeMap::new();
    let mut taken = Vec::with_capacity(plans.len());
    for plan in plans {
        let full = plan.claims.iter().position(|claim| {
            let state = states.entry(claim.key).or_default();
            claim.limit.is_some_and(|limit| claim.amount > limit.saturating_sub(state.taken()))
        });
        if let Some(full) = full {
            let claim = &plan.claims[full];
            let state = states.get(&claim.key).copied().unwrap_or_default();
            let refusal = plan.limit(full).map(|limit| {
                custody.note_refusal(limit, claim.key, claim.amount, now);
                limit_reached(limit, state, claim.amount, now)
            });
            taken
                .push(Err(refusal.unwrap_or_else(|| Problem::internal("a counter without a limit refused"))));
            continue;
        }
        for claim in &plan.claims {
            states.entry(claim.key).or_default().settled += claim.amount;
            deltas.entry(claim.key).or_default().add(&Delta::used(claim.amount, now));
            if let Some(limit) = claim.limit {
                thresholds.insert(claim.key, (limit, claim.thresholds));
            }
        }
        let first = plan.claims.first().and_then(|claim| states.get(&claim.key)).copied().unwrap_or_default();
        taken.push(Ok(Standing { used: first.used(), consumed: first.settled + first.held }));
    }
    counter::apply(tx, &deltas).await?;
    let crossing = |(key, (limit, thresholds)): (CounterKey, (i64, Thresholds))| {
        let at = |states: &BTreeMap<_, _>| counted(&states.get(&key).copied().unwrap_or_default());
        let (before, after) = (at(&before), at(&states));
        let has_crossed = thresholds.crossed(before, after, limit).next().is_some();
        has_crossed.then_some(Crossing { key, before, after })
    };
    let crossings: Vec<Crossing> = thresholds.into_iter().filter_map(crossing).collect();
    crossing::write(custody, tx, &crossings, now).await?;
    Ok(taken)
}

/// Where a counter stands with a use in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Amount that counts against the limit.
    pub(crate) used: i64,
    /// The same without corrections.
    pub(crate) consumed: i64,
}

/// The record of such a use.
pub(crate) fn record(
    custody: &Custody,
    actor: &Actor,
    credential: Option<&Credential>,
    provider: &strongroom_model::Provider,
    kind: Kind,
    snapshot: Snapshot,
) -> Record {
    Record {
        uid: random::uid_at(snapshot.now),
        at: snapshot.now,
        kind,
        operation: "secret.read",
        actor: LedgerText::shown(actor.label()),
        user: actor.user,
        credential: credential.map(|credential| credential.uid),
        version: credential.map(|credential| credential.version),
        provider: provider.clone(),
        model: LedgerText::default(),
        source: if credential.is_some() { Source::Database } else { Source::Environment },
        status: 200,
        requests: 1,
        client_requests: 1,
        tokens: TokenUsage::default(),
        cost_nano_usd: Some(Amount::ZERO),
        charged_tokens: Amount::ZERO,
        charged_nano_usd: Amount::ZERO,
        metering: Metering::Unmetered,
        generation: snapshot.generation,
        first_byte_ms: None,
        total_ms: None,
        raw_usage: None,
        request_id: actor.request_id.clone().map(LedgerText::shown),
        tags: custody.spend_tags.of(&actor.tags, credential.map(|it| &it.tags), snapshot.now),
    }
}
