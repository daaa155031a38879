//! The watch: looks every few seconds at what no other place sees, and at whether what fires still does.

use std::collections::{BTreeMap, BTreeSet};

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule, Settings, threshold};
use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::limit::Limit;
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::alert::incident::{self, Incident, NewIncident, Subject};
use strongroom_store::counter::{self, CounterKey};
use strongroom_store::{Session, limit};

use super::Alerts;
use crate::crossing::{self, counted};

const DAY_MS: i64 = 86_400_000;
/// Days before an expiry at which people are told.
const EXPIRY_DAYS: [(i64, Level); 5] =
    [(30, Level::Info), (14, Level::Warn), (3, Level::High), (1, Level::High), (0, Level::High)];
/// Incidents of a rule that are looked at in one turn.
const MAX_OPEN: i64 = 20_000;
/// For how long incidents are kept after they are over.
const KEPT_DAYS: i64 = 400;
/// Changes in one transaction: few enough that calls do not wait for it.
pub(super) const AT_ONCE: usize = 50;
const DELETED_AT_ONCE: i64 = 500;

/// Settings of the rules about credentials.
struct Rules {
    expires: Settings,
    rotation: Settings,
    unused: Settings,
}

impl Alerts {
    /// Writes down which limits have refused, and which revoked tokens were shown, since this was called the last time: of this server
    /// alone.
    pub(crate) async fn flush_refusals(&self) -> Result<usize, Problem> {
        let custody = &self.custody;
        let shown = self.flush_revoked_uses().await?;
        let keys = custody.exhausted.take();
        if keys.is_empty() {
            return Ok(shown);
        }
        let mut left = keys.chunks(AT_ONCE);
        while let Some(some) = left.next() {
            let written = async {
                let mut tx = custody.store.write().await?;
                let now = tx.now().await?;
                for key in some {
                    crossing::write_refusal(custody, &mut tx, key, now).await?;
                }
                Ok::<(), Problem>(tx.commit().await?)
            };
            if let Err(problem) = written.await {
                custody.exhausted.put_back(some.iter().chain(left.flatten()).copied().collect());
                return Err(problem);
            }
            custody.exhausted.written(some);
        }
        Ok(keys.len() + shown)
    }

    /// Looks at limits, at what is to be told once more, and at what has been kept for long enough. Returns how much there was.
    pub(crate) async fn watch(&self) -> Result<usize, Problem> {
        let limits =
            self.watch_limits().await? + self.watch_conditions().await? + self.watch_lasting().await?;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let again = self.tell_again(&mut tx, now).await?;
        let before = Millis(now.0 - KEPT_DAYS * DAY_MS);
        let deleted = incident::delete_before(&mut tx, before, DELETED_AT_ONCE).await?;
        match again > 0 || deleted > 0 {
            true => tx.commit().await?,
            false => tx.roll_back().await?,
        }
        Ok(limits + again)
    }

    /// Limits that are over a threshold of which nothing was written, and incidents that are over.
    async fn watch_limits(&self) -> Result<usize, Problem> {
        let custody = &self.custody;
        let (found, over) = {
            let mut session = custody.store.read().await?;
            let now = session.now().await?;
            let open = incident::list_open(&mut session, Rule::LimitThreshold, MAX_OPEN).await?;
            let limits = watched(&mut session, &open, now).await?;
            let states = states_of(&mut session, &limits, &open, now).await?;
            (missed(&mut session, &limits, &states, now).await?, ended(&limits, &open, &states, now))
        };
        if found.is_empty() && over.is_empty() {
            return Ok(0);
        }
        let mut count = 0;
        for some in found.chunks(AT_ONCE) {
            let mut tx = custody.store.write().await?;
            let now = tx.now().await?;
            let keys: Vec<CounterKey> = some.iter().map(|(key, _)| *key).collect();
            let states = counter::lock_all(&mut tx, &keys).await?;
            for (key, limit) in some {
                let used = counted(&states.get(key).copied().unwrap_or_default());
                count += crossing::write_reached(custody, &mut tx, key, limit, used, now).await?;
            }
            tx.commit().await?;
        }
        for some in over.chunks(AT_ONCE) {
            let mut tx = custody.store.write().await?;
            let now = tx.now().await?;
            for (uid, cause, peak) in some {
                if let Some(peak) = peak {
                    incident::note_peak(&mut tx, *uid, *peak).await?;
                }
                if let Some(cause) = cause {
                    count += usize::from(incident::resolve(&mut tx, *uid, cause, now).await?);
                }
            }
            tx.commit().await?;
        }
        Ok(count)
    }

