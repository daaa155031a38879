//! `GET /dashboard/usage`, and the same as CSV.

use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom::usage::{Dim, Figures, Order, SeriesQuestion, SeriesReport, SumsFilter, Whose};
use strongroom_dashboard::measure::Measure;
use strongroom_dashboard::page::usage::{self as page, Asked, MAX_DAYS, RANGES, SPLITS, TAG, UsagePage};
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Actor, Millis, Problem, month};

use super::typed;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

const DAY_MS: i64 = 86_400_000;
/// The longest name that is looked for.
const MAX_FILTER: usize = 256;
/// The longest key of a tag.
const MAX_TAG_KEY: usize = 32;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageQuery {
    range: String,
    from: String,
    to: String,
    measure: String,
    by: String,
    provider: String,
    model: String,
    credential: String,
    actor: String,
    user: String,
    tag: String,
}

fn is_tag(name: &str) -> bool {
    name.strip_prefix(TAG)
        .is_some_and(|key| !key.is_empty() && key.len() <= MAX_TAG_KEY && !key.contains('\0'))
}

/// What is asked for, and the reason why some of it cannot be.
fn asked(query: UsageQuery) -> (Asked, Option<Problem>) {
    let mut problem = None;
    let mut measure = Measure::Spend;
    match Measure::from_name(&query.measure) {
        Some(known) => measure = known,
        None if query.measure.is_empty() => {}
        None => {
            problem = Some(Problem::invalid("measure", "there is no such figure; choose one of the list"))
        }
    }
    let mut by = Dim::Provider;
    match SPLITS.iter().find(|(name, ..)| *name == query.by) {
        Some((_, known, _)) => by = known.clone(),
        None if query.by.is_empty() => {}
        None if is_tag(&query.by) => by = Dim::Tag(query.by[TAG.len()..].to_owned()),
        None => problem = Some(Problem::invalid("by", "usage is not split by that; choose one of the list")),
    }
    let is_range = RANGES.iter().any(|(name, _)| *name == query.range);
    let range = match (is_range, query.from.is_empty() && query.to.is_empty()) {
        (true, _) => query.range,
        (false, true) => "30d".to_owned(),
        (false, false) => String::new(),
    };
    let mut filters = Vec::new();
    for (name, value) in [
        ("provider", query.provider),
        ("model", query.model),
        ("credential", query.credential),
        ("actor", query.actor),
        ("user", query.user),
        ("tag", query.tag),
    ] {
        let value = value.trim().to_owned();
        if value.contains('\0') || value.len() > MAX_FILTER {
            problem = Some(Problem::invalid(name, format!("no {name} has such a name")));
        } else if !value.is_empty() {
            filters.push((name, value));
        }
    }
    (Asked { range, from: query.from, to: query.to, measure, by, filters }, problem)
}

/// The first instant, and the first behind the last.
fn range(asked: &Asked, now: Millis) -> Result<(Millis, Millis), Problem> {
    let tomorrow = now.0 - now.0.rem_euclid(DAY_MS) + DAY_MS;
    let last = |days: i64| (Millis(tomorrow - days * DAY_MS), Millis(tomorrow));
    Ok(match asked.range.as_str() {
        "7d" => last(7),
        "30d" => last(30),
        "90d" => last(90),
        "month" => (month::start(now), Millis(tomorrow)),
        _ => {
            let to = match asked.to.as_str() {
                "" => tomorrow,
                to => typed::day_of(to, "to")?.0.saturating_add(DAY_MS),
            };
            let from = match asked.from.as_str() {
                "" => to - 30 * DAY_MS,
                from => typed::day_of(from, "from")?.0,
            };
            if from >= to {
                return Err(Problem::invalid("from", "the first day is behind the last one"));
            }
            if to - from > MAX_DAYS * DAY_MS {
                return Err(Problem::invalid("from", format!("at most {MAX_DAYS} days are shown at once")));
            }
            (Millis(from), Millis(to))
        }
    })
}

/// The conditions that filters are. A name that nothing has is told, as if everything were nothing.
async fn conditions(state: &AppState, actor: Actor, asked: &Asked) -> Result<SumsFilter, Problem> {
    let mut conditions = SumsFilter::default();
    for (name, value) in &asked.filters {
        match *name {
            "provider" => conditions.provider = Some(value.clone()),
            "model" => conditions.model = Some(value.clone()),
            "actor" => conditions.whose = Whose::Actor(value.clone()),
            "user" => {
                let user =
                    value.parse().map_err(|_| Problem::invalid("user", "a user is known by a number"))?;
                conditions.user = Some(user);
            }
            "tag" => {
                let tag = value.split_once('=').filter(|(key, _)| !key.trim().is_empty());
                let (key, value) = tag.ok_or_else(|| {
                    Problem::invalid("tag", "a tag is a key and a value, as project=search")
                })?;
                conditions.tag = Some((key.trim().to_owned(), value.trim().to_owned()));
            }
            _ => {
                let filter = CredentialFilter { name: Some(value.clone()), ..CredentialFilter::default() };
                let found = state.room.credentials(actor.clone()).list(&filter, 0, 1).await?.items.pop();
                let found = found.ok_or_else(|| {
                    Problem::invalid("credential", "there is no credential of that name; one that was deleted is found in the list without a filter")
                })?;
                conditions.credential = Some(found.uid);
            }
        }
    }
    Ok(conditions)
}

