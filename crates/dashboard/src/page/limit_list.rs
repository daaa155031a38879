//! Limits: what will run out, and when does it start over?

use maud::{Markup, html};
use strongroom::limit::{Fullest, LimitPage, Standing};
use strongroom_model::limit::{Limit, Unit, Window};

use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct LimitList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Those that are going to run out first.
    pub fullest: &'a Fullest,
    /// A page of all, where not all were looked at.
    pub page: Option<&'a LimitPage>,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

/// The path of a limit's page.
#[must_use]
pub fn path(limit: &Limit) -> String {
    format!("{}/{}", Place::Limits.path(), limit.uid)
}

/// The unit and the window of a limit, in words.
pub(super) fn unit_and_window(limit: &Limit) -> String {
    let unit = match limit.unit {
        Unit::Requests => "requests ",
        Unit::Tokens => "tokens ",
        Unit::NanoUsd => "",
    };
    match limit.window {
        Window::Prepaid => format!("{unit}in all"),
        window => format!("{unit}a {}", window.as_str()),
    }
}

impl LimitList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let limits: Vec<_> = self.fullest.limits.iter().collect();
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            section.card id="limits" {
                @if self.page.is_some() { h2 { "Next to run out" } }
                @if limits.is_empty() && self.page.is_some() {
                    p.empty { span.good { "None has reached a threshold that an alert tells of." } }
                } @else if limits.is_empty() {
                    p.empty { "No limits are set: nothing bounds what is spent. The first one: " code data-copy { "strongroom limit set --credential NAME --usd 100 --per month" } }
                } @else { (table(&limits)) }
            }
            @if let Some(page) = self.page { (self.all(page)) }
            @if self.viewer.is_admin() { section.card { h2 { "Set a limit" } (set_form(self.viewer, None)) } }
            (test_form())
        };
        frame::live_page(self.viewer, Some(Place::Limits), "Limits", "limits usage", &html! {}, &body)
    }
}

impl LimitList<'_> {
    /// A page of all of them, the oldest first.
    fn all(&self, page: &LimitPage) -> Markup {
        let limits: Vec<_> = page.limits.iter().collect();
        html! {
            section.card id="all-limits" {
                h2 { "All " (figure::count(self.fullest.count)) " limits, the oldest first" }
                (table(&limits))
                @if let Some(next) = page.next {
                    p { a href={ (Place::Limits.path()) "?after=" (next) "#all-limits" } { "The next ones" } }
                }
            }
        }
    }
}

/// Limits as rows.
pub(super) fn table(limits: &[&Standing]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Limits" {
            table {
                thead { tr {
                    th scope="col" { "Binds" } th.n scope="col" { "Amount" } th scope="col" { span.heard { "Unit and window" } }
                    th scope="col" { "Used" } th.n scope="col" { "Held by calls" } th.n scope="col" { "Left" } th scope="col" { "Starts over" }
                } }
                tbody {
                    @for one in limits {
                        @let unit = one.limit.unit;
                        tr {
                            th scope="row" { a href=(path(&one.limit)) { span.soft { (one.limit.scope.kind()) " " } (text::name(&one.name)) } }
                            td.n { (figure::amount(unit, one.limit.amount)) }
                            td { (unit_and_window(&one.limit)) }
                            td { (chart::meter(one.used, one.limit.amount, "the limit")) " " (figure::amount(unit, one.used)) }
                            td.n { (figure::amount(unit, one.held)) }
                            td.n { (figure::amount(unit, one.remaining())) }
                            td { @match one.resets_at { Some(at) => (figure::instant(at)), None => span.soft { "never" } } }
                        }
                    }
                }
            }
        }
    }
}

/// The form that sets a limit on a credential, or on whatever is named.
pub(super) fn set_form(viewer: &Viewer, credential: Option<&str>) -> Markup {
    let change = Change {
        action: Place::Limits.path(),
        verb: "Set",
        object: "the limit",
        consequence: "Calls that would go beyond it are refused before they leave, from the next one on. One that is there for the same unit and time gets the new amount and goes on counting.",
        is_dangerous: false,
    };
    let fields = html! {
        @match credential {
            Some(name) => input type="hidden" name="credential" value=(name);,
            None => { p.sub { "Name one of the three." } (field::empty("credential")) (field::empty("token")) (field::empty("user")) },
        }
        (field::empty("amount")) (field::with("unit", "usd")) (field::with("window", "month"))
    };
    form::open(viewer, &change, &fields)
}

/// The form that asks what a call would meet.
fn test_form() -> Markup {
    html! {
        section.card {
            h2 { "Would a call pass?" }
            form.fields method="get" action={ (Place::Limits.path()) "/test" } {
                p { "Nothing is called and nothing is counted." }
                @for name in ["credential", "token", "user", "model", "input_tokens", "output_tokens"] { (field::empty(name)) }
                button type="submit" { "Test" }
            }
        }
    }
}

/// The forms that change a limit.
pub(super) fn change_forms(viewer: &Viewer, one: &Standing, once: &str) -> Markup {
    if !viewer.is_admin() {
        return html! {};
    }
    let (raise, lower, remove) = (
        format!("{}/raise", path(&one.limit)),
        format!("{}/lower", path(&one.limit)),
        format!("{}/remove", path(&one.limit)),
    );
    let raise = Change {
        action: &raise,
        verb: "Raise",
        object: &one.name,
        consequence: "It goes on counting with the larger amount. Your reason goes into the audit trail.",
        is_dangerous: false,
    };
    let lower = Change {
        action: &lower,
        verb: "Lower",
        object: &one.name,
        consequence: "It goes on counting with the smaller amount. What is used already is not given back: calls are refused when it is beyond.",
        is_dangerous: false,
    };
    let remove = Change {
        action: &remove,
        verb: "Remove",
        object: &one.name,
        consequence: "Calls are admitted without it from the next one on. To have it back, set it again: it starts counting from nothing.",
        is_dangerous: true,
    };
    let amount = typed_amount(one.limit.unit, one.limit.amount);
    let once = field::with(ONCE_FIELD, once);
    html! {
        div.row.changes {
            (form::change_with(viewer, &raise, &html! { (once) (field::with("amount", &amount)) (field::empty("reason")) }))
            (form::change_with(viewer, &lower, &html! { (once) (field::with("amount", &amount)) }))
            (form::change(viewer, &remove))
        }
    }
}

/// An amount as it is typed: dollars, or a whole number.
pub(super) fn typed_amount(unit: Unit, amount: i64) -> String {
    match unit {
        Unit::NanoUsd => Unit::NanoUsd.shown(amount).trim_start_matches('$').to_owned(),
        Unit::Requests | Unit::Tokens => amount.to_string(),
    }
}
