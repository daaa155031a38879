//! `POST /api/admin/limits`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::limit::{Limit, SetLimit};
use strongroom_model::limit::{Unit, Window};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Set a limit
///
/// There is at most one per scope, unit and window: an existing one gets the new amount and goes on counting. A new one
/// counts what is admitted from now on; a credential's monthly requests are always counted.
#[utoipa::path(
    post,
    path = "/api/admin/limits",
    tag = "limits",
    operation_id = "set_limit",
    request_body = SetLimit,
    responses((status = 200, body = Limit))
)]
pub(super) async fn set(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<SetLimit>,
) -> Answer<Json<Limit>> {
    let bound = super::bound(body.credential, body.token, body.user_id)?;
    let (unit, window) = (Unit::parse(&body.unit)?, Window::parse(&body.window)?);
    let standing = state.room.limits(actor).set(&bound, unit, window, body.amount).await?;
    Ok(Json(super::wire(standing)))
}
