//! Sessions: who is signed in with a browser, and the end of it.

use maud::{Markup, html};
use strongroom_model::Uid;
use strongroom_model::sign_in::PageSession;

use crate::form::{self, Change};
use crate::frame::{self, Place, Theme, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct SessionList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The viewer's own session.
    pub own: Uid,
    /// The sessions that the viewer may see, the newest first.
    pub sessions: &'a [PageSession],
    /// The address of a full session, where this one reads.
    pub full_session_at: Option<&'a str>,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

/// The usual name of a browser, by what it calls itself; those in front also call themselves by the names behind.
fn browser_name(agent: &str) -> String {
    let known = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let found = known.into_iter().find(|(mark, _)| agent.contains(mark));
    found.map_or_else(|| text::visible(agent).chars().take(24).collect(), |(_, name)| name.to_owned())
}

impl SessionList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            @if let Some(address) = self.full_session_at {
                p.note {
                    "Browsers show the cookie of this address to programs on every port of this machine, so this session reads only and asks for a proof with every change. "
                    a href=(address) { "Sign in at " (address) } " for one without these bounds."
                }
            }
            section.card id="sessions" { h2 { "Sessions" } (self.table()) }
            p.sub { "A session ends 24 hours after it began, after 8 hours without use (30 minutes where it reads only), and at once when its token is revoked or its user disabled." }
            (self.display())
        };
        frame::page(self.viewer, Some(Place::Sessions), Place::Sessions.name(), &html! {}, &body)
    }

    fn display(&self) -> Markup {
        let display = self.viewer.display;
        let themes = [
            ("system", None, "as the browser says"),
            ("light", Some(Theme::Light), "light"),
            ("dark", Some(Theme::Dark), "dark"),
        ];
        html! {
            section.card {
                h2 { "How pages look, in this browser" }
                form.fields method="post" action="/dashboard/display" {
                    (form::token(self.viewer))
                    label.field { span { "Theme" } select name="theme" { @for (value, theme, words) in themes { option value=(value) selected[theme == display.theme] { (words) } } } }
                    label.check { input type="checkbox" name="letters" value="on" checked[!display.without_letters]; " Single letters do something: " kbd { "?" } " lists them" }
                    button type="submit" { "Keep" }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Sessions" {
                table {
                    thead { tr {
                        th scope="col" { "Who" } th scope="col" { "Signed in" } th scope="col" { "Last used" } th scope="col" { "Ends" }
                        th scope="col" { "From" } th scope="col" { "Browser" } th scope="col" { span.heard { "Changes" } }
                    } }
                    tbody {
                        @for session in self.sessions {
                            tr {
                                th scope="row" { (text::name(&session.holder.label())) @if session.uid == self.own { span.soft { " this session" } } }
                                td { (figure::instant(session.made_at)) }
                                td { (figure::instant(session.seen_at)) }
                                td { (figure::instant(session.ends_at.min(session.idle_end()))) }
                                td { @match &session.address { Some(address) => (text::name(address)), None => span.soft { "this machine" } } }
                                td { @match &session.agent { Some(agent) => span title=(text::visible(agent)) { (browser_name(agent)) }, None => "–" } }
                                td { @if session.uid != self.own { (self.end(session)) } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn end(&self, session: &PageSession) -> Markup {
        let action = format!("{}/{}/end", Place::Sessions.path(), session.uid);
        let who = session.holder.label();
        let change = Change {
            action: &action,
            verb: "End",
            object: &format!("the session of {who}"),
            consequence: "Its next page is refused, on every server. Whoever has it can sign in again.",
            is_dangerous: true,
        };
        form::change(self.viewer, &change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_alone_say() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        assert_eq!(browser_name(chrome), "Chrome");
        assert_eq!(browser_name(&format!("{chrome} Edg/156.0.0.0")), "Edge");
        assert_eq!(browser_name("Mozilla/5.0 (X11; rv:150.0) Gecko/20100101 Firefox/150.0"), "Firefox");
        assert_eq!(browser_name("curl/8.9"), "curl/8.9");
        assert_eq!(browser_name(&"x".repeat(99)).len(), 24);
    }
}
