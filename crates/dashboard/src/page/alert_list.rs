//! Alerts: what needs somebody?

use maud::{Markup, html};
use strongroom::alert::{IncidentView, Level, Rule, Standing};
use strongroom_model::Uid;

use crate::chip::{self, Mood};
use crate::form::field;
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// Alerts of a page.
pub const ROWS: i64 = 50;
/// Alerts that the overview names.
pub const ON_OVERVIEW: i64 = 5;

/// A page of what alerts are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Inbox,
    Rules,
    Channels,
    Silences,
    Deliveries,
}

/// The way between these pages.
pub(super) fn parts(here: Part) -> Markup {
    let all = [
        (Part::Inbox, "", "Inbox"),
        (Part::Rules, "/rules", "Rules"),
        (Part::Channels, "/channels", "Channels and routes"),
        (Part::Silences, "/silences", "Silences"),
        (Part::Deliveries, "/deliveries", "Deliveries"),
    ];
    html! {
        nav.tabs aria-label="Parts of alerts" { ul { @for (part, path, words) in all {
            li { a href={ (Place::Alerts.path()) (path) } aria-current=[(part == here).then_some("page")] { (words) } }
        } } }
    }
}

/// The page of an alert.
#[must_use]
pub fn path(uid: Uid) -> String {
    format!("{}/{uid}", Place::Alerts.path())
}

/// A sentence of ours with names of others in it, in a direction of its own.
pub(super) fn sentence(says: &str) -> Markup {
    html! { bdi { (text::visible(says)) } }
}

pub(super) fn level(level: Level) -> Markup {
    let mood = match level {
        Level::Critical | Level::High => Mood::Bad,
        Level::Warn => Mood::Warn,
        Level::Info => Mood::Plain,
    };
    chip::chip(mood, level.as_str())
}

/// How an alert stands.
pub(super) fn state(view: &IncidentView) -> Markup {
    match view.state {
        "firing" => chip::chip(Mood::Bad, "firing"),
        "acknowledged" => chip::chip(Mood::Warn, "acknowledged"),
        "resolved" if view.incident.rule.is_event() => chip::chip(Mood::Plain, "event"),
        "resolved" => chip::chip(Mood::Good, "over"),
        other => chip::chip(Mood::Plain, other),
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Alerts that stand like this; those that are not over where there is none.
    pub standing: Option<Standing>,
    /// Of this rule.
    pub rule: Option<Rule>,
}

impl Asked {
    fn address(self, standing: Option<Standing>, behind: Option<Uid>) -> String {
        let mut address = Place::Alerts.path().to_owned();
        let rule = self.rule.map_or_else(String::new, |rule| format!("&rule={}", rule.as_str()));
        address += &format!("?state={}{rule}", standing.map_or("open", Standing::as_str));
        if let Some(uid) = behind {
            address += &format!("&behind={uid}");
        }
        address
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct AlertList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// What is listed.
    pub asked: Asked,
    /// How many alerts that are not over stand how.
    pub counts: &'a [(Standing, i64)],
    /// The alerts, the newest first.
    pub alerts: &'a [IncidentView],
    /// Set when there are more behind the last one.
    pub has_more: bool,
}

impl AlertList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let next = self.alerts.last().filter(|_| self.has_more);
        let body = html! {
            (parts(Part::Inbox))
            section.card id="states" {
                nav.row aria-label="States" {
                    (self.state(None, "Open")) (self.state(Some(Standing::Firing), "Firing"))
                    (self.state(Some(Standing::Acknowledged), "Acknowledged")) (self.state(Some(Standing::Silenced), "Silenced"))
                    (self.state(Some(Standing::Resolved), "Over"))
                }
            }
            section.card id="alerts" {
                @if self.alerts.is_empty() { (self.empty()) } @else { (table(self.alerts)) }
                @if let Some(last) = next { nav.pages aria-label="Pages" { a href=(self.asked.address(self.asked.standing, Some(last.incident.uid))) rel="next" { "Older alerts" } } }
            }
            form.filters method="get" action=(Place::Alerts.path()) {
                input type="hidden" name="state" value=(self.asked.standing.map_or("open", Standing::as_str));
                (field::with("rule", self.asked.rule.map_or("", Rule::as_str)))
                button type="submit" { "Show" }
            }
        };
        frame::live_page(self.viewer, Some(Place::Alerts), "Alerts", "alerts audit", &html! {}, &body)
    }

    fn state(&self, standing: Option<Standing>, words: &str) -> Markup {
        let count: i64 = self
            .counts
            .iter()
            .filter(|(one, _)| standing.is_none_or(|standing| standing == *one))
            .map(|(_, count)| *count)
            .sum();
        let is_here = self.asked.standing == standing;
        html! {
            a.chip.plain href=(self.asked.address(standing, None)) aria-current=[is_here.then_some("page")] {
                @if is_here { span aria-hidden="true" { "●" } }
                (words) @if standing != Some(Standing::Resolved) { " " (figure::count(count)) }
            }
        }
    }

    fn empty(&self) -> Markup {
        html! {
            p.empty {
                @match self.asked.standing {
                    None | Some(Standing::Firing) => { "Nothing needs anybody. Limits, keys, providers and servers are watched from the first start on; to be told elsewhere, " a href={ (Place::Alerts.path()) "/channels" } { "add a channel" } " or run " code data-copy { "strongroom alert channel add ops --kind slack" } "." }
                    Some(Standing::Acknowledged) => "Nobody has taken an alert upon himself that is not over.",
                    Some(Standing::Silenced) => "No alert is silenced.",
                    Some(Standing::Resolved) => "No alert is over, and nothing has happened that is told of.",
                }
            }
        }
    }
}

