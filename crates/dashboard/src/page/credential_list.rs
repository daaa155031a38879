//! Credentials: which keys are there, and in what state?

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::health::Cooldown;
use strongroom_model::Millis;

use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::text::in_query;
use crate::{chart, chip, figure, text};

/// Rows of a page.
pub const ROWS: i64 = 50;

/// States that can be asked for, by their names in addresses and in words.
pub const STATES: [(&str, &str); 8] = [
    ("", "in any state"),
    ("active", "active"),
    ("inactive", "inactive"),
    ("frozen", "frozen"),
    ("expired", "expired"),
    ("refused", "refused by their provider"),
    ("due", "due within two weeks"),
    ("unused", "unused for 30 days"),
];

/// The filters of the list, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The beginning of the name.
    pub q: String,
    /// The provider.
    pub provider: String,
    /// One of [`STATES`].
    pub state: String,
}

impl Asked {
    fn is_anything(&self) -> bool {
        *self != Self::default()
    }

    /// The same list from this place on.
    fn from(&self, cursor: i64) -> String {
        format!(
            "{}?q={}&provider={}&state={}&cursor={cursor}",
            Place::Credentials.path(),
            in_query(&self.q),
            in_query(&self.provider),
            in_query(&self.state)
        )
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct CredentialList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The filters, as they were typed.
    pub asked: &'a Asked,
    /// The reason why they cannot be applied.
    pub problem: Option<&'a str>,
    /// The credentials, and what providers say of their keys.
    pub credentials: &'a [(Credential, Option<Cooldown>)],
    /// The cursor of the next page.
    pub next: Option<i64>,
    /// Set on the first page.
    pub is_first: bool,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the form.
    pub once: &'a str,
}

/// The form that stores a key.
pub(super) fn add_form(viewer: &Viewer, once: &str, next: Option<&str>) -> Markup {
    let change = Change {
        action: Place::Credentials.path(),
        verb: "Store",
        object: "the key",
        consequence: "The key is sealed before it is stored, and is everybody's unless you name a user.",
        is_dangerous: false,
    };
    let fields = html! {
        (field::with(ONCE_FIELD, once))
        @if let Some(next) = next { (field::with("next", next)) }
        @for name in ["name", "provider", "api_key", "api_secret", "endpoint", "rate_limit", "expires", "rotate_after_days", "user", "tags"] { (field::empty(name)) }
    };
    form::open(viewer, &change, &fields)
}

impl CredentialList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            (self.filters())
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            section.card id="list" {
                @if self.credentials.is_empty() { (self.empty()) }
                @else if self.viewer.is_admin() {
                    form method="get" action=(super::bulk::PATH) { (self.table()) button.quiet type="submit" { "Change those that are ticked" } }
                } @else { (self.table()) }
                p.sub { a href={ (Place::Credentials.path()) "/deleted" } { "Deleted credentials" } }
                @if !self.is_first || self.next.is_some() {
                    nav.pages aria-label="Pages" {
                        @if !self.is_first { a href=(self.asked.from(0)) { "First page" } }
                        @if let Some(next) = self.next { a href=(self.asked.from(next)) rel="next" { "Next page" } }
                    }
                }
            }
        };
        frame::live_page(
            self.viewer,
            Some(Place::Credentials),
            "Credentials",
            "credentials usage",
            &self.add(),
            &body,
        )
    }

    fn add(&self) -> Markup {
        html! { @if self.viewer.is_admin() { details.change { summary { "Add a credential" } (add_form(self.viewer, self.once, None)) } } }
    }

    fn filters(&self) -> Markup {
        html! {
            form.filters method="get" action=(Place::Credentials.path()) role="search" {
                label.field { span { "Name begins with" } input name="q" value=(text::visible(&self.asked.q)) maxlength="128" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Provider" } input name="provider" value=(text::visible(&self.asked.provider)) maxlength="64" placeholder="any" autocapitalize="off" spellcheck="false"; }
                label.field { span { "State" } select name="state" {
                    @for (value, words) in STATES { option value=(value) selected[self.asked.state == value] { (words) } }
                } }
                button.main type="submit" { "Show" }
                @if self.asked.is_anything() { a.button href=(Place::Credentials.path()) { "Show all" } }
            }
        }
    }

    fn empty(&self) -> Markup {
        html! {
            p.empty {
                @if self.asked.is_anything() || !self.is_first { "No credential fits this." }
                @else { "No key is stored yet. " a href="/dashboard/start" { "First steps" } ", or: " code data-copy { "strongroom credential add openai-primary --provider openai" } }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Credentials" {
                table {
                    thead { tr {
                        @if self.viewer.is_admin() { th scope="col" { span.heard { "Choose" } } }
                        th scope="col" { "Name" } th scope="col" { "Provider" } th scope="col" { "State" }
                        th.n scope="col" { "Version" } th.n scope="col" { "Uses this month" } th scope="col" { "Monthly limit" }
                        th scope="col" { "Expires" } th scope="col" { "Last used" }
                    } }
                    tbody {
                        @for (one, cooldown) in self.credentials {
                            tr {
                                @if self.viewer.is_admin() { td { label.check { input type="checkbox" name="id" value=(one.id); span.heard { "choose " (text::visible(&one.name)) } } } }
                                th scope="row" { a href=(super::credential::path(one.id)) { (text::name(&one.name)) } @if !one.tags.pairs().is_empty() { span.detail { (super::credential::tags(one)) } } }
                                td { (text::name(one.provider.as_str())) }
                                td { (chip::of_credential(one, *cooldown, self.now)) (chip::since(*cooldown, self.now)) }
                                td.n { (one.version_number) @if let Some(staged) = one.staged { span.soft { " → " (staged.number) " at " (staged.percent) " %" } } }
                                td.n { (figure::count(one.current_month_usage)) }
                                td { @match one.rate_limit { Some(limit) => (chart::meter(one.current_month_usage, limit, "the monthly limit")), None => span.soft { "none" } } }
                                td { (figure::short_when_or_dash(one.expires_at, self.now)) }
                                td { (figure::short_when_or_dash(one.last_used, self.now)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
