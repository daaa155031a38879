//! The audit trail: who did what?

use maud::{Markup, html};
use strongroom::audit::MAX_SEARCHED;
use strongroom_model::audit::{Entry, Outcome};

use crate::chip::{self, Mood};
use crate::frame::{self, Place, Viewer};
use crate::text::in_query;
use crate::{figure, text};

/// Rows of a page.
pub const ROWS: i64 = 50;

/// The outcome of a verification.
#[derive(Debug)]
pub struct Verified<'a> {
    /// The instant at which it ended.
    pub at: strongroom_model::Millis,
    /// Its outcome.
    pub result: &'a strongroom::audit::Verification,
}

/// The filters of the list, as they were typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// An action, or all of a noun: `credential.`.
    pub action: String,
    /// An actor.
    pub actor: String,
    /// The name of a target.
    pub target: String,
    /// `success`, `denied`, `failed`, or empty.
    pub outcome: String,
}

impl Asked {
    fn from(&self, cursor: i64) -> String {
        format!(
            "{}?action={}&actor={}&target={}&outcome={}&cursor={cursor}",
            Place::Audit.path(),
            in_query(&self.action),
            in_query(&self.actor),
            in_query(&self.target),
            in_query(&self.outcome)
        )
    }
}

/// The contents of the page.
#[derive(Debug)]
pub struct AuditPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The filters, as they were typed.
    pub asked: &'a Asked,
    /// The reason why they cannot be applied.
    pub problem: Option<&'a str>,
    /// The entries, the newest first.
    pub entries: &'a [Entry],
    /// The cursor of the next page.
    pub next: Option<i64>,
    /// The cursor behind which a search that was given up goes on.
    pub searched_back_to: Option<i64>,
    /// The outcome, when the trail was just verified.
    pub verified: Option<Verified<'a>>,
}

impl AuditPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            (self.filters())
            @if let Some(problem) = self.problem { p.alert role="alert" { (text::visible(problem)) } }
            @if let Some(verified) = &self.verified { (proof(verified)) }
            section.card id="entries" {
                @if !self.entries.is_empty() { (table(self.entries)) }
                @else if self.searched_back_to.is_some() { p.empty { "None of the " (figure::count(MAX_SEARCHED)) " entries that were searched fits this." } }
                @else { p.empty { "No entry fits this." } }
                @if let Some(next) = self.next { nav.pages aria-label="Pages" { a href=(self.asked.from(next)) rel="next" { "Older entries" } } }
                @if let Some(cursor) = self.searched_back_to { nav.pages aria-label="Pages" { a href=(self.asked.from(cursor)) rel="next" { "Search entries before these" } } }
            }
            p.sub { "Every entry is linked to the one before it by a key of the server. " a href="/dashboard/audit/verify" rel="nofollow" { "Verify the whole trail now" } ", or with an anchor that you keep elsewhere: " code data-copy { "strongroom audit verify" } "." }
        };
        frame::live_page(
            self.viewer,
            Some(Place::Audit),
            "Audit",
            if self.verified.is_some() { "" } else { "audit" },
            &html! {},
            &body,
        )
    }

    fn filters(&self) -> Markup {
        let outcomes = [("", "any"), ("success", "success"), ("denied", "denied"), ("failed", "failed")];
        html! {
            form.filters method="get" action=(Place::Audit.path()) role="search" {
                label.field { span { "Action" } input name="action" value=(text::visible(&self.asked.action)) placeholder="credential. or token.create" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Actor" } input name="actor" value=(text::visible(&self.asked.actor)) placeholder="user:7" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Target" } input name="target" value=(text::visible(&self.asked.target)) placeholder="a name" autocapitalize="off" spellcheck="false"; }
                label.field { span { "Outcome" } select name="outcome" { @for (value, words) in outcomes { option value=(value) selected[self.asked.outcome == value] { (words) } } } }
                button.main type="submit" { "Show" }
                @if *self.asked != Asked::default() { a.button href=(Place::Audit.path()) { "Show all" } }
            }
        }
    }
}

fn proof(verified: &Verified<'_>) -> Markup {
    let result = verified.result;
    html! {
        section.card id="proof" {
            @if result.faults.is_empty() {
                p { (chip::chip(Mood::Good, "the trail is whole")) " " (figure::count(result.entries)) " entries were read at " (figure::instant(verified.at)) " UTC, and every link is the one that the key of the server makes." }
            } @else {
                p { (chip::chip(Mood::Bad, "the trail was changed")) }
                ul.rows { @for fault in &result.faults { li { div { "Chain " (text::visible(&fault.chain_id)) ", entry " (figure::count(fault.seq)) ": " b { (text::visible(&fault.fault)) } } } } }
            }
            h2 { "Anchors to keep elsewhere" }
            p { code data-copy { (text::visible(&anchors(&result.heads))) } }
            p.sub { "Kept in a file, " code { "strongroom audit verify --anchor FILE" } " finds a database that was put back." }
        }
    }
}

/// The heads in the shape that the command line reads. Chains and links hold nothing that JSON would have to escape.
fn anchors(heads: &[strongroom::audit::Anchor]) -> String {
    let heads = heads.iter().map(|head| {
        let chain: String = head.chain_id.chars().filter(|it| !matches!(it, '"' | '\\')).collect();
        format!("{{\"chainId\":\"{chain}\",\"seq\":{},\"link\":\"{}\"}}", head.seq, head.link)
    });
    format!("[{}]", heads.collect::<Vec<_>>().join(","))
}

/// An outcome.
pub(super) fn outcome(outcome: Outcome) -> Markup {
    match outcome {
        Outcome::Success => chip::chip(Mood::Good, "success"),
        Outcome::Denied => chip::chip(Mood::Bad, "denied"),
        Outcome::Failed => chip::chip(Mood::Warn, "failed"),
    }
}

/// Entries as rows, each with its detail behind it.
pub(super) fn table(entries: &[Entry]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Entries" {
            table {
                thead { tr {
                    th.n scope="col" { "Number" } th scope="col" { "When (UTC)" } th scope="col" { "Who" } th scope="col" { "What" }
                    th scope="col" { "To what" } th scope="col" { "Outcome" } th scope="col" { "Detail" }
                } }
                tbody {
                    @for entry in entries {
                        @let Entry { seq, entry, .. } = entry;
                        tr {
                            td.n { (figure::count(*seq)) }
                            td { (figure::instant(entry.at)) }
                            td { (text::name(&entry.actor)) }
                            td { (text::name(&entry.action)) }
                            td { (text::visible(&entry.target.kind)) @if let Some(name) = entry.target.name.as_ref().or(entry.target.id.as_ref()) { " " (text::name(name)) } }
                            td { (outcome(entry.outcome)) }
                            td { details { summary { "Show" }
                                span.detail { "from " @match &entry.remote_address { Some(address) => (text::name(address)), None => "this machine" } }
                                code.detail { (text::visible(&entry.detail)) }
                                @if let Some(id) = &entry.request_id { code.detail { "request " (text::visible(id)) } }
                            } }
                        }
                    }
                }
            }
        }
    }
}
