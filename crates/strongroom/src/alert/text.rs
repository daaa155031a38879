//! Sentences and facts of messages, from incidents and the names of what they are about.

use std::collections::BTreeMap;

use strongroom_connectors::alert_channel::{IncidentData, Message, SubjectData};
use strongroom_model::alert::{Notice, Rule, Standing, duration_shown, shown};
use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
use strongroom_model::{CredentialId, Millis, Problem, Provider, Uid, UserId};
use strongroom_store::alert::incident::{COUNTER, Incident};
use strongroom_store::counter::CounterKey;
use strongroom_store::{Session, alert, credential, limit, token, user};

use super::Alerts;
use crate::limit::name_of;

/// What an incident is about, by name.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) provider: Option<Provider>,
    pub(crate) credential: Option<CredentialId>,
    pub(crate) limit: Option<Limit>,
}

/// The counter that an incident is about.
pub(crate) fn counter_key(incident: &Incident) -> Option<CounterKey> {
    let (unit, window) = incident.counted?;
    let subject: Uid = incident.subject.id.parse().ok()?;
    (incident.subject.kind == COUNTER).then_some(CounterKey {
        subject,
        unit,
        window,
        start: incident.window_start,
    })
}

/// Looks up what an incident is about; its identity stands for a name that is gone.
pub(crate) async fn about(session: &mut Session, incident: &Incident) -> Result<About, Problem> {
    let subject = &incident.subject;
    let mut about = About {
        kind: subject.kind.clone(),
        id: subject.id.clone(),
        name: subject.id.clone(),
        provider: None,
        credential: None,
        limit: None,
    };
    if let Some(key) = counter_key(incident) {
        let limit = limit::of_counter(session, &key).await?;
        let scope = match &limit {
            Some(limit) => limit.scope.clone(),
            // The limit is gone; a credential's monthly requests are counted under the credential itself.
            None => LimitScope::Credential(key.subject),
        };
        let name = name_of(session, &scope).await?;
        about.limit = limit;
        if about.limit.is_some() || name.is_some() {
            (about.kind, about.id) = (scope.kind().to_owned(), scope.id());
            about.name = name.unwrap_or_else(|| scope.id());
        } else {
            about.kind = "limit".to_owned();
        }
    }
    if about.kind == "provider" {
        about.provider = Some(Provider::stored(about.id.clone()));
    }
    if let Some(uid) = about.id.parse().ok().filter(|_| about.kind == "credential") {
        let found = credential::get_by_uid(session, uid, incident.fired_at).await?;
        (about.provider, about.credential) = found.map(|found| (found.provider, found.id)).unzip();
    }
    let name = name_of_subject(session, &about.kind, &about.id).await?;
    about.name = shown(name.as_deref().unwrap_or(&about.name));
    Ok(about)
}

/// The name of a subject, while it is there.
pub(crate) async fn name_of_subject(
    session: &mut Session,
    kind: &str,
    id: &str,
) -> Result<Option<String>, Problem> {
    Ok(match kind {
        "credential" => match id.parse() {
            Ok(uid) => credential::name_of(session, uid).await?,
            Err(_) => None,
        },
        "token" => token::get(session, id).await?.map(|stored| stored.token.name),
        "user" => match id.parse().map(UserId) {
            Ok(id) => user::get(session, id).await?.map(|stored| stored.user.name),
            Err(_) => None,
        },
        "channel" => alert::channel::get(session, id).await?.map(|channel| channel.name),
        _ => None,
    })
}

/// How an incident stands.
#[must_use]
pub(crate) const fn standing(incident: &Incident) -> Standing {
    match incident {
        Incident { resolved_at: Some(_), .. } => Standing::Resolved,
        Incident { acknowledged: Some(_), .. } => Standing::Acknowledged,
        Incident { masked_at: Some(_), .. } => Standing::Silenced,
        _ => Standing::Firing,
    }
}

/// The same in a word.
#[must_use]
pub(crate) const fn state_of(incident: &Incident) -> &'static str {
    standing(incident).as_str()
}

fn amount(incident: &Incident, value: i64) -> String {
    match incident.counted {
        Some((unit, _)) => unit.shown(value),
        None => value.to_string(),
    }
}

fn per(window: Window) -> &'static str {
    match window {
        Window::Month => " per month",
        Window::Day => " per day",
        Window::Hour => " per hour",
        Window::Minute => " per minute",
        Window::Prepaid => " in all",
    }
}

