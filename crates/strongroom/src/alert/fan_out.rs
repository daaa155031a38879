//! The fan-out: decides once for each incident which channels are told of it.

use strongroom_crypto::random;
use strongroom_model::alert::{Level, Notice, Route, Rule, route};
use strongroom_model::{Millis, Problem};
use strongroom_store::Write;
use strongroom_store::alert::channel::Channel;
use strongroom_store::alert::delivery::{self, LOG, NewDelivery, notice_name};
use strongroom_store::alert::incident::{self, Incident, Told};
use strongroom_store::alert::message;
use strongroom_store::alert::silence::{self, Silence};
use strongroom_store::{Session, alert};

use super::{Alerts, text};

/// Incidents in one transaction: few enough that other writers do not wait long.
const BATCH: i64 = 50;
/// How long an incident waits for the server that decides for all.
const OVERDUE_MS: i64 = 10_000;
/// How long notices that are not critical wait for others to go out with.
const GROUP_WAIT_SECONDS: i64 = 30;

/// What decides who is told: as it stands at one moment.
struct Plan {
    channels: Vec<Channel>,
    routes: Vec<Route>,
    silences: Vec<Silence>,
}

impl Plan {
    async fn read(session: &mut Session, now: Millis) -> Result<Self, Problem> {
        let mut channels = alert::channel::list(session).await?;
        channels.retain(|channel| channel.disabled_at.is_none());
        let routes = alert::route::list(session).await?;
        Ok(Self { channels, routes, silences: silence::list(session, now, false).await? })
    }

    fn is_silenced(&self, incident: &Incident, about: &text::About) -> bool {
        let covers = |silence: &Silence| {
            silence.matcher.covers(incident.rule, incident.level, (&about.kind, &about.id))
        };
        self.silences.iter().any(covers)
    }
}

