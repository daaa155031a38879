//! Finding by name: the page behind the palette, and the same without a script.

use maud::html;

use crate::frame::{self, Viewer};
use crate::text;

/// Something that was found.
#[derive(Debug)]
pub struct Found {
    /// `credential`, `token`, `user`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its page.
    pub path: String,
}

/// The contents of the page.
#[derive(Debug)]
pub struct FindPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// What was typed.
    pub asked: &'a str,
    /// What was found.
    pub found: &'a [Found],
}

impl FindPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            form.filters method="get" action="/dashboard/find" role="search" {
                label.field { span { "Name" } input type="search" name="q" value=(text::visible(self.asked)) autocapitalize="off" spellcheck="false"; }
                button.main type="submit" { "Find" }
            }
            section.card {
                @if self.asked.is_empty() { p.empty { "Type the beginning of the name of a credential, or a part of that of a token or user." } }
                @else if self.found.is_empty() { p.empty { "Nothing of that name that you may see." } }
                @else { ul.rows { @for one in self.found { li { div { a href=(one.path) data-found=(one.kind) { (text::name(&one.name)) } } span.soft { (one.kind) } } } } }
            }
        };
        frame::page(self.viewer, None, "Find", &html! {}, &body)
    }
}
