//! One limit: when will it run out?

use maud::{Markup, html};
use strongroom::limit::history::History;
use strongroom::limit::{Question, Verdict};
use strongroom_model::Millis;
use strongroom_model::figure as definition;

use super::limit_list::{change_forms, path, unit_and_window};
use crate::chart::burn::{BurnDown, burn_down};
use crate::chip::{self, Mood};
use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

const DAY_MS: i64 = 86_400_000;
/// Points of a burn-down, at the most.
const MAX_POINTS: usize = 60;

/// The contents of the page.
#[derive(Debug)]
pub struct LimitPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The limit, and how it came to where it stands, at least since its window began.
    pub history: &'a History,
    /// The use of each of the last days in its unit, the newest first: today's, as far as it is over.
    pub days: &'a [i64],
    /// The change that was just made, in words.
    pub done: Option<&'a str>,
    /// The identity of the forms of this page.
    pub once: &'a str,
}

impl LimitPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let one = &self.history.standing;
        let unit = one.limit.unit;
        let title = format!(
            "{}: {} {}",
            one.name,
            figure::amount(unit, one.limit.amount),
            unit_and_window(&one.limit)
        );
        let csv = format!("{}/burn-down.csv", path(&one.limit));
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            div.grid {
                section.card.c3 id="used" { h2 { "Used" } p.big { (figure::amount(unit, one.used)) } p.sub { (chart::meter(one.used, one.limit.amount, "the limit")) } }
                section.card.c3 id="held" { h2 { "Held by calls under way" } p.big { (figure::amount(unit, one.held)) } p.sub { "given back as far as they use less" } }
                section.card.c3 id="left" { h2 { "Left" } p.big { (figure::amount(unit, one.remaining())) } p.sub { @match one.resets_at { Some(at) => { "starts over " (figure::instant(at)) }, None => "never starts over" } } }
                section.card.c3 id="expected" { h2 title=(definition::USED_UP_AT.words) { "Runs out" } (self.runs_out()) }
                figure.card.c12 id="burn-down" {
                    figcaption { h2 title=(definition::FORECAST.words) { "Burn-down: what was used since the window began, beside an even pace" } }
                    (self.burn_down(&title, csv))
                }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Change it" } (change_forms(self.viewer, one, self.once)) } }
        };
        let kind = html! { span.soft { (one.limit.scope.kind()) } };
        frame::live_page(self.viewer, Some(Place::Limits), &title, "limits usage", &kind, &body)
    }

    fn runs_out(&self) -> Markup {
        let one = &self.history.standing;
        html! {
            @if one.remaining() == 0 { p.big { span.bad { "✕ now" } } p.sub { "calls are refused" @if let Some(at) = one.resets_at { " until " (figure::instant(at)) } } }
            @else {
                @match (self.history.used_up_at, self.history.at_end) {
                    (Some(at), _) => { p.big { span.warn { "▲ " (figure::short_day(at)) } } p.sub { "at the pace of the last day, about " (figure::instant(at)) } },
                    (None, Some(at_end)) => { p.big { span.good { "● not" } } p.sub { "at this pace " (figure::amount(one.limit.unit, at_end.expected)) " by the end of its time" } },
                    (None, None) => { p.big { "–" } p.sub { "not enough is known yet" } },
                }
            }
        }
    }

    /// The first instant that is drawn: of the window, or, of one that never ends, a month ago.
    fn start(&self) -> i64 {
        let one = &self.history.standing;
        match one.resets_at {
            Some(_) => one.limit.window.start(self.now).0,
            None => self.now.0 - self.now.0.rem_euclid(DAY_MS) - 30 * DAY_MS,
        }
    }

    fn burn_down(&self, title: &str, csv: String) -> Markup {
        let one = &self.history.standing;
        let start = self.start();
        let end = one.resets_at.map_or(self.now.0 + 30 * DAY_MS, |end| end.0);
        let refused = self.history.refusals.iter().filter(|slot| slot.slot_start_ms >= start);
        let chart = BurnDown {
            title,
            unit: one.limit.unit,
            amount: one.limit.amount,
            window: (start, end),
            points: thinned(self.points()),
            forecast: self.history.at_end,
            refused: refused.map(|slot| (slot.slot_start_ms, slot.refused)).collect(),
            csv,
        };
        burn_down(&chart)
    }

    /// Instants with what was used by then, the oldest first: as far as they go back, samples of where the limit stood; before,
    /// backwards from these, the sums of days.
    #[must_use]
    pub fn points(&self) -> Vec<(i64, i64)> {
        let one = &self.history.standing;
        let start = self.start();
        let window = one.limit.window.start(self.now).0;
        let samples =
            self.history.samples.iter().filter(|it| it.window_start_ms == window && it.at_ms >= start);
        let samples: Vec<_> =
            samples.map(|it| (it.at_ms, it.settled.saturating_add(it.adjusted).max(0))).collect();
        let first = samples.first().map_or(self.now.0, |(at, _)| *at);
        let today = self.now.0 - self.now.0.rem_euclid(DAY_MS);
        let mut points = Vec::new();
        let mut used = one.used;
        for (back, sum) in self.days.iter().enumerate() {
            let begin = today - i64::try_from(back).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
            if begin <= start {
                break;
            }
            used = used.saturating_sub(*sum).max(0);
            if begin < first {
                points.push((begin, used));
            }
        }
        // Sums of days know nothing of corrections: by a later instant no less was used.
        let most = samples.first().map_or(one.used, |(_, used)| *used);
        for (_, used) in &mut points {
            *used = (*used).min(most);
        }
        points.reverse();
        points.extend(samples);
        points.push((self.now.0, one.used));
        points
    }
}

