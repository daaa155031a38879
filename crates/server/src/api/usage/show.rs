//! `GET /api/admin/usage`

use axum::Json;
use axum::extract::State;
use strongroom::usage::{GroupBy, Sums};
use strongroom_client::wire::usage::{ShowUsage, Usage, UsageRow};
use strongroom_model::{Millis, Problem};

use crate::http::extract::{Caller, Query};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show usage
#[utoipa::path(
    get,
    path = "/api/admin/usage",
    tag = "usage",
    operation_id = "show_usage",
    params(ShowUsage),
    responses((status = 200, body = Usage))
)]
pub(super) async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ShowUsage>,
) -> Answer<Json<Usage>> {
    let (group_by, by) = group(query.group_by.as_deref().unwrap_or("credential"))?;
    let now = state.room.now().await?;
    let (from, until) = (super::from(query.from.as_deref(), now)?, super::until(query.to.as_deref(), now)?);
    let usage = state.room.usage(actor);
    let sums = match (&query.token, by) {
        (None, _) => usage.sums(by, from, until).await?,
        (Some(id), GroupBy::Provider) => usage.sums_of_token(id, from, until).await?,
        (Some(_), _) => {
            return Err(Problem::invalid(
                "token",
                "what one token used is told by provider: add groupBy=provider",
            )
            .into());
        }
    };
    Ok(Json(Usage {
        group_by: group_by.to_owned(),
        from: super::day(from),
        to: super::day(Millis(until.0 - 1)),
        rows: sums.into_iter().map(|sums| row(by, sums)).collect(),
    }))
}

fn group(text: &str) -> Result<(&'static str, GroupBy), Problem> {
    const GROUPS: [(&str, GroupBy); 7] = [
        ("credential", GroupBy::Credential),
        ("version", GroupBy::Version),
        ("provider", GroupBy::Provider),
        ("model", GroupBy::Model),
        ("token", GroupBy::Token),
        ("user", GroupBy::User),
        ("day", GroupBy::Day),
    ];
    GROUPS.into_iter().find(|(name, _)| *name == text).ok_or_else(|| {
        let known = GROUPS.map(|(name, _)| name).join(", ");
        Problem::invalid("groupBy", format!("groupBy must be one of {known}"))
    })
}

fn row(by: GroupBy, sums: Sums) -> UsageRow {
    let key = match (by, sums.group_key.parse()) {
        (GroupBy::Day, Ok(start)) => super::day(Millis(start)),
        _ => sums.group_key,
    };
    UsageRow {
        key,
        requests: sums.client_requests,
        key_uses: sums.requests,
        errors: sums.errors,
        input_tokens: sums.input_tokens,
        cached_input_tokens: sums.cached_input_tokens,
        output_tokens: sums.output_tokens,
        reasoning_tokens: sums.reasoning_tokens,
        cost_nano_usd: sums.cost_nano_usd,
        unpriced: sums.unpriced,
    }
}
