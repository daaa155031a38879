//! Rules: what is watched, at how much of a limit people are told, and what that would have done.

use maud::{Markup, html};
use strongroom::alert::{Backtested, Fire, Rule, RuleScope, RuleView};

use super::alert_list::{Part, parts};
use crate::form::{self, Change, ONCE_FIELD, field};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

/// Times of a test that are shown.
const MAX_FIRES: usize = 100;

/// The contents of the page.
#[derive(Debug)]
pub struct RuleList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The rules that somebody has set, the oldest first.
    pub rules: &'a [RuleView],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the form.
    pub once: &'a str,
}

fn to(rest: &str) -> String {
    format!("{}/rules{rest}", Place::Alerts.path())
}

fn percentages(view: &RuleView) -> String {
    if view.rule.rule != Rule::LimitThreshold {
        let figures = view.rule.settings.figures().map(|(name, value)| format!("{name} {value}"));
        let off = view.rule.settings.is_off.then(|| "nobody is told".to_owned());
        return off.into_iter().chain(figures).collect::<Vec<_>>().join(", ");
    }
    let all: Vec<String> = view.rule.thresholds.percents().map(|percent| format!("{percent} %")).collect();
    if all.is_empty() { "nobody is told".to_owned() } else { all.join(", ") }
}

impl RuleList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            (parts(Part::Rules))
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            section.card id="set" {
                h2 { "What somebody has set" }
                @if self.rules.is_empty() { p.empty { "None: limits of a day, of a month and prepaid ones tell at 80, 95 and 100 percent. To have others: " code data-copy { "strongroom alert rule set --credential NAME --at 50,80,95,100" } } }
                @else { (self.table()) }
            }
            @if self.viewer.is_admin() {
                section.card { h2 { "Set thresholds of limits" } (self.set()) }
                section.card { h2 { "Set another rule" } (self.set_figures()) }
            }
            section.card { h2 { "When would people have been told?" } (test_form("", "", "", "", "30")) }
            section.card id="rules" { h2 { "What is watched" } (all_rules()) }
        };
        frame::live_page(self.viewer, Some(Place::Alerts), "Alert rules", "audit", &html! {}, &body)
    }

    fn table(&self) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label="Thresholds" { table {
                thead { tr {
                    th scope="col" { "Limits or rule" } th scope="col" { "People are told at" } th scope="col" { "Set" } th scope="col" { "Changed" }
                    @if self.viewer.is_admin() { th scope="col" { span.heard { "Changes" } } }
                } }
                tbody { @for view in self.rules {
                    tr {
                        th scope="row" { (scope(view)) }
                        td { (percentages(view)) }
                        td { (figure::instant(view.rule.created_at)) }
                        td { (figure::instant(view.rule.updated_at)) }
                        @if self.viewer.is_admin() { td { (self.remove(view)) } }
                    }
                } }
            } }
        }
    }

    fn remove(&self, view: &RuleView) -> Markup {
        let action = to(&format!("/{}/remove", view.rule.uid));
        let change = Change {
            action: &action,
            verb: "Remove",
            object: &view.name,
            consequence: "Its limits go by what is set for more of them, or tell at 80, 95 and 100 percent.",
            is_dangerous: false,
        };
        form::change(self.viewer, &change)
    }

    fn set_figures(&self) -> Markup {
        let action = to("/settings");
        let change = Change {
            action: &action,
            verb: "Set",
            object: "the rule",
            consequence: "It binds within a minute, for everything that the rule is about. The figures of each rule stand in the table below; what you leave out is as it is by itself.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once)) (field::with("rule", "spend_spike")) (field::empty("figures")) (field::empty("is_off"))
        };
        form::open(self.viewer, &change, &fields)
    }

    fn set(&self) -> Markup {
        let action = to("");
        let change = Change {
            action: &action,
            verb: "Set",
            object: "the thresholds",
            consequence: "What is closest to a limit decides. What is over a new threshold already is told at once. Name one of the three, or none of them for all limits; without percentages nobody is told.",
            is_dangerous: false,
        };
        let fields = html! {
            (field::with(ONCE_FIELD, self.once))
            @for name in ["credential", "token", "user"] { (field::empty(name)) }
            (field::with("at", "50, 80, 95, 100"))
        };
        form::open(self.viewer, &change, &fields)
    }
}

