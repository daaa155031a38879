//! Channels: their addresses and secrets are sealed when they are given and never shown again.

use std::time::Duration;

use serde_json::json;
use strongroom_connectors::alert_channel::{
    self, ChannelKind, ChannelSettings, Message, NotTaken, Taken, Target as Addressee, shown_address,
};
use strongroom_crypto::alert_channel::{
    ChannelContext, ChannelRow, generate_webhook_secret, is_webhook_secret, open, seal,
};
use strongroom_crypto::{Purpose, random};
use strongroom_model::alert::{Level, Notice, Rule};
use strongroom_model::audit::Target;
use strongroom_model::{Millis, Problem, Secret, Uid};
use strongroom_store::alert::channel::{self, Channel, ChannelValue};
use strongroom_store::alert::delivery::ChannelStanding;
use strongroom_store::alert::incident::{self, Subject};
use strongroom_store::{Session, Write, alert};

use super::delivery::has_url;
use super::{AlertService, Alerts};
use crate::custody::seal::{MOST_SEALS, used_up};
use crate::custody::trail::entry;
use crate::event::{Seen, note_event};

const ADDRESS: &str = "address";
const SECRET: &str = "secret";
const PREVIOUS: &str = "previous_secret";
/// How long a secret that was replaced signs beside the new one.
const OVERLAP_SECONDS: i64 = 86_400;
/// How long a test waits for all that a channel says: of mail that is several answers.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_NAME_CHARACTERS: usize = 64;
/// Channels at the most: each incident may be told to all.
const MAX_CHANNELS: usize = 50;

/// A channel to make.
#[derive(Debug)]
pub struct NewChannel {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ChannelKind,
    /// A URL; of mail the server's. PagerDuty has one of its own.
    pub address: Option<Secret>,
    /// What signs a webhook's messages, made when it is not given; PagerDuty's routing key.
    pub secret: Option<Secret>,
    /// Its settings.
    pub settings: ChannelSettings,
}

/// A channel as it may be shown.
#[derive(Debug, Clone)]
pub struct ChannelView {
    /// Its identity.
    pub uid: Uid,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// As much of its address as may be shown.
    pub shown: String,
    /// Its settings.
    pub settings: ChannelSettings,
    /// When it was turned off, and why.
    pub disabled: Option<(Millis, String)>,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        let reason = channel.disabled_reason.unwrap_or_default();
        Self {
            uid: channel.uid,
            name: channel.name,
            kind: channel.kind,
            shown: channel.shown,
            settings: serde_json::from_str(&channel.settings).unwrap_or_default(),
            disabled: channel.disabled_at.map(|at| (at, reason)),
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// A channel, and how telling it went lately.
#[derive(Debug, Clone)]
pub struct ChannelInUse {
    /// The channel.
    pub channel: ChannelView,
    /// How telling it went.
    pub standing: ChannelStanding,
}

/// Outcome of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    /// True if the channel took the message.
    pub is_taken: bool,
    /// What it answered, or why it could not be asked.
    pub answer: String,
}

fn not_found() -> Problem {
    Problem::not_found("Channel not found")
}

fn target(channel: &Channel) -> Target {
    Target::named("channel", channel.uid, &channel.name)
}

fn check_name(name: &str) -> Result<(), Problem> {
    let is_good = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    if name.is_empty() || name.len() > MAX_NAME_CHARACTERS || !name.chars().all(is_good) {
        let message = format!(
            "name must have 1 to {MAX_NAME_CHARACTERS} letters, digits, dots, hyphens and underscores"
        );
        return Err(Problem::invalid("name", message));
    }
    Ok(())
}

impl Alerts {
    /// Opens the address and the secrets of a channel.
    ///
    /// # Errors
    /// [`Problem`] of kind `Integrity` when its row or a value is not what we wrote.
    pub(super) async fn open_channel(
        &self,
        session: &mut Session,
        channel: &Channel,
    ) -> Result<Addressee, Problem> {
        let keyring = self.custody.keyring();
        let row = ChannelRow {
            channel: channel.uid,
            name: &channel.name,
            kind: &channel.kind,
            settings: &channel.settings,
        };
        let broken = |what: &str| {
            self.custody.counters.integrity_failures.add_one();
            Problem::integrity(format!(
                "{what} of channel {:?} was changed outside strongroom; remove the channel and add it again",
                channel.name
            ))
        };
        if !row.verifies(&keyring, &channel.mac) {
            return Err(broken("the row"));
        }
        let kind = ChannelKind::from_name(&channel.kind).ok_or_else(|| broken("the kind"))?;
        let settings = serde_json::from_str(&channel.settings).map_err(|_| broken("a setting"))?;
        let now = session.now().await?;
        let values = channel::values(session, channel.uid).await?;
        let value = |field: &str| {
            let found = values.iter().find(|value| value.field == field);
            let found = found.filter(|value| value.until.is_none_or(|until| until > now));
            let context = ChannelContext { channel: channel.uid, kind: &channel.kind, field };
            let opened = found.map(|value| open(&keyring, &context, &value.key_id, &value.text));
            opened.transpose().map_err(|_| broken("a value"))
        };
        let address = value(ADDRESS)?.ok_or_else(|| broken("the address"))?;
        let secrets = [value(SECRET)?, value(PREVIOUS)?].into_iter().flatten().collect();
        Ok(Addressee { kind, address, secrets, settings })
    }

