//! Users: people and services known by a number.

use maud::{Markup, html};
use strongroom::token::NamedToken;
use strongroom_model::Millis;
use strongroom_model::sign_in::{Holder, PageSession};
use strongroom_model::user::User;

use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct UserList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// All users, by number.
    pub users: &'a [User],
    /// All tokens.
    pub tokens: &'a [NamedToken],
    /// All sessions that go on.
    pub sessions: &'a [PageSession],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the form.
    pub once: &'a str,
}

/// The path of what is done to a user.
fn path(user: &User) -> String {
    format!("{}/{}", Place::Users.path(), user.id)
}

impl UserList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            section.card id="users" {
                @if self.users.is_empty() { p.empty { "No users are known. They are for programs of an application that has users of its own, and for people who sign in with its tokens. The first one: " code data-copy { "strongroom user add ada --role reader" } } }
                @else { (self.table()) }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Add a user" } (self.create()) } }
        };
        frame::live_page(self.viewer, Some(Place::Users), "Users", "users tokens", &html! {}, &body)
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Users" {
                table {
                    thead { tr {
                        th.n scope="col" { "Number" } th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "State" }
                        th.n scope="col" { "Tokens" } th.n scope="col" { "Sessions" } th scope="col" { "Made" } th scope="col" { "Changed" }
                        @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                    } }
                    tbody { @for user in self.users { (self.row(user)) } }
                }
            }
        }
    }

    fn row(&self, user: &User) -> Markup {
        let tokens =
            self.tokens.iter().filter(|it| it.token.user == Some(user.id) && it.token.is_alive(self.now));
        let (own, ids) =
            (Holder::User(user.id), tokens.map(|it| Holder::Token(it.token.id.clone())).collect::<Vec<_>>());
        let sessions = self.sessions.iter().filter(|it| it.holder == own || ids.contains(&it.holder)).count();
        html! {
            tr {
                td.n { (user.id) }
                th scope="row" { a href={ "/dashboard/usage?measure=spend&by=model&actor=user%3A" (user.id) } { (text::name(&user.name)) } }
                td { (user.role.as_str()) }
                td { @if user.is_active { (chip::chip(Mood::Good, "let in")) } @else { (chip::chip(Mood::Plain, "disabled")) } }
                td.n { @if ids.is_empty() { "0" } @else { a href={ (Place::Tokens.path()) "?user=" (user.id) } { (ids.len()) } } }
                td.n { (sessions) }
                td { (figure::instant(user.created_at)) }
                td { (figure::instant(user.updated_at)) }
                @if self.viewer.is_admin() { td { div.row { (self.change(user)) (self.role(user)) (self.end_sessions(user, sessions)) (self.delete(user)) } } }
            }
        }
    }

    fn change(&self, user: &User) -> Markup {
        let action = format!("{}/activity", path(user));
        let (verb, consequence, state) = if user.is_active {
            (
                "Disable",
                "Every request of theirs is refused from the next one on, and their sessions end. What they own stays; you can let them in again.",
                "no",
            )
        } else {
            ("Let in", "They are let in from their next request on.", "yes")
        };
        let change =
            Change { action: &action, verb, object: &user.name, consequence, is_dangerous: user.is_active };
        form::change_with(self.viewer, &change, &field::with("state", state))
    }

    fn role(&self, user: &User) -> Markup {
        let action = format!("{}/role", path(user));
        let change = Change {
            action: &action,
            verb: "Change the role",
            object: &user.name,
            consequence: "It binds from their next request on.",
            is_dangerous: false,
        };
        form::change_with(self.viewer, &change, &field::with("role", user.role.as_str()))
    }

    fn end_sessions(&self, user: &User, sessions: usize) -> Markup {
        if sessions == 0 {
            return html! {};
        }
        let action = format!("{}/sessions/end", path(user));
        let change = Change {
            action: &action,
            verb: "End the sessions",
            object: &user.name,
            consequence: "They are signed out of the dashboard everywhere, and may sign in again.",
            is_dangerous: true,
        };
        form::change(self.viewer, &change)
    }

    fn delete(&self, user: &User) -> Markup {
        let action = format!("{}/delete", path(user));
        let change = Change {
            action: &action,
            verb: "Delete",
            object: &user.name,
            consequence: "Only who owns nothing and never had a token can be deleted. Type the name.",
            is_dangerous: true,
        };
        form::change_with(self.viewer, &change, &field::empty("confirm"))
    }

    fn create(&self) -> Markup {
        let change = Change {
            action: Place::Users.path(),
            verb: "Add",
            object: "the user",
            consequence: "They are let in with a signed token of your application that has their number, or with a token that you make for them.",
            is_dangerous: false,
        };
        let fields = html! { (field::with(ONCE_FIELD, self.once)) (field::empty("name")) (field::with("role", "reader")) };
        form::open(self.viewer, &change, &fields)
    }
}
