//! Single uses of keys: what became of this call, and which ones are a point of a chart?

use maud::{Markup, html};
use strongroom::usage::record::FoundRecord;
use strongroom_model::Millis;

use crate::chip::{self, Mood};
use crate::frame::{self, Place, Viewer};
use crate::range::part;
use crate::{figure, text};

/// The path of the list.
pub const PATH: &str = "/dashboard/usage/records";
/// Rows of a page.
pub const ROWS: usize = 50;

/// Statuses that can be chosen.
const STATUSES: [(&str, &str); 6] = [
    ("", "any"),
    ("failed", "failed"),
    ("2xx", "2xx"),
    ("4xx", "4xx"),
    ("5xx", "5xx"),
    ("none", "no answer"),
];

/// The filters, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// By their names, those that are empty as well, in the order of the form.
    pub filters: Vec<(&'static str, String)>,
}

/// Names of the filters, and their words in the form.
pub static FILTERS: [(&str, &str); 9] = [
    ("from", "From (UTC)"),
    ("to", "Before (UTC)"),
    ("provider", "Provider"),
    ("model", "Model"),
    ("credential", "Credential"),
    ("actor", "Token or person"),
    ("user", "User, by number"),
    ("source", "Source"),
    ("status", "Status"),
];

impl Asked {
    /// The value of a filter.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.filters.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value.as_str())
    }

    fn address(&self, path: &str, cursor: Option<&str>) -> String {
        let mut path = path.to_owned();
        for (name, value) in &self.filters {
            part(&mut path, name, value);
        }
        part(&mut path, "cursor", cursor.unwrap_or_default());
        path
    }
}

/// The contents of the list.
#[derive(Debug)]
pub struct RecordList<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The filters.
    pub asked: &'a Asked,
    /// The reason why they cannot be applied.
    pub problem: Option<&'a str>,
    /// The records, the newest first.
    pub records: &'a [FoundRecord],
    /// The cursor of the next page.
    pub next: Option<&'a str>,
    /// How far back it was looked, where the search was given up before the page was full.
    pub looked_back_to: Option<Millis>,
    /// Set on the first page.
    pub is_first: bool,
}

impl RecordList<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            (self.filters())
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            section.card id="records" {
                @if self.records.is_empty() { p.empty { @if self.problem.is_some() { "Nothing was looked for." } @else { "No use fits this." } } }
                @else { (table(self.records)) }
                @if let Some(back) = self.looked_back_to { p.sub { "Searched back to " (figure::instant(back)) ". Go on with the next page." } }
                @if !self.is_first || self.next.is_some() {
                    nav.pages aria-label="Pages" {
                        @if !self.is_first { a href=(self.asked.address(PATH, None)) { "First page" } }
                        @if let Some(next) = self.next { a href=(self.asked.address(PATH, Some(next))) rel="next" { "Next page" } }
                    }
                }
                @if !self.records.is_empty() { p.sub { a href=(self.asked.address(&format!("{PATH}.csv"), None)) download { "Download as CSV" } ", up to 1,000 of them. No prompts and no answers are kept." } }
            }
        };
        frame::live_page(self.viewer, Some(Place::Usage), "Single uses", "usage", &html! {}, &body)
    }

    fn filters(&self) -> Markup {
        html! {
            form.filters method="get" action=(PATH) role="search" {
                @for (name, words) in FILTERS {
                    @let value = text::visible(self.asked.value(name));
                    label.field { span { (words) }
                        @if name == "status" {
                            select name=(name) {
                                @for (status, words) in STATUSES { option value=(status) selected[status == value] { (words) } }
                                @if STATUSES.iter().all(|(status, _)| *status != value) { option value=(value) selected { (value) } }
                            }
                        } @else { input name=(name) value=(value) placeholder=(placeholder(name)) autocapitalize="off" spellcheck="false"; }
                    }
                }
                button.main type="submit" { "Show" }
            }
        }
    }
}

fn placeholder(name: &str) -> &'static str {
    match name {
        "from" | "to" => "2026-01-31T10:00:00Z",
        "actor" => "token:ID or user:7",
        "source" => "database or environment",
        _ => "any",
    }
}

fn status(record: &FoundRecord) -> Markup {
    match record.status {
        0 => chip::chip(Mood::Bad, "no answer"),
        status @ 500.. => chip::chip(Mood::Bad, &status.to_string()),
        status @ 400.. => chip::chip(Mood::Warn, &status.to_string()),
        status => chip::chip(Mood::Good, &status.to_string()),
    }
}

