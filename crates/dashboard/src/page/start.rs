//! First steps: from nothing to the first call, each of which finds out by itself whether it is done.

use maud::{Markup, html};
use strongroom_model::{CredentialId, Millis};

use super::credential_list;
use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct Start<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Names of variables with keys of providers that the server was started with.
    pub variables: &'a [String],
    /// The first credential: its number, its name, and whether its provider has accepted its key.
    pub first: Option<(CredentialId, String, bool)>,
    /// Tokens that programs can call with.
    pub tokens: usize,
    /// The instant of the first call, or of one that was made since.
    pub called: Option<Millis>,
    /// The address that programs call.
    pub base_url: &'a str,
    /// The identity of the forms.
    pub once: &'a str,
}

/// In place of the overview, as long as there is nothing to look over.
pub(super) fn first_run(viewer: &Viewer) -> Markup {
    html! {
        section.card id="first-run" {
            h2 { "Nothing is here yet" }
            p { @if viewer.is_admin() { a.button href="/dashboard/start" { "Begin with the first key" } } @else { "An admin has to store a key." } }
            p.sub { "Or on the command line: " code data-copy { "strongroom credential add openai-primary --provider openai" } ", then " code data-copy { "strongroom run --gateway -- your-program" } }
        }
    }
}

fn step(number: usize, id: &str, words: &str, is_done: bool, inside: &Markup) -> Markup {
    html! {
        section.card id=(id) {
            div.row { h2 { (number) ". " (words) } @if is_done { (chip::chip(Mood::Good, "done")) } @else { (chip::chip(Mood::Plain, "open")) } }
            (inside)
        }
    }
}

impl Start<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let is_admin = self.viewer.is_admin();
        let key = html! {
            @if !self.variables.is_empty() {
                p { "This server was started with keys in " @for (number, name) in self.variables.iter().enumerate() { @if number > 0 { ", " } code { (text::visible(name)) } } ". " code data-copy { "strongroom import env" } " seals them." }
            }
            @match &self.first {
                Some((id, name, _)) => p { a href=(super::credential::path(*id)) { (text::name(name)) } " is stored." },
                None if is_admin => (credential_list::add_form(self.viewer, self.once)),
                None => p.empty { "An admin has to store a key." },
            }
        };
        let test = html! {
            @match &self.first {
                None => p.empty { "As soon as there is a key." },
                Some((_, _, true)) => p { "Its provider accepts it." },
                Some((id, name, false)) => {
                    @if is_admin {
                        @let action = format!("{}/test", super::credential::path(*id));
                        (form::open(self.viewer, &Change { action: &action, verb: "Test", object: name, consequence: "Its provider is asked about it with a call that spends nothing.", is_dangerous: false }, &field::with("next", "/dashboard/start")))
                    }
                },
            }
        };
        let program = html! {
            p { "Programs call this server in place of the provider, with a token of their own:" }
            p { code data-copy { (self.base_url) "/openai/v1" } }
            @if self.tokens > 0 { p { (self.tokens) " tokens can call. " a href=(Place::Tokens.path()) { "Tokens" } } }
            @else if is_admin {
                @let make = Change { action: Place::Tokens.path(), verb: "Make a token", object: "for programs", consequence: "It uses keys and reads none. It is shown once.", is_dangerous: false };
                (form::open(self.viewer, &make, &html! { (field::with(ONCE_FIELD, self.once)) (field::with("name", "first-program")) (field::with("role", "gateway")) }))
            }
            p.sub { "Or without setting anything: " code data-copy { "strongroom run --gateway -- your-program" } }
        };
        let call = html! {
            @match self.called {
                Some(at) => p { "Seen on " (figure::instant(at)) ". " a href=(Place::Overview.path()) { "Go to the overview" } },
                None => { p.empty { "Nothing was called yet. The first call shows up here by itself; without a script, when you load this page again." } p { code data-copy { "curl -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" " (self.base_url) "/v1/chat/completions -d '{\"model\":\"gpt-5-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}'" } } },
            }
        };
        let body = html! {
            (step(1, "key", "Store a key", self.first.is_some(), &key))
            (step(2, "test", "Ask its provider", self.first.as_ref().is_some_and(|first| first.2), &test))
            (step(3, "program", "Let a program use it", self.tokens > 0, &program))
            (step(4, "call", "See the first call", self.called.is_some(), &call))
            p.sub { a href=(Place::Overview.path()) { "Skip" } }
        };
        frame::live_page(self.viewer, None, "First steps", "credentials tokens usage audit", &html! {}, &body)
    }
}
