//! `GET /api/me`

use axum::Json;
use axum::extract::State;
use strongroom_client::wire::me::Me;
use strongroom_client::wire::token::TokenScope;

use crate::http::extract::Caller;
use crate::http::problem::Answer;
use crate::state::AppState;

/// Show the caller
#[utoipa::path(get, path = "/api/me", tag = "me", operation_id = "show_me", responses((status = 200, body = Me)))]
pub(super) async fn show(State(state): State<AppState>, Caller(actor): Caller) -> Answer<Json<Me>> {
    let (label, role, user) = (actor.label(), actor.role, actor.user);
    let me = state.room.me(actor).show().await?;
    let scope = me.token.as_ref().map(|named| TokenScope {
        credentials: named.credentials.clone(),
        providers: named.token.scope.providers.iter().map(ToString::to_string).collect(),
        models: named.token.scope.models.clone(),
    });
    let user_name = me.user.map(|user| user.name);
    let token = me.token.map(|named| named.token);
    Ok(Json(Me {
        actor: label,
        name: token.as_ref().map(|token| token.name.clone()).or_else(|| user_name.clone()),
        role: role.as_str().to_owned(),
        scope: scope.unwrap_or_default(),
        user_id: user.map(|user| user.0),
        user_name,
        expires_at: token.as_ref().and_then(|token| token.expires_at),
        leased_until: token.and_then(|token| token.leased_until),
    }))
}
