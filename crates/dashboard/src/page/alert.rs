//! One alert: what is it about, who was told, and who looks after it?

use maud::{Markup, html};
use strongroom::alert::{ChannelView, Delivery, IncidentView, Rule};
use strongroom_model::Millis;
use strongroom_model::limit::Unit;

use super::alert_delivery_list;
use super::alert_list::{self, Part, level, parts, path, sentence};
use crate::form::{self, Change, field};
use crate::frame::{self, Place, Viewer};
use crate::text::in_query;
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct AlertPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The alert.
    pub view: &'a IncidentView,
    /// What was sent of it, or is to be.
    pub deliveries: &'a [Delivery],
    /// All channels, for their names.
    pub channels: &'a [ChannelView],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

impl AlertPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let view = self.view;
        let body = html! {
            (parts(Part::Inbox))
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            section.card id="alert" {
                p { b { (sentence(&view.says)) } }
                (self.facts())
            }
            @if self.viewer.is_admin() { (self.changes()) }
            section.card id="told" {
                h2 { "Who was told" }
                @if self.deliveries.is_empty() { p.empty { (self.nobody()) } }
                @else { (alert_delivery_list::table(self.viewer, self.deliveries, self.channels, false)) }
            }
        };
        let beside = html! { div.row { (level(view.incident.level)) (alert_list::state(view)) } };
        let title = format!("Alert: {}", view.incident.rule.as_str());
        frame::live_page(self.viewer, Some(Place::Alerts), &title, "alerts audit", &beside, &body)
    }

    fn nobody(&self) -> &'static str {
        match self.view.incident.passed_by {
            Some(_) => "The higher threshold that was passed with it tells of it.",
            None => {
                "Nobody was told yet. What is not critical waits for half a minute for others to go out with."
            }
        }
    }

    fn facts(&self) -> Markup {
        let incident = &self.view.incident;
        html! {
            dl.facts {
                dt { "About" } dd { (self.about()) }
                @if let Some((used, line)) = self.figures() { dt { "Seen" } dd { (used) ", from " (line) " on" } }
                dt { "Fired" } dd { (figure::instant(incident.fired_at)) }
                @if let Some((unit, window)) = incident.counted {
                    @if incident.rule == Rule::LimitThreshold { dt { "At most" } dd { (figure::amount(unit, incident.peak)) } }
                    dt { "Starts over" } dd { (figure::instant_or_dash(window.end(incident.window_start))) }
                }
                @if let Some((at, by)) = &incident.acknowledged { dt { "Acknowledged" } dd { (figure::instant(*at)) " by " (text::name(by)) } }
                @if let Some(note) = &incident.note { dt { "Note" } dd { (text::visible(note)) } }
                @if let Some(at) = incident.resolved_at.filter(|_| !incident.rule.is_event()) {
                    dt { "Over" } dd { (figure::instant(at)) ", after " (strongroom_model::alert::duration_shown(incident.fired_at, at)) @if let Some(cause) = &incident.cause { ": " (text::visible(cause)) } }
                } @else if !incident.rule.is_event() {
                    dt { "Goes on" } dd { "for " (strongroom_model::alert::duration_shown(incident.fired_at, self.now)) }
                }
                @if incident.reminders > 0 { dt { "Reminders" } dd { (incident.reminders) } }
                @if let Some(teller) = incident.passed_by { dt { "Told by" } dd { a href=(path(teller)) { "the higher threshold of the same step" } } }
                dt { "Rule" } dd { code { (incident.rule.as_str()) } ": " (incident.rule.about().fires_when) ". It is over when " (incident.rule.about().over_when) "." }
                dt { "Alert" } dd { code { (incident.uid) } }
            }
        }
    }

    /// What was seen, and the line from which on it is.
    fn figures(&self) -> Option<(String, String)> {
        let incident = &self.view.incident;
        let unit = match (incident.rule, incident.counted) {
            (Rule::LimitThreshold | Rule::LimitForecast, Some((unit, _))) => unit,
            (Rule::SpendSpike, _) => Unit::NanoUsd,
            _ => return None,
        };
        Some((figure::amount(unit, incident.value), figure::amount(unit, incident.threshold)))
    }

    fn about(&self) -> Markup {
        let view = self.view;
        let to = match view.kind.as_str() {
            "credential" => view.credential.map(super::credential::path),
            "token" => {
                Some(format!("/dashboard/usage?measure=spend&by=model&actor=token%3A{}", in_query(&view.id)))
            }
            "user" => Some(Place::Users.path().to_owned()),
            "provider" => Some(format!("{}?provider={}", Place::Credentials.path(), in_query(&view.id))),
            "channel" => Some(format!("{}/channels", Place::Alerts.path())),
            "audit" => Some(Place::Audit.path().to_owned()),
            "backup" => Some(Place::Keys.path().to_owned()),
            _ => None,
        };
        html! {
            (text::visible(&view.kind)) " "
            @match to { Some(to) => a href=(to) { (text::name(&view.name)) }, None => (text::name(&view.name)) }
            @if let Some(limit) = view.limit { " · " a href={ (Place::Limits.path()) "/" (limit) } { "its limit" } }
        }
    }

    fn changes(&self) -> Markup {
        let incident = &self.view.incident;
        let own = path(incident.uid);
        let (acknowledge, resolve) = (format!("{own}/acknowledge"), format!("{own}/resolve"));
        let silences = format!("{}/silences", Place::Alerts.path());
        let is_open = incident.resolved_at.is_none();
        let acknowledge = Change {
            action: &acknowledge,
            verb: "Acknowledge",
            object: "this alert",
            consequence: "Nobody is reminded of it any more. Your name and your note are shown with it until it is over.",
            is_dangerous: false,
        };
        let resolve = Change {
            action: &resolve,
            verb: "End by hand",
            object: "this alert",
            consequence: "It is told as over. It fires once more when what it is about happens once more.",
            is_dangerous: false,
        };
        let silence = Change {
            action: &silences,
            verb: "Silence",
            object: "this rule about this subject",
            consequence: "Channels are not told of this rule about this subject for a while; this page and the log are. What still fires when the silence ends is told then.",
            is_dangerous: false,
        };
        let silenced = html! {
            (field::with("rule", incident.rule.as_str())) (field::with("subject_kind", &self.view.kind)) (field::with("subject_id", &self.view.id))
            (field::with("duration", "4")) (field::empty("reason"))
        };
        html! {
            section.card id="changes" { h2 { "Answer it" } div.row.changes {
                @if is_open {
                    (form::change_with(self.viewer, &acknowledge, &field::with("note", incident.note.as_deref().unwrap_or_default())))
                    (form::change(self.viewer, &resolve))
                }
                (form::change_with(self.viewer, &silence, &silenced))
            } }
        }
    }
}
