//! One change to several credentials: chosen in the list, looked over, and confirmed by their number.

use maud::html;
use strongroom_model::CredentialId;

use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::text;

/// The path of the page and of what it sends.
pub const PATH: &str = "/dashboard/credentials/bulk";

/// The question what to do with those that were chosen.
#[derive(Debug)]
pub struct BulkPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Numbers and names of those that were chosen.
    pub chosen: &'a [(CredentialId, String)],
    /// The identity of the form.
    pub once: &'a str,
}

impl BulkPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let ids: Vec<_> = self.chosen.iter().map(|(id, _)| id.to_string()).collect();
        let change = Change {
            action: PATH,
            verb: "Do it",
            object: "to all of them",
            consequence: "It is done to one after the other, each with an entry in the audit trail. What fails is told and the rest is done. The amount is for a limit alone.",
            is_dangerous: true,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::with("ids", &ids.join(",")))
            (field::empty("bulk")) (field::empty("bulk_amount")) (field::with("unit", "usd")) (field::with("window", "month")) (field::empty("count"))
        };
        let body = html! {
            section.card {
                h2 { (self.chosen.len()) " credentials" }
                @if self.chosen.is_empty() { p.empty { "None was chosen. Go back and tick those that you mean." } }
                @else {
                    ul.rows { @for (id, name) in self.chosen { li { div { a href=(super::credential::path(*id)) { (text::name(name)) } } } } }
                }
            }
            @if !self.chosen.is_empty() && self.viewer.is_admin() { section.card { h2 { "What to do with them" } (form::open(self.viewer, &change, &fields)) } }
        };
        frame::page(self.viewer, Some(Place::Credentials), "Change several", &html! {}, &body)
    }
}

/// What became of each.
#[derive(Debug)]
pub struct BulkDone<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Names, each with the reason why it was not done.
    pub outcomes: &'a [(String, Option<String>)],
}

impl BulkDone<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            section.card {
                ul.rows { @for (name, problem) in self.outcomes { li {
                    div { (text::name(name)) @if let Some(problem) = problem { br; span.soft { (text::visible(problem)) } } }
                    @if problem.is_some() { (chip::chip(Mood::Bad, "not done")) } @else { (chip::chip(Mood::Good, "done")) }
                } } }
                p { a href=(Place::Credentials.path()) { "All credentials" } }
            }
        };
        frame::page(self.viewer, Some(Place::Credentials), "What became of each", &html! {}, &body)
    }
}
