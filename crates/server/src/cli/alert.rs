//! `strongroom alert`: what people are told of, and whom it is told.

mod channel;
mod route;
mod rule;

use clap::{Args, Subcommand};
use strongroom_client::wire::alert::{
    AcknowledgeAlert, Alert, AlertDelivery, AlertDetails, ListAlerts, ListDeliveries, ListSilences,
    MakeSilence, Silence,
};
use strongroom_model::Millis;

use super::completion::names;
use super::duration::parse_seconds;
use super::exit::{CliResult, Exit};
use super::instant::back;
use super::output::{Table, or_dash, properties};
use super::session::Session;

/// `strongroom alert …`
#[derive(Debug, Subcommand)]
pub(super) enum AlertCommand {
    /// List alerts of the last 30 days, the newest first
    #[command(visible_alias = "ls")]
    List(ListOptions),
    /// Show an alert, and what was sent of it
    Show(AlertId),
    /// Acknowledge an alert: nobody is reminded of it any more
    Ack(AckOptions),
    /// End an alert by hand
    Resolve(AlertId),
    /// Have nobody told of some alerts for a while
    Silence(SilenceOptions),
    /// List silences
    Silences(SilencesOptions),
    /// End a silence
    Unsilence(SilenceId),
    /// Rules: at how much of a limit people are told
    #[command(subcommand)]
    Rule(rule::RuleCommand),
    /// Channels that alerts are told to
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Routes: which alerts go to which channels
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// List what was sent of alerts, or is to be
    Deliveries(DeliveriesOptions),
    /// Try to send once more what was given up
    Retry(DeliveryId),
}

/// The alert that is meant.
#[derive(Debug, Args)]
pub(super) struct AlertId {
    /// The alert's id
    id: String,
}

/// The silence that is meant.
#[derive(Debug, Args)]
pub(super) struct SilenceId {
    /// The silence's id
    id: String,
}

/// The delivery that is meant.
#[derive(Debug, Args)]
pub(super) struct DeliveryId {
    /// The delivery's id
    id: String,
}

/// Options of `alert list`.
#[derive(Debug, Args)]
pub(super) struct ListOptions {
    /// List only alerts that are not over, however old they are
    #[arg(long)]
    firing: bool,

    /// List only alerts that stand like this
    #[arg(long, value_parser = ["firing", "acknowledged", "silenced", "resolved"])]
    state: Option<String>,

    /// List only alerts of this rule
    #[arg(long)]
    rule: Option<String>,

    /// List only alerts since this time
    #[arg(long, value_name = "WHEN", value_parser = back)]
    from: Option<Millis>,

    /// List at most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,

    /// Exit with 1 when the list is not empty
    #[arg(long)]
    exit_code: bool,
}

/// Options of `alert ack`.
#[derive(Debug, Args)]
pub(super) struct AckOptions {
    /// The alert's id
    id: String,

    /// A note for others
    #[arg(long)]
    note: Option<String>,
}

/// Options of `alert silence`. What is not named covers all.
#[derive(Debug, Args)]
pub(super) struct SilenceOptions {
    /// Alerts of this rule
    #[arg(long)]
    rule: Option<String>,

    /// Alerts about this credential
    #[arg(long, value_name = "NAME", add = names::credentials())]
    credential: Option<String>,

    /// Alerts about the token with this id
    #[arg(long, value_name = "ID", conflicts_with = "credential", add = names::tokens())]
    token: Option<String>,

    /// Alerts about this user
    #[arg(long, value_name = "ID", conflicts_with_all = ["credential", "token"], add = names::user_ids())]
    user_id: Option<i64>,

    /// Alerts up to this level: info, warn, high or critical
    #[arg(long, value_name = "LEVEL")]
    up_to: Option<String>,

    /// For how long
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_seconds)]
    seconds: i64,

    /// Why, for whoever finds the silence
    #[arg(long, value_name = "REASON")]
    why: String,
}

/// Options of `alert silences`.
#[derive(Debug, Args)]
pub(super) struct SilencesOptions {
    /// List silences that are over as well
    #[arg(long)]
    all: bool,
}

/// Options of `alert deliveries`.
#[derive(Debug, Args)]
pub(super) struct DeliveriesOptions {
    /// List only what was given up
    #[arg(long)]
    dead: bool,

    /// List at most so many
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
}

