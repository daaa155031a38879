//! Alerts, as people look at them and answer them.

use std::sync::Arc;

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::alert::{Notice, Route, SilenceMatcher, Standing};
use strongroom_model::audit::Target;
use strongroom_model::{Actor, CredentialId, Millis, Problem, Uid};
use strongroom_store::alert::delivery::{self, Delivery};
use strongroom_store::alert::incident::{self, Incident, IncidentFilter};
use strongroom_store::alert::silence::{self, Silence};
use strongroom_store::{Session, alert};

use super::{Alerts, text};
use crate::custody::trail::entry;

/// Characters of a note or a reason at the most.
const MAX_NOTE_CHARACTERS: usize = 500;
/// The longest silence.
const MAX_SILENCE_MS: i64 = 90 * 86_400_000;
/// Routes at the most.
const MAX_ROUTES: usize = 50;

/// An incident with the name of what it is about.
#[derive(Debug, Clone)]
pub struct IncidentView {
    /// The incident.
    pub incident: Incident,
    /// `firing`, `silenced`, `acknowledged` or `resolved`.
    pub state: &'static str,
    /// The kind of what it is about: `credential`, `token`, `user`, `limit`, `channel` or `node`.
    pub kind: String,
    /// The identity within its kind.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it says, in one sentence.
    pub says: String,
    /// The number of the credential that it is about, when there is one.
    pub credential: Option<CredentialId>,
    /// The limit that it is about.
    pub limit: Option<Uid>,
}

/// A silence to make.
#[derive(Debug, Clone)]
pub struct NewSilence {
    /// What it covers.
    pub matcher: SilenceMatcher,
    /// For how long, in milliseconds.
    pub for_ms: i64,
    /// Why.
    pub reason: String,
}

/// Shows and answers alerts, and manages whom they are told.
#[derive(Debug, Clone)]
pub struct AlertService {
    pub(crate) alerts: Arc<Alerts>,
    pub(crate) actor: Actor,
}

fn not_found() -> Problem {
    Problem::not_found("Alert not found")
}

fn check_note(field: &'static str, text: &str) -> Result<(), Problem> {
    if text.chars().count() > MAX_NOTE_CHARACTERS || text.chars().any(char::is_control) {
        let message = format!("{field} must have at most {MAX_NOTE_CHARACTERS} characters, on one line");
        return Err(Problem::invalid(field, message));
    }
    Ok(())
}

async fn view(session: &mut Session, incident: Incident) -> Result<IncidentView, Problem> {
    let about = text::about(session, &incident).await?;
    let says = text::sentence(&incident, &about);
    let state = text::state_of(&incident);
    Ok(IncidentView {
        incident,
        state,
        kind: about.kind,
        id: about.id,
        name: about.name,
        says,
        credential: about.credential,
        limit: about.limit.map(|limit| limit.uid),
    })
}

