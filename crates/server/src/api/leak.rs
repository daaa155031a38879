//! `/api/admin/leaks`

mod check;
mod respond;

use strongroom::leak::Access;
use strongroom_client::wire::leak::Holder;
use strongroom_model::token::Token;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(check::check)).routes(routes!(respond::respond))
}

fn token(token: &Token) -> Holder {
    Holder {
        kind: "token".to_owned(),
        id: token.id.clone(),
        name: token.name.clone(),
        role: token.role.as_str().to_owned(),
    }
}

fn access(access: &Access) -> Vec<Holder> {
    let users = access.users.iter().map(|user| Holder {
        kind: "user".to_owned(),
        id: user.id.to_string(),
        name: user.name.clone(),
        role: user.role.as_str().to_owned(),
    });
    access.tokens.iter().map(token).chain(users).collect()
}
