//! The overview: is anything wrong, and what does it cost?

use std::collections::BTreeMap;

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::alert::{IncidentView, Standing as AlertStanding};
use strongroom::health::Cooldown;
use strongroom::limit::{Fullest, Standing};
use strongroom::usage::hours::{HourSums, Latency, MonthForecast};
use strongroom::usage::{Dim, Figures, Series, SeriesReport, Used};
use strongroom_model::Millis;
use strongroom_model::audit::Entry;

use super::usage::{self, used_in};
use crate::chart;
use crate::chip::{self, Mood};
use crate::frame::{self, Place, Viewer};
use crate::measure::Measure;
use crate::range::{Range, Slots};
use crate::{figure, text};

/// Credentials that are looked at, at the most.
pub const MAX_CREDENTIALS: i64 = 1000;
/// From this share of its amount on a limit is near its end, in percent.
const NEAR: i64 = 80;
/// Rows of each list.
const ROWS: usize = 6;

/// Providers that keep their colour whatever they cost.
pub(super) const COLOURED: [&str; 5] = ["openai", "anthropic", "gemini", "openrouter", "groq"];

/// The contents of the page.
#[derive(Debug)]
pub struct Overview<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// Sums of each provider over the range.
    pub by_provider: &'a SeriesReport,
    /// Sums of each credential over the same.
    pub by_credential: &'a SeriesReport,
    /// The range, as it was asked for.
    pub range: &'a Range,
    /// Its slots.
    pub slots: Slots,
    /// The reason why it is another one than was asked for.
    pub problem: Option<&'a str>,
    /// Sums of each provider over the last 24 hours, with how long answers took, the most used first.
    pub last_day: &'a [HourSums],
    /// What this month is to be expected to cost.
    pub forecast: &'a MonthForecast,
    /// This month until now.
    pub this_month: &'a Figures,
    /// Of the month before, the same number of days.
    pub month_before: &'a Figures,
    /// The first credentials, and what providers say of their keys, as whichever server has heard it.
    pub credentials: &'a [(Credential, Option<Cooldown>)],
    /// Set when there are more credentials than these.
    pub has_more_credentials: bool,
    /// The limits that are going to run out first.
    pub limits: &'a Fullest,
    /// The last changes.
    pub changes: &'a [Entry],
    /// The newest alerts that fire.
    pub firing: &'a [IncidentView],
    /// How many alerts that are not over stand how.
    pub alerts: &'a [(AlertStanding, i64)],
}

