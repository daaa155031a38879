//! `GET /dashboard/usage`, and the same as CSV.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom::usage::{Dim, Grain, SeriesQuestion, SeriesReport, SumsFilter, Used, Whose};
use strongroom_dashboard::measure::Measure;
use strongroom_dashboard::page::usage::{self as page, Asked, SPLITS, TAG, UsagePage};
use strongroom_dashboard::range::{Range, Slots};
use strongroom_model::credential::CredentialFilter;
use strongroom_model::{Actor, Problem};

use super::csv::{self, cell};
use super::range;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

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
    source: String,
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
    let range = Range::of(query.range, query.from, query.to);
    let mut filters = Vec::new();
    for (name, value) in [
        ("provider", query.provider),
        ("model", query.model),
        ("credential", query.credential),
        ("actor", query.actor),
        ("user", query.user),
        ("source", query.source),
        ("tag", query.tag),
    ] {
        let value = value.trim().to_owned();
        if value.contains('\0') || value.len() > MAX_FILTER {
            problem = Some(Problem::invalid(name, format!("no {name} has such a name")));
        } else if !value.is_empty() {
            filters.push((name, value));
        }
    }
    (Asked { range, measure, by, filters }, problem)
}

/// The conditions that filters are. A name that nothing has is told, as if everything were nothing.
async fn conditions(state: &AppState, actor: Actor, asked: &Asked) -> Result<SumsFilter, Problem> {
    let mut conditions = SumsFilter::default();
    for (name, value) in &asked.filters {
        match *name {
            "provider" => conditions.provider = Some(value.clone()),
            "model" => conditions.model = Some(value.clone()),
            "source" => conditions.source = Some(value.clone()),
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
    Slots { from, to, grain }: Slots,
) -> Result<SeriesReport, Problem> {
    let filter = conditions(state, actor.clone(), asked).await?;
    let (order, with_latency) = (page::order_of(asked.measure), asked.measure.is_percentile());
    let question = SeriesQuestion { by: asked.by.clone(), filter, from, to, order, grain, with_latency };
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
    let mut slots = Slots { from: now, to: now, grain: Grain::Day };
    if problem.is_none() {
        let answer = async {
            slots = range::slots(&asked.range, now)?;
            report(&state, visit.actor(), &asked, slots).await
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
        slots,
        report: found.as_ref(),
        tag_keys: state.gateway.tag_keys(),
    };
    Ok(Html(page.render()).into_response())
}

fn line(start: &str, key: &str, name: &str, used: &Used) -> String {
    let percentile =
        |measure: Measure| measure.value(used).map(|value| value.to_string()).unwrap_or_default();
    format!(
        "{start},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
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
        percentile(Measure::FirstByteHalf),
        percentile(Measure::FirstByteMost),
    )
}

fn table(report: &SeriesReport, slots: Slots) -> String {
    let start = match slots.grain {
        Grain::Hour => "hour_utc",
        Grain::Day => "day_utc",
        Grain::Week => "seven_days_from_utc",
    };
    let mut text = format!(
        "{start},key,name,calls,key_uses,errors_client,errors_provider,input_tokens,cached_input_tokens,output_tokens,\
         reasoning_tokens,cost_nano_usd,unpriced,first_byte_ms_sum,first_byte_count,first_byte_p50_ms,first_byte_p95_ms\r\n"
    );
    for start in slots.starts() {
        let name = match slots.grain {
            Grain::Hour => start.to_string(),
            Grain::Day | Grain::Week => start.to_string().chars().take(10).collect(),
        };
        for series in report.drawn() {
            if let Some(used) = page::used_in(report, start, Some(series)) {
                text.push_str(&line(&name, &series.key, &series.name, used));
            }
        }
        if let Some(used) = page::used_in(report, start, None) {
            text.push_str(&line(&name, "", "other", used));
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
    let slots = range::slots(&asked.range, state.room.now().await?)?;
    let report = report(&state, visit.actor(), &asked, slots).await?;
    Ok(csv::file("strongroom-usage", table(&report, slots)))
}

#[cfg(test)]
mod tests {
    use strongroom::usage::{Figures, Series, UsedInSlot};
    use strongroom_model::Millis;

    use super::*;

    #[test]
    fn a_question_that_cannot_be_asked_is_named() {
        for query in [
            UsageQuery { measure: "odd".into(), ..UsageQuery::default() },
            UsageQuery { by: "odd".into(), ..UsageQuery::default() },
            UsageQuery { source: "a\0".into(), ..UsageQuery::default() },
        ] {
            assert!(asked(query).1.is_some());
        }
        assert!(asked(UsageQuery::default()).1.is_none());
    }

    #[test]
    fn a_file_has_a_line_for_each_slot_and_series_and_no_formula() {
        let used = Used::from(Figures { requests: 3, cost_nano_usd: 1, ..Figures::default() });
        let name = "=HYPERLINK(\"http://x\")".to_owned();
        let report = SeriesReport {
            total: used,
            before: Used::default(),
            series: vec![Series { key: name.clone(), name: name.clone(), used, before: None }],
            has_more: false,
            slots: vec![UsedInSlot { start_ms: 3_600_000, series: Some(name), used }],
            as_of: Millis(0),
        };
        let slots = Slots { from: Millis(0), to: Millis(7_200_000), grain: Grain::Hour };
        let text = table(&report, slots);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("hour_utc,key,name,calls"), "{text}");
        let line = "1970-01-01T01:00:00Z,\"'=HYPERLINK(\"\"http://x\"\")\",";
        assert!(lines[1].starts_with(line), "{text}");
        assert_eq!(lines[0].split(',').count(), lines[1].split(',').count());
    }
}
