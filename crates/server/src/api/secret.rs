//! Reading keys: `/api/credentials/{name}` and `/api/providers/{provider}/credential`.

mod by_name;
mod by_provider;
mod rate_limit;

use strongroom::RevealedCredential;
use strongroom_client::wire::SecretText;
use strongroom_client::wire::credential;
use strongroom_model::{Actor, Problem, Role, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(by_name::read_by_name))
        .routes(routes!(by_provider::read_by_provider))
        .routes(routes!(rate_limit::rate_limit))
}

fn wire(read: RevealedCredential) -> credential::RevealedCredential {
    credential::RevealedCredential {
        id: read.id.map(|id| id.0),
        name: read.name,
        provider: read.provider.to_string(),
        endpoint: read.endpoint,
        api_key: SecretText(read.api_key),
        api_secret: read.api_secret.map(SecretText),
        source: read.source.as_str().to_owned(),
        version: read.version,
        usage_count: read.usage_count,
        current_month_usage: read.current_month_usage,
        rate_limit: read.rate_limit,
    }
}

/// Only an admin may look through another user's eyes.
fn other_user(actor: &Actor, user: Option<i64>) -> Result<Option<UserId>, Problem> {
    match user.map(UserId) {
        Some(user) if actor.role != Role::Admin && actor.user != Some(user) => {
            Err(Problem::denied("only an admin may read another user's credentials"))
        }
        user => Ok(user),
    }
}
