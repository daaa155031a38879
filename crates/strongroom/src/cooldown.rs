//! Cooldowns: credentials that providers refused are tried after others for a while.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strongroom_connectors::ai::gateway::FailureReason;
use strongroom_model::{Millis, Uid};

/// A refusal by a provider, and until when the credential is tried last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown {
    /// The meaning of the provider's answer.
    pub reason: FailureReason,
    /// Since when.
    pub since: Millis,
    /// Until then others are tried before it.
    pub until: Millis,
    /// How often in a row.
    pub times: u32,
}

/// Credentials that were refused. What a new version brings is another matter, so it is known by its version.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    known: Mutex<HashMap<(Uid, Uid), Cooldown>>,
    /// Models that keys have used up: until when others are asked first.
    models: Mutex<Models>,
    /// `true` when there may be some: most servers never have one.
    has_models: AtomicBool,
    /// What was known when it was last written down.
    written: Mutex<BTreeMap<Uid, (Uid, Cooldown)>>,
}

/// Until when a key is tried last for a model, by the key and the model's name.
type Models = HashMap<(Uid, Uid), HashMap<String, Millis>>;

/// Models that are remembered for a key: callers make names up.
const MAX_MODELS: usize = 64;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;

/// Milliseconds to stay away after the nth refusal in a row, when the provider does not say.
fn cooldown_ms(reason: FailureReason, times: u32) -> i64 {
    let doubled = |first: i64, most: i64| (first << times.min(16).saturating_sub(1)).min(most);
    match reason {
        FailureReason::BadKey => 5 * MINUTE,
        FailureReason::EmptyAccount => 10 * MINUTE,
        FailureReason::RateLimited => doubled(2 * SECOND, MINUTE),
        FailureReason::ProviderDown => doubled(SECOND, MINUTE / 2),
    }
}

impl Cooldowns {
    fn known(&self) -> MutexGuard<'_, HashMap<(Uid, Uid), Cooldown>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known now, one version for each credential: that of which something was heard last.
    pub(crate) fn by_credential(&self) -> BTreeMap<Uid, (Uid, Cooldown)> {
        let mut latest: BTreeMap<Uid, (Uid, Cooldown)> = BTreeMap::new();
        for ((credential, version), cooldown) in self.known().iter() {
            let is_later = latest.get(credential).is_none_or(|(_, other)| other.since < cooldown.since);
            if is_later {
                latest.insert(*credential, (*version, *cooldown));
            }
        }
        latest
    }

    /// What was known when it was last written down; to be replaced by what is written down then.
    pub(crate) fn written(&self) -> MutexGuard<'_, BTreeMap<Uid, (Uid, Cooldown)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A provider refused it. `retry_after` is what the provider says, in milliseconds.
    pub(crate) fn refused(
        &self,
        which: (Uid, Uid),
        reason: FailureReason,
        retry_after: Option<i64>,
        now: Millis,
    ) {
        let mut known = self.known();
        let before = known.get(&which).filter(|before| before.reason == reason);
        let times = before.map_or(0, |before| before.times).saturating_add(1);
        let since = before.map_or(now, |before| before.since);
        let away = retry_after
            .filter(|_| reason == FailureReason::RateLimited)
            .unwrap_or(cooldown_ms(reason, times));
        let until = Millis(now.0 + away.clamp(0, 60 * MINUTE));
        known.insert(which, Cooldown { reason, since, until, times });
    }

    /// The key has used up what it may have of a model, which says nothing about others.
    pub(crate) fn refused_model(
        &self,
        which: (Uid, Uid),
        model: &str,
        retry_after: Option<Duration>,
        now: Millis,
    ) {
        let told = retry_after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        let away = told.unwrap_or(MINUTE / 2).clamp(0, 60 * MINUTE);
        let mut all = self.models();
        let models = all.entry(which).or_default();
        models.retain(|_, until| now < *until);
        if models.len() < MAX_MODELS {
            models.insert(model.to_owned(), Millis(now.0 + away));
        }
        self.has_models.store(true, Ordering::Relaxed);
    }

    /// It served a call of this model.
    pub(crate) fn served_model(&self, which: (Uid, Uid), model: &str) {
        if self.has_models.load(Ordering::Relaxed)
            && let Some(models) = self.models().get_mut(&which)
        {
            models.remove(model);
        }
    }

