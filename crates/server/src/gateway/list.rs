//! The list of models of the door for all: what this caller may ask for by name.

use std::sync::Arc;

use axum::Json;
use axum::response::IntoResponse;
use http::Response;
use serde_json::json;
use strongroom::Strongroom;
use strongroom_model::provider::KNOWN;
use strongroom_model::{Actor, Problem, Provider};

use super::models::Aliases;
use crate::http::front::Outgoing;

/// Aliases, and the models with a known price of every provider that this caller is served by, in the shape of
/// <https://platform.openai.com/docs/api-reference/models/list>.
pub(super) async fn list(
    room: &Strongroom,
    actor: &Arc<Actor>,
    aliases: &Aliases,
) -> Result<Response<Outgoing>, Problem> {
    let calls = room.calls(Arc::clone(actor));
    let mut data: Vec<_> = aliases.names().map(|name| model(name, "strongroom")).collect();
    for known in KNOWN {
        let provider = Provider::of_known(known.name);
        if calls.serves(&provider).await? {
            let models = room.prices().models_of(&provider);
            data.extend(models.map(|name| model(&format!("{provider}/{name}"), provider.as_str())));
        }
    }
    Ok(Json(json!({ "object": "list", "data": data })).into_response().map(Outgoing::Router))
}

fn model(id: &str, owner: &str) -> serde_json::Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
}
