//! One limit: when will it run out?

use maud::{Markup, html};
use strongroom::limit::{Question, Standing, Verdict};
use strongroom_model::Millis;

use super::limit_list::{change_forms, unit_and_window};
use crate::chart::burn::{BurnDown, burn_down};
use crate::chip::{self, Mood};
use crate::forecast::{Forecast, forecast};
use crate::frame::{self, Place, Viewer};
use crate::{chart, figure, text};

const DAY_MS: i64 = 86_400_000;

/// The contents of the page.
#[derive(Debug)]
pub struct LimitPage<'a> {
    /// The viewer.
    pub viewer: &'a Viewer,
    /// The instant that it is of.
    pub now: Millis,
    /// The limit.
    pub limit: &'a Standing,
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
        let one = self.limit;
        let unit = one.limit.unit;
        let title = format!(
            "{}: {} {}",
            one.name,
            figure::amount(unit, one.limit.amount),
            unit_and_window(&one.limit)
        );
        let expected = self.forecast();
        let body = html! {
            @if let Some(done) = self.done { p.done role="status" { (text::visible(done)) } }
            div.grid {
                section.card.c3 id="used" { h2 { "Used" } p.big { (figure::amount(unit, one.used)) } p.sub { (chart::meter(one.used, one.limit.amount, "the limit")) } }
                section.card.c3 id="held" { h2 { "Held by calls under way" } p.big { (figure::amount(unit, one.held)) } p.sub { "given back as far as they use less" } }
                section.card.c3 id="left" { h2 { "Left" } p.big { (figure::amount(unit, one.remaining())) } p.sub { @match one.resets_at { Some(at) => { "starts over " (figure::instant(at)) }, None => "never starts over" } } }
                section.card.c3 id="expected" { h2 { "Runs out" } (self.runs_out(expected)) }
                figure.card.c12 id="burn-down" {
                    figcaption { h2 { "Burn-down" } }
                    (self.burn_down(&title, expected))
                }
            }
            @if self.viewer.is_admin() { section.card { h2 { "Change it" } (change_forms(self.viewer, one, self.once)) } }
        };
        let kind = html! { span.soft { (one.limit.scope.kind()) } };
        frame::live_page(self.viewer, Some(Place::Limits), &title, "limits usage", &kind, &body)
    }

    fn forecast(&self) -> Option<Forecast> {
        let one = self.limit;
        // Within a day the sums of days say nothing; and what never starts over is looked at for a month.
        let window = one.resets_at.map_or(30 * DAY_MS, |end| end.0 - one.limit.window.start(self.now).0);
        let end = one.resets_at.unwrap_or(Millis(self.now.0 + window));
        if window <= DAY_MS {
            return None;
        }
        forecast(one.limit.amount, one.used, self.days, self.now, end)
    }

    fn runs_out(&self, expected: Option<Forecast>) -> Markup {
        let one = self.limit;
        html! {
            @if one.remaining() == 0 { p.big { span.bad { "✕ now" } } p.sub { "calls are refused" @if let Some(at) = one.resets_at { " until " (figure::instant(at)) } } }
            @else {
                @match expected {
                    Some(Forecast { runs_out: Some(at), .. }) => { p.big { span.warn { "▲ " (figure::short_day(at)) } } p.sub { "at this pace, about " (figure::instant(at)) } },
                    Some(expected) => { p.big { span.good { "● not" } } p.sub { "at this pace " (figure::amount(one.limit.unit, expected.at_end)) " by the end of its time" } },
                    None => { p.big { "–" } p.sub { "not enough is known yet" } },
                }
            }
        }
    }

    fn burn_down(&self, title: &str, expected: Option<Forecast>) -> Markup {
        let one = self.limit;
        let start = match one.resets_at {
            Some(_) => one.limit.window.start(self.now).0,
            None => self.now.0 - self.now.0.rem_euclid(DAY_MS) - 30 * DAY_MS,
        };
        let end = one.resets_at.map_or(self.now.0 + 30 * DAY_MS, |end| end.0);
        let chart = BurnDown {
            title,
            unit: one.limit.unit,
            amount: one.limit.amount,
            window: (start, end),
            points: self.points(start),
            forecast: expected,
        };
        burn_down(&chart)
    }

    /// Backwards from what the counter says now: the sums of days tell how it came to that.
    fn points(&self, start: i64) -> Vec<(i64, i64)> {
        let today = self.now.0 - self.now.0.rem_euclid(DAY_MS);
        let mut points = vec![(self.now.0, self.limit.used)];
        let mut used = self.limit.used;
        for (back, sum) in self.days.iter().enumerate() {
            let begin = today - i64::try_from(back).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
            if begin <= start {
                break;
            }
            used = used.saturating_sub(*sum).max(0);
            points.push((begin, used));
        }
        points.reverse();
        points
    }
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
        let days = vec![10; 40];
        let page = LimitPage { viewer: &viewer, now, limit: &standing, days: &days, done: None, once: "o" };
        let points = page.points(Window::Month.start(now).0);
        assert_eq!(points.last(), Some(&(now.0, 60)));
        assert_eq!(points.len(), 10, "today and the nine days behind it");
        assert_eq!(points[0].1, 0, "less than nothing is nothing: some of it was not counted here");
        let shown = page.render();
        assert!(shown.contains("Runs out") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("name=\"reason\" "), "raising takes a reason");
    }
}
