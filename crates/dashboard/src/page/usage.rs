//! The usage explorer: who uses what, when, of which model, and what does it cost?

mod asked;
mod drawing;
mod elsewhere;

use maud::{Markup, html};
use strongroom::usage::{Dim, Figures, Grain, Series, SeriesReport, Used};
use strongroom_model::tag::TagKeys;

use crate::frame::{self, Place, Viewer};
use crate::measure::Measure;
use crate::range::{Range, Slots};
use crate::{figure, text};

use asked::words_of;
pub use asked::{Asked, SPLITS, TAG, order_of};
pub use drawing::used_in;
pub(crate) use drawing::{answers, card, chart, error_shares};

/// The contents of the page.
#[derive(Debug)]
pub struct UsagePage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// What was asked for.
    pub asked: &'a Asked,
    /// The reason why it cannot be answered.
    pub problem: Option<&'a str>,
    /// The slots of the range.
    pub slots: Slots,
    /// The answer.
    pub report: Option<&'a SeriesReport>,
    /// The keys of tags that were declared.
    pub tag_keys: &'a TagKeys,
}

impl UsagePage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let ranges = self.asked.range.choices(|range: &Range| self.asked.clone().over(range).page());
        let body = html! {
            (self.controls())
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            @if let Some(report) = self.report {
                div.grid {
                    (self.tiles(report))
                    (self.figure(report))
                    (self.table(report))
                    (elsewhere::elsewhere(self.asked, self.slots))
                }
            }
        };
        frame::live_page(self.viewer, Some(Place::Usage), "Usage", "usage", &ranges, &body)
    }

    fn controls(&self) -> Markup {
        let asked = self.asked;
        let typed = |name: &str| text::visible(asked.filter(name));
        html! {
            form.filters method="get" action=(Place::Usage.path()) role="search" {
                input type="hidden" name="range" value=(text::visible(&asked.range.name));
                label.field { span { "Show" } select name="measure" { @for measure in Measure::ALL { option value=(measure.as_str()) selected[measure == asked.measure] { (measure.title()) } } } }
                label.field { span { "Split by" } select name="by" { @for (name, split, words) in &SPLITS { option value=(name) selected[*split == asked.by] { (words) } }
                    @for key in self.tag_keys.iter() { option value={ (TAG) (key) } selected[asked.by == Dim::Tag(key.to_owned())] { (text::visible(key)) } } } }
                label.field { span { "From" } input type="date" name="from" value=(text::visible(&asked.range.from)); }
                label.field { span { "To, that day included" } input type="date" name="to" value=(text::visible(&asked.range.to)); }
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
            "{} per {}{}",
            asked.measure.title(),
            self.slots.word(),
            match &asked.by {
                Dim::Nothing => String::new(),
                by => format!(", by {}", words_of(by)),
            }
        );
        html! {
            figure.card.c12 id="usage-chart" {
                figcaption { h2 title=(asked.measure.definition()) { (title) } p.sub { (asked.measure.definition()) " Days are UTC." @if let Some(records) = asked.records(self.slots.from, self.slots.to) { " " a href=(records) { "Single uses" } } } }
                @if report.total.figures == Figures::default() {
                    p.empty { @if asked.filters.is_empty() { "Nothing was used in this time. A program uses a key through the gateway: " code { "strongroom run --gateway -- your-program" } } @else { "Nothing was used in this time that fits these filters." } }
                } @else { (chart(asked, &title, report, self.slots)) }
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
                            td { (change(measure, &series.used, series.before.as_ref().unwrap_or(&Used::default()))) }
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
            Dim::User => ("user", series.key.as_str(), Dim::Model),
            Dim::Tag(key) if !series.key.is_empty() => {
                tagged = format!("{key}={}", series.key);
                ("tag", tagged.as_str(), Dim::Model)
            }
            _ => return text::name(&series.name),
        };
        if value.is_empty() || series.name.contains(" (deleted, ") {
            return html! { @if series.name.contains(" (deleted, ") { s { (text::name(&series.name)) } } @else { (text::name(&series.name)) } };
        }
        // Of one credential, token or user the hours are kept in one.
        let is_mixed = matches!(self.asked.by, Dim::Provider | Dim::Model);
        let by = if self.slots.grain == Grain::Hour && !is_mixed { Dim::Nothing } else { next };
        let narrower = Asked { by, ..self.asked.clone() }.only(filter, value);
        html! { a href=(narrower.page()) { (text::name(&series.name)) } }
    }
}

/// A word at the head of a column.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A figure beside that of as many days before.
fn against(measure: Measure, now: &Used, before: &Used) -> Markup {
    html! {
        @match (measure.value(now), measure.value(before)) {
            (None, _) => "nothing was measured",
            (_, None) => "nothing was measured in the period before",
            (_, Some(0)) => "none in the period before",
            _ => { (change(measure, now, before)) " against the period before" },
        }
        @if measure == Measure::Spend && now.unpriced > 0 { " · " (figure::count(now.unpriced)) " unpriced" }
    }
}

fn change(measure: Measure, now: &Used, before: &Used) -> Markup {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_in_words_where_there_is_no_share() {
        let used = |cost_nano_usd| Used::from(Figures { cost_nano_usd, ..Figures::default() });
        let said = |now, before| change(Measure::Spend, &used(now), &used(before)).into_string();
        assert_eq!(
            (said(0, 0), said(5, 0), said(5, 5)),
            ("as before".into(), "new".into(), "as before".into())
        );
        assert_eq!((said(15, 10), said(5, 10)), ("▲ 50.0 %".into(), "▼ 50.0 %".into()));
    }
}
