//! Limits: what will run out, and when does it start over?

use maud::{Markup, html};
use strongroom::limit::Standing;
use strongroom_model::limit::{Limit, Unit, Window};

use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct LimitList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// All limits.
    pub limits: &'a [Standing],
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
        let body = html! {
            section.card {
                @if self.limits.is_empty() {
                    p.empty { "No limits are set: nothing bounds what is spent. The first one: " code { "strongroom limit set --credential NAME --unit usd --window month 100" } }
                } @else { (self.table()) }
            }
        };
        frame::page(self.viewer, Some(Place::Limits), "Limits", &html! {}, &body)
    }

    fn table(&self) -> Markup {
        let mut limits: Vec<_> = self.limits.iter().collect();
        limits.sort_by_key(|one| -figure::share(one.used.saturating_add(one.held), one.limit.amount));
        html! {
            div.scroll tabindex="0" role="region" aria-label="Limits" {
                table {
                    thead { tr {
                        th scope="col" { "Binds" } th.n scope="col" { "Amount" } th scope="col" { "" span.heard { "Unit and window" } }
                        th scope="col" { "Used" } th.n scope="col" { "Held by calls" } th.n scope="col" { "Left" } th scope="col" { "Starts over" }
                    } }
                    tbody {
                        @for one in limits {
                            @let unit = one.limit.unit;
                            tr {
                                th scope="row" { span.soft { (one.limit.scope.kind()) " " } (text::name(&one.name)) }
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
}
