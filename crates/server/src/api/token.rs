//! `/api/admin/tokens`

mod create;
mod list;
mod prolong;
mod revoke;

use strongroom::token::NamedToken;
use strongroom_client::wire::token::{Token, TokenScope};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(revoke::revoke))
        .routes(routes!(prolong::prolong))
}

fn wire(named: NamedToken) -> Token {
    let NamedToken { token, credentials } = named;
    Token {
        id: token.id,
        name: token.name,
        role: token.role.as_str().to_owned(),
        scope: TokenScope {
            credentials,
            providers: token.scope.providers.iter().map(ToString::to_string).collect(),
            models: token.scope.models,
        },
        tags: token.tags.pairs().clone(),
        user_id: token.user.map(|user| user.0),
        created_at: token.created_at,
        expires_at: token.expires_at,
        leased_until: token.leased_until,
        revoked_at: token.revoked_at,
    }
}
