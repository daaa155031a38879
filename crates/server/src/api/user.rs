//! `/api/admin/users`

mod create;
mod delete;
mod list;
mod show;
mod update;

use strongroom_client::wire;
use strongroom_model::user::User;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list::list, create::create)).routes(routes!(
        show::show,
        update::update,
        delete::delete
    ))
}

fn wire(user: User) -> wire::user::User {
    wire::user::User {
        id: user.id.0,
        name: user.name,
        role: user.role.as_str().to_owned(),
        is_active: user.is_active,
        created_at: user.created_at,
        updated_at: user.updated_at,
    }
}
