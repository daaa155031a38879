//! Channels and routes: whom alerts are told, how that goes, and which go where.

use maud::{Markup, html};
use strongroom::alert::{ChannelInUse, Level, QuietHours, Route, Rule, Tested};
use strongroom_model::Provider;

use super::alert_list::{Part, parts};
use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The outcome of what was just done.
#[derive(Debug)]
pub enum Done<'a> {
    /// A change, in words.
    Changed(&'a str),
    /// A test, and the name of its channel.
    Tested(&'a str, &'a Tested),
    /// A secret that was made, and the name of its channel. It is shown this once.
    Secret(&'a str, &'a str),
}

/// The contents of the page.
#[derive(Debug)]
pub struct ChannelList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The channels, by name.
    pub channels: &'a [ChannelInUse],
    /// The routes, in their order.
    pub routes: &'a [Route],
    /// Known by this when a route is removed by its place.
    pub routes_revision: &'a str,
    /// The outcome of what was just done.
    pub done: Option<Done<'a>>,
    /// The identity of the form.
    pub once: &'a str,
}

fn to(rest: &str) -> String {
    format!("{}{rest}", Place::Alerts.path())
}

impl ChannelList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            (parts(Part::Channels))
            @if let Some(done) = &self.done { (said(done)) }
            section.card id="channels" {
                h2 { "Channels" }
                @if self.channels.is_empty() { p.empty { "Alerts are told in the inbox and in the log alone. To be told elsewhere, add a channel: " code data-copy { "strongroom alert channel add ops --kind slack" } } }
                @else { (self.table()) }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Add a channel" } (self.add()) } }
            section.card id="routes" {
                h2 { "Routes" }
                @if self.routes.is_empty() { p.empty { "There are no routes: every channel is told of everything but what is only to be known." } }
                @else { (self.routes()) }
            }
            @if self.viewer.is_admin() && !self.channels.is_empty() { section.card { h2 { "Add a route" } (self.add_route()) } }
        };
        let title = "Channels and routes";
        match self.done {
            // A page with a secret is not fetched again by itself.
            Some(Done::Secret(..)) => frame::page(self.viewer, Some(Place::Alerts), title, &html! {}, &body),
            _ => frame::live_page(self.viewer, Some(Place::Alerts), title, "alerts audit", &html! {}, &body),
        }
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Channels" { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "Address" } th scope="col" { "State" } th scope="col" { "Last taken" }
                    th.n scope="col" { "Waiting" } th.n scope="col" { "Given up, 30 days" } th scope="col" { "Last reason" }
                    @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                } }
                tbody { @for one in self.channels {
                    @let channel = &one.channel;
                    tr {
                        th scope="row" { (text::name(&channel.name)) }
                        td { (channel.kind) }
                        td { code { (text::visible(&channel.shown)) } @if let Some(mail) = &channel.settings.mail { span.detail { "to " (text::visible(&mail.to.join(", "))) } } }
                        td { @match &channel.disabled { Some((_, reason)) => { (chip::chip(Mood::Bad, "turned off")) span.detail { (text::visible(reason)) } } None => (chip::chip(Mood::Good, "on")) } }
                        td { (figure::instant_or_dash(one.standing.delivered_at)) }
                        td.n { (figure::count(one.standing.waiting)) }
                        td.n { @if one.standing.dead > 0 { a href=(to("/deliveries?dead=yes")) { (figure::count(one.standing.dead)) } } @else { "0" } }
                        td { @match &one.standing.last_error { Some(error) => span.value { (text::visible(error)) }, None => "–" } }
                        @if self.viewer.is_admin() { td { div.row { (self.changes(one)) } } }
                    }
                } }
            } }
        }
    }

    fn changes(&self, one: &ChannelInUse) -> Markup {
        let channel = &one.channel;
        let own = |verb: &str| to(&format!("/channels/{}/{verb}", channel.uid));
        let (test, activity, rotate, remove) =
            (own("test"), own("activity"), own("rotate-secret"), own("remove"));
        let change = |action, verb, consequence, is_dangerous| Change {
            action,
            verb,
            object: &channel.name,
            consequence,
            is_dangerous,
        };
        let is_on = channel.disabled.is_none();
        let (verb, consequence, state) = if is_on {
            (
                "Turn off",
                "It is told of nothing until it is turned on again; what is to be sent to it is given up.",
                "no",
            )
        } else {
            ("Turn on", "It is told of what fires from now on.", "yes")
        };
        html! {
            (form::change(self.viewer, &change(&test, "Test", "A message goes out that says that it is a test, and the answer is shown.", false)))
            (form::change_with(self.viewer, &change(&activity, verb, consequence, is_on), &field::with("state", state)))
            @if channel.kind == "webhook" { (form::change(self.viewer, &change(&rotate, "New secret", "It is shown once. For a day messages carry a signature by each.", false))) }
            (form::change_with(self.viewer, &change(&remove, "Remove", "What is to be sent to it is given up, and its address and secret are gone. Others are told of it.", true), &field::empty("confirm")))
        }
    }

    fn add(&self) -> Markup {
        let action = to("/channels");
        let change = Change {
            action: &action,
            verb: "Add",
            object: "the channel",
            consequence: "Its address and secret are sealed and never shown again. Test it when it is there.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::empty("name")) (field::with("kind", "slack"))
            @for name in ["address", "channel_secret", "mail_from", "mail_to"] { (field::empty(name)) }
        };
        form::open(self.viewer, &change, &fields)
    }

    fn routes(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Routes" { table {
                thead { tr {
                    th.n scope="col" { "Place" } th scope="col" { "Alerts" } th scope="col" { "To" } th scope="col" { "Quiet hours (UTC)" } th scope="col" { "Then" }
                    @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                } }
                tbody { @for (place, route) in self.routes.iter().enumerate() {
                    tr {
                        td.n { (place + 1) }
                        th scope="row" {
                            @match route.rule { Some(rule) => code { (Rule::as_str(rule)) }, None => "all rules" }
                            @if let Some(level) = route.from_level { ", " (Level::as_str(level)) " or more urgent" }
                            @if let Some(provider) = &route.provider { ", of " (text::name(Provider::as_str(provider))) }
                        }
                        td { @if route.channels.is_empty() { "nobody" } @for (number, name) in route.channels.iter().enumerate() { @if number > 0 { ", " } (text::name(name)) } }
                        td { (route.quiet.map_or_else(|| "–".to_owned(), QuietHours::stored)) }
                        td { @if route.goes_on { "the next ones are asked as well" } @else { "no other is asked" } }
                        @if self.viewer.is_admin() { td { (self.remove_route(place)) } }
                    }
                } }
            } }
        }
    }

    fn remove_route(&self, place: usize) -> Markup {
        let action = to("/routes/remove");
        let object = format!("route {}", place + 1);
        let change = Change {
            action: &action,
            verb: "Remove",
            object: &object,
            consequence: "Alerts that it was for go to the routes behind it; when it was the last one, to every channel.",
            is_dangerous: true,
        };
        let fields = html! { (field::with("place", &place.to_string())) (field::with("revision", self.routes_revision)) };
        form::change_with(self.viewer, &change, &fields)
    }

    fn add_route(&self) -> Markup {
        let action = to("/routes");
        let change = Change {
            action: &action,
            verb: "Add",
            object: "the route",
            consequence: "It is asked behind those that are there. The first route that an alert fits decides, unless it has the others asked as well. What no route fits is told to nobody but the inbox and the log.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::empty("rule")) (field::empty("from_level"))
            @for name in ["only_provider", "channels", "quiet", "goes_on"] { (field::empty(name)) }
        };
        form::open(self.viewer, &change, &fields)
    }
}

fn said(done: &Done<'_>) -> Markup {
    html! {
        @match done {
            Done::Changed(words) => p.done role="status" { (words) },
            Done::Tested(name, Tested { is_taken: true, answer }) => p.done role="status" { (text::name(name)) " took the test: " (text::visible(answer)) },
            Done::Tested(name, Tested { answer, .. }) => p.alert role="alert" { (text::name(name)) " did not take the test: " (text::visible(answer)) },
            Done::Secret(name, secret) => section.card {
                p { "The secret of " b { (text::name(name)) } " signs its messages. This is the only time that it is shown: put it where the receiver reads it." }
                p { output.secret data-copy { (secret) } }
            },
        }
    }
}
