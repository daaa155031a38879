//! `/api/admin/limits`

mod change;
mod history;
mod list;
mod remove;
mod set;
mod show;
mod test;

use strongroom::limit::{Bound, Standing};
use strongroom_client::wire;
use strongroom_model::{Problem, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list::list, set::set))
        .routes(routes!(show::show, change::change, remove::remove))
        .routes(routes!(history::history))
        .routes(routes!(test::test))
}

pub(super) fn wire(standing: Standing) -> wire::limit::Limit {
    let remaining = standing.remaining();
    let Standing { limit, name, used, held, resets_at } = standing;
    wire::limit::Limit {
        id: limit.uid.to_string(),
        scope: wire::limit::LimitScope { kind: limit.scope.kind().to_owned(), id: limit.scope.id(), name },
        unit: limit.unit.as_str().to_owned(),
        window: limit.window.as_str().to_owned(),
        amount: limit.amount,
        used,
        held,
        remaining,
        resets_at,
        created_at: limit.created_at,
        updated_at: limit.updated_at,
    }
}

fn bound(credential: Option<String>, token: Option<String>, user: Option<i64>) -> Result<Bound, Problem> {
    match (credential, token, user) {
        (Some(name), None, None) => Ok(Bound::Credential(name)),
        (None, Some(id), None) => Ok(Bound::Token(id)),
        (None, None, Some(id)) => Ok(Bound::User(UserId(id))),
        _ => Err(Problem::invalid("credential", "name exactly one of credential, token and userId")),
    }
}