/// So many of them that each is still found by a pointer; the last one is kept.
fn thinned(points: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    let every = points.len().div_ceil(MAX_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(number, _)| (last - number).is_multiple_of(every))
        .map(|(_, point)| point)
        .collect()
}
/// What a call would meet.
#[derive(Debug)]
pub struct TestPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The call.
    pub question: &'a Question,
    /// The answer, or why there is none.
    pub verdict: Result<&'a Verdict, &'a str>,
}

impl TestPage<'_> {
    /// The page.
    #[must_use]
    pub fn render(&self) -> String {
        let body = html! {
            section.card {
                @match self.verdict {
                    Err(problem) => p.alert role="alert" { (text::visible(problem)) },
                    Ok(verdict) => {
                        p { @if verdict.limits.is_empty() { "No limit binds such a call." } @else if verdict.is_allowed() { (chip::chip(Mood::Good, "it would pass")) } @else { (chip::chip(Mood::Bad, "it would be refused")) } }
                        @if !verdict.limits.is_empty() {
                            div.scroll tabindex="0" role="region" aria-label="Limits" { table {
                                thead { tr { th scope="col" { "Limit" } th.n scope="col" { "Left" } th.n scope="col" { "Needed" } th scope="col" { "" span.heard { "Verdict" } } } }
                                tbody { @for found in &verdict.limits {
                                    @let (standing, needs) = found;
                                    tr {
                                        th scope="row" { (text::name(&standing.name)) " " (figure::amount(standing.limit.unit, standing.limit.amount)) " " (unit_and_window(&standing.limit)) }
                                        td.n { (figure::amount(standing.limit.unit, standing.remaining())) }
                                        td.n { @match needs { Some(needs) => (figure::amount(standing.limit.unit, *needs)), None => "unbounded" } }
                                        td { @if Verdict::passes(found) { (chip::chip(Mood::Good, "passes")) } @else { (chip::chip(Mood::Bad, "refuses")) } }
                                    }
                                } }
                            } }
                        }
                    },
                }
                p.sub { "Nothing was called and nothing was counted. " a href=(Place::Limits.path()) { "Ask again" } }
            }
        };
        let what = self.question.credential.as_deref().or(self.question.token.as_deref()).unwrap_or("a call");
        frame::page(self.viewer, Some(Place::Limits), &format!("Would {what} pass?"), &html! {}, &body)
    }
}

#[cfg(test)]
mod tests {
    use strongroom::limit::Standing;
    use strongroom::limit::history::{LimitSample, RefusalSlot};
    use strongroom_model::forecast::Forecast;
    use strongroom_model::limit::{Limit, LimitScope, Unit, Window};
    use strongroom_model::{Role, Uid, UserId};

    use super::*;
    use crate::frame::Display;

    #[test]
    fn the_line_ends_at_what_the_counter_says_and_begins_with_the_window() {
        let now = Millis::parse("2026-03-10T12:00:00Z").unwrap();
        let limit = Limit {
            uid: Uid::from_bytes([1; 16]),
            scope: LimitScope::User(UserId(1)),
            unit: Unit::Requests,
            window: Window::Month,
            amount: 100,
            thresholds: strongroom_model::alert::Thresholds::USUAL,
            created_at: now,
            updated_at: now,
        };
        let standing =
            Standing { limit, name: "<b>".into(), used: 60, held: 0, resets_at: Window::Month.end(now) };
        let display = Display::default();
        let viewer = Viewer {
            who: "user:1".into(),
            role: Role::Admin,
            form_token: "f".into(),
            is_shared: false,
            display,
        };
        let history = |samples| History {
            standing: standing.clone(),
            samples,
            refusals: vec![RefusalSlot {
                window_start_ms: Window::Month.start(now).0,
                slot_start_ms: now.0 - 600_000,
                refused: 4,
            }],
            used_up_at: None,
            at_end: Some(Forecast { expected: 90, low: 80, high: 95 }),
        };
        let days = vec![10; 40];
        let of_days = history(Vec::new());
        let page = LimitPage { viewer: &viewer, now, history: &of_days, days: &days, done: None, once: "o" };
        let points = page.points();
        assert_eq!(points.last(), Some(&(now.0, 60)));
        assert_eq!(points.len(), 10, "today and the nine days behind it");
        assert_eq!(points[0].1, 0, "less than nothing is nothing: some of it was not counted here");
        let shown = page.render();
        assert!(shown.contains("Runs out") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("at this pace 90 by the end") && shown.contains("4 calls refused"), "{shown}");
        assert!(shown.contains("name=\"reason\" "), "raising takes a reason");

        let sample = |at_ms: i64, settled: i64| LimitSample {
            limit_uid: String::new(),
            window_start_ms: Window::Month.start(now).0,
            at_ms,
            amount: 100,
            settled,
            adjusted: 0,
            held: 0,
            carved: 0,
            refused: 0,
        };
        let minutes: Vec<_> =
            (1..=500).map(|back| sample(now.0 - (501 - back) * 60_000, 10 + back / 10)).collect();
        let of_samples = history(minutes);
        let page = LimitPage { history: &of_samples, ..page };
        let points = page.points();
        assert_eq!((points.len(), points[points.len() - 2]), (510, (now.0 - 60_000, 60)));
        assert!(points.is_sorted_by_key(|(at, _)| *at), "{points:?}");
        let drawn = thinned(points);
        assert!(drawn.len() <= MAX_POINTS && drawn.last() == Some(&(now.0, 60)), "{}", drawn.len());
    }
}
