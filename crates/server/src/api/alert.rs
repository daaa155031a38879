//! `/api/admin/alerts`

mod acknowledge;
mod add_channel;
mod channels;
mod deliveries;
mod end_silence;
mod list;
mod remove_channel;
mod remove_rule;
mod resolve;
mod retry;
mod rotate_channel_secret;
mod routes;
mod rules;
mod set_routes;
mod set_rule;
mod show;
mod silence;
mod silences;
mod test_channel;
mod test_rule;
mod update_channel;

use std::collections::BTreeMap;

use strongroom::alert::{
    AlertService, ChannelView, Delivery, IncidentView, Route, Rule, RuleScope, RuleView, Settings, Silence,
};
use strongroom::limit::Bound;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::alert::{
    Alert, AlertChannel, AlertDelivery, AlertRoute, AlertRule, AlertSubject, Silence as WireSilence,
};
use strongroom_model::{Millis, Problem, Secret, Uid, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(acknowledge::acknowledge))
        .routes(routes!(resolve::resolve))
        .routes(routes!(silences::silences, silence::silence))
        .routes(routes!(end_silence::end_silence))
        .routes(routes!(rules::rules, set_rule::set_rule))
        .routes(routes!(test_rule::test_rule))
        .routes(routes!(remove_rule::remove_rule))
        .routes(routes!(channels::channels, add_channel::add_channel))
        .routes(routes!(update_channel::update_channel, remove_channel::remove_channel))
        .routes(routes!(test_channel::test_channel))
        .routes(routes!(rotate_channel_secret::rotate_channel_secret))
        .routes(routes!(routes::list_routes, set_routes::set_routes))
        .routes(routes!(deliveries::deliveries))
        .routes(routes!(retry::retry))
}

fn wire(view: IncidentView) -> Alert {
    let IncidentView { incident, state, kind, id, name, says, .. } = view;
    let (acknowledged_at, acknowledged_by) = incident.acknowledged.unzip();
    Alert {
        id: incident.uid.to_string(),
        rule: incident.rule.as_str().to_owned(),
        level: incident.level.as_str().to_owned(),
        state: state.to_owned(),
        subject: AlertSubject { kind, id, name },
        value: incident.value,
        threshold: incident.threshold,
        mark: incident.mark,
        peak: incident.peak,
        unit: incident.counted.map(|(unit, _)| unit.as_str().to_owned()),
        window: incident.counted.map(|(_, window)| window.as_str().to_owned()),
        text: says,
        fired_at: incident.fired_at,
        resolved_at: incident.resolved_at,
        cause: incident.cause,
        acknowledged_at,
        acknowledged_by,
        note: incident.note,
        told_by: incident.passed_by.map(|uid| uid.to_string()),
    }
}

fn wire_delivery(delivery: Delivery) -> AlertDelivery {
    let notice = AlertService::notice_of(&delivery).to_owned();
    let state = match (delivery.delivered_at_ms, delivery.dead_at_ms) {
        (Some(_), _) => "delivered",
        (None, Some(_)) => "dead",
        (None, None) => "waiting",
    };
    AlertDelivery {
        id: delivery.uid,
        alert: delivery.incident_uid,
        channel: delivery.channel_uid,
        notice,
        state: state.to_owned(),
        message: delivery.message_uid,
        attempts: delivery.attempts,
        made_at: Millis(delivery.made_at_ms),
        due_at: Millis(delivery.not_before_ms),
        delivered_at: delivery.delivered_at_ms.map(Millis),
        dead_at: delivery.dead_at_ms.map(Millis),
        last_error: delivery.last_error,
    }
}

fn wire_silence(silence: Silence) -> WireSilence {
    let (subject_kind, subject) = silence.matcher.subject.unzip();
    WireSilence {
        id: silence.uid.to_string(),
        rule: silence.matcher.rule.map(|rule| rule.as_str().to_owned()),
        subject_kind,
        subject,
        up_to_level: silence.matcher.up_to.map(|level| level.as_str().to_owned()),
        from: silence.from,
        until: silence.until,
        reason: silence.reason,
        made_by: silence.made_by,
        ended_at: silence.ended_at,
    }
}

fn wire_rule(RuleView { rule, name }: RuleView) -> AlertRule {
    AlertRule {
        id: rule.uid.to_string(),
        rule: rule.rule.as_str().to_owned(),
        scope_kind: rule.scope.kind().to_owned(),
        scope_id: rule.scope.id(),
        scope_name: name,
        at: rule.thresholds.percents().map(i64::from).collect(),
        figures: rule.settings.figures().map(|(name, value)| (name.to_owned(), value)).collect(),
        is_off: rule.settings.is_off,
        created_at: rule.created_at,
        updated_at: rule.updated_at,
    }
}

fn wire_channel(view: ChannelView, secret: Option<Secret>) -> AlertChannel {
    let (from, to) = view.settings.mail.map(|mail| (mail.from, mail.to)).unzip();
    let disabled_reason = view.disabled.map(|(_, reason)| reason);
    AlertChannel {
        id: view.uid.to_string(),
        name: view.name,
        kind: view.kind,
        address: view.shown,
        from,
        to,
        is_enabled: disabled_reason.is_none(),
        disabled_reason,
        secret: secret.map(SecretText),
        created_at: view.created_at,
        updated_at: view.updated_at,
    }
}

fn wire_route(route: Route) -> AlertRoute {
    AlertRoute {
        rule: route.rule.map(|rule| rule.as_str().to_owned()),
        from_level: route.from_level.map(|level| level.as_str().to_owned()),
        provider: route.provider.map(|provider| provider.as_str().to_owned()),
        channels: route.channels,
        quiet: route.quiet.map(strongroom::alert::QuietHours::stored),
        goes_on: route.goes_on,
    }
}

/// Whom something is for, of which at most one may be named.
fn bound(
    credential: Option<String>,
    token: Option<String>,
    user: Option<i64>,
) -> Result<Option<Bound>, Problem> {
    match (credential, token, user) {
        (None, None, None) => Ok(None),
        (Some(name), None, None) => Ok(Some(Bound::Credential(name))),
        (None, Some(id), None) => Ok(Some(Bound::Token(id))),
        (None, None, Some(id)) => Ok(Some(Bound::User(UserId(id)))),
        _ => Err(Problem::invalid("credential", "name at most one of credential, token and userId")),
    }
}

/// The settings of a rule that has no percentages; nothing else may be given with it.
fn settings(
    rule: Rule,
    is_for_all: bool,
    at: Option<&Vec<i64>>,
    is_off: bool,
    figures: Option<BTreeMap<String, i64>>,
) -> Result<Settings, Problem> {
    if at.is_some() || !is_for_all {
        return Err(Problem::invalid("rule", "this rule is for everything, and has no percentages"));
    }
    Settings::of(rule, is_off, &figures.unwrap_or_default())
}

async fn scope(
    service: &AlertService,
    limit: Option<String>,
    bound: Option<Bound>,
) -> Result<RuleScope, Problem> {
    let unknown = |_| Problem::invalid("limit", "there is no limit of that id");
    let limit: Option<Uid> = limit.as_deref().map(str::parse).transpose().map_err(unknown)?;
    service.rule_scope(limit, bound.as_ref()).await
}
