//! The usage explorer: who uses what, when, of which model, and what does it cost?

use maud::{Markup, html};
use strongroom::usage::{Dim, Figures, Order, Series, SeriesReport, UsedOnDay};
use strongroom_model::Millis;
use strongroom_model::tag::TagKeys;

use super::overview::COLOURED;
use crate::chart::lines::{LineDay, Lines};
use crate::chart::{self, Day, StackedBars};
use crate::frame::{self, Place, Viewer};
use crate::measure::Measure;
use crate::text::in_query;
use crate::{figure, text};

const DAY_MS: i64 = 86_400_000;
/// Days of a range, at the most.
pub const MAX_DAYS: i64 = 400;

/// What was asked for, as it stands in the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `7d`, `30d`, `90d`, `month`, or empty for `from` and `to`.
    pub range: String,
    /// The first day.
    pub from: String,
    /// The last day.
    pub to: String,
    /// The figure.
    pub measure: Measure,
    /// The dimension.
    pub by: Dim,
    /// Filters by their names, in the order in which they were given.
    pub filters: Vec<(&'static str, String)>,
}

/// Names of the dimensions in addresses, and in words.
pub static SPLITS: [(&str, Dim, &str); 8] = [
    ("nothing", Dim::Nothing, "in one"),
    ("provider", Dim::Provider, "provider"),
    ("model", Dim::Model, "model"),
    ("credential", Dim::Credential, "credential"),
    ("version", Dim::Version, "version"),
    ("actor", Dim::Actor, "token or person"),
    ("user", Dim::User, "user"),
    ("source", Dim::Source, "source"),
];
/// What stands before the key of a tag in addresses.
pub const TAG: &str = "tag:";

/// Ranges that can be chosen by one click.
pub const RANGES: [(&str, &str); 4] = [("7d", "7 d"), ("30d", "30 d"), ("90d", "90 d"), ("month", "Month")];

fn name_of(by: &Dim) -> String {
    match by {
        Dim::Tag(key) => format!("{TAG}{key}"),
        by => SPLITS.iter().find(|(_, it, _)| it == by).map_or("nothing", |(name, _, _)| name).to_owned(),
    }
}

fn words_of(by: &Dim) -> &str {
    match by {
        Dim::Tag(key) => key,
        by => SPLITS.iter().find(|(_, it, _)| it == by).map_or("", |(_, _, words)| words),
    }
}

/// A part of the address.
fn part(path: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(&format!("{name}={}", in_query(value)));
    }
}

impl Asked {
    /// Everything by provider over 30 days.
    #[must_use]
    pub fn new(measure: Measure, by: Dim) -> Self {
        let (from, to) = (String::new(), String::new());
        Self { range: "30d".into(), from, to, measure, by, filters: Vec::new() }
    }

    /// With a filter.
    #[must_use]
    pub fn only(mut self, name: &'static str, value: &str) -> Self {
        self.filters.retain(|(other, _)| *other != name);
        self.filters.push((name, value.to_owned()));
        self
    }

    /// The address below a path.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let mut path = path.to_owned();
        part(&mut path, "range", &self.range);
        if self.range.is_empty() {
            part(&mut path, "from", &self.from);
            part(&mut path, "to", &self.to);
        }
        part(&mut path, "measure", self.measure.as_str());
        part(&mut path, "by", &name_of(&self.by));
        for (name, value) in &self.filters {
            part(&mut path, name, value);
        }
        path
    }

    /// The address of the page.
    #[must_use]
    pub fn page(&self) -> String {
        self.address(Place::Usage.path())
    }

    /// The address of the same as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        self.address("/dashboard/usage.csv")
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct UsagePage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// What was asked for.
    pub asked: &'a Asked,
    /// The reason why it cannot be answered.
    pub problem: Option<&'a str>,
    /// The first instant, and the first behind the last.
    pub range: (Millis, Millis),
    /// The answer.
    pub report: Option<&'a SeriesReport>,
    /// The keys of tags that were declared.
    pub tag_keys: &'a TagKeys,
}

