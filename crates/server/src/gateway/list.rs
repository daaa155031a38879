//! The list of models of the door for all: what this caller may ask for by name.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use strongroom::Strongroom;
use strongroom_model::provider::KNOWN;
use strongroom_model::{Actor, Problem, Provider};

use super::models::Aliases;

/// Aliases, and the models with a known price of every provider that this caller is served by, in the shape of
/// <https://platform.openai.com/docs/api-reference/models/list>.
pub(super) async fn list(room: &Strongroom, actor: &Actor, aliases: &Aliases) -> Result<Response, Problem> {
    let calls = room.calls(actor.clone());
    let mut data: Vec<_> = aliases.names().map(|name| model(name, "strongroom")).collect();
    for known in KNOWN {
        let provider = Provider::stored(known.name.to_owned());
        if calls.serves(&provider).await? {
            let models = room.prices().models_of(&provider);
            data.extend(models.map(|name| model(&format!("{provider}/{name}"), provider.as_str())));
        }
    }
    Ok(Json(json!({ "object": "list", "data": data })).into_response())
}

fn model(id: &str, owner: &str) -> serde_json::Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
}
