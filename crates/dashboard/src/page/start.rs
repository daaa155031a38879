//! First steps: from nothing to the first call, each of which finds out by itself whether it is done.

use maud::{Markup, html};
use strongroom::usage::record::FoundRecord;
use strongroom_model::provider::KNOWN;
use strongroom_model::{CredentialId, Millis, Provider};

use super::{credential_list, record_list};
use crate::chip::{self, Mood};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// The path of the page.
pub const PATH: &str = "/dashboard/start";

/// The first credential, and what its provider says of its key.
#[derive(Debug)]
pub struct First {
    /// Its number.
    pub id: CredentialId,
    /// Its name.
    pub name: String,
    /// Its provider.
    pub provider: Provider,
    /// The provider's last answer about its key, and when.
    pub said: Option<(String, Millis)>,
}

impl First {
    fn is_accepted(&self) -> bool {
        self.said.as_ref().is_some_and(|(said, _)| matches!(said.as_str(), "ok" | "rate_limited"))
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct Start<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Variables with keys of providers that the server was started with.
    pub variables: &'a [(String, Provider)],
    /// The first credential.
    pub first: Option<First>,
    /// Tokens that programs can call with.
    pub tokens: usize,
    /// The token that was made just now, in the clear: it is on this page once, and never again.
    pub made: Option<&'a str>,
    /// The last call.
    pub called: Option<&'a FoundRecord>,
    /// The address that programs call.
    pub base_url: &'a str,
    /// The identity of the forms.
    pub once: &'a str,
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

/// In place of the overview, as long as there is nothing to look over.
pub(super) fn first_run(viewer: &Viewer) -> Markup {
    html! {
        section.card id="first-run" {
            h2 { "Nothing is here yet" }
            p { @if viewer.is_admin() { a.button href=(PATH) { "Begin with the first key" } } @else { "An admin has to store a key." } }
            p.sub { "Or on the command line: " code data-copy { "strongroom credential add openai-primary --provider openai" } ", then " code data-copy { "strongroom run --gateway -- your-program" } }
        }
    }
}

/// A step. One that holds what is shown only once is not replaced while the page is open.
fn step(number: usize, id: &str, words: &str, is_done: bool, is_kept: bool, inside: &Markup) -> Markup {
    html! {
        li.card id=(id) data-keep[is_kept] {
            div.row { h2 { (number) ". " (words) } @if is_done { (chip::chip(Mood::Good, "done")) } @else { (chip::chip(Mood::Plain, "open")) } }
            (inside)
        }
    }
}

/// A name to begin with: the variable without what all of them have in common.
fn name_of(variable: &str) -> String {
    let name = variable.trim_end_matches("_KEY").trim_end_matches("_API");
    name.to_ascii_lowercase().replace('_', "-")
}

impl Start<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let is_accepted = self.first.as_ref().is_some_and(First::is_accepted);
        let has_token = self.tokens > 0 || self.made.is_some();
        let is_called = self.called.is_some_and(|call| (1..400).contains(&call.status));
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            ol.steps data-at=(PATH) {
                (step(1, "key", "Store a key", self.first.is_some(), false, &self.key()))
                (step(2, "test", "Ask its provider", is_accepted, false, &self.test()))
                (step(3, "program", "Give a program its address and token", has_token, self.made.is_some(), &self.program()))
                (step(4, "call", "See the first call", is_called, false, &self.call()))
            }
            p.sub { @if is_called { a.button href=(Place::Overview.path()) { "Go to the overview" } } @else { a href=(Place::Overview.path()) { "Skip" } } }
        };
        frame::live_page(self.viewer, None, "First steps", "credentials tokens usage audit", &html! {}, &body)
    }

    fn key(&self) -> Markup {
        let is_admin = self.viewer.is_admin();
        html! {
            @match &self.first {
                Some(first) => p { a href=(super::credential::path(first.id)) { (text::name(&first.name)) } " is stored." },
                None if is_admin => {
                    @if !self.variables.is_empty() {
                        p { "This server was started with keys. Seal one of them here:" }
                        @for (variable, provider) in self.variables { (self.variable(variable, provider)) }
                    }
                    details.change open[self.variables.is_empty()] {
                        summary { "Type a key" }
                        (credential_list::add_form(self.viewer, self.once, Some(PATH)))
                    }
                },
                None => p.empty { "An admin has to store a key." },
            }
        }
    }

    fn variable(&self, variable: &str, provider: &Provider) -> Markup {
        let action = format!("{PATH}/environment");
        let change = Change {
            action: &action,
            verb: "Seal it",
            object: variable,
            consequence: "The key is sealed and stored, and is everybody's. The variable can be taken away afterwards.",
            is_dangerous: false,
        };
        let fields = html! { (field::with(ONCE_FIELD, &format!("{}-{variable}", self.once))) (field::with("variable", variable)) (field::with("name", &name_of(variable))) };
        html! {
            div.found { p { code { (text::visible(variable)) } span.soft { " of " (provider.as_str()) } } (form::open(self.viewer, &change, &fields)) }
        }
    }

    fn test(&self) -> Markup {
        let Some(first) = &self.first else { return html! { p.empty { "As soon as there is a key." } } };
        let action = format!("{}/test", super::credential::path(first.id));
        let test = Change {
            action: &action,
            verb: "Test",
            object: &first.name,
            consequence: "Its provider is asked about the key with a call that spends nothing.",
            is_dangerous: false,
        };
        html! {
            @if let Some((said, at)) = &first.said {
                @if first.is_accepted() { p { "Its provider accepts it, as of " (figure::instant(*at)) "." } }
                @else { p.alert { "Asked on " (figure::instant(*at)) ", the provider answered " code { (said) } ". Stage another key on " a href=(super::credential::path(first.id)) { "its page" } ", and test again." } }
            }
            @if !first.is_accepted() && self.viewer.is_admin() { (form::open(self.viewer, &test, &field::with("next", PATH))) }
        }
    }

    /// Variables by which clients of the first credential's provider are led here; those of OpenAI's format for any other.
    fn variables(&self) -> (Vec<(&'static str, &'static str)>, &'static str) {
        let run = |name: &str| KNOWN.iter().find(|known| known.name == name).map(|known| &known.run);
        let own = self.first.as_ref().and_then(|first| run(first.provider.as_str()));
        let run =
            own.filter(|run| !run.base_urls.is_empty() && !run.keys.is_empty()).or_else(|| run("openai"));
        run.map_or((Vec::new(), "OPENAI_API_KEY"), |run| {
            (run.base_urls.to_vec(), run.keys.first().copied().unwrap_or("OPENAI_API_KEY"))
        })
    }

    fn program(&self) -> Markup {
        let (base_urls, key) = self.variables();
        let make = Change {
            action: Place::Tokens.path(),
            verb: "Make a token",
            object: "for programs",
            consequence: "A program calls with it in place of the key: it uses keys and reads none. It is shown once.",
            is_dangerous: false,
        };
        html! {
            @if let Some(token) = self.made {
                p { "This is the only time that the token is shown. Put both where the program reads them:" }
                @for (variable, path) in &base_urls { p { code data-copy { "export " (variable) "=" (self.base_url) (path) } } }
                p { output.secret data-copy { "export " (key) "=" (token) } }
            } @else {
                p { "Programs call this server in place of the provider:" }
                @for (variable, path) in &base_urls { p { code data-copy { "export " (variable) "=" (self.base_url) (path) } } }
                @if self.tokens > 0 { p { @if self.tokens == 1 { "One token can call. " } @else { (self.tokens) " tokens can call. " } a href=(Place::Tokens.path()) { "Tokens" } } }
            }
            @if self.made.is_none() && self.viewer.is_admin() {
                @let fields = html! { (field::with(ONCE_FIELD, self.once)) (field::with("next", PATH)) (field::with("name", "first-program")) (field::with("role", "gateway")) };
                @if self.tokens == 0 { (form::open(self.viewer, &make, &fields)) } @else { (form::change_with(self.viewer, &Change { verb: "Make another token", ..make }, &fields)) }
            }
            p.sub { "Or without setting anything: " code data-copy { "strongroom run --gateway -- your-program" } }
        }
    }

    fn call(&self) -> Markup {
        html! {
            @match self.called {
                Some(call) if (1..400).contains(&call.status) => p { (text::name(&call.model)) " answered " a href={ (record_list::PATH) "/" (call.uid) } { (call.status) } @if let Some(first) = call.first_byte_ms { " after " (figure::milliseconds(first)) } ", on " (figure::instant(Millis(call.at_ms))) "." },
                Some(call) => p.alert { "A call came through on " (figure::instant(Millis(call.at_ms))) " and was " @if call.status == 0 { "not answered" } @else { "answered " (call.status) } " by " (text::name(&call.provider)) ". " a href={ (record_list::PATH) "/" (call.uid) } { "What became of it" } },
                None => p.empty { "Nothing was called yet. The first call shows up here by itself; without a script, when you load this page again." },
            }
            @if self.called.is_none() {
                p { code data-copy { "curl -H \"Authorization: Bearer " @match self.made { Some(token) => (token), None => "$TOKEN" } "\" -H \"Content-Type: application/json\" " (self.base_url) "/v1/chat/completions -d '{\"model\":\"" (self.model()) "\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]}'" } }
                p { a.button href=(PATH) { "Look again" } }
            }
        }
    }

    /// A model of the first credential's provider.
    fn model(&self) -> &'static str {
        let known = |name: &str| KNOWN.iter().find(|known| known.name == name)?.suggestion_model;
        self.first
            .as_ref()
            .and_then(|first| known(first.provider.as_str()))
            .or_else(|| known("openai"))
            .unwrap_or("gpt-5-mini")
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::Role;

    use super::*;
    use crate::frame::Display;

    fn viewer() -> Viewer {
        let display = Display::default();
        Viewer { who: "token:a".into(), role: Role::Admin, form_token: "f".into(), is_shared: false, display }
    }

    #[test]
    fn each_step_says_whether_it_is_done_and_a_token_is_shown_only_when_it_was_made_just_now() {
        let (viewer, openai) = (viewer(), Provider::parse("openai").unwrap());
        let variables = [("OPENAI_API_KEY".to_owned(), openai.clone())];
        let empty = Start {
            viewer: &viewer,
            variables: &variables,
            first: None,
            tokens: 0,
            made: None,
            called: None,
            base_url: "http://127.0.0.1:1",
            once: "o",
            done: None,
        };
        let shown = empty.render();
        assert_eq!((shown.matches("> open<").count(), shown.matches("> done<").count()), (4, 0), "{shown}");
        assert!(
            shown.contains("name=\"variable\" value=\"OPENAI_API_KEY\"")
                && shown.contains("value=\"openai\""),
            "{shown}"
        );
        let said = |said: &str| Some((said.to_owned(), Millis(0)));
        let first =
            |said| Some(First { id: CredentialId(1), name: "a".into(), provider: openai.clone(), said });
        let refused = Start { first: first(said("bad_key")), ..empty };
        assert!(refused.render().contains("bad_key"));
        let made = Start { first: first(said("ok")), made: Some("sr_planted"), ..refused };
        let shown = made.render();
        assert_eq!(shown.matches("> done<").count(), 3, "{shown}");
        assert!(
            shown.contains("OPENAI_API_KEY=sr_planted")
                && shown.contains("OPENAI_BASE_URL=http://127.0.0.1:1/openai/v1"),
            "{shown}"
        );
        assert!(!Start { made: None, tokens: 1, ..made }.render().contains("sr_planted"));
    }

    #[test]
    fn a_variable_gives_a_name_to_begin_with() {
        assert_eq!(
            (name_of("OPENAI_API_KEY"), name_of("X_AI_KEY")),
            ("openai".to_owned(), "x-ai".to_owned())
        );
    }
}