impl UsagePage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let ranges = html! {
            nav.seg aria-label="Range" { @for (range, words) in RANGES {
                a href=((Asked { range: range.into(), ..self.asked.clone() }).page()) aria-current=[(self.asked.range == range).then_some("true")] { (words) }
            } }
        };
        let body = html! {
            (self.controls())
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            @if let Some(report) = self.report {
                div.grid {
                    (self.tiles(report))
                    (self.figure(report))
                    (self.table(report))
                    (self.elsewhere())
                }
            }
        };
        frame::live_page(self.viewer, Some(Place::Usage), "Usage", "usage", &ranges, &body)
    }

    fn controls(&self) -> Markup {
        let asked = self.asked;
        let typed = |name: &str| {
            let found = asked.filters.iter().find(|(it, _)| *it == name);
            text::visible(found.map_or("", |(_, value)| value.as_str()))
        };
        html! {
            form.filters method="get" action=(Place::Usage.path()) role="search" {
                label.field { span { "Show" } select name="measure" { @for measure in Measure::ALL { option value=(measure.as_str()) selected[measure == asked.measure] { (measure.title()) } } } }
                label.field { span { "Split by" } select name="by" { @for (name, split, words) in &SPLITS { option value=(name) selected[*split == asked.by] { (words) } }
                    @for key in self.tag_keys.iter() { option value={ (TAG) (key) } selected[asked.by == Dim::Tag(key.to_owned())] { (text::visible(key)) } } } }
                label.field { span { "From" } input type="date" name="from" value=(text::visible(&asked.from)); }
                label.field { span { "To, that day included" } input type="date" name="to" value=(text::visible(&asked.to)); }
                label.field { span { "Provider" } input name="provider" value=(typed("provider")) placeholder="any" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Model" } input name="model" value=(typed("model")) placeholder="any" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Credential" } input name="credential" value=(typed("credential")) placeholder="any" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Token or person" } input name="actor" value=(typed("actor")) placeholder="token:ID or user:7" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Tag" } input name="tag" value=(typed("tag")) placeholder="any, as project=search" autocapitalize="off" spellcheck="false"; }
                button.main type="submit" { "Show" }
            }
            @if !asked.filters.is_empty() {
                ul.chips aria-label="Filters" { @for (name, value) in &asked.filters { li {
                    @let without = Asked { filters: asked.filters.iter().filter(|(it, _)| it != name).cloned().collect(), ..asked.clone() };
                    a.chip.plain href=(without.page()) { (name) ": " (text::name(value)) " " span aria-hidden="true" { "✕" } span.heard { "remove this filter" } }
                } } }
            }
        }
    }

    fn tiles(&self, report: &SeriesReport) -> Markup {
        let measure = self.asked.measure;
        let all = [measure].into_iter().chain(Measure::TILES.into_iter().filter(|it| *it != measure)).take(4);
        html! { @for measure in all {
            section.card.c3 id={ "tile-" (measure.as_str()) } title=(measure.definition()) {
                h2 { (measure.title()) }
                p.big { (measure.shown_markup(&report.total)) }
                p.sub { (against(measure, &report.total, &report.before)) }
            }
        } }
    }

    fn figure(&self, report: &SeriesReport) -> Markup {
        let asked = self.asked;
        let title = format!(
            "{} per day{}",
            asked.measure.title(),
            match &asked.by {
                Dim::Nothing => String::new(),
                by => format!(", by {}", words_of(by)),
            }
        );
        html! {
            figure.card.c12 id="usage-chart" {
                figcaption { h2 title=(asked.measure.definition()) { (title) } p.sub { (asked.measure.definition()) " Days are UTC." } }
                @if report.total == Figures::default() {
                    p.empty { @if asked.filters.is_empty() { "Nothing was used in this time. A program uses a key through the gateway: " code { "strongroom run --gateway -- your-program" } } @else { "Nothing was used in this time that fits these filters." } }
                } @else if asked.measure.is_sum() { (chart::stacked_bars(&bars(asked, &title, report, self.range))) }
                @else { (chart::lines::lines(&rates(asked, &title, report, self.range))) }
            }
        }
    }

    fn table(&self, report: &SeriesReport) -> Markup {
        if self.asked.by == Dim::Nothing || report.series.is_empty() {
            return html! {};
        }
        let (measure, words) = (self.asked.measure, words_of(&self.asked.by));
        html! {
            section.card.c12 id="usage-table" {
                h2 { "The largest" @if report.has_more { ", " (report.series.len()) " of more" } }
                div.scroll tabindex="0" role="region" aria-label="The largest" {
                    table {
                        thead { tr {
                            th scope="col" { (capital(words)) }
                            th.n scope="col" { (measure.title()) } th.n scope="col" { "Before" } th scope="col" { "Change" }
                            @for other in Measure::TILES.into_iter().filter(|it| *it != measure) { th.n scope="col" { (other.title()) } }
                        } }
                        tbody { @for series in &report.series { tr {
                            th scope="row" { (self.narrower(series)) }
                            td.n { (measure.shown_markup(&series.used)) }
                            td.n { @match &series.before { Some(before) => (measure.shown_markup(before)), None => "–" } }
                            td { (change(measure, &series.used, series.before.as_ref().unwrap_or(&Figures::default()))) }
                            @for other in Measure::TILES.into_iter().filter(|it| *it != measure) { td.n { (other.shown_markup(&series.used)) } }
                        } } }
                    }
                }
            }
        }
    }

    /// A series leads to itself, split by what is of interest within.
    fn narrower(&self, series: &Series) -> Markup {
        let tagged;
        let (filter, value, next) = match &self.asked.by {
            Dim::Provider => ("provider", series.key.as_str(), Dim::Model),
            Dim::Model => ("model", series.key.as_str(), Dim::Credential),
            Dim::Credential => ("credential", series.name.as_str(), Dim::Version),
            Dim::Actor => ("actor", series.key.as_str(), Dim::Model),
            Dim::Tag(key) if !series.key.is_empty() => {
                tagged = format!("{key}={}", series.key);
                ("tag", tagged.as_str(), Dim::Model)
            }
            _ => return text::name(&series.name),
        };
        if value.is_empty() || series.name.contains(" (deleted, ") {
            return html! { @if series.name.contains(" (deleted, ") { s { (text::name(&series.name)) } } @else { (text::name(&series.name)) } };
        }
        let narrower = Asked { by: next, ..self.asked.clone() }.only(filter, value);
        html! { a href=(narrower.page()) { (text::name(&series.name)) } }
    }

    fn elsewhere(&self) -> Markup {
        let by = match &self.asked.by {
            Dim::Nothing => "day".to_owned(),
            Dim::Actor => "token".to_owned(),
            by => name_of(by),
        };
        let (from, to) = (figure::day(self.range.0), figure::day(Millis(self.range.1.0 - 1)));
        html! {
            section.card.c12 {
                h2 { "The same elsewhere" }
                p.sub { "As a command, and as a call of the API. Both sum up the whole range without filters." }
                p { code data-copy { "strongroom usage --by " (by) " --from " (from) " --to " (to) } }
                p { code data-copy { "curl -H \"Authorization: Bearer $STRONGROOM_TOKEN\" \"$STRONGROOM_URL/api/admin/usage?groupBy=" (by) "&from=" (from) "&to=" (to) "\"" } }
            }
        }
    }
}