impl Alerts {
    /// Tells whether an incident is to be told, or a message to be sent. It writes nothing and is asked every few seconds.
    pub(crate) async fn have_work(&self) -> Result<bool, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        Ok(!incident::list_untold(&mut session, 1).await?.is_empty()
            || !incident::list_over(&mut session, 1).await?.is_empty()
            || message::is_anything_due(&mut session, now).await?)
    }

    /// Tells whether something was to be told for so long that the server that has that job must be gone.
    pub(crate) async fn are_overdue(&self) -> Result<bool, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        Ok(incident::is_any_overdue(&mut session, Millis(now.0 - OVERDUE_MS)).await?)
    }

    /// Decides who is told of what was seen or is over. Done twice, or by two at once, it tells nobody twice. Returns for how many
    /// incidents.
    pub(crate) async fn fan_out(&self) -> Result<usize, Problem> {
        let mut count = 0;
        loop {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let untold = incident::list_untold(&mut tx, BATCH).await?;
            let over = incident::list_over(&mut tx, BATCH).await?;
            if untold.is_empty() && over.is_empty() {
                tx.roll_back().await?;
                return Ok(count);
            }
            let plan = Plan::read(&mut tx, now).await?;
            for incident in &untold {
                log(&mut tx, incident, Notice::Firing, 0, now).await?;
                self.tell(&mut tx, &plan, incident, now).await?;
                // What is over from the start is not told as over.
                if incident.rule.is_event() {
                    incident::note_told(&mut tx, incident.uid, Told::Over, now).await?;
                }
            }
            for incident in &over {
                log(&mut tx, incident, Notice::Resolved, 0, now).await?;
                for channel in message::channels_told(&mut tx, incident.uid).await? {
                    insert(&mut tx, incident, &channel, (Notice::Resolved, 0), now, now).await?;
                }
                incident::note_told(&mut tx, incident.uid, Told::Over, now).await?;
            }
            tx.commit().await?;
            count += untold.len() + over.len();
        }
    }

    /// Has channels told that an incident fires, unless it is silenced or another one tells of it.
    async fn tell(
        &self,
        tx: &mut Write,
        plan: &Plan,
        incident: &Incident,
        now: Millis,
    ) -> Result<(), Problem> {
        if incident.passed_by.is_none() {
            let about = text::about(tx, incident).await?;
            if plan.is_silenced(incident, &about) {
                return Ok(incident::note_told(tx, incident.uid, Told::Masked, now).await?);
            }
            let names: Vec<String> = plan.channels.iter().map(|channel| channel.name.clone()).collect();
            let provider = about.provider.as_ref();
            let own: Vec<Route>;
            let routes = match incident.rule {
                rule if rule.is_for_every_channel() => &[][..],
                rule if rule.is_for_own_routes() => {
                    own = plan.routes.iter().filter(|it| it.rule == Some(rule)).cloned().collect();
                    // Without any, a route to nowhere: by itself nobody is told of it.
                    if own.is_empty() { &[Route::default()][..] } else { &own[..] }
                }
                _ => &plan.routes[..],
            };
            for to in route::destinations(routes, &names, incident.rule, incident.level, provider) {
                let Some(channel) = plan.channels.iter().find(|it| it.name == to.channel) else { continue };
                // A channel that is dead is not told that it is.
                let uid = channel.uid.to_string();
                if incident.subject.kind == "channel"
                    && incident.rule == Rule::DeliveryDead
                    && incident.subject.id == uid
                {
                    continue;
                }
                let is_held = incident.level < Level::Critical && incident.rule.may_wait();
                let waits = if is_held { now.plus_seconds(GROUP_WAIT_SECONDS) } else { now };
                let quiet_until = to.quiet.filter(|_| is_held).and_then(|quiet| quiet.end_after(now));
                let not_before = quiet_until.map_or(waits, |until| until.max(waits));
                insert(tx, incident, &uid, (Notice::Firing, 0), now, not_before).await?;
            }
        }
        incident::note_told(tx, incident.uid, Told::Firing(0), now).await?;
        Ok(())
    }

    /// Has channels told of what was silenced and still fires, and reminds them of what nobody acknowledged. Returns of how much.
    pub(super) async fn tell_again(&self, tx: &mut Write, now: Millis) -> Result<usize, Problem> {
        let plan = Plan::read(tx, now).await?;
        let mut count = 0;
        for incident in incident::list_masked(tx, BATCH).await? {
            let about = text::about(tx, &incident).await?;
            if plan.is_silenced(&incident, &about) {
                continue;
            }
            self.tell(tx, &plan, &incident, now).await?;
            count += 1;
        }
        for level in Level::ALL {
            let Some(interval) = level.reminder_interval_ms() else { continue };
            let told_before = Millis(now.0.saturating_sub(interval));
            for incident in incident::list_to_remind(tx, level, told_before, BATCH).await? {
                let about = text::about(tx, &incident).await?;
                if plan.is_silenced(&incident, &about) {
                    continue;
                }
                let number = incident.reminders + 1;
                log(tx, &incident, Notice::Reminder, number, now).await?;
                for channel in message::channels_told(tx, incident.uid).await? {
                    insert(tx, &incident, &channel, (Notice::Reminder, number), now, now).await?;
                }
                incident::note_told(tx, incident.uid, Told::Firing(number), now).await?;
                count += 1;
            }
        }
        Ok(count)
    }
}

async fn log(
    tx: &mut Write,
    incident: &Incident,
    notice: Notice,
    number: i64,
    now: Millis,
) -> Result<(), Problem> {
    insert(tx, incident, LOG, (notice, number), now, now).await
}

async fn insert(
    tx: &mut Write,
    incident: &Incident,
    channel: &str,
    (notice, number): (Notice, i64),
    now: Millis,
    not_before: Millis,
) -> Result<(), Problem> {
    let new = NewDelivery {
        uid: random::uid_at(now),
        incident: incident.uid,
        channel,
        notice: &notice_name(notice, number),
        rule: incident.rule,
        level: incident.level,
        at: now,
        not_before,
    };
    delivery::insert(tx, &new).await?;
    Ok(())
}
