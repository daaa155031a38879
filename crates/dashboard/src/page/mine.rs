//! My usage: what whoever looks has used, for every role.

use maud::html;
use strongroom::limit::Standing;
use strongroom::usage::Sums;

use super::{limit_list, usage_table};
use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct Mine<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Sums of the viewer's own usage in 30 days, by provider.
    pub sums: &'a [Sums],
    /// The limits that bind the viewer.
    pub limits: &'a [&'a Standing],
}

impl Mine<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            div.grid {
                section.card.c8 {
                    h2 { "Used in 30 days" }
                    @if self.sums.is_empty() { p.empty { "Nothing was used in these 30 days as " (text::name(&self.viewer.who)) "." } }
                    @else { (usage_table::table("Provider", self.sums, text::name)) }
                }
                section.card.c4 {
                    h2 { "Limits" }
                    @if self.limits.is_empty() { p.empty { "No limit is set on " (text::name(&self.viewer.who)) "." } }
                    ul.rows {
                        @for limit in self.limits {
                            li {
                                div { b { (figure::amount(limit.limit.unit, limit.remaining())) " left" } br; span.soft { "of " (figure::amount(limit.limit.unit, limit.limit.amount)) " " (limit_list::unit_and_window(&limit.limit)) } }
                                (chart::meter(limit.used.saturating_add(limit.held), limit.limit.amount, "the limit"))
                            }
                        }
                    }
                }
            }
        };
        frame::page(self.viewer, Some(Place::Mine), "My usage", &html! {}, &body)
    }
}
