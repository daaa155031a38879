//! Signing in: with a one-time code or a token, and the question whose session it would be.

use maud::html;

use crate::{asset, frame, text};

/// The page that asks for a code or a token.
#[derive(Debug, Default)]
pub struct SignIn<'a> {
    /// The reason why the try before failed.
    pub problem: Option<&'a str>,
    /// The address of a full session, where this one gives a session that reads.
    pub full_session_at: Option<&'a str>,
    /// The page that was asked for before.
    pub next: Option<&'a str>,
}

impl SignIn<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let next = html! { @if let Some(next) = self.next { input type="hidden" name="next" value=(next); } };
        let body = html! {
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            section.card {
                h2 { "With a one-time code" }
                p.sub { "Run " code { "strongroom open" } " on the machine of the server, or where " code { "STRONGROOM_URL" } " is set. It opens this page by itself; " code { "strongroom open --print" } " prints the code, for a machine that you reach by SSH." }
                form id="code-form" method="post" action="/login" {
                    (next)
                    label.field { span { "Code" } input name="code" type="text" required autocomplete="one-time-code" autocapitalize="off" spellcheck="false" pattern="[0-9a-f]{64}" title="64 digits and letters from a to f"; }
                    button.main type="submit" { "Go on" }
                }
            }
            section.card {
                h2 { "With a token" }
                p.sub { "A token of strongroom (" code { "sr_…" } "), or a signed token of your application. It is checked and not stored: the session may do what the token may, and ends with it." }
                form method="post" action="/login" {
                    (next)
                    label.field { span { "Token" } input name="token" type="password" required autocomplete="off" spellcheck="false"; }
                    button.main type="submit" { "Sign in" }
                }
            }
            @if let Some(address) = self.full_session_at {
                p.note {
                    "At this address browsers show your session to programs on every port of this machine. So it will read only, end after 30 idle minutes, and ask for a proof with every change. "
                    a href=(address) { "Sign in at " (address) } " for one without these bounds."
                }
            }
        };
        frame::bare("Sign in", Some(asset::sign_in_script()), &body)
    }
}

/// The question whether to become somebody.
#[derive(Debug)]
pub struct Confirm<'a> {
    /// The holder of the session, as the audit trail calls it.
    pub who: &'a str,
    /// The holder's role.
    pub role: &'a str,
    /// The code, which is spent by a yes.
    pub code: &'a str,
    /// The holder of the session that this browser has now, and that would end.
    pub instead_of: Option<&'a str>,
    /// The page that was asked for before.
    pub next: Option<&'a str>,
}

impl Confirm<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            section.card {
                p { "You are about to be signed in as " b { (text::name(self.who)) } ", with the role " b { (self.role) } "." }
                @if let Some(before) = self.instead_of { p { "The session of " b { (text::name(before)) } " in this browser ends." } }
                p.sub { "Go on only if you have just asked for it: whoever sent you this address made the code." }
                form method="post" action="/login" {
                    input type="hidden" name="code" value=(self.code);
                    input type="hidden" name="confirmed" value="yes";
                    @if let Some(next) = self.next { input type="hidden" name="next" value=(next); }
                    div.row {
                        button.main type="submit" { "Sign in as " (text::visible(self.who)) }
                        a.button href="/login" { "Do not" }
                    }
                }
            }
        };
        frame::bare("Sign in?", None, &body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_text_in_these_pages() {
        let page =
            SignIn { problem: Some("<b>no</b>"), full_session_at: None, next: Some("\"><i>") }.render();
        assert!(!page.contains("<b>no") && !page.contains("<i>"));
        let confirm = Confirm {
            who: "local:<b>",
            role: "admin",
            code: "\"><u>",
            instead_of: Some("user:<s>"),
            next: None,
        };
        let page = confirm.render();
        assert!(!page.contains("<b>\"") && !page.contains("<u>") && !page.contains("<s>"), "{page}");
        assert!(!page.contains("<script"), "the question is answered by hand alone");
    }
}