/// The limit that an incident is about, as a sentence about its subject has it.
fn of_limit(incident: &Incident, about: &About) -> String {
    match (&about.limit, incident.counted) {
        (Some(limit), Some((unit, window))) => {
            format!("its limit of {}{}", unit.shown(limit.amount), per(window))
        }
        (None, Some((unit, window))) => format!("a limit in {}{}", unit_name(unit), per(window)),
        _ => "a limit".to_owned(),
    }
}

/// What an incident says, without how it stands.
pub(crate) fn sentence(incident: &Incident, about: &About) -> String {
    let whom = format!("{} \"{}\"", about.kind, about.name);
    match incident.rule {
        Rule::LimitThreshold => {
            let of = of_limit(incident, about);
            let used = amount(incident, incident.value);
            match incident.mark {
                100 => format!("{whom} has used up {of} ({used} used)"),
                percent => format!("{whom} has used {percent} % of {of} ({used} used)"),
            }
        }
        Rule::LimitForecast => format!(
            "{whom} is going to use up {} before it starts over: {} are to be expected at the least",
            of_limit(incident, about),
            amount(incident, incident.value)
        ),
        Rule::LimitBurn => format!(
            "{whom} uses {} {}.{} times as fast as it lasts",
            of_limit(incident, about),
            incident.value / 10,
            incident.value % 10
        ),
        Rule::SpendSpike => format!(
            "{whom} has spent {} within an hour; usual are {}",
            Unit::NanoUsd.shown(incident.value),
            Unit::NanoUsd.shown(incident.threshold)
        ),
        Rule::Denials => {
            format!(
                "{whom}: {} has refused {} uses within five minutes",
                of_limit(incident, about),
                incident.value
            )
        }
        Rule::ErrorShare => format!(
            "{whom} has failed in {}.{} % of its calls of the last ten minutes",
            incident.value / 10,
            incident.value % 10
        ),
        Rule::CredentialUnhealthy => match incident.mark {
            1 => format!("the provider does not accept the key of {whom}"),
            2 => format!("the account that {whom} is of has no credit left"),
            3 => format!("the provider of {whom} does not answer"),
            _ => format!("the provider limits the rate of {whom} for ten minutes or more"),
        },
        Rule::NoCredential => format!("{whom} has no credential left that can serve"),
        Rule::Expires if incident.mark == 0 => format!("{whom} has expired at {}", incident.window_start),
        Rule::Expires => {
            format!("{whom} expires at {}, in {} days or less", incident.window_start, incident.mark)
        }
        Rule::RotationDue => format!("the key of {whom} was to be replaced at {}", incident.window_start),
        Rule::UnusedKey => format!("{whom} is active and was not used for {} days", incident.mark),
        Rule::NodeLost => {
            format!("server {} ended without giving back what it held; that counts as used", about.name)
        }
        Rule::AuthorityChanged if about.kind == "channel" => {
            format!("{whom} of alerts was added, changed or removed")
        }
        Rule::AuthorityChanged if about.kind == "credential" => {
            format!("{whom} was frozen and is used again")
        }
        Rule::AuthorityChanged => format!("{whom} was made or changed; it has authority"),
        Rule::DeliveryDead => format!("{whom} takes no messages and was turned off"),
        Rule::Leak if about.kind == "token" => format!("{whom} was shown by somebody after it was revoked"),
        Rule::Leak => format!("the key of {whom} was found where it should not be"),
        Rule::CanaryRefused => {
            format!("the provider refused version {} of {whom}, which was being tried out", incident.mark)
        }
        Rule::RotationFailed => format!("the key of {whom} is replaced by itself, and could not be"),
        Rule::Integrity => format!(
            "something in the database is not what strongroom wrote; the log of server {} names it",
            about.name
        ),
        Rule::AuditBroken => {
            format!("the audit trail does not verify; the first fault is at entry {}", incident.value)
        }
        Rule::ClockSkew => {
            format!(
                "the clock of server {} is {} s away from that of the database",
                about.name, incident.value
            )
        }
        Rule::BackupOld => format!("no backup was proven for {} days", incident.value),
        Rule::DbSlow => format!(
            "the database takes {} ms for one of twenty commits or more, as server {} sees it",
            incident.value, about.name
        ),
        Rule::WeeklyDigest => {
            let day = incident.window_start.to_string();
            format!("the week from {} on", day.get(..10).unwrap_or(&day))
        }
        Rule::RevealNewAddress => match incident.mark {
            1 => format!("{whom} was shown a key in a network that is new for them"),
            2 => format!("{whom} was shown a key in a browser that is new for them"),
            _ => format!("{whom} was shown more than five keys within ten minutes"),
        },
    }
}

const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Requests => "requests",
        Unit::Tokens => "tokens",
        Unit::NanoUsd => "US dollars",
    }
}

