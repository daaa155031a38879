//! Showing a key: asked for with a reason, and shown once.

use maud::html;
use strongroom::{Credential, RevealedCredential};

use crate::form::{self, Change, field};
use crate::frame::{self, Place, Viewer};
use crate::text;

/// The question why.
#[derive(Debug)]
pub struct RevealForm<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The credential.
    pub credential: &'a Credential,
    /// Set when the session is so old that a proof is asked for with the reason.
    pub needs_proof: bool,
}

fn place(viewer: &Viewer) -> Place {
    if Place::Credentials.is_for(viewer.role) { Place::Credentials } else { Place::Mine }
}

impl RevealForm<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let one = self.credential;
        let action = format!("{}/reveal", super::credential::path(one.id));
        let change = Change {
            action: &action,
            verb: "Show the key",
            object: &one.name,
            consequence: "Your reason, your address and your browser go into the audit trail with it, and one use is counted.",
            is_dangerous: false,
        };
        let viewer = Viewer { is_shared: self.viewer.is_shared || self.needs_proof, ..self.viewer.clone() };
        let body = html! {
            section.card {
                p { "Programs need no key: they call through the gateway. Show it only when it has to be typed somewhere else." }
                @if self.needs_proof { p.note { "You signed in more than ten minutes ago: show your token, or a fresh code, once more." } }
                (form::open(&viewer, &change, &html! { (field::empty("reason")) (field::empty("ticket")) }))
            }
        };
        frame::page(
            self.viewer,
            Some(place(self.viewer)),
            &format!("Show the key of {}", one.name),
            &html! {},
            &body,
        )
    }
}

/// The key.
#[derive(Debug)]
pub struct Revealed<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The key.
    pub revealed: &'a RevealedCredential,
}

impl Revealed<'_> {
    /// The page, the only one with a key on it.
    #[must_use]
    pub fn render(&self) -> String {
        let it = self.revealed;
        let body = html! {
            section.card {
                div data-revealed {
                    p { "Key" @if let Some(version) = it.version { " of version " (version) } ":" }
                    p { output.secret data-copy { (it.api_key.expose()) } }
                    @if let Some(secret) = &it.api_secret { p { "Second secret:" } p { output.secret data-copy { (secret.expose()) } } }
                    p.sub { "It is hidden after half a minute, and when you leave this window. Reloading asks again." }
                }
                p { a href=(place(self.viewer).path()) { "Go on" } }
            }
        };
        frame::page(self.viewer, Some(place(self.viewer)), &it.name, &html! {}, &body)
    }
}

/// A token that was just made.
#[derive(Debug)]
pub struct NewTokenPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Its name.
    pub name: &'a str,
    /// Its text.
    pub token: &'a str,
    /// The address that programs call.
    pub base_url: &'a str,
}

impl NewTokenPage<'_> {
    /// The page, the only one with the token on it.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            section.card {
                p { "The token " b { (text::name(self.name)) } " works. This is the only time that it is shown: put it where the program reads it." }
                p { output.secret data-copy { (self.token) } }
                h3 { "For a program that speaks OpenAI's format" }
                p { code data-copy { "OPENAI_BASE_URL=" (self.base_url) "/openai/v1" } }
                p { code { "OPENAI_API_KEY=" } span.soft { "the token" } }
                p.sub { "For the formats of others: " code { (self.base_url) "/anthropic" } ", " code { (self.base_url) "/gemini" } "." }
                p { a href=(Place::Tokens.path()) { "All tokens" } " · " a href="/dashboard/start" { "First steps" } }
            }
        };
        frame::page(self.viewer, Some(Place::Tokens), "The new token", &html! {}, &body)
    }
}
