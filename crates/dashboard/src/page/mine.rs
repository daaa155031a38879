//! My usage: what whoever looks has used, for every role.

use maud::html;
use strongroom::Credential;
use strongroom::limit::Standing;
use strongroom::usage::GroupSums;
use strongroom_model::{Millis, Role};

use super::{limit_list, usage_table};
use crate::frame::{self, Place, Viewer};
use crate::{chart, chip, figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct Mine<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Sums of the viewer's own usage in 30 days, by provider.
    pub sums: &'a [GroupSums],
    /// The same by model.
    pub by_model: &'a [GroupSums],
    /// The limits that bind the viewer.
    pub limits: &'a [&'a Standing],
    /// Credentials whose keys the viewer may read.
    pub readable: &'a [Credential],
    /// The instant that it is of.
    pub now: Millis,
}

impl Mine<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            div.grid {
                section.card.c8 id="used" {
                    h2 { "Used in 30 days" }
                    @if self.sums.is_empty() { p.empty { "Nothing was used in these 30 days as " (text::name(&self.viewer.who)) "." } }
                    @else { (usage_table::table("Provider", self.sums, text::name)) }
                }
                section.card.c4 id="limits" {
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
                @if !self.by_model.is_empty() {
                    section.card.c12 id="by-model" {
                        h2 { "By model, 30 days" }
                        (usage_table::table("Model", self.by_model, |model| if model.is_empty() { maud::html! { "key handed out" } } else { text::name(model) }))
                    }
                }
                @if self.viewer.role == Role::Reader { (self.keys()) }
            }
        };
        frame::live_page(self.viewer, Some(Place::Mine), "My usage", "usage limits", &html! {}, &body)
    }

    fn keys(&self) -> maud::Markup {
        html! {
            section.card.c12 id="keys" {
                h2 { "Keys that you may read" }
                @if self.readable.is_empty() { p.empty { "None. An admin decides which are yours." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Keys that you may read" { table {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Provider" } th scope="col" { "State" } th scope="col" { "Expires" } th scope="col" { span.heard { "Show the key" } } } }
                        tbody { @for one in self.readable { tr {
                            th scope="row" { (text::name(&one.name)) }
                            td { (text::name(one.provider.as_str())) }
                            td { (chip::of_credential(one, None, self.now)) }
                            td { (figure::instant_or_dash(one.expires_at)) }
                            td { a.button href={ (super::credential::path(one.id)) "/reveal" } { "Show the key" span.heard { " of " (text::visible(&one.name)) } } }
                        } } }
                    } }
                }
            }
        }
    }
}