impl AlertService {
    /// Incidents, the newest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self, filter: &IncidentFilter<'_>, limit: i64) -> Result<Vec<IncidentView>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        let mut found = Vec::new();
        for one in incident::list(&mut session, filter, limit).await? {
            found.push(view(&mut session, one).await?);
        }
        Ok(found)
    }

    /// How many alerts that are not over stand how.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn count(&self) -> Result<Vec<(Standing, i64)>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        Ok(incident::count_standing(&mut session).await?)
    }

    /// An incident, and what was sent of it.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn require(&self, uid: Uid) -> Result<(IncidentView, Vec<Delivery>), Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        let found = incident::get(&mut session, uid).await?.ok_or_else(not_found)?;
        let deliveries = delivery::list_of_incident(&mut session, uid).await?;
        Ok((view(&mut session, found).await?, deliveries))
    }

    /// Takes an incident upon oneself: nobody is reminded of it any more.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `Conflict` when it is over.
    pub async fn acknowledge(&self, uid: Uid, note: Option<&str>) -> Result<IncidentView, Problem> {
        if let Some(note) = note {
            check_note("note", note)?;
        }
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let found = incident::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        if !incident::acknowledge(&mut tx, uid, &self.actor.label(), note, now).await? {
            return Err(Problem::conflict("the alert is over; there is nothing to acknowledge"));
        }
        let detail = json!({ "rule": found.rule.as_str(), "note": note });
        self.append(&mut tx, "alert.acknowledge", uid, now, &detail).await?;
        let after = incident::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        let after = view(&mut tx, after).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Ends an incident by hand: it fires once more when what it is about happens once more.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `Conflict` when it is over.
    pub async fn resolve(&self, uid: Uid) -> Result<IncidentView, Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let found = incident::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        if !incident::resolve(&mut tx, uid, "somebody ended it", now).await? {
            return Err(Problem::conflict("the alert is over already"));
        }
        if found.counted.is_none() && found.window_start == Millis(0) && !found.rule.has_settings() {
            // What lasts until somebody ends it is told once more when it is seen once more.
            alert::state::rearm(&mut tx, found.rule, &found.subject, found.mark, now).await?;
        }
        let detail = json!({ "rule": found.rule.as_str() });
        self.append(&mut tx, "alert.resolve", uid, now, &detail).await?;
        let after = incident::get(&mut tx, uid).await?.ok_or_else(not_found)?;
        let after = view(&mut tx, after).await?;
        tx.commit().await?;
        Ok(after)
    }

    async fn append(
        &self,
        tx: &mut strongroom_store::Write,
        action: &str,
        uid: Uid,
        now: Millis,
        detail: &serde_json::Value,
    ) -> Result<(), Problem> {
        let target = Target { kind: "alert".into(), id: Some(uid.to_string()), name: None };
        let entry = entry(&self.actor, action, target, now, detail);
        self.alerts.custody.append(tx, vec![entry]).await
    }

    /// Silences, those that hold now; with `over` those that are over as well.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn silences(&self, over: bool) -> Result<Vec<Silence>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        let now = session.now().await?;
        Ok(silence::list(&mut session, now, over).await?)
    }

    /// The name of a subject, while it is there.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn name_of(&self, kind: &str, id: &str) -> Result<Option<String>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        text::name_of_subject(&mut session, kind, id).await
    }

    /// Has nobody told of some incidents for a while. What still fires when it ends is told then.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault.
    pub async fn silence(&self, new: NewSilence) -> Result<Silence, Problem> {
        check_note("reason", &new.reason)?;
        if new.reason.trim().is_empty() {
            return Err(Problem::invalid("reason", "reason must say why, for whoever finds the silence"));
        }
        if !(1000..=MAX_SILENCE_MS).contains(&new.for_ms) {
            return Err(Problem::invalid("for", "a silence must last from a second to 90 days"));
        }
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let silence = Silence {
            uid: random::uid(),
            matcher: new.matcher,
            from: now,
            until: Millis(now.0 + new.for_ms),
            reason: new.reason,
            made_by: self.actor.label(),
            ended_at: None,
        };
        silence::insert(&mut tx, &silence).await?;
        let detail = json!({
            "rule": silence.matcher.rule.map(strongroom_model::alert::Rule::as_str),
            "subject": silence.matcher.subject, "until": silence.until, "reason": silence.reason,
        });
        let target = Target { kind: "silence".into(), id: Some(silence.uid.to_string()), name: None };
        let entry = entry(&self.actor, "alert.silence", target, now, &detail);
        custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(silence)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound` when it does not hold.
    pub async fn end_silence(&self, uid: Uid) -> Result<(), Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        if !silence::end(&mut tx, uid, now).await? {
            return Err(Problem::not_found("Silence not found, or it is over"));
        }
        let target = Target { kind: "silence".into(), id: Some(uid.to_string()), name: None };
        let entry = entry(&self.actor, "alert.unsilence", target, now, &json!({}));
        custody.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }

    /// The routes, in the order in which they are asked.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn routes(&self) -> Result<Vec<Route>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        Ok(alert::route::list(&mut session).await?)
    }

    /// Puts these in the place of all routes.
    ///
    /// # Errors
    /// [`Problem`] on the field `channels` when there is no channel of a name.
    pub async fn set_routes(&self, routes: &[Route]) -> Result<(), Problem> {
        if routes.len() > MAX_ROUTES {
            return Err(Problem::invalid("routes", format!("there may be {MAX_ROUTES} routes at the most")));
        }
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let channels = alert::channel::list(&mut tx).await?;
        let is_known = |name: &String| channels.iter().any(|channel| channel.name == *name);
        if let Some(unknown) = routes.iter().flat_map(|route| &route.channels).find(|name| !is_known(name)) {
            let unknown = strongroom_model::alert::shown(unknown);
            return Err(Problem::invalid("channels", format!("there is no channel {unknown:?}")));
        }
        alert::route::replace(&mut tx, routes).await?;
        let detail = json!({ "routes": routes.len() });
        let entry = entry(&self.actor, "alert.routes_set", Target::kind("alert_route"), now, &detail);
        custody.append(&mut tx, vec![entry]).await?;
        Ok(tx.commit().await?)
    }

    /// What was sent or is to be sent, the newest first.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn deliveries(&self, dead_only: bool, limit: i64) -> Result<Vec<Delivery>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        Ok(delivery::list(&mut session, dead_only, limit).await?)
    }

    /// Has a message that was given up be tried again.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `Conflict` when it was not given up.
    pub async fn retry(&self, uid: Uid) -> Result<Delivery, Problem> {
        let custody = &self.alerts.custody;
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        delivery::get(&mut tx, uid).await?.ok_or_else(|| Problem::not_found("Delivery not found"))?;
        if !delivery::retry(&mut tx, uid, now).await? {
            return Err(Problem::conflict("the delivery was not given up"));
        }
        let target = Target { kind: "delivery".into(), id: Some(uid.to_string()), name: None };
        let entry = entry(&self.actor, "alert.retry", target, now, &json!({}));
        custody.append(&mut tx, vec![entry]).await?;
        let after = delivery::get(&mut tx, uid).await?;
        tx.commit().await?;
        after.ok_or_else(|| Problem::not_found("Delivery not found"))
    }

    /// What a delivery says: `firing`, `reminder` or `resolved`.
    #[must_use]
    pub fn notice_of(delivery: &Delivery) -> &'static str {
        delivery::notice_of(&delivery.notice).map_or("firing", Notice::as_str)
    }
}
