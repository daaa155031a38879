//! One credential: can it be trusted, and who uses it?

use maud::{Markup, html};
use strongroom::Credential;
use strongroom::health::Cooldown;
use strongroom::limit::Standing;
use strongroom::usage::{DaySums, Sums};
use strongroom_model::audit::Entry;
use strongroom_model::version::Version;
use strongroom_model::{CredentialId, Millis};

use super::{limit_list, usage_table};
use crate::chart::{self, Day, StackedBars};
use crate::chip::{self, Mood};
use crate::form::{self, Change};
use crate::frame::{self, Place, Viewer};
use crate::{figure, text};

const DAY_MS: i64 = 86_400_000;
/// Days of the chart.
pub const DAYS: i64 = 30;

/// The path of a credential's page.
#[must_use]
pub fn path(id: CredentialId) -> String {
    format!("{}/{id}", Place::Credentials.path())
}

/// The contents of the page.
#[derive(Debug)]
pub struct CredentialPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The credential.
    pub credential: &'a Credential,
    /// The cooldown of its key, if its provider refused it.
    pub cooldown: Option<Cooldown>,
    /// Its versions, the newest first.
    pub versions: &'a [Version],
    /// Sums of each of the last [`DAYS`] days, by model.
    pub days: &'a [DaySums],
    /// The limits that bind it.
    pub limits: &'a [&'a Standing],
    /// The last entries of the trail about it.
    pub changes: &'a [Entry],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
}