    /// Tells whether others are tried before it for this model.
    pub(crate) fn is_model_used_up(&self, which: (Uid, Uid), model: &str, now: Millis) -> bool {
        self.has_models.load(Ordering::Relaxed)
            && self.models().get(&which).and_then(|it| it.get(model)).is_some_and(|until| now < *until)
    }

    fn models(&self) -> MutexGuard<'_, Models> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It served a call.
    pub(crate) fn served(&self, which: (Uid, Uid)) {
        let mut known = self.known();
        if !known.is_empty() {
            known.remove(&which);
        }
    }

    pub(crate) fn are_none(&self) -> bool {
        self.known().is_empty()
    }

    pub(crate) fn of(&self, which: (Uid, Uid)) -> Option<Cooldown> {
        self.known().get(&which).copied()
    }

    /// Everything that is known now.
    pub(crate) fn all(&self) -> Vec<((Uid, Uid), Cooldown)> {
        self.known().iter().map(|(which, cooldown)| (*which, *cooldown)).collect()
    }

    /// Tells whether others are tried before it.
    pub(crate) fn is_cooling_down(&self, which: (Uid, Uid), now: Millis) -> bool {
        let known = self.known();
        !known.is_empty() && known.get(&which).is_some_and(|cooldown| now < cooldown.until)
    }

    pub(crate) fn due(&self, now: Millis) -> Vec<(Uid, Uid)> {
        let is_lasting = |cooldown: &Cooldown| {
            matches!(cooldown.reason, FailureReason::BadKey | FailureReason::EmptyAccount)
        };
        let known = self.known();
        known.iter().filter(|(_, it)| is_lasting(it) && it.until <= now).map(|(which, _)| *which).collect()
    }

    pub(crate) fn counts(&self, now: Millis) -> [(FailureReason, u64); 4] {
        let known = self.known();
        FailureReason::ALL.map(|reason| {
            let ill = known.values().filter(|it| it.reason == reason && now < it.until);
            (reason, ill.count() as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ill_credential_is_away_for_longer_each_time_until_it_serves() {
        let (cooldowns, which) = (Cooldowns::default(), (Uid::from_bytes([1; 16]), Uid::from_bytes([2; 16])));
        assert!(!cooldowns.is_cooling_down(which, Millis(0)));
        cooldowns.refused(which, FailureReason::RateLimited, None, Millis(0));
        assert!(
            cooldowns.is_cooling_down(which, Millis(1999)) && !cooldowns.is_cooling_down(which, Millis(2000))
        );
        cooldowns.refused(which, FailureReason::RateLimited, None, Millis(3000));
        assert!(
            cooldowns.is_cooling_down(which, Millis(6999)) && !cooldowns.is_cooling_down(which, Millis(7000))
        );
        cooldowns.refused(which, FailureReason::RateLimited, Some(30_000), Millis(8000));
        assert!(cooldowns.is_cooling_down(which, Millis(37_999)), "the provider's word counts");
        let cooldown = cooldowns.of(which).unwrap();
        assert_eq!((cooldown.since, cooldown.times), (Millis(0), 3));
        cooldowns.served(which);
        assert_eq!(cooldowns.of(which), None);
        for times in 0..100 {
            assert!((1..=10 * MINUTE).contains(&cooldown_ms(FailureReason::RateLimited, times)));
        }
    }

    #[test]
    fn a_model_that_is_used_up_leaves_the_key_to_others() {
        let (cooldowns, which) = (Cooldowns::default(), (Uid::from_bytes([1; 16]), Uid::from_bytes([2; 16])));
        assert!(!cooldowns.is_model_used_up(which, "m", Millis(0)));
        cooldowns.refused_model(which, "m", Some(Duration::from_secs(10)), Millis(0));
        assert!(cooldowns.is_model_used_up(which, "m", Millis(9999)));
        assert!(!cooldowns.is_model_used_up(which, "m", Millis(10_000)));
        assert!(
            !cooldowns.is_model_used_up(which, "n", Millis(1))
                && !cooldowns.is_cooling_down(which, Millis(1))
        );
        cooldowns.served_model(which, "m");
        assert!(!cooldowns.is_model_used_up(which, "m", Millis(1)));
        (0..1000).for_each(|n| cooldowns.refused_model(which, &format!("m{n}"), None, Millis(0)));
        assert!(cooldowns.models().values().all(|models| models.len() <= MAX_MODELS));
    }
}
