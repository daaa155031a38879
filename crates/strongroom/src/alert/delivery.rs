//! Delivery: what waits becomes messages, and messages are claimed, sent, and written off.
//!
//! A message goes out at least once. Between the answer of a channel and our commit there is a moment: whoever is killed in it has the
//! message sent again, under the same identity.

use std::time::Duration;

use futures::StreamExt;
use strongroom_connectors::alert_channel::{self, ChannelKind, Message, NotTaken, Taken};
use strongroom_crypto::random;
use strongroom_model::alert::{Level, Rule};
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::alert::delivery::{LOG, notice_of};
use strongroom_store::alert::incident::{self, Subject};
use strongroom_store::alert::message::{self, Claimed, Outcome};
use strongroom_store::{Session, Store, alert};

use super::text::{Part, about, message as compose, sentence, state_of};
use super::{Alerts, digest};
use crate::custody::trail::entry;
use crate::event::{Seen, note_event};

/// How long an attempt has a message to itself. Sending takes much less.
const CLAIM_SECONDS: i64 = 90;
const SEND_TIMEOUT: Duration = Duration::from_secs(45);
/// Messages that are sent at a time.
const SENT_AT_ONCE: usize = 8;
/// Messages that are looked at in one turn.
const MESSAGES_PER_TURN: i64 = 64;
/// Incidents that a message names.
const MAX_NAMED: i64 = 10;
/// Notices that a message stands for at the most.
const MAX_PARTS: i64 = 10_000;
/// Messages to a channel in an hour; what comes beyond is told in one every few minutes.
const MAX_MESSAGES_PER_HOUR: i64 = 60;
const DIGEST_INTERVAL_MS: i64 = 5 * 60_000;
/// Messages that are due within so many seconds are those that one after another goes out behind.
const AHEAD_SECONDS: i64 = 60;
/// Between two messages to a channel: what Slack allows (<https://docs.slack.dev/apis/web-api/rate-limits/>).
const MESSAGE_INTERVAL_MS: i64 = 1000;
const HOUR_MS: i64 = 3_600_000;
/// Seconds before a message is tried again, by how often it was tried, as Standard Webhooks suggests.
const RETRY_SECONDS: [i64; 9] = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest wait that a channel may ask for.
const MAX_RETRY_AFTER_SECONDS: i64 = 86_400;
/// Messages in a row that are given up before a channel is turned off.
const MAX_DEAD_IN_A_ROW: i64 = 5;
/// Characters of an error that are kept.
const MAX_ERROR_CHARACTERS: usize = 300;

