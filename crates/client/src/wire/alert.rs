//! Alerts on the wire.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_model::Millis;
use utoipa::{IntoParams, ToSchema};

use super::SecretText;

/// Something that people are told of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its identity.
    pub id: String,
    /// The rule: `limit_threshold`, `expires`, …
    pub rule: String,
    /// `info`, `warn`, `high` or `critical`.
    pub level: String,
    /// `firing`, `silenced`, `acknowledged` or `resolved`.
    pub state: String,
    /// The subject.
    pub subject: AlertSubject,
    /// The figure that was seen.
    pub value: i64,
    /// The figure from which on it is seen.
    pub threshold: i64,
    /// Percent of a limit, or days before an expiry.
    pub mark: i64,
    /// The largest figure so far.
    pub peak: i64,
    /// The unit of the figures, where they are use of a limit: `requests`, `tokens` or `nano_usd`.
    pub unit: Option<String>,
    /// The window of that limit.
    pub window: Option<String>,
    /// A sentence.
    pub text: String,
    /// When it fired.
    #[schema(value_type = String, format = DateTime)]
    pub fired_at: Millis,
    /// When it was over; null while it fires.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<Millis>,
    /// Why it was over.
    pub cause: Option<String>,
    /// When somebody took it upon himself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub acknowledged_at: Option<Millis>,
    /// Who did.
    pub acknowledged_by: Option<String>,
    /// What was noted.
    pub note: Option<String>,
    /// The alert that channels were told of in its place: the higher one of the same jump.
    pub told_by: Option<String>,
}

/// Subject of an alert.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertSubject {
    /// `credential`, `token`, `user`, `limit`, `channel` or `node`.
    pub kind: String,
    /// The identity within its kind.
    pub id: String,
    /// The name; the identity when it is gone.
    pub name: String,
}

/// An alert with what was sent of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertDetails {
    /// The alert.
    pub alert: Alert,
    /// What was sent, or is to be.
    pub deliveries: Vec<AlertDelivery>,
}

/// Alerts to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAlerts {
    /// Only those that are not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firing: Option<bool>,
    /// Only those that stand like this: `firing`, `acknowledged`, `silenced` or `resolved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Of this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// About the subject of this identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Fired at this instant or later; 30 days ago unless it is given, or `firing` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
    /// Fired before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<String>, format = DateTime)]
    pub to: Option<Millis>,
    /// At most so many, 1 to 1000, default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
}

/// A note to an alert that somebody takes upon himself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "note": "raised the limit" })))]
pub struct AcknowledgeAlert {
    /// The note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A silence.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Silence {
    /// Its identity.
    pub id: String,
    /// The rule that it covers; null covers all.
    pub rule: Option<String>,
    /// The kind of the subject that it covers.
    pub subject_kind: Option<String>,
    /// The subject that it covers; null covers all.
    pub subject: Option<String>,
    /// The most urgent level that it covers; null covers all.
    pub up_to_level: Option<String>,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub from: Millis,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub until: Millis,
    /// Why.
    pub reason: String,
    /// By whom.
    pub made_by: String,
    /// When it was ended before its time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Millis>,
}

/// Silences to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSilences {
    /// Those that are over as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<bool>,
}

/// A silence to make. What is not named covers all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "rule": "limit_threshold", "seconds": 7200, "reason": "load test" })))]
pub struct MakeSilence {
    /// The rule that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The name of the credential that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The public id of the token that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The user that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The most urgent level that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_level: Option<String>,
    /// For how long.
    pub seconds: i64,
    /// Why.
    pub reason: String,
}

/// A rule that somebody has set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRule {
    /// Its identity.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// `all`, `limit`, `credential`, `token` or `user`.
    pub scope_kind: String,
    /// The identity within its kind; empty for all.
    pub scope_id: String,
    /// The name.
    pub scope_name: String,
    /// The percentages at which people are told; none tells nobody.
    pub at: Vec<i64>,
    /// Figures of a rule that rests on them, as they are set.
    pub figures: BTreeMap<String, i64>,
    /// True if nobody is told by such a rule.
    pub is_off: bool,
    /// When it was set.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
}

/// Thresholds of limits to set, for at most one of `limit`, `credential`, `token` and `userId`; for all limits when none is named.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "credential": "openai-primary", "at": [50, 80, 95, 100] })))]
pub struct SetAlertRule {
    /// The id of the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The name of the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The public id of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The rule, `limit_threshold` unless it is given. Others are for everything, and have figures instead of percentages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The percentages at which people are told, at most four; none tells nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Vec<i64>>,
    /// Figures of another rule, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<BTreeMap<String, i64>>,
    /// True if nobody is to be told by another rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_off: Option<bool>,
}