fn table(alerts: &[IncidentView]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Alerts" {
            table {
                thead { tr {
                    th scope="col" { "Level" } th scope="col" { "Alert" } th scope="col" { "State" } th scope="col" { "Rule" } th scope="col" { "Fired" } th scope="col" { "Over" }
                } }
                tbody { @for view in alerts {
                    tr {
                        td { (level(view.incident.level)) }
                        th scope="row" { a.value href=(path(view.incident.uid)) { (sentence(&view.says)) } @if let Some(note) = &view.incident.note { span.detail { "“" (text::visible(note)) "”" } } }
                        td { (state(view)) }
                        td { code { (view.incident.rule.as_str()) } }
                        td { (figure::instant(view.incident.fired_at)) }
                        td { (figure::instant_or_dash(view.incident.resolved_at.filter(|_| !view.incident.rule.is_event()))) }
                    }
                } }
            }
        }
    }
}

/// What the overview says of alerts: the newest that fire, and how many there are.
pub(super) fn on_overview(firing: &[IncidentView], counts: &[(Standing, i64)]) -> Markup {
    let count = |standing| counts.iter().find(|(one, _)| *one == standing).map_or(0, |(_, count)| *count);
    let (all, acknowledged) = (count(Standing::Firing), count(Standing::Acknowledged));
    html! {
        section.card.c12 id="firing" {
            div.row {
                h2 { "Alerts" }
                @if all > 0 { (chip::chip(Mood::Bad, &format!("{} firing", figure::count(all)))) } @else { (chip::chip(Mood::Good, "nothing fires")) }
                @if acknowledged > 0 { a href={ (Place::Alerts.path()) "?state=acknowledged" } { (figure::count(acknowledged)) " acknowledged" } }
                a href=(Place::Alerts.path()) { "All alerts" }
            }
            @if !firing.is_empty() {
                ul.rows { @for view in firing {
                    li { div { a href=(path(view.incident.uid)) { (sentence(&view.says)) } br; span.soft { (figure::instant(view.incident.fired_at)) } } (level(view.incident.level)) }
                } }
            }
        }
    }
}
