//! Routes of models' names.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The name that is asked about.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainRoute {
    /// The model's name, as a program writes it.
    pub model: String,
}

/// The places that a name goes to on `/v1`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRoute {
    /// The name.
    pub model: String,
    /// True when it is one of `gateway.model_aliases`.
    pub is_alias: bool,
    /// The places that it goes to, in the order in which they are tried; none when it is refused.
    pub places: Vec<RoutePlace>,
    /// The reason why it goes nowhere, and the mend.
    #[serde(default)]
    pub refusal: Option<String>,
}

/// One place that a name goes to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutePlace {
    /// The provider.
    pub provider: String,
    /// The model's name there.
    pub model: String,
    /// `known`, `credential` or `route`.
    pub because: String,
    /// The same in a sentence.
    pub reason: String,
    /// True when a credential, or the environment, serves the caller there.
    pub is_served: bool,
}