fn cost(record: &FoundRecord) -> Markup {
    html! { @match record.cost_nano_usd { Some(nano) => (figure::exact_dollars(nano)), None => span.soft { "unpriced" } } }
}

fn who(record: &FoundRecord) -> Markup {
    html! { @if record.token_name.is_empty() { (text::name(&record.actor)) } @else { (text::name(&record.token_name)) } }
}

fn milliseconds(time: Option<i64>) -> Markup {
    html! { @match time { Some(time) => (figure::milliseconds(time)), None => "–" } }
}

fn table(records: &[FoundRecord]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Single uses" {
            table {
                thead { tr {
                    th scope="col" { "When (UTC)" } th scope="col" { "Status" } th scope="col" { "Model" } th scope="col" { "Credential" } th scope="col" { "By" }
                    th.n scope="col" { "Tokens in" } th.n scope="col" { "out" } th.n scope="col" { "First byte" } th.n scope="col" { "Spend" }
                } }
                tbody { @for record in records { tr {
                    th scope="row" { a href={ (PATH) "/" (record.uid) } { (figure::exact_instant(Millis(record.at_ms))) } }
                    td { (status(record)) }
                    td { @if record.model.is_empty() { span.soft { (record.operation) } } @else { (text::name(&record.model)) } }
                    td { @if record.credential.is_empty() { span.soft { (record.source) } } @else { (text::name(&record.credential)) } }
                    td { (who(record)) }
                    td.n { (figure::count(record.input_tokens)) }
                    td.n { (figure::count(record.output_tokens)) }
                    td.n { (milliseconds(record.first_byte_ms)) }
                    td.n { (cost(record)) }
                } } }
            }
        }
    }
}

/// The contents of the page of one request.
#[derive(Debug)]
pub struct RecordPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// Its records, in the order of time: one for each credential that was tried.
    pub records: &'a [FoundRecord],
}

impl RecordPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            @for (number, record) in self.records.iter().enumerate() {
                section.card id={ "record-" (number) } {
                    div.row { h2 { @if self.records.len() > 1 { "Attempt " (number + 1) " of " (self.records.len()) } @else { "The use" } } (status(record)) }
                    dl.facts.columns { (facts(record)) }
                    @if let Some(raw) = &record.raw_usage { details.numbers { summary { "The provider's own figures" } p { code { (text::visible(raw)) } } } }
                }
            }
            p.sub { a href=(PATH) { "All single uses" } }
        };
        let id =
            self.records.first().and_then(|first| first.request_id.as_deref().or(Some(first.uid.as_str())));
        let beside = html! { @if let Some(id) = id { code data-copy { (text::visible(id)) } } };
        frame::page(self.viewer, Some(Place::Usage), "One request", &beside, &body)
    }
}

fn facts(record: &FoundRecord) -> Markup {
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    let count = |number: i64| html! { (figure::count(number)) };
    html! {
        (fact("Admitted", figure::instant(Millis(record.at_ms))))
        (fact("Operation", html! { (text::name(&record.operation)) }))
        (fact("By", html! { (who(record)) " " span.soft { (text::name(&record.actor)) } }))
        @if record.user_id != 0 { (fact("User", html! { (record.user_id) })) }
        (fact("Credential", html! { @if record.credential.is_empty() { "the environment" } @else { (text::name(&record.credential)) @if record.version > 0 { ", version " (record.version) } } }))
        (fact("Provider", html! { (text::name(&record.provider)) }))
        (fact("Model", html! { @if record.model.is_empty() { "–" } @else { (text::name(&record.model)) } }))
        (fact("Booked to", html! { @if record.tags.is_empty() { "–" } @else { (text::name(&record.tags)) } }))
        (fact("Tokens of the prompt", html! { (figure::count(record.input_tokens)) span.soft { ", " (figure::count(record.cached_input_tokens)) " from a cache, " (figure::count(record.cache_write_tokens)) " into it" } }))
        (fact("Tokens of the answer", html! { (figure::count(record.output_tokens)) span.soft { ", " (figure::count(record.reasoning_tokens)) " of reasoning" } }))
        (fact("Spend", cost(record)))
        (fact("Charged on limits", html! { (figure::dollars(record.charged_nano_usd)) ", " (figure::count(record.charged_tokens)) " tokens" }))
        (fact("Requests counted", count(record.requests)))
        (fact("First byte after", milliseconds(record.first_byte_ms)))
        (fact("Over after", milliseconds(record.total_ms)))
        (fact("Figures from", html! { (text::name(&record.metering)) }))
        (fact("Kind", html! { (text::name(&record.kind)) }))
    }
}