fn scope(view: &RuleView) -> Markup {
    html! {
        @match &view.rule.scope {
            RuleScope::All if view.rule.rule != Rule::LimitThreshold => code { (view.rule.rule.as_str()) },
            RuleScope::All => "all limits",
            RuleScope::Limit(uid) => { a href={ (Place::Limits.path()) "/" (uid) } { "a limit of " (text::name(&view.name)) } }
            RuleScope::Of(scope) => { span.soft { "limits of " (scope.kind()) " " } (text::name(&view.name)) }
        }
    }
}

fn all_rules() -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="What is watched" { table {
            thead { tr { th scope="col" { "Rule" } th scope="col" { "Fires when" } th scope="col" { "Level" } th scope="col" { "Is over when" } } }
            tbody { @for rule in Rule::ALL {
                @let about = rule.about();
                tr {
                    th scope="row" { a href={ (Place::Alerts.path()) "?state=open&rule=" (about.name) } { code { (about.name) } } @if rule.has_settings() { span.detail { code { "alert rule set " (about.name) @match rule.parameters().first() { Some(it) => { " --set " (it.name) "=" (it.usual) } None => " --never" } } } } }
                    td { span.value { (about.fires_when) } } td { span.value { (about.levels) } } td { span.value { (about.over_when) } }
                }
            } }
        } }
    }
}

fn test_form(credential: &str, token: &str, user: &str, at: &str, days: &str) -> Markup {
    html! {
        form.fields method="get" action=(to("/test")) {
            p { "Thresholds of limits are tried against the sums of the days that were. Nothing is written and nobody is told." }
            (field::with("credential", credential)) (field::with("token", token)) (field::with("user", user))
            (field::with("at", at)) (field::with("days", days))
            button type="submit" { "Test" }
        }
    }
}

/// The contents of the page of a test.
#[derive(Debug)]
pub struct RuleTestPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The fields as they were typed: credential, token, user, percentages, days.
    pub asked: [&'a str; 5],
    /// What the thresholds would have done, or why that cannot be told.
    pub tested: Result<&'a Backtested, &'a str>,
}

impl RuleTestPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let [credential, token, user, at, days] = self.asked;
        let body = html! {
            (parts(Part::Rules))
            section.card id="tested" { @match self.tested {
                Err(problem) => p.alert role="alert" { (text::visible(problem)) },
                Ok(tested) => (outcome(tested)),
            } }
            section.card { h2 { "Ask again" } (test_form(credential, token, user, at, days)) }
            p { a href=(to("")) { "All rules" } }
        };
        frame::page(self.viewer, Some(Place::Alerts), "When would people have been told?", &html! {}, &body)
    }
}

fn outcome(tested: &Backtested) -> Markup {
    html! {
        p {
            "Of " (tested.limits) " limits of a day or a month"
            @if let Some(from) = tested.from { ", since " (figure::day(from)) }
            ", people would have been told " b { (tested.fires.len()) } @if tested.fires.len() == 1 { " time." } @else { " times." }
            @if tested.left_out > 0 { " " (tested.left_out) " limits of other windows cannot be told by sums of days." }
        }
        @if !tested.fires.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Times" { table {
                thead { tr { th scope="col" { "Day" } th scope="col" { "Limit of" } th.n scope="col" { "Threshold" } th.n scope="col" { "Used by the end of the day" } } }
                tbody { @for fire in tested.fires.iter().take(MAX_FIRES) { (row(fire)) } }
            } }
            @if tested.fires.len() > MAX_FIRES { p.sub { "These are the first " (MAX_FIRES) "." } }
        }
    }
}

fn row(fire: &Fire) -> Markup {
    html! { tr {
        td { (figure::day(fire.at)) } th scope="row" { (text::name(&fire.subject)) }
        td.n { (fire.percent) " %" } td.n { (figure::amount(fire.unit, fire.used)) }
    } }
}
