//! `GET /api/admin/audit-logs`

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use strongroom_client::wire::audit::{AuditEntry, ListAudit};
use strongroom_model::Problem;
use strongroom_model::audit::{Filter, Outcome};

use crate::http::extract::Query;
use crate::http::paging::{check_limit, link_next};
use crate::http::problem::Answer;
use crate::state::AppState;

/// List the audit trail
///
/// The newest first; the next page is in the header `Link`.
#[utoipa::path(
    get,
    path = "/api/admin/audit-logs",
    tag = "audit",
    operation_id = "list_audit_entries",
    params(ListAudit),
    responses(
        (status = 200, body = Vec<AuditEntry>, headers(("Link" = String, description = "The next page, when there is one")))
    )
)]
pub(super) async fn list(State(state): State<AppState>, Query(query): Query<ListAudit>) -> Answer<Response> {
    let limit = check_limit(query.limit.unwrap_or(100))?;
    let newest_first = match query.order.as_deref() {
        None | Some("desc") => true,
        Some("asc") => false,
        Some(_) => return Err(Problem::invalid("order", "order must be asc or desc").into()),
    };
    let filter = filter(&query)?;
    let page = state.room.audit().list(&filter, newest_first, query.cursor, limit).await?;
    let mut response = Json(page.items.into_iter().map(super::wire).collect::<Vec<_>>()).into_response();
    if let Some(next) = page.next {
        let next = ListAudit { cursor: Some(next), ..query };
        link_next(&mut response, "/api/admin/audit-logs", &next);
    }
    Ok(response)
}

fn filter(query: &ListAudit) -> Result<Filter, Problem> {
    let texts = [("action", &query.action), ("actor", &query.actor), ("target", &query.target)];
    for (field, text) in texts {
        if text.as_deref().is_some_and(|text| text.contains('\0')) {
            return Err(Problem::invalid(field, format!("{field} must not hold NUL")));
        }
    }
    let outcome = match query.outcome.as_deref() {
        None => None,
        Some("success") => Some(Outcome::Success),
        Some("denied") => Some(Outcome::Denied),
        Some("failed") => Some(Outcome::Failed),
        Some(_) => return Err(Problem::invalid("outcome", "outcome must be success, denied or failed")),
    };
    Ok(Filter {
        action: query.action.clone(),
        actor: query.actor.clone(),
        target: query.target.clone(),
        outcome,
        from: query.from,
        to: query.to,
        above: None,
    })
}
