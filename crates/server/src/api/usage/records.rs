//! `GET /api/admin/usage/records` and `GET /api/me/usage/records`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use strongroom::usage::record::{FoundPage, FoundRecord, Kind, RecordFilter, RecordQuery, Source};
use strongroom_client::wire::usage_record::{ListUsageRecords, UsageRecord, UsageRecords};
use strongroom_model::{Millis, Problem};

use crate::http::extract::{Caller, Query};
use crate::http::paging::{check_limit, link_next};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List usage records
///
/// The newest first. A search for something rare looks at 50,000 records at the most and says how far back it came.
#[utoipa::path(
    get,
    path = "/api/admin/usage/records",
    tag = "usage",
    operation_id = "list_usage_records",
    params(ListUsageRecords),
    responses(
        (status = 200, body = UsageRecords, headers(("Link" = String, description = "The next page, when there is one")))
    )
)]
pub(super) async fn records(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListUsageRecords>,
) -> Answer<Response> {
    let found = state.room.usage(actor).records(asked(&query)?).await?;
    Ok(answer("/api/admin/usage/records", query, found))
}

/// What a query asks for.
pub(in crate::api) fn asked(query: &ListUsageRecords) -> Result<RecordQuery, Problem> {
    let limit = check_limit(query.limit.unwrap_or(100))?;
    let before = query.cursor.as_deref().map(str::parse).transpose();
    let before = before.map_err(|_| Problem::invalid("cursor", "cursor must be the next of a page"))?;
    let filter = RecordFilter {
        from: query.from.unwrap_or(Millis(0)),
        to: query.to.unwrap_or(Millis(i64::MAX)),
        provider: query.provider.clone(),
        model: query.model.clone(),
        actor: query.token.as_ref().map(|id| format!("token:{id}")),
        user: query.user,
        source: query.source.as_deref().map(source).transpose()?,
        kind: query.kind.as_deref().map(kind).transpose()?,
        statuses: query.status.as_deref().map_or(Ok(Vec::new()), statuses)?,
        ..RecordFilter::default()
    };
    let count = usize::try_from(limit).unwrap_or(1);
    Ok(RecordQuery { filter, credential: query.credential.clone(), before, count })
}

fn source(text: &str) -> Result<Source, Problem> {
    [Source::Database, Source::Environment]
        .into_iter()
        .find(|source| source.as_str() == text)
        .ok_or_else(|| Problem::invalid("source", "source must be database or environment"))
}

fn kind(text: &str) -> Result<Kind, Problem> {
    [Kind::Read, Kind::Recorded, Kind::Call, Kind::Attempt, Kind::Late]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| Problem::invalid("kind", "kind must be one of read, recorded, call, attempt, late"))
}

/// The ranges of statuses that a text stands for.
fn statuses(text: &str) -> Result<Vec<(u16, u16)>, Problem> {
    let class = text.strip_suffix("xx").and_then(|class| class.parse::<u16>().ok());
    let one = text.parse::<u16>().ok().filter(|status| (100..=999).contains(status));
    match (text, class, one) {
        ("none", ..) => Ok(vec![(0, 0)]),
        ("failed", ..) => Ok(vec![(0, 0), (400, u16::MAX)]),
        (_, Some(class @ 1..=9), _) => Ok(vec![(class * 100, class * 100 + 99)]),
        (_, _, Some(status)) => Ok(vec![(status, status)]),
        _ => {
            Err(Problem::invalid("status", "status must be one such as 429, a class as 4xx, none, or failed"))
        }
    }
}

/// The page, with the address of the next one.
pub(in crate::api) fn answer(path: &str, query: ListUsageRecords, found: FoundPage) -> Response {
    let FoundPage { records, next, looked_back_to } = found;
    let records = records.into_iter().map(wire).collect();
    let mut response = Json(UsageRecords { records, next: next.clone(), looked_back_to }).into_response();
    if next.is_some() {
        link_next(&mut response, path, &ListUsageRecords { cursor: next, ..query });
    }
    response
}

pub(in crate::api) fn wire(found: FoundRecord) -> UsageRecord {
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    UsageRecord {
        id: found.uid,
        request_id: found.request_id,
        at: Millis(found.at_ms),
        kind: found.kind,
        operation: found.operation,
        actor: found.actor,
        token_name: text(found.token_name),
        user_id: Some(found.user_id).filter(|id| *id != 0),
        credential: text(found.credential),
        version: Some(found.version).filter(|number| *number != 0),
        provider: found.provider,
        model: text(found.model),
        source: found.source,
        tags: serde_json::from_str(&found.tags).unwrap_or_else(|_| serde_json::json!({})),
        status: found.status,
        requests: found.requests,
        client_requests: found.client_requests,
        input_tokens: found.input_tokens,
        cached_input_tokens: found.cached_input_tokens,
        cache_write_tokens: found.cache_write_tokens,
        output_tokens: found.output_tokens,
        reasoning_tokens: found.reasoning_tokens,
        cost_nano_usd: found.cost_nano_usd,
        charged_tokens: found.charged_tokens,
        charged_nano_usd: found.charged_nano_usd,
        metering: found.metering,
        first_byte_ms: found.first_byte_ms,
        total_ms: found.total_ms,
        reported_usage: found.raw_usage.and_then(|raw| serde_json::from_str(&raw).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_a_class_none_or_what_failed() {
        assert_eq!(statuses("429").unwrap(), [(429, 429)]);
        assert_eq!(statuses("4xx").unwrap(), [(400, 499)]);
        assert_eq!(statuses("none").unwrap(), [(0, 0)]);
        assert_eq!(statuses("failed").unwrap(), [(0, 0), (400, u16::MAX)]);
        for wrong in ["", "4x", "0xx", "99", "70000", "-1", "xx", "good"] {
            assert_eq!(statuses(wrong).unwrap_err().field.as_deref(), Some("status"), "{wrong}");
        }
    }
}
