//! `GET /dashboard/usage/records`, the same as CSV, and the page of each request.

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use strongroom::usage::record::{FoundPage, FoundRecord, RecordFilter, RecordQuery, Source, not_found};
use strongroom_dashboard::page::record_list::{Asked, ROWS, RecordList, RecordPage};
use strongroom_model::{Millis, Problem};

use super::csv::{self, cell};
use super::typed;
use super::visit::{QueryOf, Visit};
use crate::http::problem::Answer;
use crate::state::AppState;

/// The longest text that is looked for.
const MAX_TEXT: usize = 256;
/// Records of a file.
const MAX_IN_FILE: usize = 1000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordsQuery {
    from: String,
    to: String,
    provider: String,
    model: String,
    credential: String,
    actor: String,
    user: String,
    source: String,
    status: String,
    cursor: String,
}

/// What is asked for, as it was typed, and where to go on.
fn asked(query: RecordsQuery) -> (Asked, String) {
    let filters = [
        ("from", query.from),
        ("to", query.to),
        ("provider", query.provider),
        ("model", query.model),
        ("credential", query.credential),
        ("actor", query.actor),
        ("user", query.user),
        ("source", query.source),
        ("status", query.status),
    ];
    let filters = filters.into_iter().map(|(name, value)| (name, value.trim().to_owned())).collect();
    (Asked { filters }, query.cursor)
}

/// An instant, or the beginning of a day, that may be left out.
fn instant(asked: &Asked, field: &'static str) -> Result<Option<Millis>, Problem> {
    match asked.value(field) {
        "" => Ok(None),
        day if day.len() == 10 => typed::day_of(day, field).map(Some),
        text => Millis::parse(text).map(Some).map_err(|_| {
            Problem::invalid(
                field,
                format!("{field} must be a day or an instant, such as 2026-01-31T10:00:00Z"),
            )
        }),
    }
}

/// The ranges of statuses that a text stands for.
fn statuses(text: &str) -> Result<Vec<(u16, u16)>, Problem> {
    let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
    let one = text.parse::<u16>().ok().filter(|status| (100..=999).contains(status));
    match (text, class, one) {
        ("", ..) => Ok(Vec::new()),
        ("none", ..) => Ok(vec![(0, 0)]),
        ("failed", ..) => Ok(vec![(0, 0), (400, u16::MAX)]),
        (_, Some(class @ 1..=9), _) => Ok(vec![(class * 100, class * 100 + 99)]),
        (_, _, Some(status)) => Ok(vec![(status, status)]),
        _ => {
            Err(Problem::invalid("status", "status must be one such as 429, a class as 4xx, none, or failed"))
        }
    }
}

/// The question that was typed.
fn question(asked: &Asked, cursor: &str, count: usize) -> Result<RecordQuery, Problem> {
    for (name, value) in &asked.filters {
        if value.contains('\0') || value.len() > MAX_TEXT {
            return Err(Problem::invalid(*name, format!("nothing has such a {name}")));
        }
    }
    let text = |name: &str| Some(asked.value(name)).filter(|text| !text.is_empty()).map(str::to_owned);
    let source = match asked.value("source") {
        "" => None,
        other => Some(
            [Source::Database, Source::Environment]
                .into_iter()
                .find(|source| source.as_str() == other)
                .ok_or_else(|| Problem::invalid("source", "source must be database or environment"))?,
        ),
    };
    let user = match asked.value("user") {
        "" => None,
        number => Some(number.parse().map_err(|_| Problem::invalid("user", "a user is known by a number"))?),
    };
    let filter = RecordFilter {
        from: instant(asked, "from")?.unwrap_or(Millis(0)),
        to: instant(asked, "to")?.unwrap_or(Millis(i64::MAX)),
        provider: text("provider"),
        model: text("model"),
        actor: text("actor"),
        user,
        source,
        statuses: statuses(asked.value("status"))?,
        ..RecordFilter::default()
    };
    // A cursor that is none is that of the first page: the address was cut.
    Ok(RecordQuery { filter, credential: text("credential"), before: cursor.parse().ok(), count })
}