async fn report(
    state: &AppState,
    actor: Actor,
    asked: &Asked,
    order: Order,
    (from, to): (Millis, Millis),
) -> Result<SeriesReport, Problem> {
    let filter = conditions(state, actor.clone(), asked).await?;
    let question = SeriesQuestion { by: asked.by.clone(), filter, from, to, order };
    state.room.usage(actor).series(&question).await
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<UsageQuery>,
) -> Answer<Response> {
    let (asked, mut problem) = asked(query);
    let now = state.room.now().await?;
    let mut found = None;
    let mut days = (now, now);
    if problem.is_none() {
        let answer = async {
            days = range(&asked, now)?;
            report(&state, visit.actor(), &asked, page::order_of(asked.measure), days).await
        };
        match answer.await {
            Ok(report) => found = Some(report),
            // What cannot be answered is said on the page, with what was typed still there; the rest is a page of its own.
            Err(wrong) if wrong.field.is_some() => problem = Some(wrong),
            Err(other) => return Err(other.into()),
        }
    }
    let page = UsagePage {
        viewer: &visit.viewer(),
        asked: &asked,
        problem: problem.as_ref().map(|problem| problem.message.as_str()),
        range: days,
        report: found.as_ref(),
        tag_keys: state.gateway.tag_keys(),
    };
    Ok(Html(page.render()).into_response())
}

/// A cell. What a spreadsheet would take for a formula is made text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

fn line(day: &str, key: &str, name: &str, used: &Figures) -> String {
    format!(
        "{day},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
        cell(key),
        cell(name),
        used.client_requests,
        used.requests,
        used.errors_client,
        used.errors_provider,
        used.input_tokens,
        used.cached_input_tokens,
        used.output_tokens,
        used.reasoning_tokens,
        used.cost_nano_usd,
        used.unpriced,
        used.first_byte_ms_sum,
        used.first_byte_count,
    )
}

fn csv(report: &SeriesReport, days: (Millis, Millis)) -> String {
    let mut text = "day_utc,key,name,calls,key_uses,errors_client,errors_provider,input_tokens,cached_input_tokens,output_tokens,\
                    reasoning_tokens,cost_nano_usd,unpriced,first_byte_ms_sum,first_byte_count\r\n"
        .to_owned();
    for day in page::days_of(days) {
        let date = day.to_string().chars().take(10).collect::<String>();
        for series in report.drawn() {
            if let Some(used) = page::used_on(report, day, Some(series)) {
                text.push_str(&line(&date, &series.key, &series.name, used));
            }
        }
        if let Some(used) = page::used_on(report, day, None) {
            text.push_str(&line(&date, "", "other", used));
        }
    }
    text
}

pub(super) async fn file(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<UsageQuery>,
) -> Answer<Response> {
    let (asked, problem) = asked(query);
    if let Some(problem) = problem {
        return Err(problem.into());
    }
    let days = range(&asked, state.room.now().await?)?;
    let report = report(&state, visit.actor(), &asked, page::order_of(asked.measure), days).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"strongroom-usage.csv\""),
    ];
    Ok((headers, csv(&report, days)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_cell_ends_early() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("a\",b\n"), "\"a\"\",b\n\"");
        for formula in ["+1", "-1", "@x", "\tx", "\rx"] {
            assert!(cell(formula).starts_with("\"'"), "{formula:?}");
        }
    }

    #[test]
    fn impossible_ranges_are_named_and_possible_ones_are_whole_days() {
        let now = Millis::parse("2026-03-10T12:00:00Z").unwrap();
        let of = |from: &str, to: &str| {
            let query = UsageQuery { from: from.into(), to: to.into(), ..UsageQuery::default() };
            range(&asked(query).0, now)
        };
        let at = |text: &str| Millis::parse(text).unwrap();
        assert_eq!(
            of("2026-03-01", "2026-03-02").unwrap(),
            (at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z"))
        );
        assert_eq!(of("", "").unwrap().1, at("2026-03-11T00:00:00Z"));
        for (from, to) in
            [("2026-03-02", "2026-03-01"), ("2020-01-01", "2026-01-01"), ("x", ""), ("", "2026-02-31")]
        {
            assert!(of(from, to).is_err(), "{from} {to}");
        }
        let odd = UsageQuery { measure: "odd".into(), ..UsageQuery::default() };
        assert!(asked(odd).1.is_some());
    }
}
