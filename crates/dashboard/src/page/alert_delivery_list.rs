//! Deliveries: what was sent of alerts, what waits, and what was given up.

use std::collections::BTreeMap;

use maud::{Markup, html};
use strongroom::alert::{AlertService, ChannelView, Delivery};
use strongroom_model::Millis;

use super::alert_list::{Part, parts};
use crate::chip::{self, Mood};
use crate::form::{self, Change};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// Deliveries of a page.
pub const ROWS: i64 = 200;

/// The contents of the page.
#[derive(Debug)]
pub struct DeliveryList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Set to list only what was given up.
    pub dead_only: bool,
    /// The deliveries, the newest first.
    pub deliveries: &'a [Delivery],
    /// All channels, for their names.
    pub channels: &'a [ChannelView],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

impl DeliveryList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let own = format!("{}/deliveries", Place::Alerts.path());
        let dead = format!("{own}?dead=yes");
        let body = html! {
            (parts(Part::Deliveries))
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            section.card id="kinds" {
                nav.row aria-label="Which" {
                    a.chip.plain href=(own) aria-current=[(!self.dead_only).then_some("page")] { @if !self.dead_only { span aria-hidden="true" { "●" } } "All" }
                    a.chip.plain href=(dead) aria-current=[self.dead_only.then_some("page")] { @if self.dead_only { span aria-hidden="true" { "●" } } "Given up" }
                }
            }
            section.card id="deliveries" {
                @if self.deliveries.is_empty() {
                    p.empty { @if self.dead_only { "Nothing was given up. What a channel does not take is tried ten times within four days." } @else { "Nothing was sent yet: nothing has fired." } }
                } @else { (table(self.viewer, self.deliveries, self.channels, true)) }
                @if self.deliveries.len() as i64 >= ROWS { p.sub { "These are the last " (ROWS) ". Older ones: " code data-copy { "strongroom alert deliveries --limit 1000" } } }
            }
        };
        frame::live_page(self.viewer, Some(Place::Alerts), "Deliveries", "alerts audit", &html! {}, &body)
    }
}

fn state(one: &Delivery) -> Markup {
    match (one.delivered_at_ms, one.dead_at_ms) {
        (Some(_), _) => chip::chip(Mood::Good, "taken"),
        (None, Some(_)) => chip::chip(Mood::Bad, "given up"),
        (None, None) if one.attempts > 0 => chip::chip(Mood::Warn, "is tried again"),
        (None, None) => chip::chip(Mood::Plain, "waits"),
    }
}

/// Deliveries as rows.
pub(super) fn table(
    viewer: &Viewer,
    deliveries: &[Delivery],
    channels: &[ChannelView],
    with_alert: bool,
) -> Markup {
    let names: BTreeMap<String, &str> =
        channels.iter().map(|one| (one.uid.to_string(), one.name.as_str())).collect();
    html! {
        div.scroll tabindex="0" role="region" aria-label="Deliveries" {
            table {
                thead { tr {
                    th scope="col" { "To" } th scope="col" { "Says" } @if with_alert { th scope="col" { "Alert" } }
                    th scope="col" { "State" } th.n scope="col" { "Attempts" } th scope="col" { "Made" } th scope="col" { "Taken or due" } th scope="col" { "Why not" }
                    @if viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                } }
                tbody { @for one in deliveries {
                    tr {
                        th scope="row" { @match names.get(&one.channel_uid) { Some(name) => (text::name(name)), None if one.channel_uid == "log" => "the log", None => span.soft { "a channel that is gone" } } }
                        td { (AlertService::notice_of(one)) }
                        @if with_alert { td { a href={ (Place::Alerts.path()) "/" (one.incident_uid) } { code { (one.rule) } } } }
                        td { (state(one)) }
                        td.n { (one.attempts) }
                        td { (figure::instant(Millis(one.made_at_ms))) }
                        td { (figure::instant(Millis(one.delivered_at_ms.or(one.dead_at_ms).unwrap_or(one.not_before_ms)))) }
                        td { @match &one.last_error { Some(error) => span.value { (text::visible(error)) }, None => "–" } }
                        @if viewer.is_admin() { td { @if one.dead_at_ms.is_some() { (retry(viewer, one)) } } }
                    }
                } }
            }
        }
    }
}

fn retry(viewer: &Viewer, one: &Delivery) -> Markup {
    let action = format!("{}/deliveries/{}/retry", Place::Alerts.path(), one.uid);
    let change = Change {
        action: &action,
        verb: "Try again",
        object: "this message",
        consequence: "It is sent within seconds, under the same identity, and tried again as often as the first time.",
        is_dangerous: false,
    };
    form::change(viewer, &change)
}
