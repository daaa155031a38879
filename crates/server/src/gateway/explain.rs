//! Explanation of where a model's name goes and why, without a call.

use std::sync::Arc;

use strongroom_model::model_route::ModelAt;
use strongroom_model::{Actor, Problem};

use super::Gateway;
use super::target::{resolve, unknown};

/// One place that a name leads to.
#[derive(Debug)]
pub struct Place {
    /// The provider, and what the model is called there.
    pub at: ModelAt,
    /// True when a credential or the environment serves this caller there.
    pub is_served: bool,
}

/// The places that a name leads to.
#[derive(Debug)]
pub struct Explained {
    /// True when the name is an alias.
    pub is_alias: bool,
    /// Places, in the order in which they are tried.
    pub places: Vec<Place>,
    /// The reason why it goes nowhere, and the remedy.
    pub refusal: Option<String>,
}

impl Gateway {
    /// Explains where this name goes on the unified API, for this caller. Nothing is called and nothing counted.
    ///
    /// # Errors
    /// [`Problem`] when the database is away.
    pub async fn explain(&self, actor: Actor, name: &str) -> Result<Explained, Problem> {
        let calls = self.room.calls(Arc::new(actor));
        let found = resolve(name, &self.options.names, &calls).await?;
        let refusal = found.is_empty().then(|| unknown(name).message);
        let mut places = Vec::with_capacity(found.len());
        for at in found {
            let is_served = calls.serves(&at.provider).await?;
            places.push(Place { at, is_served });
        }
        Ok(Explained { is_alias: self.options.names.aliases.has(name), places, refusal })
    }
}
