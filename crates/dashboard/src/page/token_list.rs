//! Tokens: which programs may what?

use std::collections::BTreeMap;

use maud::{Markup, html};
use strongroom::token::NamedToken;
use strongroom::usage::GroupSums;
use strongroom_model::token::Token;
use strongroom_model::{Millis, Provider};

use super::usage_table;
use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The contents of the page.
#[derive(Debug)]
pub struct TokenList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// All tokens, the oldest first.
    pub tokens: &'a [NamedToken],
    /// Sums of each over 30 days, by its public id.
    pub sums: &'a [GroupSums],
    /// Set to show tokens, too, that work no longer.
    pub with_dead: bool,
    /// Only those of this user.
    pub only_of: Option<strongroom_model::UserId>,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the form.
    pub once: &'a str,
}

impl TokenList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let shown: Vec<_> =
            self.of_user().rev().filter(|it| self.with_dead || it.token.is_alive(self.now)).collect();
        let hidden = self.of_user().count() - shown.len();
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            @if let Some(user) = self.only_of { p { "Tokens of user " (user) ". " a href=(Place::Tokens.path()) { "Show all" } } }
            section.card id="tokens" {
                @if shown.is_empty() {
                    p.empty { "No token works. To make one: " code data-copy { "strongroom token create ci --role gateway" } }
                } @else { (self.table(&shown)) }
                nav.pages aria-label="Pages" {
                    @if hidden > 0 { a href={ (Place::Tokens.path()) "?all=yes" } { "Show " (hidden) " that work no longer, too" } }
                    @else if self.with_dead { a href=(Place::Tokens.path()) { "Show only those that work" } }
                }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Make a token" } (self.create()) } }
        };
        frame::live_page(self.viewer, Some(Place::Tokens), "Tokens", "tokens usage", &html! {}, &body)
    }

    fn of_user(&self) -> impl DoubleEndedIterator<Item = &NamedToken> {
        self.tokens.iter().filter(|it| self.only_of.is_none_or(|user| it.token.user == Some(user)))
    }

    fn create(&self) -> Markup {
        let change = Change {
            action: Place::Tokens.path(),
            verb: "Make",
            object: "the token",
            consequence: "It is shown once, and stored as a hash.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::empty("name")) (field::with("role", "gateway"))
            @for name in ["credentials", "providers", "expires", "user", "limit_amount"] { (field::empty(name)) }
            (field::with("window", "month"))
        };
        form::open(self.viewer, &change, &fields)
    }

    fn table(&self, tokens: &[&NamedToken]) -> Markup {
        let sums: BTreeMap<_, _> = self.sums.iter().map(|sums| (sums.group_key.as_str(), sums)).collect();
        html! {
            div.scroll tabindex="0" role="region" aria-label="Tokens" {
                table {
                    thead { tr {
                        th scope="col" { "Name" } th scope="col" { "Role" } th scope="col" { "Reaches" } th scope="col" { "State" }
                        th scope="col" { "Made" } th scope="col" { "Expires" } th.n scope="col" { "Calls, 30 days" } th.n scope="col" { "Spend, 30 days" }
                        @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                    } }
                    tbody {
                        @for named in tokens {
                            @let token = &named.token;
                            @let sums = sums.get(token.id.as_str());
                            tr {
                                th scope="row" { a href={ "/dashboard/usage?measure=spend&by=model&actor=token%3A" (token.id) } { (text::name(&token.name)) } br; code { (token.id) } }
                                td { (token.role.as_str()) @if let Some(user) = token.user { br; span.soft { "for user " (user) } } }
                                td { (reach(named)) }
                                td { (state(token, self.now)) }
                                td { (figure::instant(token.created_at)) }
                                td { (figure::instant_or_dash(token.expires_at)) }
                                td.n { (figure::count(sums.map_or(0, |sums| sums.figures.client_requests))) }
                                td.n { @match sums { Some(sums) => (usage_table::spend(&sums.figures)), None => (figure::dollars(0)) } }
                                @if self.viewer.is_admin() { td { @if token.revoked_at.is_none() { (self.revoke(token)) } } }
                            }
                        }
                    }
                }
            }
        }
    }

    fn revoke(&self, token: &Token) -> Markup {
        let action = format!("{}/{}/revoke", Place::Tokens.path(), token.id);
        let change = Change {
            action: &action,
            verb: "Revoke",
            object: &token.name,
            consequence: "Programs that show it are refused from the next request on, on every server, and sessions that stand on it end. There is no way back.",
            is_dangerous: true,
        };
        form::change(self.viewer, &change)
    }
}

fn reach(named: &NamedToken) -> Markup {
    let providers = named.token.scope.providers.iter().map(Provider::as_str);
    let all: Vec<_> = named.credentials.iter().map(String::as_str).chain(providers).collect();
    html! {
        @if all.is_empty() { span.soft { "all keys of its role" } }
        @for (number, one) in all.iter().take(4).enumerate() { @if number > 0 { ", " } (text::name(one)) }
        @if all.len() > 4 { " and " (all.len() - 4) " more" }
    }
}

fn state(token: &Token, now: Millis) -> Markup {
    if token.revoked_at.is_some() {
        chip::chip(Mood::Plain, "revoked")
    } else if token.expires_at.is_some_and(|at| at <= now) {
        chip::chip(Mood::Plain, "expired")
    } else if token.has_lapsed(now) {
        chip::chip(Mood::Plain, "lapsed")
    } else {
        chip::chip(Mood::Good, "works")
    }
}