    /// Looks at credentials that expire, whose key is to be replaced, and that nobody uses. Returns how many there was something to write of.
    pub(crate) async fn watch_credentials(&self) -> Result<usize, Problem> {
        let custody = &self.custody;
        let backups = self.watch_backup().await?;
        let mut session = custody.store.read().await?;
        let now = session.now().await?;
        let rules = Rules {
            expires: self.settings(&mut session, Rule::Expires).await?,
            rotation: self.settings(&mut session, Rule::RotationDue).await?,
            unused: self.settings(&mut session, Rule::UnusedKey).await?,
        };
        let credentials = all_credentials(&mut session, now).await?;
        let mut wanted: BTreeMap<(Rule, Subject, Millis), NewIncident> = BTreeMap::new();
        for credential in &credentials {
            for new in due(credential, &rules, now) {
                wanted.insert((new.rule, new.subject.clone(), new.window_start), new);
            }
        }
        let mut over = Vec::new();
        for rule in [Rule::Expires, Rule::RotationDue, Rule::UnusedKey] {
            for open in incident::list_open(&mut session, rule, MAX_OPEN).await? {
                // An earlier line of the same expiry is over when that is.
                if !wanted.contains_key(&(rule, open.subject.clone(), open.window_start)) {
                    over.push(open.uid);
                }
            }
        }
        let mut new = Vec::new();
        for ((rule, subject, window_start), incident) in wanted {
            let told = incident::marks_told(&mut session, rule, &subject, window_start).await?;
            if !told.contains(&incident.mark) {
                new.push(incident);
            }
        }
        drop(session);
        let mut count = backups;
        for some in new.chunks(AT_ONCE) {
            let mut tx = custody.store.write().await?;
            for incident in some {
                count += usize::from(incident::insert(&mut tx, incident).await?);
            }
            tx.commit().await?;
        }
        for some in over.chunks(AT_ONCE) {
            let mut tx = custody.store.write().await?;
            let now = tx.now().await?;
            for uid in some {
                let cause = "it was renewed, used, replaced or taken out of use";
                count += usize::from(incident::resolve(&mut tx, *uid, cause, now).await?);
            }
            tx.commit().await?;
        }
        Ok(count)
    }
}

/// The limits that may have come over a threshold, and those of incidents that are not over.
async fn watched(session: &mut Session, open: &[Incident], now: Millis) -> Result<Vec<Limit>, Problem> {
    let mut limits = limit::list_well_used(session, now).await?;
    let mut known: BTreeSet<Uid> = limits.iter().map(|limit| limit.uid).collect();
    for key in open.iter().filter_map(Incident::counter) {
        if let Some(limit) = limit::of_counter(session, &key).await?
            && known.insert(limit.uid)
        {
            limits.push(limit);
        }
    }
    Ok(limits)
}

type States = BTreeMap<CounterKey, i64>;

async fn states_of(
    session: &mut Session,
    limits: &[Limit],
    open: &[Incident],
    now: Millis,
) -> Result<States, Problem> {
    let of_limit = |limit: &Limit| CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
    let watched = limits.iter().filter(|limit| !limit.thresholds.is_empty()).map(of_limit);
    let keys: Vec<CounterKey> = watched.chain(open.iter().filter_map(Incident::counter)).collect();
    let states = counter::read_all(session, &keys).await?;
    Ok(states.into_iter().map(|(key, state)| (key, counted(&state))).collect())
}