impl Overview<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let is_new = self.credentials.is_empty() && self.by_provider.total.figures == Figures::default();
        let beside = html! {
            p.sub { "As of " (figure::instant(self.now)) " UTC" }
            @if !is_new { (self.range.choices_and_days(Place::Overview.path(), &[])) }
        };
        let body = if is_new {
            super::start::first_run(self.viewer)
        } else {
            html! {
                @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
                div.grid {
                    (super::alert_list::on_overview(self.firing, self.alerts))
                    (self.spend_tile()) (self.calls_tile()) (self.limits_tile()) (self.credentials_tile())
                    (self.spend_chart())
                    (self.next_limits())
                    (self.error_chart())
                    (self.answers())
                    (self.top_credentials())
                    (self.last_changes())
                }
            }
        };
        frame::live_page(
            self.viewer,
            Some(Place::Overview),
            "Overview",
            "usage limits credentials audit alerts",
            &beside,
            &body,
        )
    }

    fn spend_tile(&self) -> Markup {
        let (now, before) = (self.this_month, self.month_before);
        let more = now.cost_nano_usd.saturating_sub(before.cost_nano_usd);
        let part = figure::percent(more.saturating_abs(), before.cost_nano_usd);
        tile(
            "Spent this month",
            html! { (figure::exact_dollars(now.cost_nano_usd)) },
            html! {
                @if before.cost_nano_usd == 0 { "nothing on the same days of the month before" }
                @else if more == 0 { "as much as on the same days of the month before" }
                @else { b { @if more > 0 { "▲ " } @else { "▼ " } (part) } " against the same days of the month before" }
                @if let Some(at_end) = self.forecast.at_end { " · about " span title=(format!("{} to {}", figure::dollars(at_end.low), figure::dollars(at_end.high))) { (figure::dollars(at_end.expected)) } " by its end" }
                @if now.unpriced > 0 { " · " (figure::count(now.unpriced)) " calls have no price" }
            },
        )
    }

    fn calls_tile(&self) -> Markup {
        let Figures { client_requests: calls, requests: uses, .. } = self.by_provider.total.figures;
        let errors = Measure::Errors.value(&self.by_provider.total).unwrap_or(0);
        tile(
            &format!("Calls, {}", self.range.words()),
            html! { (figure::count(calls)) },
            html! {
                @if uses == 0 { "none yet" }
                @else if errors == 0 { span.good { "no use of a key failed" } }
                @else { (figure::percent(errors, uses)) " of the uses of keys failed" }
            },
        )
    }

    fn near(&self) -> Vec<&Standing> {
        self.limits.limits.iter().filter(|limit| used_share(limit) >= NEAR).collect()
    }

    fn limits_tile(&self) -> Markup {
        let near = self.near();
        let spent = near.iter().filter(|limit| limit.remaining() == 0).count();
        tile(
            "Limits near their end",
            html! { (near.len()) },
            html! {
                @if self.limits.count == 0 { "no limits are set" }
                @else if near.is_empty() { span.good { "all have more than a fifth left" } }
                @else if spent > 0 { span.bad { "✕ " (spent) " used up" } " · of " (figure::count(self.limits.count)) }
                @else { "of " (figure::count(self.limits.count)) }
            },
        )
    }

    fn credentials_tile(&self) -> Markup {
        let count = |mood| {
            let states =
                self.credentials.iter().map(|(one, cooldown)| chip::state_of(one, *cooldown, self.now).0);
            states.filter(|state| *state == mood).count()
        };
        let (bad, warn) = (count(Mood::Bad), count(Mood::Warn));
        tile(
            "Credentials",
            html! { (figure::count(i64::try_from(self.credentials.len()).unwrap_or(i64::MAX))) @if self.has_more_credentials { "+" } },
            html! {
                @if bad > 0 { span.bad { "✕ " (bad) " cannot serve" } }
                @if bad > 0 && warn > 0 { " · " }
                @if warn > 0 { span.warn { "▲ " (warn) " need a look" } }
                @if self.has_more_credentials { " of the first " (figure::count(MAX_CREDENTIALS)) " " }
                @if bad + warn == 0 { span.good { "nothing is known against them" } }
            },
        )
    }

    fn asked(&self) -> usage::Asked {
        usage::Asked::new(Measure::Spend, Dim::Provider).over(self.range)
    }

    fn spend_chart(&self) -> Markup {
        let title = format!("Spend per {}, by provider", self.slots.word());
        let is_free = self.by_provider.total.cost_nano_usd == 0;
        html! {
            figure.card.c8 id="spend" {
                figcaption { h2 title=(Measure::Spend.definition()) { (title) } }
                @if is_free {
                    p.empty { "Nothing was spent: " (self.range.words()) ". A program spends through the gateway: " code { "strongroom run --gateway -- your-program" } }
                } @else { (usage::chart(&self.asked(), &title, self.by_provider, self.slots)) }
            }
        }
    }

    fn error_chart(&self) -> Markup {
        let title = format!("Error share per {}, by class", self.slots.word());
        let nothing = format!("No key was used: {}.", self.range.words());
        let empty = (self.by_provider.total.requests == 0).then_some(nothing.as_str());
        usage::card("c8", "errors", &title, empty, || {
            usage::error_shares(&self.asked(), &title, self.by_provider, self.slots)
        })
    }

    /// How long answers took, which is kept by provider.
    fn answers(&self) -> Markup {
        let asked = usage::Asked::new(Measure::FirstByteMost, Dim::Provider)
            .over(&Range { name: "24h".into(), ..Range::default() });
        html! {
            section.card.c4 id="answers" {
                h2 title=(Measure::FirstByteMost.definition()) { "Time to the first byte, 24 hours" }
                @if self.last_day.is_empty() { p.empty { "No key was used in the last 24 hours." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Time to the first byte" {
                        table {
                            thead { tr { th scope="col" { "Provider" } th.n scope="col" { "p50" } th.n scope="col" { "p95" } th.n scope="col" { "Errors" } } }
                            tbody { @for sums in self.last_day.iter().take(ROWS) {
                                @let used = Used { figures: sums.figures, latency: Some(Latency::of(sums)) };
                                tr {
                                    th scope="row" { (text::name(&sums.group_key)) }
                                    td.n { (Measure::FirstByteHalf.shown_markup(&used)) }
                                    td.n { (Measure::FirstByteMost.shown_markup(&used)) }
                                    td.n { (Measure::ErrorShare.shown_markup(&used)) }
                                }
                            } }
                        }
                    }
                    p.sub { a href=(asked.page()) { "By the hour" } ", by model and source as well" }
                }
            }
        }
    }

    fn next_limits(&self) -> Markup {
        let limits = &self.limits.limits;
        html! {
            section.card.c4 id="next-limits" {
                h2 { "Next limits to run out" }
                @if limits.is_empty() && self.limits.count > 0 {
                    p.empty { span.good { "None has reached a threshold that an alert tells of." } }
                } @else if limits.is_empty() {
                    p.empty { "No limits are set. The first one: " code { "strongroom limit set --credential NAME --usd 100 --per month" } }
                }
                ul.rows {
                    @for limit in limits.iter().take(ROWS) {
                        li {
                            div { b { (text::name(&limit.name)) } br; span.soft { (figure::amount(limit.limit.unit, limit.used)) " of " (figure::amount(limit.limit.unit, limit.limit.amount)) " " (super::limit_list::unit_and_window(&limit.limit)) } }
                            (chart::meter(limit.used, limit.limit.amount, "the limit"))
                        }
                    }
                }
                @if limits.len() > ROWS || !self.limits.is_whole() { p { a href=(Place::Limits.path()) { "All limits" } } }
            }
        }
    }

    fn top_credentials(&self) -> Markup {
        let report = self.by_credential;
        let top: Vec<_> = report.drawn().iter().filter(|series| !series.key.is_empty()).collect();
        let known: BTreeMap<_, _> =
            self.credentials.iter().map(|(one, cooldown)| (one.name.as_str(), (one, *cooldown))).collect();
        html! {
            section.card.c8 id="top" {
                h2 { "Credentials by spend, " (self.range.words()) }
                @if top.is_empty() { p.empty { "No key was used: " (self.range.words()) "." } }
                @else {
                    div.scroll tabindex="0" role="region" aria-label="Credentials by spend" {
                        table {
                            thead { tr {
                                th scope="col" { "Name" } th scope="col" { "Provider" } th scope="col" { "State" }
                                th scope="col" { "Trend" } th.n scope="col" { "Calls" } th.n scope="col" { "Spend" }
                            } }
                            tbody {
                                @for series in &top {
                                    @let found = known.get(series.name.as_str());
                                    tr {
                                        th scope="row" {
                                            @match found {
                                                Some((one, _)) => a href=(super::credential::path(one.id)) { (text::name(&one.name)) },
                                                None if series.name.contains(" (deleted, ") => s { (text::name(&series.name)) },
                                                None => (text::name(&series.name)),
                                            }
                                        }
                                        td { @if let Some((one, _)) = found { (one.provider.as_str()) } @else { "–" } }
                                        td { @match found {
                                            Some((one, cooldown)) => (chip::of_credential(one, *cooldown, self.now)),
                                            None if series.name.contains(" (deleted, ") => (chip::chip(Mood::Plain, "deleted")),
                                            None => "–",
                                        } }
                                        td { (chart::sparkline(&self.trend(series))) }
                                        td.n { (figure::count(series.used.client_requests)) }
                                        td.n { (Measure::Spend.shown_markup(&series.used)) @if series.used.unpriced > 0 { span.soft { " + " (figure::count(series.used.unpriced)) " unpriced" } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Spend by slot; where nothing has a price, calls.
    fn trend(&self, series: &Series) -> Vec<i64> {
        let measure = if series.used.cost_nano_usd > 0 { Measure::Spend } else { Measure::Calls };
        let value =
            |start| used_in(self.by_credential, start, Some(series)).and_then(|used| measure.value(used));
        self.slots.starts().map(|start| value(start).unwrap_or(0)).collect()
    }

    fn last_changes(&self) -> Markup {
        html! {
            section.card.c4 id="last" {
                h2 { "What happened last" }
                @if self.changes.is_empty() { p.empty { "Nothing has happened yet." } }
                ul.rows {
                    @for entry in self.changes.iter().take(ROWS) {
                        li {
                            div {
                                b { (text::visible(&entry.entry.action)) } " " @if let Some(name) = &entry.entry.target.name { (text::name(name)) }
                                br; span.soft { (figure::instant(entry.entry.at)) " · " (text::name(&entry.entry.actor)) }
                            }
                            @if entry.entry.outcome.as_str() != "success" { (super::audit::outcome(entry.entry.outcome)) }
                        }
                    }
                }
                p { a href=(Place::Audit.path()) { "The whole trail" } }
            }
        }
    }
}

fn used_share(limit: &Standing) -> i64 {
    figure::share(limit.used.saturating_add(limit.held), limit.limit.amount)
}

fn tile(title: &str, figure: Markup, below: Markup) -> Markup {
    // The same whatever the range is, so that an update finds it.
    let id = title.split(',').next().unwrap_or(title).to_lowercase().replace(' ', "-");
    html! { section.card.c3 id={ "tile-" (id) } { h2 { (title) } p.big { (figure) } p.sub { (below) } } }
}