pub(super) async fn list(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<RecordsQuery>,
) -> Answer<Response> {
    let (asked, cursor) = asked(query);
    let found = async {
        let question = question(&asked, &cursor, ROWS)?;
        state.room.usage(visit.actor()).records(question).await
    };
    let (found, problem) = match found.await {
        Ok(found) => (found, None),
        // What cannot be answered is said on the page, with what was typed still there.
        Err(wrong) if wrong.field.is_some() => {
            (FoundPage { records: Vec::new(), next: None, looked_back_to: None }, Some(wrong.message))
        }
        Err(other) => return Err(other.into()),
    };
    let page = RecordList {
        viewer: &visit.viewer(),
        asked: &asked,
        problem: problem.as_deref(),
        records: &found.records,
        next: found.next.as_deref(),
        looked_back_to: found.looked_back_to,
        is_first: cursor.is_empty(),
    };
    Ok(Html(page.render()).into_response())
}

fn line(record: &FoundRecord) -> String {
    let texts = [
        &record.uid,
        record.request_id.as_ref().unwrap_or(&record.uid),
        &record.kind,
        &record.operation,
        &record.actor,
        &record.token_name,
        &record.credential,
        &record.provider,
        &record.model,
        &record.source,
        &record.tags,
    ];
    let texts: Vec<_> = texts.into_iter().map(|text| cell(text)).collect();
    let optional = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    format!(
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
        Millis(record.at_ms),
        texts.join(","),
        record.version,
        record.user_id,
        record.status,
        record.requests,
        record.client_requests,
        record.input_tokens,
        record.cached_input_tokens,
        record.output_tokens,
        record.reasoning_tokens,
        optional(record.cost_nano_usd),
        optional(record.first_byte_ms),
        optional(record.total_ms),
    )
}

pub(super) async fn file(
    State(state): State<AppState>,
    visit: Visit,
    QueryOf(query): QueryOf<RecordsQuery>,
) -> Answer<Response> {
    let (asked, cursor) = asked(query);
    let question = question(&asked, &cursor, MAX_IN_FILE)?;
    let found = state.room.usage(visit.actor()).records(question).await?;
    let mut text = "at_utc,record,request,kind,operation,actor,token_name,credential,provider,model,source,tags,version,user,status,\
                    key_uses,calls,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens,cost_nano_usd,first_byte_ms,total_ms\r\n"
        .to_owned();
    found.records.iter().for_each(|record| text.push_str(&line(record)));
    Ok(csv::file("strongroom-records", text))
}

pub(super) async fn show(
    State(state): State<AppState>,
    visit: Visit,
    Path(text): Path<String>,
) -> Answer<Response> {
    let id = text.parse().map_err(|_| not_found())?;
    let records = state.room.usage(visit.actor()).record(id).await?;
    Ok(Html(RecordPage { viewer: &visit.viewer(), records: &records }.render()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_named() {
        let of = |name: &str, value: &str| {
            let query = serde_urlencoded::to_string([(name, value)]).unwrap();
            let (asked, cursor) = asked(serde_urlencoded::from_str(&query).unwrap());
            question(&asked, &cursor, 1)
        };
        assert_eq!(
            of("from", "2026-01-31").unwrap().filter.from,
            Millis::parse("2026-01-31T00:00:00Z").unwrap()
        );
        assert_eq!(
            of("to", "2026-01-31T10:00:00Z").unwrap().filter.to,
            Millis::parse("2026-01-31T10:00:00Z").unwrap()
        );
        assert_eq!(of("status", "failed").unwrap().filter.statuses, [(0, 0), (400, u16::MAX)]);
        assert!(of("cursor", "cut").unwrap().before.is_none());
        for (name, value) in [
            ("from", "31.1.2026"),
            ("to", "9999999999"),
            ("status", "odd"),
            ("source", "odd"),
            ("user", "x"),
            ("model", "a\0"),
        ] {
            assert_eq!(of(name, value).unwrap_err().field.as_deref(), Some(name), "{value:?}");
        }
    }
}
