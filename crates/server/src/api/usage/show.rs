//! `GET /api/admin/usage`

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use strongroom::usage::hours::MonthForecast;
use strongroom_client::wire::usage::{PreviousUsage, ShowUsage, Usage, UsageForecast};
use strongroom_model::Problem;

use super::csv;
use super::question::{Of, Question};
use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show usage
///
/// Sums by one or two dimensions, of days in UTC.
#[utoipa::path(
    get,
    path = "/api/admin/usage",
    tag = "usage",
    operation_id = "show_usage",
    params(ShowUsage),
    responses((status = 200, content((Usage = "application/json"), (String = "text/csv"))))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ShowUsage>,
) -> Answer<Response> {
    let is_csv = match query.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::invalid("format", "format must be json or csv").into()),
    };
    let compares = match query.compare.as_deref() {
        None => false,
        Some("previous") => true,
        Some(_) => return Err(Problem::invalid("compare", "compare must be previous").into()),
    };
    let now = state.room.now().await?;
    let question = Question::of(&query, "credential", now)?;
    let usage = state.room.usage(actor);
    let mut answer = question.answer(question.ask(&usage, Of::Everybody).await?);
    if compares {
        let before = question.previous(now);
        let (from, to) = before.days();
        answer.previous = Some(PreviousUsage { from, to, rows: before.ask(&usage, Of::Everybody).await? });
    }
    if query.forecast == Some(true) {
        answer.forecast = Some(forecast(usage.forecast().await?));
    }
    if is_csv {
        return Ok(([(header::CONTENT_TYPE, csv::CONTENT_TYPE)], csv::of(&answer)).into_response());
    }
    Ok(Json(answer).into_response())
}

fn forecast(forecast: MonthForecast) -> UsageForecast {
    let MonthForecast { month_start, spent_nano_usd, at_end } = forecast;
    UsageForecast {
        month: super::day(month_start).chars().take(7).collect(),
        spent_nano_usd,
        expected_nano_usd: at_end.map(|forecast| forecast.expected),
        low_nano_usd: at_end.map(|forecast| forecast.low),
        high_nano_usd: at_end.map(|forecast| forecast.high),
    }
}