/// A question about what thresholds would have done.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "credential": "openai-primary", "at": [50, 80], "days": 30 })))]
pub struct TestAlertRule {
    /// The id of the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The name of the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The public id of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The rule, `limit_threshold` unless it is given; `limit_burn`, `denials` and `spend_spike` can be tested as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Percentages in place of those that are set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Vec<i64>>,
    /// Figures of another rule in place of those that are set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<BTreeMap<String, i64>>,
    /// Days to look back, default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<i64>,
}

/// What thresholds would have done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRuleTest {
    /// The first day that was looked at.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Millis>,
    /// Limits that were looked at.
    pub limits: u64,
    /// Limits that cannot be looked at by sums of days: of shorter windows, and prepaid ones.
    pub left_out: u64,
    /// When it would have fired.
    pub fires: Vec<AlertRuleFire>,
}

/// A time at which thresholds would have fired.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertRuleFire {
    /// The day.
    #[schema(value_type = String, format = DateTime)]
    pub at: Millis,
    /// Whose limit.
    pub subject: String,
    /// Which threshold; 0 of other rules.
    pub percent: i64,
    /// The use by the end of that day.
    pub used: i64,
    /// Its unit.
    pub unit: String,
    /// What was seen, in words.
    pub text: String,
}

/// A channel. Its address and secrets are never shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertChannel {
    /// Its identity.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `mail`.
    pub kind: String,
    /// As much of its address as may be shown.
    pub address: String,
    /// The address that its mail is from.
    pub from: Option<String>,
    /// The addresses that its mail is for.
    pub to: Option<Vec<String>>,
    /// True unless it is turned off.
    pub is_enabled: bool,
    /// Why it is turned off.
    pub disabled_reason: Option<String>,
    /// A secret that was made just now; it is shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Millis,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Millis,
}

/// A channel to make.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "name": "ops", "kind": "slack", "address": "https://hooks.slack.com/services/…" })))]
pub struct MakeAlertChannel {
    /// Its name.
    pub name: String,
    /// `webhook`, `slack`, `discord`, `teams`, `pagerduty` or `mail`.
    pub kind: String,
    /// Its URL; of mail the server's, `smtp://USER:PASSWORD@HOST:PORT`. PagerDuty needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SecretText>,
    /// The secret of a webhook (`whsec_…`), made when it is not given; PagerDuty's routing key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretText>,
    /// The address that mail is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The addresses that mail is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Vec<String>>,
}

/// A change of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "isEnabled": true })))]
pub struct UpdateAlertChannel {
    /// False turns it off.
    pub is_enabled: bool,
}

/// Outcome of a test of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertChannelTest {
    /// True when the channel took the message.
    pub taken: bool,
    /// What it answered, or why it could not be asked.
    pub answer: String,
}

/// A route. Routes are asked in their order, and the first that matches decides, unless it goes on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "fromLevel": "critical", "channels": ["ops"], "quiet": "22:00-07:00" })))]
pub struct AlertRoute {
    /// Of this rule alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of this level or a more urgent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_level: Option<String>,
    /// About credentials of this provider alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The channels, by name; none tells nobody.
    pub channels: Vec<String>,
    /// Times of the day, in UTC, at which only what is critical is told: `22:00-07:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<String>,
    /// True if the routes behind it are asked as well.
    #[serde(default)]
    pub goes_on: bool,
}

/// Routes in the place of all that there are.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "routes": [{ "fromLevel": "high", "channels": ["ops"] }] })))]
pub struct AlertRoutes {
    /// The routes, in the order in which they are asked.
    pub routes: Vec<AlertRoute>,
}

/// A notice to a channel.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertDelivery {
    /// Its identity.
    pub id: String,
    /// The alert.
    pub alert: String,
    /// The identity of the channel; `log` for the server's log.
    pub channel: String,
    /// `firing`, `reminder` or `resolved`.
    pub notice: String,
    /// `waiting`, `delivered` or `dead`.
    pub state: String,
    /// The message that it went out with.
    pub message: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Millis,
    /// When it goes out, or is tried again.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Millis,
    /// When the channel took it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub delivered_at: Option<Millis>,
    /// When it was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub dead_at: Option<Millis>,
    /// Why it was not taken.
    pub last_error: Option<String>,
}

/// Deliveries to list, the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeliveries {
    /// Only those that were given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<bool>,
    /// At most so many, 1 to 1000, default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<i64>,
}
