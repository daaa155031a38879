//! The parts of a credential's page: usage, versions, limits, access, audit.

use maud::{Markup, html};
use strongroom::credential::Comparison;
use strongroom::leak::Access;
use strongroom::limit::Standing;
use strongroom::usage::{Dim, SeriesReport};
use strongroom_model::audit::Entry;
use strongroom_model::credential::Field;
use strongroom_model::version::Version;

use super::{CredentialPage, UsageTab, path};
use crate::chip::{self, Mood};
use crate::measure::Measure;
use crate::page::{limit_list, usage};
use crate::{figure, text};

impl CredentialPage<'_> {
    pub(super) fn usage(&self, tab: &UsageTab) -> Markup {
        let name = &self.credential.name;
        let asked = |measure, by| usage::Asked::new(measure, by).over(&tab.range).only("credential", name);
        let by = if tab.by_actor.is_some() { Dim::Model } else { Dim::Nothing };
        let used = &tab.by_model.total;
        let (length, slot) = (tab.range.words(), tab.slots.word());
        let calls = format!("Calls per {slot}{}", if by == Dim::Model { ", by model" } else { "" });
        let answers = format!("Answers per {slot}, by class");
        let nothing = format!("No call was made with it: {length}.");
        let empty = (used.requests == 0).then_some(nothing.as_str());
        html! {
            div.row.ranges { (tab.range.choices_and_days(&path(self.credential.id), &[("tab", "usage")])) }
            @if let Some(problem) = &tab.problem { p.alert role="alert" { (text::visible(problem)) } }
            div.grid {
                @for measure in [Measure::Spend, Measure::Calls, Measure::ErrorShare, Measure::FirstByte] {
                    section.card.c3 id={ "used-" (measure.as_str()) } title=(measure.definition()) { h2 { (measure.title()) ", " (length) } p.big { (measure.shown_markup(used)) }
                        p.sub { @match measure {
                            Measure::ErrorShare => { (figure::count(used.errors_client)) " refused by the provider (4xx), " (figure::count(used.errors_provider)) " failed (5xx)" },
                            Measure::Spend => { @if used.unpriced > 0 { (figure::count(used.unpriced)) " uses unpriced" } @else { "every use has a price" } },
                            Measure::Calls => { (figure::count(used.requests)) " uses of its key" },
                            _ => { "of " (figure::count(used.first_byte_count)) " answers" },
                        } }
                    }
                }
                (usage::card("c8", "calls", &calls, empty, || usage::chart(&asked(Measure::Calls, by.clone()), &calls, &tab.by_model, tab.slots)))
                section.card.c4 id="tokens" {
                    h2 { "Tokens, " (length) }
                    dl.facts {
                        dt { "Of prompts" } dd { (figure::count(used.input_tokens)) }
                        dt { "from a cache" } dd { (figure::count(used.cached_input_tokens)) " (" (Measure::CachedShare.shown_markup(used)) ")" }
                        dt { "Of answers" } dd { (figure::count(used.output_tokens)) }
                        dt { "reasoning" } dd { (figure::count(used.reasoning_tokens)) }
                        dt { "A second" } dd { (Measure::TokensPerSecond.shown_markup(used)) }
                    }
                    p.pages {
                        a href=(asked(Measure::Spend, by.clone()).page()) { "Explore its usage" }
                        @if let Some(records) = asked(Measure::Spend, by.clone()).records(tab.slots.from, tab.slots.to) { a href=(records) { "Its single uses" } }
                    }
                }
                @if empty.is_none() {
                    (usage::card("c12", "answers", &answers, None, || usage::answers(&asked(Measure::Errors, Dim::Nothing), &answers, &tab.by_model, tab.slots)))
                }
                @match &tab.by_actor {
                    Some(by_actor) => { (split("By model", "by-model", &tab.by_model)) (split("By token or person", "by-actor", by_actor)) },
                    None => section.card.c12 id="by-model" { p.empty { "By the hour, use of one credential is kept in one. By model, token and person it is told by the day: choose 7 days or more." } },
                }
            }
        }
    }

    pub(super) fn versions(
        &self,
        versions: &[Version],
        used: &SeriesReport,
        compared: Option<&Comparison>,
    ) -> Markup {
        let one = self.credential;
        let staged = one.staged.map(|staged| staged.version);
        let of = |version: &Version| used.series.iter().find(|series| series.key == version.uid.to_string());
        html! {
            section.card id="versions" {
                h2 { "Versions side by side, use of 30 days" }
                form method="get" action=(path(one.id)) {
                    input type="hidden" name="tab" value="versions";
                    div.scroll tabindex="0" role="region" aria-label="Versions" {
                        table {
                            thead { tr {
                                th.n scope="col" { "Number" } th scope="col" { "Compare" } th scope="col" { "State" } th.n scope="col" { "Uses" } @for measure in [Measure::ErrorShare, Measure::FirstByte, Measure::Spend] { th.n scope="col" title=(measure.definition()) { (measure.title()) } }
                                th scope="col" { "Made" } th scope="col" { "In use" } th scope="col" { "Its provider said" }
                            } }
                            tbody { @for version in versions {
                                @let sums = of(version).map(|series| &series.used);
                                @let is_current = version.uid == one.version;
                                tr {
                                    th.n scope="row" { a href={ (path(one.id)) "/versions/" (version.number) } { (version.number) } }
                                    td { label.check { input type="checkbox" name="compare" value=(version.number); span.heard { "version " (version.number) } } }
                                    td { (version_state(version, is_current, Some(version.uid) == staged)) }
                                    td.n { (figure::count(sums.map_or(0, |used| used.requests))) }
                                    td.n { @match sums { Some(used) => (Measure::ErrorShare.shown_markup(used)), None => "–" } }
                                    td.n { @match sums { Some(used) => (Measure::FirstByte.shown_markup(used)), None => "–" } }
                                    td.n { @match sums { Some(used) => (Measure::Spend.shown_markup(used)), None => "–" } }
                                    td { (figure::instant(version.created_at)) br; span.soft { (text::name(&version.created_by)) @if let Some(from) = version.copied_from { ", from version " (from) } } }
                                    td { (figure::instant_or_dash(version.activated_at)) @if let Some(at) = version.replaced_at { br; span.soft { "until " (figure::instant(at)) } } }
                                    td { @match &version.probed { Some((outcome, at)) => { (text::visible(outcome)) br; span.soft { (figure::instant(*at)) } }, None => span.soft { "not asked" } } }
                                }
                            } }
                        }
                    }
                    @if versions.len() > 1 { button.quiet type="submit" { "Compare two" } }
                }
                @if let Some(compared) = compared {
                    p { "Version " (compared.from.number) " beside version " (compared.to.number) ": "
                        @for (number, (field, difference)) in compared.fields.iter().enumerate() {
                            @if number > 0 { ", " }
                            (field_name(*field)) " " b { (difference.as_str()) }
                        }
                        @if compared.fields.is_empty() { "neither has a secret" }
                        ". Told by fingerprints; nothing was opened."
                    }
                }
            }
        }
    }

    pub(super) fn limits(&self, limits: &[&Standing]) -> Markup {
        html! {
            section.card id="limits" {
                h2 { "Limits" }
                @if limits.is_empty() { p.empty { "None binds it. To set one: " code data-copy { "strongroom limit set --credential " (text::visible(&self.credential.name)) " --usd 100 --per month" } } }
                @else { (limit_list::table(limits)) }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Set one" } (limit_list::set_form(self.viewer, Some(&self.credential.name))) } }
        }
    }

    pub(super) fn access(&self, access: &Access) -> Markup {
        let one = self.credential;
        let why = |role: &str, is_own: bool, is_narrow: bool| {
            let reach = if one.is_global {
                "it is everybody's"
            } else if is_own {
                "it is theirs"
            } else {
                "an admin reaches all"
            };
            let scope = if is_narrow { ", and the scope names it or its provider" } else { "" };
            format!(
                "{reach}; the role {role} {}{scope}",
                if role == "gateway" { "uses keys" } else { "reads keys" }
            )
        };
        html! {
            section.card id="access" {
                h2 { "Who reaches it" }
                @if access.tokens.is_empty() && access.users.is_empty() { p.empty { "Nobody but those who may read the data directory of the server." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Who reaches it" {
                        table {
                            thead { tr { th scope="col" { "Who" } th scope="col" { "Role" } th scope="col" { "Why" } } }
                            tbody {
                                @for token in &access.tokens { tr {
                                    th scope="row" { span.soft { "token " } (text::name(&token.name)) " " code { (token.id) } }
                                    td { (token.role.as_str()) }
                                    td { (why(token.role.as_str(), token.user.is_some() && token.user == one.user, !token.scope.is_everything())) }
                                } }
                                @for user in &access.users { tr {
                                    th scope="row" { span.soft { "user " (user.id) " " } (text::name(&user.name)) }
                                    td { (user.role.as_str()) }
                                    td { (why(user.role.as_str(), one.user == Some(user.id), false)) }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn audit(&self, entries: &[Entry]) -> Markup {
        html! {
            section.card id="audit" {
                h2 { "What was done to it" }
                @if entries.is_empty() { p.empty { "Nothing under this name is among the newest entries of the trail." } } @else { (crate::page::audit::table(entries)) }
                p.sub { a href={ "/dashboard/audit?target=" (text::in_query(&self.credential.name)) } { "All entries about it" } }
            }
        }
    }
}

const fn field_name(field: Field) -> &'static str {
    match field {
        Field::ApiKey => "key",
        Field::ApiSecret => "second secret",
    }
}

fn split(title: &str, id: &str, report: &SeriesReport) -> Markup {
    html! {
        section.card.c6 id=(id) {
            h2 { (title) }
            @if report.series.is_empty() { p.empty { "Nothing yet." } }
            @else {
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        thead { tr { th scope="col" { "Name" } @for measure in [Measure::Calls, Measure::ErrorShare, Measure::Spend] { th.n scope="col" title=(measure.definition()) { (measure.title()) } } } }
                        tbody { @for series in report.series.iter().take(12) { tr {
                            th scope="row" { (text::name(&series.name)) }
                            td.n { (Measure::Calls.shown_markup(&series.used)) }
                            td.n { (Measure::ErrorShare.shown_markup(&series.used)) }
                            td.n { (Measure::Spend.shown_markup(&series.used)) }
                        } } }
                    }
                }
            }
        }
    }
}

pub(super) fn version_state(version: &Version, is_current: bool, is_staged: bool) -> Markup {
    if is_current {
        return chip::chip(Mood::Good, "in use");
    }
    if is_staged {
        return chip::chip(Mood::Warn, "staged");
    }
    if let Some((erasure, _)) = version.erased {
        return chip::chip(Mood::Plain, erasure.as_str());
    }
    if let Some((ending, _, _)) = &version.ended {
        return chip::chip(Mood::Bad, ending.as_str());
    }
    if version.replaced_at.is_some() && version.retired_at.is_none() {
        return chip::chip(Mood::Warn, "draining");
    }
    chip::chip(Mood::Plain, "retired")
}
