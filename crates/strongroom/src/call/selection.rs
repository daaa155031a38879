//! Selection: the credentials that may serve a call, in the order in which they are tried.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use strongroom_model::{Actor, Problem, Provider, Secret, Uid};
use strongroom_store::value;

use super::{CallTarget, Calls, FailureReason, NewCall};
use crate::cache::{ActiveCredential, Snapshot};
use crate::credential::visibility::unserved_of;

/// A key that may serve.
#[derive(Debug, Clone)]
pub(super) enum Key {
    /// A credential's.
    Sealed(Arc<ActiveCredential>),
    /// The environment's: its variable and the key.
    Environment(&'static str, Secret),
}

impl Key {
    /// The key itself.
    pub(super) fn secret(&self) -> &Secret {
        match self {
            Self::Sealed(served) => &served.api_key,
            Self::Environment(_, key) => key,
        }
    }
}

/// A credential that may serve, and the target of the call that it serves.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) target: usize,
    pub(super) key: Key,
}

impl Candidate {
    /// Which it is, through changes: the credential, and whether it is its staged version.
    pub(super) fn identity(&self) -> (usize, Option<Uid>, bool) {
        match &self.key {
            Key::Sealed(served) => {
                let credential = &served.credential;
                let is_staged = credential.staged.is_some_and(|staged| staged.version == credential.version);
                (self.target, Some(credential.uid), is_staged)
            }
            Key::Environment(..) => (self.target, None, false),
        }
    }
}

/// Tells whether an actor may ask for the model of a target. Where models are listed, a request with something in it that is not
/// understood may ask for another one, and a list of models asks for none.
fn may_ask(actor: &Actor, call: &NewCall, target: &CallTarget) -> bool {
    let scope = &actor.scope;
    if scope.models.is_empty() {
        return true;
    }
    let permits = || scope.permits_model(&target.provider, target.model.as_deref());
    if call.operation == LIST_OF_MODELS {
        return target.model.is_none() || permits();
    }
    target.bound.unclear.is_none() && permits()
}

/// The operation that lists models, which costs nothing.
const LIST_OF_MODELS: &str = "models";

impl Calls {
    /// The candidates of a call: target by target, in each the healthy ones first, then by priority, and among equals
    /// another one first each time.
    pub(super) async fn candidates(
        &self,
        actor: &Actor,
        call: &NewCall,
        snapshot: Snapshot,
    ) -> Result<Vec<Candidate>, Problem> {
        let mut candidates = Vec::new();
        let (mut is_out_of_reach, mut has_expired, mut is_other_model) = (false, false, false);
        for (target, wanted) in call.targets.iter().enumerate() {
            let provider = &wanted.provider;
            if !may_ask(actor, call, wanted) {
                is_other_model = true;
                continue;
            }
            if !actor.scope.providers.is_empty() && !actor.scope.providers.contains(provider) {
                is_out_of_reach = true;
                continue;
            }
            let mut is_served = false;
            let own = actor.user.map(Some);
            for view in own.into_iter().chain([None]) {
                let mut served = self.cache.active_credentials(provider, view, snapshot).await?;
                let has_some = !served.credentials.is_empty();
                is_served |= has_some;
                let named = &actor.scope.credentials;
                if served.has_more && !named.is_empty() {
                    served = Box::pin(self.cache.named_credentials(provider, view, named, snapshot)).await?;
                }
                let may =
                    |served: &&Arc<ActiveCredential>| actor.scope.permits(served.credential.uid, provider);
                let from = candidates.len();
                let mut is_reached = false;
                for served in served.credentials.iter().filter(may) {
                    is_reached = true;
                    if served.credential.is_expired(snapshot.now) {
                        has_expired = true;
                    } else {
                        candidates.push(Candidate { target, key: Key::Sealed(Arc::clone(served)) });
                    }
                }
                is_out_of_reach |= !is_reached && has_some;
                self.order(&mut candidates[from..], wanted.model.as_deref().unwrap_or_default(), snapshot);
            }
            if !is_served && let Some(key) = Box::pin(self.environment_key(actor, provider, snapshot)).await?
            {
                candidates.push(Candidate { target, key });
            }
        }
        if !candidates.is_empty() {
            self.send_canary_ahead(&mut candidates, snapshot);
            return Ok(candidates);
        }
        if is_other_model {
            return Err(Problem::denied(format!(
                "this token may ask for no other models than {}, and for those only with requests that are understood as a whole",
                actor.scope.models.join(", ")
            )));
        }
        if is_out_of_reach {
            return Err(Problem::denied("this token does not reach a credential that serves this call"));
        }
        if has_expired {
            return Err(Problem::not_found(
                "every credential that could serve this call has expired; give one a new key and another date with \
                 `strongroom credential update`",
            ));
        }
        let views: Vec<_> = actor.user.map(Some).into_iter().chain([None]).collect();
        for target in &call.targets {
            // Boxed: most calls are served, and all of them would carry the room for it.
            if let Some(problem) =
                Box::pin(unserved_of(&self.custody, actor, &target.provider, &views)).await?
            {
                return Err(Problem::not_found(format!(
                    "no credential serves {}: {}",
                    target.provider.as_str(),
                    problem.message
                )));
            }
        }
        let providers: Vec<_> = call.targets.iter().map(|target| target.provider.as_str()).collect();
        Err(Problem::not_found(format!(
            "no active credential serves {}; add one with `strongroom credential add`",
            providers.join(" or ")
        )))
    }