/// Runs the command.
pub(super) async fn run(command: AlertCommand, session: &Session) -> CliResult {
    let (client, output) = (&session.client, &session.output);
    match command {
        AlertCommand::List(options) => {
            let query = ListAlerts {
                firing: options.firing.then_some(true),
                state: options.state,
                rule: options.rule,
                from: options.from,
                limit: Some(options.limit),
                ..ListAlerts::default()
            };
            let alerts = client.list_alerts(&query).await?;
            output.list(alerts.as_slice(), table)?;
            if options.exit_code && !alerts.is_empty() {
                return Ok(Exit::Failure);
            }
        }
        AlertCommand::Show(AlertId { id }) => output.data(&client.get_alert(&id).await?, details)?,
        AlertCommand::Ack(AckOptions { id, note }) => {
            output.data(&client.acknowledge_alert(&id, &AcknowledgeAlert { note }).await?, one)?;
        }
        AlertCommand::Resolve(AlertId { id }) => output.data(&client.resolve_alert(&id).await?, one)?,
        AlertCommand::Silence(options) => {
            let body = MakeSilence {
                rule: options.rule,
                credential: options.credential,
                token: options.token,
                user_id: options.user_id,
                up_to_level: options.up_to,
                seconds: options.seconds,
                reason: options.why,
            };
            output.data(&client.make_silence(&body).await?, silence)?;
        }
        AlertCommand::Silences(SilencesOptions { all }) => {
            let found = client.list_silences(&ListSilences { all: all.then_some(true) }).await?;
            output.list(found.as_slice(), silences)?;
        }
        AlertCommand::Unsilence(SilenceId { id }) => output.note(&client.end_silence(&id).await?.message),
        AlertCommand::Rule(command) => return rule::run(command, session).await,
        AlertCommand::Channel(command) => return channel::run(command, session).await,
        AlertCommand::Route(command) => return route::run(command, session).await,
        AlertCommand::Deliveries(options) => {
            let query = ListDeliveries { dead: options.dead.then_some(true), limit: Some(options.limit) };
            output.list(client.list_alert_deliveries(&query).await?.as_slice(), deliveries)?;
        }
        AlertCommand::Retry(DeliveryId { id }) => {
            output.data(&client.retry_alert_delivery(&id).await?, |one| {
                deliveries(std::slice::from_ref(one))
            })?;
        }
    }
    Ok(Exit::Ok)
}

fn about(alert: &Alert) -> String {
    format!("{} {}", alert.subject.kind, alert.subject.name)
}

fn table(alerts: &[Alert]) -> Table {
    let mut table = Table::new(["id", "fired", "level", "state", "rule", "about", "says"]);
    for alert in alerts {
        table.row([
            alert.id.clone(),
            alert.fired_at.to_string(),
            alert.level.clone(),
            alert.state.clone(),
            alert.rule.clone(),
            about(alert),
            alert.text.clone(),
        ]);
    }
    table
}

fn one(alert: &Alert) -> Table {
    properties([
        ("id", alert.id.clone()),
        ("says", alert.text.clone()),
        ("level", alert.level.clone()),
        ("state", alert.state.clone()),
        ("rule", alert.rule.clone()),
        ("about", about(alert)),
        ("fired", alert.fired_at.to_string()),
        ("over", or_dash(alert.resolved_at)),
        ("cause", or_dash(alert.cause.as_deref())),
        ("acknowledged", or_dash(alert.acknowledged_at)),
        ("by", or_dash(alert.acknowledged_by.as_deref())),
        ("note", or_dash(alert.note.as_deref())),
    ])
}

fn details(shown: &AlertDetails) -> Table {
    let mut table = one(&shown.alert);
    for delivery in &shown.deliveries {
        let error = delivery.last_error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        table.row([
            format!("{} to {}", delivery.notice, delivery.channel),
            format!("{}, {} attempts{error}", delivery.state, delivery.attempts),
        ]);
    }
    table
}

fn covers(silence: &Silence) -> String {
    let rule = silence.rule.as_deref().unwrap_or("all rules");
    let subject = match (&silence.subject_kind, &silence.subject) {
        (Some(kind), Some(id)) => format!(" about {kind} {id}"),
        _ => String::new(),
    };
    let level = silence.up_to_level.as_ref().map_or_else(String::new, |level| format!(" up to {level}"));
    format!("{rule}{subject}{level}")
}

fn silence(silence: &Silence) -> Table {
    properties([
        ("id", silence.id.clone()),
        ("covers", covers(silence)),
        ("until", silence.until.to_string()),
        ("why", silence.reason.clone()),
        ("by", silence.made_by.clone()),
    ])
}

fn silences(silences: &[Silence]) -> Table {
    let mut table = Table::new(["id", "covers", "until", "ended", "why", "by"]);
    for silence in silences {
        table.row([
            silence.id.clone(),
            covers(silence),
            silence.until.to_string(),
            or_dash(silence.ended_at),
            silence.reason.clone(),
            silence.made_by.clone(),
        ]);
    }
    table
}

fn deliveries(deliveries: &[AlertDelivery]) -> Table {
    let mut table = Table::new(["id", "alert", "channel", "notice", "state", "attempts", "due", "error"]);
    for delivery in deliveries {
        table.row([
            delivery.id.clone(),
            delivery.alert.clone(),
            delivery.channel.clone(),
            delivery.notice.clone(),
            delivery.state.clone(),
            delivery.attempts.to_string(),
            delivery.due_at.to_string(),
            or_dash(delivery.last_error.as_deref()),
        ]);
    }
    table
}
