//! Deleted credentials, as long as they can be brought back.

use maud::{Markup, html};
use strongroom::Credential;

use crate::form::{self, Change, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct DeletedList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The credentials.
    pub deleted: &'a [Credential],
    /// Days for which each can be brought back.
    pub days: u32,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

impl DeletedList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            section.card {
                @if self.deleted.is_empty() { p.empty { "Nothing was deleted in the last " (self.days) " days. What is older is erased." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Deleted credentials" { table {
                        thead { tr { th scope="col" { "Name" } th scope="col" { "Provider" } th scope="col" { "Deleted" } th scope="col" { "Erased" } @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } } } }
                        tbody { @for one in self.deleted { tr {
                            th scope="row" { (text::name(&one.name)) }
                            td { (text::name(one.provider.as_str())) }
                            td { (figure::instant_or_dash(one.deleted_at)) }
                            td { (figure::instant_or_dash(one.deleted_at.map(|at| at.plus_seconds(i64::from(self.days) * 86_400)))) }
                            @if self.viewer.is_admin() { td { div.row { (self.undelete(one)) (self.purge(one)) } } }
                        } } }
                    } }
                }
                p.sub { a href=(Place::Credentials.path()) { "All credentials" } }
            }
        };
        frame::page(self.viewer, Some(Place::Credentials), "Deleted credentials", &html! {}, &body)
    }

    fn undelete(&self, one: &Credential) -> Markup {
        let action = format!("{}/undelete", super::credential::path(one.id));
        let change = Change {
            action: &action,
            verb: "Bring back",
            object: &one.name,
            consequence: "It serves again as before, with its versions and limits.",
            is_dangerous: false,
        };
        form::change(self.viewer, &change)
    }

    fn purge(&self, one: &Credential) -> Markup {
        let action = format!("{}/purge", super::credential::path(one.id));
        let change = Change {
            action: &action,
            verb: "Erase now",
            object: &one.name,
            consequence: "Its keys are erased, for good: there is no way back. Reports keep its name. Type it.",
            is_dangerous: true,
        };
        form::change_with(self.viewer, &change, &field::empty("confirm"))
    }
}