/// A word at the head of a column.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A figure beside that of as many days before.
fn against(measure: Measure, now: &Figures, before: &Figures) -> Markup {
    html! {
        @match (measure.value(now), measure.value(before)) {
            (None, _) => "nothing was measured",
            (_, None) => "nothing was measured in as many days before",
            (_, Some(0)) => "none in as many days before",
            _ => { (change(measure, now, before)) " against as many days before" },
        }
        @if measure == Measure::Spend && now.unpriced > 0 { " · " (figure::count(now.unpriced)) " unpriced" }
    }
}

fn change(measure: Measure, now: &Figures, before: &Figures) -> Markup {
    let (Some(now), Some(before)) = (measure.value(now), measure.value(before)) else {
        return html! { "–" };
    };
    let more = now.saturating_sub(before);
    html! {
        @if before == 0 { @if now == 0 { "as before" } @else { "new" } }
        @else if more == 0 { "as before" }
        @else { @if more > 0 { "▲ " } @else { "▼ " } (figure::percent(more.saturating_abs(), before)) }
    }
}

const CLASSES: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];

/// The series that are drawn, with a class each, and whether the rest is one.
fn drawn(report: &SeriesReport, by: &Dim, measure: Measure) -> (Vec<(String, &'static str)>, bool) {
    // Providers keep their colours wherever they are drawn; whatever else has none of its own.
    let own = |one: &Series| COLOURED.iter().position(|name| *by == Dim::Provider && *name == one.key);
    let taken: Vec<_> = report.drawn().iter().filter_map(own).collect();
    let mut free = (0..CLASSES.len()).filter(|place| !taken.contains(place));
    let mut series = Vec::with_capacity(CLASSES.len() + 1);
    for one in report.drawn() {
        let place = own(one).or_else(|| free.next()).unwrap_or(0);
        series.push((one.name.clone(), CLASSES[place]));
    }
    let is_something =
        |used: &Figures| measure.value(used).is_some_and(|value| value > 0 || !measure.is_sum());
    let has_rest = report.days.iter().any(|day| day.series.is_none() && is_something(&day.used));
    if has_rest {
        series.push(("other".to_owned(), "s0"));
    }
    (series, has_rest)
}

/// The first instants of the days of a range.
pub fn days_of((from, to): (Millis, Millis)) -> impl Iterator<Item = Millis> {
    let days = (to.0 - from.0).div_euclid(DAY_MS).clamp(0, MAX_DAYS);
    (0..days).map(move |day| Millis(from.0 + day * DAY_MS))
}

/// What was used of a series on a day; `None` of the rest.
#[must_use]
pub fn used_on<'a>(report: &'a SeriesReport, day: Millis, series: Option<&Series>) -> Option<&'a Figures> {
    let is_it = |one: &&UsedOnDay| {
        one.day_start_ms == day.0 && one.series.as_deref() == series.map(|series| series.key.as_str())
    };
    report.days.iter().find(is_it).map(|one| &one.used)
}