impl Alerts {
    /// Makes messages of what is due and sends them. Returns how many were sent.
    pub(crate) async fn deliver(&self) -> Result<usize, Problem> {
        self.make_messages().await?;
        let due = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            message::list_due(&mut session, now, MESSAGES_PER_TURN).await?
        };
        let mut sending =
            futures::stream::iter(due).map(|message| self.attempt(message)).buffer_unordered(SENT_AT_ONCE);
        let (mut sent, mut failure) = (0, None);
        while let Some(done) = sending.next().await {
            match done {
                Ok(was_sent) => sent += usize::from(was_sent),
                Err(problem) => failure = Some(problem),
            }
        }
        failure.map_or(Ok(sent), Err)
    }

    /// Puts notices that are due into messages.
    async fn make_messages(&self) -> Result<(), Problem> {
        let waiting = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            message::list_waiting(&mut session, now).await?
        };
        if waiting.is_empty() {
            return Ok(());
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let since = Millis(now.0 - HOUR_MS);
        for group in waiting {
            let (channel, id) = (group.channel_uid.as_str(), random::uid_at(now));
            let of = Some((group.rule.as_str(), group.level.as_str(), group.notice.as_str()));
            if channel == LOG {
                message::make(&mut tx, id, channel, of, now, now, MAX_PARTS).await?;
                continue;
            }
            let (count, last) =
                message::pace(&mut tx, channel, (since, now.plus_seconds(AHEAD_SECONDS))).await?;
            let next = last.map_or(now, |last| now.max(Millis(last.0 + MESSAGE_INTERVAL_MS)));
            if count < MAX_MESSAGES_PER_HOUR {
                message::make(&mut tx, id, channel, of, now, next, MAX_PARTS).await?;
            } else if last.is_none_or(|last| now.0 - last.0 >= DIGEST_INTERVAL_MS) {
                message::make(&mut tx, id, channel, None, now, now, MAX_PARTS).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    /// One attempt to send a message. Tells whether it was sent; not so when another server has it.
    async fn attempt(&self, uid: Uid) -> Result<bool, Problem> {
        let store = &self.custody.store;
        let attempt = random::uid();
        let Some(claimed) = claim(store, uid, attempt).await? else { return Ok(false) };
        let outcome = if claimed.channel == LOG {
            self.write_to_log(&claimed).await?;
            Ok(Taken { answer: String::new() })
        } else {
            let sending = self.send(&claimed);
            tokio::time::timeout(SEND_TIMEOUT, sending).await.unwrap_or_else(|_| {
                let error = format!("no answer within {} s", SEND_TIMEOUT.as_secs());
                Ok(Err(NotTaken { error, retry_after_seconds: None, is_gone: false }))
            })?
        };
        self.finish(&claimed, attempt, outcome).await
    }

    async fn send(&self, claimed: &Claimed) -> Result<Result<Taken, NotTaken>, Problem> {
        let gone = |error: &str| {
            Ok(Err(NotTaken { error: error.to_owned(), retry_after_seconds: None, is_gone: true }))
        };
        let mut session = self.custody.store.read().await?;
        let Some(channel) = alert::channel::get(&mut session, &claimed.channel).await? else {
            return gone("the channel was removed");
        };
        if channel.disabled_at.is_some() {
            return gone("the channel is turned off");
        }
        let target = match self.open_channel(&mut session, &channel).await {
            Ok(target) => target,
            Err(problem) => return gone(&problem.message),
        };
        let Some(message) = self.compose(&mut session, claimed).await? else {
            return gone("its incidents were deleted");
        };
        drop(session);
        Ok(alert_channel::send(self.outbound()?, &target, &message).await)
    }

    async fn compose(&self, session: &mut Session, claimed: &Claimed) -> Result<Option<Message>, Problem> {
        let now = session.now().await?;
        let mut parts = Vec::new();
        for (uid, notice) in message::parts(session, claimed.message, MAX_NAMED).await? {
            let (Some(incident), Some(notice)) = (incident::get(session, uid).await?, notice_of(&notice))
            else {
                continue;
            };
            let passed = incident::marks_passed_by(session, uid).await?;
            let about = about(session, &incident).await?;
            parts.push(Part { incident, about, notice, passed });
        }
        let named = i64::try_from(parts.len()).unwrap_or(i64::MAX);
        let more = claimed.count.saturating_sub(named).max(0);
        let Some(mut message) = compose(self, claimed.message, &parts, more, now) else { return Ok(None) };
        if let ([Part { incident, .. }], 0) = (parts.as_slice(), more)
            && incident.rule == Rule::WeeklyDigest
        {
            let digest = digest::of_week(session, incident.window_start).await?;
            message.sentence = digest.sentence;
            if let Some(data) = message.incidents.first_mut() {
                data.facts = digest.facts.iter().cloned().collect();
            }
            message.facts = digest.facts;
        }
        Ok(Some(message))
    }

    /// The channel that is always there: a line per change.
    async fn write_to_log(&self, claimed: &Claimed) -> Result<(), Problem> {
        let mut session = self.custody.store.read().await?;
        for (uid, notice) in message::parts(&mut session, claimed.message, MAX_PARTS).await? {
            let Some(incident) = incident::get(&mut session, uid).await? else { continue };
            let about = about(&mut session, &incident).await?;
            tracing::warn!(
                incident = %incident.uid,
                rule = incident.rule.as_str(),
                level = incident.level.as_str(),
                notice,
                state = state_of(&incident),
                subject_kind = about.kind,
                subject = about.name,
                mark = incident.mark,
                value = incident.value,
                threshold = incident.threshold,
                fired_at = %incident.fired_at,
                says = sentence(&incident, &about),
                "alert"
            );
        }
        Ok(())
    }

    async fn finish(
        &self,
        claimed: &Claimed,
        attempt: Uid,
        outcome: Result<Taken, NotTaken>,
    ) -> Result<bool, Problem> {
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let error: String = match &outcome {
            Ok(_) => String::new(),
            Err(refused) => refused.error.chars().take(MAX_ERROR_CHARACTERS).collect(),
        };
        let again = outcome.as_ref().err().and_then(|refused| again_after(claimed.attempts, refused));
        let written = match (&outcome, again) {
            (Ok(_), _) => Outcome::Delivered,
            (Err(_), Some(seconds)) => Outcome::Failed { again_at: now.plus_seconds(seconds), error: &error },
            (Err(_), None) => Outcome::Dead { error: &error },
        };
        if !message::finish(&mut tx, claimed.message, attempt, written, now).await? {
            tx.roll_back().await?;
            tracing::warn!(
                message = %claimed.message,
                "an attempt to send an alert took so long that another server made its own; it may be told twice"
            );
            return Ok(false);
        }
        if claimed.channel != LOG && !matches!(written, Outcome::Failed { .. }) {
            let dead = matches!(written, Outcome::Dead { .. });
            let in_a_row = alert::channel::note_outcome(&mut tx, &claimed.channel, dead).await?;
            let is_gone = outcome.as_ref().is_err_and(|refused| refused.is_gone);
            if dead && (is_gone || in_a_row >= MAX_DEAD_IN_A_ROW) {
                self.turn_off(&mut tx, &claimed.channel, &error, now).await?;
            }
        }
        tx.commit().await?;
        if let Err(refused) = &outcome {
            tracing::warn!(
                message = %claimed.message,
                channel = claimed.channel,
                attempts = claimed.attempts,
                is_given_up = again.is_none(),
                error = refused.error,
                "failed to deliver an alert"
            );
        }
        Ok(outcome.is_ok())
    }

    /// Turns a channel off and has the other ones told.
    async fn turn_off(
        &self,
        tx: &mut strongroom_store::Write,
        channel: &str,
        reason: &str,
        now: Millis,
    ) -> Result<(), Problem> {
        let Ok(uid) = channel.parse::<Uid>() else { return Ok(()) };
        if !alert::channel::set_disabled(tx, uid, Some(reason), now).await? {
            return Ok(());
        }
        let subject = Subject::of("channel", uid);
        note_event(&self.custody, tx, Seen::of(Rule::DeliveryDead, Level::High, subject), now).await?;
        let target = strongroom_model::audit::Target {
            kind: "channel".into(),
            id: Some(channel.to_owned()),
            name: None,
        };
        let detail = serde_json::json!({ "reason": reason });
        let entry = entry(&strongroom_model::Actor::system(), "channel.disable", target, now, &detail);
        self.custody.append(tx, vec![entry]).await
    }
}

async fn claim(store: &Store, message: Uid, attempt: Uid) -> Result<Option<Claimed>, Problem> {
    let mut tx = store.write().await?;
    let now = tx.now().await?;
    let claimed = message::claim(&mut tx, message, attempt, now, now.plus_seconds(CLAIM_SECONDS)).await?;
    match claimed {
        Some(_) => tx.commit().await?,
        None => tx.roll_back().await?,
    }
    Ok(claimed)
}

/// Seconds until a message is tried again, a tenth more or less; `None` when it is given up.
fn again_after(attempts: i64, refused: &NotTaken) -> Option<i64> {
    if refused.is_gone {
        return None;
    }
    let place = usize::try_from(attempts.max(1) - 1).ok()?;
    let planned = *RETRY_SECONDS.get(place)?;
    let [spread] = random::bytes::<1>();
    let spread = planned * (i64::from(spread) - 128) / 1280;
    let asked = refused.retry_after_seconds.unwrap_or(0).min(MAX_RETRY_AFTER_SECONDS);
    Some((planned + spread).max(asked))
}

/// Tells whether a kind of channel is told by a URL.
pub(super) const fn has_url(kind: ChannelKind) -> bool {
    !matches!(kind, ChannelKind::Mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(retry_after_seconds: Option<i64>, is_gone: bool) -> NotTaken {
        NotTaken { error: "no".to_owned(), retry_after_seconds, is_gone }
    }

    #[test]
    fn waits_grow_are_spread_a_little_and_end() {
        for (attempts, planned) in (1..).zip(RETRY_SECONDS) {
            for _ in 0..50 {
                let wait = again_after(attempts, &refused(None, false)).unwrap();
                assert!((planned * 9 / 10..=planned * 11 / 10).contains(&wait), "{wait} for {planned}");
            }
        }
        assert_eq!(again_after(10, &refused(None, false)), None);
        assert_eq!(again_after(1, &refused(None, true)), None, "gone is gone");
    }

    #[test]
    fn a_channel_is_given_the_time_that_it_asks_for_within_a_day() {
        assert_eq!(again_after(1, &refused(Some(3600), false)), Some(3600));
        assert_eq!(again_after(1, &refused(Some(i64::MAX), false)), Some(MAX_RETRY_AFTER_SECONDS));
    }
}