async fn missed(
    session: &mut Session,
    limits: &[Limit],
    states: &States,
    now: Millis,
) -> Result<Vec<(CounterKey, Limit)>, Problem> {
    let mut found = Vec::new();
    for limit in limits.iter().filter(|limit| limit.amount > 0) {
        let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, now);
        let used = states.get(&key).copied().unwrap_or_default();
        let reached: Vec<i64> = limit.thresholds.reached(used, limit.amount).map(i64::from).collect();
        if reached.is_empty() {
            continue;
        }
        let subject = crossing::subject(&key);
        let told = incident::marks_told(session, Rule::LimitThreshold, &subject, key.start).await?;
        if reached.iter().any(|mark| !told.contains(mark)) {
            found.push((key, limit.clone()));
        }
    }
    Ok(found)
}

type Ended = (Uid, Option<&'static str>, Option<i64>);

/// Incidents of limits that are over, with the cause, or have a new peak.
fn ended(limits: &[Limit], open: &[Incident], states: &States, now: Millis) -> Vec<Ended> {
    let of = |it: &Limit| (it.counter_subject(), it.unit, it.window);
    let by_counter: BTreeMap<_, _> = limits.iter().map(|limit| (of(limit), limit)).collect();
    let look = |incident: &Incident| -> Option<Ended> {
        let key = incident.counter()?;
        let used = states.get(&key).copied().unwrap_or_default();
        let limit = by_counter.get(&(key.subject, key.unit, key.window));
        let percent = u8::try_from(incident.mark).unwrap_or(u8::MAX);
        let cause = match limit {
            _ if key.window.start(now) > key.start => Some("its window has ended"),
            None => Some("the limit was removed"),
            Some(limit) if !limit.thresholds.percents().any(|it| it == percent) => {
                Some("the rule was changed")
            }
            // The first refusal says that a limit is used up, whatever is left of it.
            Some(limit) if percent < 100 && !threshold::is_reached(used, limit.amount, percent) => {
                Some("use is below it again")
            }
            Some(_) => None,
        };
        let peak = (used > incident.peak).then_some(used);
        (cause.is_some() || peak.is_some()).then_some((incident.uid, cause, peak))
    };
    open.iter().filter_map(look).collect()
}

async fn all_credentials(session: &mut Session, now: Millis) -> Result<Vec<Credential>, Problem> {
    const PAGE: i64 = 500;
    let (mut all, mut after) = (Vec::new(), i64::MIN);
    loop {
        let page =
            strongroom_store::credential::list(session, &CredentialFilter::default(), after, PAGE, now)
                .await?;
        let is_last = (page.len() as i64) < PAGE;
        after = page.last().map_or(after, |credential| credential.id.0);
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// What there is to tell of a credential: of its expiry the nearest line alone, which tells of those before.
fn due(credential: &Credential, rules: &Rules, now: Millis) -> Vec<NewIncident> {
    let new = |rule, mark, window_start, level, value| NewIncident {
        uid: random::uid_at(now),
        rule,
        subject: Subject::of("credential", credential.uid),
        mark,
        window_start,
        episode: Some(0),
        level,
        counted: None,
        value,
        threshold: mark,
        at: now,
        passed_by: None,
    };
    let mut found = Vec::new();
    if let Some(at) = credential.expires_at.filter(|_| !rules.expires.is_off) {
        let left = at.0.saturating_sub(now.0);
        let nearest = EXPIRY_DAYS.into_iter().rev().find(|(days, _)| left <= days * DAY_MS);
        found.extend(nearest.map(|(days, level)| new(Rule::Expires, days, at, level, left.max(0) / DAY_MS)));
    }
    if let Some(at) = credential.rotation_due().filter(|at| *at <= now && !rules.rotation.is_off) {
        found.push(new(Rule::RotationDue, 0, at, Level::Warn, 0));
    }
    let since = credential.last_used.unwrap_or(credential.created_at).max(credential.created_at);
    let days = rules.unused.get(Rule::UnusedKey, "days");
    let is_unused = now.0.saturating_sub(since.0) >= days * DAY_MS && !rules.unused.is_off;
    if credential.is_served() && is_unused {
        found.push(new(Rule::UnusedKey, days, since, Level::Info, days));
    }
    found
}
