//! A request that did not end well: what is wrong, what to do, and where to go on.

use maud::{Markup, html};

use crate::form::Resend;
use crate::frame::{self, Place, Viewer};
use crate::text;

/// The page in place of the one that was asked for.
#[derive(Debug)]
pub struct ProblemPage<'a> {
    /// Its heading.
    pub title: &'a str,
    /// The cause and the remedy.
    pub message: &'a str,
    /// The request, as the log and the audit trail name it.
    pub request_id: &'a str,
    /// The form that came to nothing, to be sent again.
    pub resend: Option<Resend<'a>>,
}

impl ProblemPage<'_> {
    fn body(&self, back: Markup, viewer: Option<&Viewer>) -> Markup {
        html! {
            section.card {
                p.alert role="alert" { (text::visible(self.message)) }
                @if let Some(resend) = &self.resend {
                    @if viewer.is_none() { p { a href="/login" target="_blank" { "Sign in, in another window" } ", and then:" } }
                    (resend.render(viewer))
                }
                p.sub { "Request " code { (self.request_id) } }
                p { (back) }
            }
        }
    }

    /// The page, in the frame of somebody who is signed in, or in none.
    #[must_use]
    pub fn render(&self, viewer: Option<&Viewer>) -> String {
        match viewer {
            Some(viewer) => {
                let first = Place::first_of(viewer.role);
                let back = html! { a href=(first.path()) { "Go to the first page" } };
                frame::page(viewer, None, self.title, &html! {}, &self.body(back, Some(viewer)))
            }
            None => frame::bare(self.title, None, &self.body(html! { a href="/login" { "Sign in" } }, None)),
        }
    }
}