impl CredentialPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let one = self.credential;
        let state = chip::of_credential(one, self.cooldown, self.now);
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (done) } }
            div.grid {
                div.c4 { (self.facts()) (self.limits()) }
                (self.usage())
                (self.versions())
                (self.audit())
            }
        };
        frame::page(
            self.viewer,
            Some(Place::Credentials),
            &one.name,
            &html! { div.row { (state) (self.actions()) } },
            &body,
        )
    }

    fn actions(&self) -> Markup {
        let one = self.credential;
        if !self.viewer.is_admin() {
            return html! {};
        }
        let frozen = one.frozen_at.is_some();
        let action = format!("{}/{}", path(one.id), if frozen { "unfreeze" } else { "freeze" });
        let change = if frozen {
            Change {
                action: &action,
                verb: "Unfreeze",
                object: &one.name,
                consequence: "Its key is handed out and used again from the next call on.",
                is_dangerous: false,
            }
        } else {
            Change {
                action: &action,
                verb: "Freeze",
                object: &one.name,
                consequence: "Every call with its key is refused from the next one on, on every server. Nothing is deleted; you can unfreeze it here.",
                is_dangerous: true,
            }
        };
        form::change(self.viewer, &change)
    }

    fn facts(&self) -> Markup {
        let one = self.credential;
        html! {
            section.card {
                h2 { "Facts" }
                dl.facts {
                    dt { "Provider" } dd { (text::name(one.provider.as_str())) }
                    dt { "Address" } dd { @match &one.endpoint { Some(endpoint) => (text::name(endpoint)), None => "the provider's own" } }
                    dt { "Version in use" } dd { (one.version_number) ", since " (figure::instant(one.version_since)) }
                    @if let Some(staged) = one.staged { dt { "Staged" } dd { "version " (staged.number) ", " (staged.percent) " % of calls" } }
                    dt { "Reach" } dd { @if one.is_global { "everybody" } @else if let Some(user) = one.user { "user " (user) } @else { "nobody" } }
                    dt { "Priority" } dd { (one.priority) }
                    dt { "Uses" } dd { (figure::count(one.usage_count)) ", " (figure::count(one.current_month_usage)) " this month" }
                    dt { "Last used" } dd { (figure::instant_or_dash(one.last_used)) }
                    dt { "Expires" } dd { (figure::instant_or_dash(one.expires_at)) }
                    dt { "Rotation due" } dd { (figure::instant_or_dash(one.rotation_due())) }
                    @if let Some(at) = one.frozen_at { dt { "Frozen" } dd { "since " (figure::instant(at)) } }
                    @if let Some(cooldown) = self.cooldown {
                        dt { "Cooling down" } dd { "refused " (cooldown.times) " times in a row since " (figure::instant(cooldown.since)) "; tried last until " (figure::instant(cooldown.until)) }
                    }
                }
            }
        }
    }

    fn usage(&self) -> Markup {
        let models = sums_by_series(self.days);
        let calls = models.iter().fold(0_i64, |sum, one| sum.saturating_add(one.client_requests));
        html! {
            figure.card.c8 {
                figcaption { h2 { "Calls per day, 30 days" } }
                @if calls == 0 { p.empty { "No call was made with it in these 30 days." } }
                @else {
                    (chart::stacked_bars(&calls_per_day(self.days, self.now)))
                    h3 { "By model" }
                    div.scroll tabindex="0" role="region" aria-label="Usage by model" {
                        table {
                            thead { tr { th scope="col" { "Model" } th.n scope="col" { "Calls" } th.n scope="col" { "Failed" } th.n scope="col" { "Spend" } } }
                            tbody { @for one in &models { tr {
                                th scope="row" { @if one.group_key.is_empty() { "key handed out" } @else { (text::name(&one.group_key)) } }
                                td.n { (figure::count(one.client_requests)) } td.n { (figure::count(one.errors)) } td.n { (usage_table::spend(one)) }
                            } } }
                        }
                    }
                }
            }
        }
    }

    fn versions(&self) -> Markup {
        let one = self.credential;
        let staged = one.staged.map(|staged| staged.version);
        html! {
            section.card.c12 {
                h2 { "Versions" }
                div.scroll tabindex="0" role="region" aria-label="Versions" {
                    table {
                        thead { tr { th.n scope="col" { "Number" } th scope="col" { "State" } th scope="col" { "Made by" } th scope="col" { "Made" } th scope="col" { "In use" } th scope="col" { "Replaced" } } }
                        tbody {
                            @for version in self.versions {
                                tr {
                                    th.n scope="row" { (version.number) }
                                    td { (version_state(version, version.uid == one.version, Some(version.uid) == staged)) }
                                    td { (text::name(&version.created_by)) }
                                    td { (figure::instant(version.created_at)) }
                                    td { (figure::instant_or_dash(version.activated_at)) }
                                    td { (figure::instant_or_dash(version.replaced_at)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn limits(&self) -> Markup {
        html! {
            section.card {
                h2 { "Limits" }
                @if self.limits.is_empty() { p.empty { "None binds it. To set one: " code { "strongroom limit set --credential " (text::visible(&self.credential.name)) " --unit usd --window month 100" } } }
                ul.rows {
                    @for limit in self.limits {
                        li {
                            div { b { (figure::amount(limit.limit.unit, limit.limit.amount)) } " " (limit_list::unit_and_window(&limit.limit)) br; span.soft { (figure::amount(limit.limit.unit, limit.used)) " used" } }
                            (chart::meter(limit.used.saturating_add(limit.held), limit.limit.amount, "the limit"))
                        }
                    }
                }
            }
        }
    }

    fn audit(&self) -> Markup {
        html! {
            section.card.c12 {
                h2 { "What was done to it" }
                @if self.changes.is_empty() { p.empty { "Nothing is in the trail under this name." } } @else { (super::audit::table(self.changes)) }
            }
        }
    }
}

fn version_state(version: &Version, is_current: bool, is_staged: bool) -> Markup {
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

/// One sum for each series, the dearest first, then those with the most calls.
fn sums_by_series(days: &[DaySums]) -> Vec<Sums> {
    let mut all: Vec<Sums> = Vec::new();
    for day in days {
        let at = match all.iter().position(|sums| sums.group_key == day.series) {
            Some(at) => at,
            None => {
                all.push(Sums { group_key: day.series.clone(), ..usage_table::total(&[]) });
                all.len() - 1
            }
        };
        let sums = &mut all[at];
        sums.client_requests = sums.client_requests.saturating_add(day.client_requests);
        sums.requests = sums.requests.saturating_add(day.requests);
        sums.errors = sums.errors.saturating_add(day.errors);
        sums.cost_nano_usd = sums.cost_nano_usd.saturating_add(day.cost_nano_usd);
        sums.unpriced = sums.unpriced.saturating_add(day.unpriced);
    }
    all.sort_by(|a, b| {
        b.cost_nano_usd.cmp(&a.cost_nano_usd).then_with(|| b.client_requests.cmp(&a.client_requests))
    });
    all
}

fn calls_per_day(days: &[DaySums], now: Millis) -> StackedBars<'static> {
    let today = now.0 - now.0.rem_euclid(DAY_MS);
    let bars = (0..DAYS).rev().map(|back| {
        let start = Millis(today - back * DAY_MS);
        let of_day = days.iter().filter(|sums| sums.day_start_ms == start.0);
        let (uses, errors) = of_day.fold((0_i64, 0_i64), |(uses, errors), one| {
            (uses.saturating_add(one.requests), errors.saturating_add(one.errors))
        });
        Day {
            name: figure::day(start),
            short: figure::short_day(start),
            values: vec![uses.saturating_sub(errors).max(0), errors],
            is_open: back == 0,
        }
    });
    StackedBars {
        title: "Uses of its key per day",
        series: vec![("answered".to_owned(), "s1"), ("failed".to_owned(), "failed")],
        days: bars.collect(),
        shown: figure::count,
        on_axis: figure::count,
    }
}