    /// When it is the turn of the staged version of the credential that is tried first, that one is tried before it.
    fn send_canary_ahead(&self, candidates: &mut Vec<Candidate>, snapshot: Snapshot) {
        let Some(Candidate { target, key: Key::Sealed(first) }) = candidates.first() else { return };
        let Some(canary) = first.canary.as_ref().filter(|canary| canary.is_next()) else { return };
        let credential = &canary.active.credential;
        let which = (credential.uid, credential.version);
        // That its key was refused is what shows whether it stands, and not a reason to leave it alone.
        let is_away = self.cooldowns.is_cooling_down(which, snapshot.now)
            && self.cooldowns.of(which).is_some_and(|cooldown| cooldown.reason != FailureReason::BadKey);
        if !is_away && self.canaries.is_serving(credential.version) {
            let ahead = Candidate { target: *target, key: Key::Sealed(Arc::clone(&canary.active)) };
            candidates.insert(0, ahead);
        }
    }

    fn order(&self, candidates: &mut [Candidate], model: &str, snapshot: Snapshot) {
        if candidates.len() < 2 {
            return;
        }
        let of = |candidate: &Candidate| match &candidate.key {
            Key::Sealed(served) => {
                let credential = &served.credential;
                let which = (credential.uid, credential.version);
                let is_away = self.cooldowns.is_cooling_down(which, snapshot.now)
                    || self.cooldowns.is_model_used_up(which, model, snapshot.now);
                (is_away, credential.priority)
            }
            Key::Environment(..) => (false, 0),
        };
        // Stable: equals stay in the order of their ids.
        candidates.sort_by_cached_key(of);
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        for equals in candidates.chunk_by_mut(|one, other| of(one) == of(other)) {
            let first = turn % equals.len();
            equals.rotate_left(first);
        }
    }

    /// The environment's key, when the database has no row for the provider, alive or not, and never held this key in a
    /// credential that is not to be used any more.
    async fn environment_key(
        &self,
        actor: &Actor,
        provider: &Provider,
        snapshot: Snapshot,
    ) -> Result<Option<Key>, Problem> {
        let Some((variable, key)) = self.settings.environment.key_of(provider) else { return Ok(None) };
        if !actor.scope.credentials.is_empty() {
            return Ok(None);
        }
        let own = actor.user.map(Some);
        for view in own.into_iter().chain([None]) {
            if !self.cache.has_no_rows(provider, view, snapshot).await? {
                return Ok(None);
            }
        }
        let mut session = self.custody.store.read().await?;
        let holders = value::holders(&mut session, &self.custody.keyring().fingerprint(key)).await?;
        if holders.iter().any(|it| !it.is_served()) {
            tracing::warn!(
                variable,
                "the key in the environment belongs to a credential that was deleted, deactivated, frozen or \
                replaced, and is not used"
            );
            return Ok(None);
        }
        Ok(Some(Key::Environment(variable, key.clone())))
    }
}