fn figures(report: &SeriesReport, day: Millis, measure: Measure, has_rest: bool) -> Vec<Option<i64>> {
    let named = report.drawn().iter().map(Some);
    let rest = has_rest.then_some(None);
    named
        .chain(rest)
        .map(|series| used_on(report, day, series).and_then(|used| measure.value(used)))
        .collect()
}

/// Bars of a sum.
pub(crate) fn bars<'a>(
    asked: &Asked,
    title: &'a str,
    report: &SeriesReport,
    range: (Millis, Millis),
) -> StackedBars<'a> {
    let (series, has_rest) = drawn(report, &asked.by, asked.measure);
    let today = report.as_of.0 - report.as_of.0.rem_euclid(DAY_MS);
    let days = days_of(range).map(|day| Day {
        name: figure::day(day),
        short: figure::short_day(day),
        values: figures(report, day, asked.measure, has_rest)
            .into_iter()
            .map(|it| it.unwrap_or(0).max(0))
            .collect(),
        is_open: day.0 == today,
    });
    StackedBars {
        title,
        series,
        days: days.collect(),
        shown: asked.measure.shown(),
        on_axis: asked.measure.on_axis(),
        csv: Some(asked.csv()),
    }
}

fn rates<'a>(asked: &Asked, title: &'a str, report: &SeriesReport, range: (Millis, Millis)) -> Lines<'a> {
    let (series, has_rest) = drawn(report, &asked.by, asked.measure);
    let days = days_of(range).map(|day| LineDay {
        name: figure::day(day),
        short: figure::short_day(day),
        values: figures(report, day, asked.measure, has_rest),
    });
    Lines { title, series, days: days.collect(), shown: asked.measure.shown(), csv: Some(asked.csv()) }
}

/// The order that goes with a figure.
#[must_use]
pub const fn order_of(measure: Measure) -> Order {
    match measure {
        Measure::Spend => Order::Cost,
        Measure::Tokens | Measure::TokensPerSecond | Measure::CachedShare => Order::Tokens,
        Measure::Errors | Measure::ErrorShare => Order::Errors,
        Measure::Calls | Measure::FirstByte => Order::Calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_everything_that_was_asked_for() {
        let asked = Asked::new(Measure::Calls, Dim::Model).only("credential", "a&b=c");
        assert_eq!(asked.page(), "/dashboard/usage?range=30d&measure=calls&by=model&credential=a%26b%3Dc");
        let asked = Asked { range: String::new(), from: "2026-01-01".into(), ..asked };
        assert!(
            asked.csv().starts_with("/dashboard/usage.csv?from=2026%2D01%2D01&measure=calls"),
            "{}",
            asked.csv()
        );
    }

    #[test]
    fn a_provider_has_its_own_colour_whatever_its_rank() {
        let series = |name: &str| Series {
            key: name.into(),
            name: name.into(),
            used: Figures::default(),
            before: None,
        };
        let report = SeriesReport {
            total: Figures::default(),
            before: Figures::default(),
            series: ["zebra", "groq", "alpha", "openai"].map(series).to_vec(),
            has_more: false,
            days: Vec::new(),
            as_of: Millis(0),
        };
        let classes = |by| {
            drawn(&report, &by, Measure::Spend).0.into_iter().map(|(_, class)| class).collect::<Vec<_>>()
        };
        assert_eq!(classes(Dim::Provider), ["s2", "s5", "s3", "s1"]);
        assert_eq!(classes(Dim::Model), ["s1", "s2", "s3", "s4"]);
    }

    #[test]
    fn a_change_is_told_in_words_where_there_is_no_share() {
        let used = |cost_nano_usd| Figures { cost_nano_usd, ..Figures::default() };
        let said = |now, before| change(Measure::Spend, &used(now), &used(before)).into_string();
        assert_eq!(
            (said(0, 0), said(5, 0), said(5, 5)),
            ("as before".into(), "new".into(), "as before".into())
        );
        assert_eq!((said(15, 10), said(5, 10)), ("▲ 50.0 %".into(), "▼ 50.0 %".into()));
    }
}
