//! `POST /api/admin/alerts/silences`

use axum::Json;
use axum::extract::State;
use strongroom::alert::{Level, NewSilence, Rule, SilenceMatcher};
use strongroom_client::wire::alert::{MakeSilence, Silence};

use crate::http::extract::{Caller, JsonBody};
use crate::http::problem::Answer;
use crate::state::AppState;

/// Silence alerts for a while
///
/// Channels are told of nothing that it covers; the list of alerts and the log still are. What fires when it ends is told then.
#[utoipa::path(
    post,
    path = "/api/admin/alerts/silences",
    tag = "alerts",
    operation_id = "make_silence",
    request_body = MakeSilence,
    responses((status = 200, body = Silence))
)]
pub(super) async fn silence(
    State(state): State<AppState>,
    Caller(actor): Caller,
    JsonBody(body, _): JsonBody<MakeSilence>,
) -> Answer<Json<Silence>> {
    let service = state.room.alerts(actor);
    let bound = super::bound(body.credential, body.token, body.user_id)?;
    let subject = match bound {
        Some(bound) => {
            let scope = service.rule_scope(None, Some(&bound)).await?;
            Some((scope.kind().to_owned(), scope.id()))
        }
        None => None,
    };
    let matcher = SilenceMatcher {
        rule: body.rule.as_deref().map(Rule::parse).transpose()?,
        subject,
        up_to: body.up_to_level.as_deref().map(Level::parse).transpose()?,
    };
    let for_ms = body.seconds.saturating_mul(1000);
    let silence = service.silence(NewSilence { matcher, for_ms, reason: body.reason }).await?;
    Ok(Json(super::wire_silence(silence)))
}