    async fn put_value(
        &self,
        tx: &mut Write,
        channel: Uid,
        kind: &str,
        field: &str,
        value: &Secret,
        until: Option<Millis>,
    ) -> Result<(), Problem> {
        // The second time with the key that has become the current one meanwhile.
        for _ in 0..2 {
            let keyring = self.custody.keyring();
            let context = ChannelContext { channel, kind, field };
            let sealed = seal(&keyring, &context, value)
                .map_err(|error| Problem::invalid("address", error.to_string()))?;
            if strongroom_store::key::count_seals(tx, &sealed.key_id, 1, MOST_SEALS).await? {
                let field = field.to_owned();
                let value = ChannelValue { channel, field, key_id: sealed.key_id, text: sealed.text, until };
                return Ok(channel::put_value(tx, &value).await?);
            }
            self.custody.load_keys(tx).await?;
        }
        Err(used_up(&self.custody.keyring().current_id(Purpose::Data)))
    }
}

const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

impl AlertService {
    /// All channels, by name.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn channels(&self) -> Result<Vec<ChannelView>, Problem> {
        let mut session = self.alerts.custody.store.read().await?;
        Ok(channel::list(&mut session).await?.into_iter().map(ChannelView::from).collect())
    }

    /// All channels, by name, with how telling them went in the last 30 days.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn channels_in_use(&self) -> Result<Vec<ChannelInUse>, Problem> {
        const DAYS_MS: i64 = 30 * 86_400_000;
        let mut session = self.alerts.custody.store.read().await?;
        let since = Millis(session.now().await?.0 - DAYS_MS);
        let mut found = Vec::new();
        for channel in channel::list(&mut session).await? {
            let standing = alert::delivery::standing(&mut session, channel.uid, since).await?;
            found.push(ChannelInUse { channel: channel.into(), standing });
        }
        Ok(found)
    }

    async fn require_channel(&self, session: &mut Session, name: &str) -> Result<Channel, Problem> {
        channel::get(session, name).await?.ok_or_else(not_found)
    }

    /// Makes a channel. A secret that was made for it comes with it, this once.
    ///
    /// # Errors
    /// [`Problem`] naming the field at fault.
    pub async fn add_channel(&self, new: NewChannel) -> Result<(ChannelView, Option<Secret>), Problem> {
        let NewChannel { name, kind, address, secret, settings } = new;
        check_name(&name)?;
        let outbound = self.alerts.outbound()?;
        let address = match (address, kind) {
            (Some(address), _) => address,
            (None, ChannelKind::PagerDuty) => Secret::from(PAGERDUTY),
            (None, _) => return Err(Problem::invalid(ADDRESS, "address must be given")),
        };
        match has_url(kind) {
            true => drop(outbound.check_url(&address)?),
            false => outbound.check_mail(&address)?,
        }
        match (kind, &settings.mail) {
            (ChannelKind::Mail, Some(mail)) => mail.check()?,
            (ChannelKind::Mail, None) => return Err(Problem::invalid("to", "mail needs from and to")),
            (_, Some(_)) => return Err(Problem::invalid("to", "only mail has from and to")),
            (_, None) => {}
        }
        let (secret, is_made) = match (kind, secret) {
            (ChannelKind::Webhook, None) => (Some(generate_webhook_secret()), true),
            (ChannelKind::Webhook, Some(given)) if !is_webhook_secret(&given) => {
                let message =
                    "secret must be whsec_ and the base64 of 24 to 64 bytes; leave it out to have one made";
                return Err(Problem::invalid(SECRET, message));
            }
            (ChannelKind::PagerDuty, None) => {
                return Err(Problem::invalid(SECRET, "secret must be the routing key of the service"));
            }
            (ChannelKind::Webhook | ChannelKind::PagerDuty, given) => (given, false),
            (_, Some(_)) => return Err(Problem::invalid(SECRET, "this kind of channel has no secret")),
            (_, None) => (None, false),
        };
        let alerts = &self.alerts;
        let mut tx = alerts.custody.store.write().await?;
        let now = tx.now().await?;
        if channel::list(&mut tx).await?.len() >= MAX_CHANNELS {
            return Err(Problem::conflict(format!("there are {MAX_CHANNELS} channels already; remove one")));
        }
        let uid = random::uid();
        let settings = json!(settings).to_string();
        let row = ChannelRow { channel: uid, name: &name, kind: kind.as_str(), settings: &settings };
        let channel = Channel {
            uid,
            name: name.clone(),
            kind: kind.as_str().to_owned(),
            disabled_at: None,
            disabled_reason: None,
            shown: shown_address(kind, &address),
            mac: row.mac(&alerts.custody.keyring()),
            settings: settings.clone(),
            dead_in_a_row: 0,
            created_at: now,
            updated_at: now,
        };
        channel::insert(&mut tx, &channel).await?;
        alerts.put_value(&mut tx, uid, kind.as_str(), ADDRESS, &address, None).await?;
        if let Some(secret) = &secret {
            alerts.put_value(&mut tx, uid, kind.as_str(), SECRET, secret, None).await?;
        }
        let detail = json!({ "kind": kind.as_str(), "address": channel.shown });
        self.note_change(&mut tx, "channel.create", &channel, now, &detail).await?;
        tx.commit().await?;
        Ok((channel.into(), secret.filter(|_| is_made)))
    }

    /// Replaces the secret of a webhook by a new one, which is returned this once. Both sign for a day.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or when it has none to replace.
    pub async fn rotate_channel_secret(&self, name: &str) -> Result<(ChannelView, Secret), Problem> {
        let alerts = &self.alerts;
        let mut tx = alerts.custody.store.write().await?;
        let now = tx.now().await?;
        let channel = self.require_channel(&mut tx, name).await?;
        if channel.kind != ChannelKind::Webhook.as_str() {
            return Err(Problem::invalid(
                "kind",
                "only the secret of a webhook is made here; add the channel again",
            ));
        }
        let opened = alerts.open_channel(&mut tx, &channel).await?;
        let secret = generate_webhook_secret();
        if let Some(previous) = opened.secrets.first() {
            let until = Some(now.plus_seconds(OVERLAP_SECONDS));
            alerts.put_value(&mut tx, channel.uid, &channel.kind, PREVIOUS, previous, until).await?;
        }
        alerts.put_value(&mut tx, channel.uid, &channel.kind, SECRET, &secret, None).await?;
        self.note_change(&mut tx, "channel.rotate_secret", &channel, now, &json!({})).await?;
        tx.commit().await?;
        Ok((channel.into(), secret))
    }

    /// Turns a channel off, or on again.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn set_channel_enabled(&self, name: &str, is_enabled: bool) -> Result<ChannelView, Problem> {
        let mut tx = self.alerts.custody.store.write().await?;
        let now = tx.now().await?;
        let channel = self.require_channel(&mut tx, name).await?;
        let reason = (!is_enabled).then_some("turned off by hand");
        channel::set_disabled(&mut tx, channel.uid, reason, now).await?;
        if is_enabled {
            let subject = Subject::of("channel", channel.uid);
            for open in incident::list_open_about(&mut tx, Rule::DeliveryDead, &subject).await? {
                incident::resolve(&mut tx, open.uid, "it was turned on again", now).await?;
            }
        }
        let detail = json!({ "enabled": is_enabled });
        self.note_change(&mut tx, "channel.update", &channel, now, &detail).await?;
        let after = self.require_channel(&mut tx, name).await?;
        tx.commit().await?;
        Ok(after.into())
    }

    /// Removes a channel; what was to be sent to it is given up.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn remove_channel(&self, name: &str) -> Result<ChannelView, Problem> {
        let mut tx = self.alerts.custody.store.write().await?;
        let now = tx.now().await?;
        let channel = self.require_channel(&mut tx, name).await?;
        let uid = channel.uid.to_string();
        alert::delivery::give_up(&mut tx, &uid, "the channel was removed", now).await?;
        channel::remove(&mut tx, channel.uid).await?;
        self.note_change(&mut tx, "channel.delete", &channel, now, &json!({})).await?;
        tx.commit().await?;
        Ok(channel.into())
    }

    /// A change of a channel is told to the others: whoever takes alerts away from people is seen.
    async fn note_change(
        &self,
        tx: &mut Write,
        action: &str,
        channel: &Channel,
        now: Millis,
        detail: &serde_json::Value,
    ) -> Result<(), Problem> {
        let subject = Subject::of("channel", channel.uid);
        note_event(&self.alerts.custody, tx, Seen::of(Rule::AuthorityChanged, Level::High, subject), now)
            .await?;
        let entry = entry(&self.actor, action, target(channel), now, detail);
        self.alerts.custody.append(tx, vec![entry]).await
    }

    /// Sends a message that says that it is a test, and tells what the channel answered.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`, or `Integrity`.
    pub async fn test_channel(&self, name: &str) -> Result<Tested, Problem> {
        let alerts = &self.alerts;
        let (channel, target_of, now) = {
            let mut session = alerts.custody.store.read().await?;
            let channel = self.require_channel(&mut session, name).await?;
            let opened = alerts.open_channel(&mut session, &channel).await?;
            let now = session.now().await?;
            (channel, opened, now)
        };
        let message = Message {
            id: random::uid_at(now).to_string(),
            at: now,
            notice: Notice::Firing,
            event_type: "channel.test".to_owned(),
            level: Level::Info,
            sentence: format!(
                "this is a test of channel \"{}\" of strongroom; nothing is wrong",
                channel.name
            ),
            facts: vec![("sent by", strongroom_model::alert::shown(&self.actor.label()))],
            link: alerts.link(None),
            incidents: Vec::new(),
            more: 0,
        };
        let sending = alert_channel::send(alerts.outbound()?, &target_of, &message);
        let tested = match tokio::time::timeout(TEST_TIMEOUT, sending).await {
            Ok(Ok(Taken { answer })) => Tested { is_taken: true, answer },
            Ok(Err(NotTaken { error, .. })) => Tested { is_taken: false, answer: error },
            Err(_) => {
                let answer = format!("no answer within {} s", TEST_TIMEOUT.as_secs());
                Tested { is_taken: false, answer }
            }
        };
        let mut tx = alerts.custody.store.write().await?;
        let now = tx.now().await?;
        let detail = json!({ "taken": tested.is_taken, "answer": tested.answer });
        let entry = entry(&self.actor, "channel.test", target(&channel), now, &detail);
        alerts.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(tested)
    }
}

/// Tells of every channel whose row or value does not verify, for the proof of a backup.
///
/// # Errors
/// [`Problem`] when the database cannot be read.
pub(crate) async fn broken_channels(
    custody: &crate::custody::Custody,
    session: &mut Session,
) -> Result<(u64, Vec<String>), Problem> {
    let (mut opened, mut faults) = (0, Vec::new());
    let keyring = custody.keyring();
    for channel in channel::list(session).await? {
        let row = ChannelRow {
            channel: channel.uid,
            name: &channel.name,
            kind: &channel.kind,
            settings: &channel.settings,
        };
        if !row.verifies(&keyring, &channel.mac) {
            faults.push(format!("the row of channel {:?} was changed", channel.name));
        }
        for value in channel::values(session, channel.uid).await? {
            let context = ChannelContext { channel: channel.uid, kind: &channel.kind, field: &value.field };
            match open(&keyring, &context, &value.key_id, &value.text) {
                Ok(_) => opened += 1,
                Err(error) => {
                    faults.push(format!("the {} of channel {:?}: {error}", value.field, channel.name));
                }
            }
        }
    }
    Ok((opened, faults))
}
