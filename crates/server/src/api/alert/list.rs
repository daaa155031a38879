//! `GET /api/admin/alerts`

use axum::Json;
use axum::extract::State;
use strongroom::alert::{IncidentFilter, Rule, Standing};
use strongroom_client::wire::alert::{Alert, ListAlerts};
use strongroom_model::{Millis, Problem};

use crate::http::extract::{Caller, Query};
use crate::http::paging::check_limit;
use crate::http::problem::Answer;
use crate::state::AppState;

/// How far back is looked when nobody says.
const DAYS: i64 = 30;

/// List alerts
///
/// The newest first: of the last 30 days, or with `firing` all that are not over.
#[utoipa::path(
    get,
    path = "/api/admin/alerts",
    tag = "alerts",
    operation_id = "list_alerts",
    params(ListAlerts),
    responses((status = 200, body = Vec<Alert>))
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListAlerts>,
) -> Answer<Json<Vec<Alert>>> {
    let limit = check_limit(query.limit.unwrap_or(100))?;
    let firing_only = query.firing.unwrap_or(false);
    let from = match query.from {
        None if !firing_only => Some(Millis(state.room.now().await?.0 - DAYS * 86_400_000)),
        given => given,
    };
    if query.subject.as_deref().is_some_and(|text| text.contains('\0')) {
        return Err(Problem::invalid("subject", "subject must not hold NUL").into());
    }
    let filter = IncidentFilter {
        firing_only,
        rule: query.rule.as_deref().map(Rule::parse).transpose()?,
        subject: query.subject.as_deref(),
        from,
        to: query.to,
        standing: query.state.as_deref().map(Standing::parse).transpose()?,
        behind: None,
    };
    let found = state.room.alerts(actor).list(&filter, limit).await?;
    Ok(Json(found.into_iter().map(super::wire).collect()))
}