/// What a message says of one incident.
fn told(incident: &Incident, about: &About, notice: Notice, now: Millis) -> String {
    let says = sentence(incident, about);
    match notice {
        Notice::Firing if incident.told_at.is_some_and(|at| at > incident.fired_at.plus_seconds(600)) => {
            format!("{says}; it was silenced, and still fires")
        }
        Notice::Firing => says,
        Notice::Reminder => format!("still, for {}: {says}", duration_shown(incident.fired_at, now)),
        Notice::Resolved => {
            let end = incident.resolved_at.unwrap_or(now);
            let cause = incident.cause.as_deref().unwrap_or("it is over");
            let length = duration_shown(incident.fired_at, end);
            let peak = match incident.counted {
                Some(_) => format!(", at most {} used", amount(incident, incident.peak)),
                None => String::new(),
            };
            format!("over after {length} ({}{peak}): {says}", shown(cause))
        }
    }
}

fn data(alerts: &Alerts, incident: &Incident, about: &About, passed: Vec<i64>) -> IncidentData {
    IncidentData {
        incident: incident.uid.to_string(),
        rule: incident.rule.as_str(),
        level: incident.level.as_str(),
        state: state_of(incident),
        subject: SubjectData { kind: about.kind.clone(), id: shown(&about.id), name: about.name.clone() },
        value: incident.value,
        threshold: incident.threshold,
        mark: incident.mark,
        unit: incident.counted.map(|(unit, _)| unit.as_str()),
        window: incident.counted.map(|(_, window)| window.as_str()),
        resets_at: incident.counted.and_then(|(_, window)| window.end(incident.window_start)),
        fired_at: incident.fired_at,
        resolved_at: incident.resolved_at,
        cause: incident.cause.as_deref().map(shown),
        passed,
        facts: BTreeMap::new(),
        url: alerts.resource(incident.uid),
    }
}

fn facts(incident: &Incident, about: &About, passed: &[i64]) -> Vec<(&'static str, String)> {
    let mut facts = vec![("level", incident.level.as_str().to_owned())];
    if let (Some(limit), Some(_)) = (&about.limit, incident.counted) {
        facts.push(("used", amount(incident, incident.value)));
        facts.push(("limit", amount(incident, limit.amount)));
    }
    if let Some(end) = incident.counted.and_then(|(_, window)| window.end(incident.window_start)) {
        facts.push(("starts over", end.to_string()));
    }
    if !passed.is_empty() {
        let passed: Vec<String> = passed.iter().map(|mark| format!("{mark} %")).collect();
        facts.push(("passed on the way", passed.join(", ")));
    }
    facts.push(("fired", incident.fired_at.to_string()));
    facts.push(("alert", incident.uid.to_string()));
    facts
}

/// An incident of a message, with what it is about, what is told of it, and the lines that were passed with it.
pub(crate) struct Part {
    pub(crate) incident: Incident,
    pub(crate) about: About,
    pub(crate) notice: Notice,
    pub(crate) passed: Vec<i64>,
}

/// The message of these incidents, of which there are so many more; `None` of none.
pub(crate) fn message(alerts: &Alerts, id: Uid, parts: &[Part], more: i64, now: Millis) -> Option<Message> {
    let first = parts.first()?;
    let level = parts.iter().map(|part| part.incident.level).max()?;
    let is_mixed =
        parts.iter().any(|part| part.incident.rule != first.incident.rule || part.notice != first.notice);
    let count = i64::try_from(parts.len()).unwrap_or(i64::MAX).saturating_add(more);
    let sentences: Vec<String> =
        parts.iter().map(|part| told(&part.incident, &part.about, part.notice, now)).collect();
    let (sentence, facts) = match parts {
        [one] if more == 0 => (sentences.concat(), facts(&one.incident, &one.about, &one.passed)),
        _ => {
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            let sentence = format!("{count} alerts: {}{rest}", sentences.join("; "));
            (sentence, vec![("level", level.as_str().to_owned())])
        }
    };
    let only = (parts.len() == 1 && more == 0).then_some(first.incident.uid);
    let what = if is_mixed { "alerts".to_owned() } else { first.incident.rule.about().event_type.to_owned() };
    Some(Message {
        id: id.to_string(),
        at: now,
        notice: first.notice,
        event_type: format!("{what}.{}", first.notice.as_str()),
        level,
        sentence,
        facts,
        link: alerts.link(only),
        incidents: parts
            .iter()
            .map(|part| data(alerts, &part.incident, &part.about, part.passed.clone()))
            .collect(),
        more,
    })
}
