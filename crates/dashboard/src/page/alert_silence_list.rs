//! Silences: what nobody is told of for a while, and why.

use maud::{Markup, html};
use strongroom::alert::{Level, Rule, Silence};
use strongroom_model::Millis;

use super::alert_list::{Part, parts};
use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// A silence with the name of what it covers.
#[derive(Debug)]
pub struct NamedSilence {
    /// The silence.
    pub silence: Silence,
    /// The name of the subject.
    pub subject: Option<String>,
}

/// The contents of the page.
#[derive(Debug)]
pub struct SilenceList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The silences, those that are over as well.
    pub silences: &'a [NamedSilence],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the form.
    pub once: &'a str,
}

impl SilenceList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            (parts(Part::Silences))
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            section.card id="silences" {
                @if self.silences.is_empty() { p.empty { "Nothing is silenced. A silence is for a time in which you know better: " code data-copy { "strongroom alert silence --rule spend_spike --for 2h --why \"load test\"" } } }
                @else { (self.table()) }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Silence alerts" } (self.make()) } }
        };
        frame::live_page(self.viewer, Some(Place::Alerts), "Silences", "audit", &html! {}, &body)
    }

    fn make(&self) -> Markup {
        let action = format!("{}/silences", Place::Alerts.path());
        let change = Change {
            action: &action,
            verb: "Silence",
            object: "these alerts",
            consequence: "Channels are told of nothing that it covers; the inbox and the log are. What still fires when it ends is told then. What you leave out covers all.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::empty("rule"))
            @for name in ["credential", "token", "user", "up_to"] { (field::empty(name)) }
            (field::with("duration", "4")) (field::empty("reason"))
        };
        form::open(self.viewer, &change, &fields)
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Silences" { table {
                thead { tr {
                    th scope="col" { "Covers" } th scope="col" { "State" } th scope="col" { "From" } th scope="col" { "Until" } th scope="col" { "Why" } th scope="col" { "By" }
                    @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                } }
                tbody { @for one in self.silences.iter().rev() {
                    @let silence = &one.silence;
                    @let holds = silence.ended_at.is_none() && silence.until > self.now;
                    tr {
                        th scope="row" { (covers(one)) }
                        td { @if holds { (chip::chip(Mood::Warn, "holds")) } @else { (chip::chip(Mood::Plain, "over")) } }
                        td { (figure::instant(silence.from)) }
                        td { (figure::instant(silence.ended_at.unwrap_or(silence.until))) }
                        td { span.value { (text::visible(&silence.reason)) } }
                        td { (text::name(&silence.made_by)) }
                        @if self.viewer.is_admin() { td { @if holds { (self.end(silence)) } } }
                    }
                } }
            } }
        }
    }

    fn end(&self, silence: &Silence) -> Markup {
        let action = format!("{}/silences/{}/end", Place::Alerts.path(), silence.uid);
        let change = Change {
            action: &action,
            verb: "End",
            object: "this silence",
            consequence: "What it covers and still fires is told within seconds.",
            is_dangerous: false,
        };
        form::change(self.viewer, &change)
    }
}

fn covers(one: &NamedSilence) -> Markup {
    let matcher = &one.silence.matcher;
    html! {
        @match matcher.rule { Some(rule) => code { (Rule::as_str(rule)) }, None => "all rules" }
        @if let Some((kind, id)) = &matcher.subject { " about " (text::visible(kind)) " " (text::name(one.subject.as_deref().unwrap_or(id))) }
        @if let Some(level) = matcher.up_to { " up to " (Level::as_str(level)) }
    }
}
