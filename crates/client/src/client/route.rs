//! Routes of models' names.

use http::Method;

use super::{Client, ClientError};
use crate::wire::route::{ExplainRoute, ExplainedRoute};

impl Client {
    /// Explains where this name goes, and why.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain_route(&self, model: &str) -> Result<ExplainedRoute, ClientError> {
        let query = ExplainRoute { model: model.to_owned() };
        self.draft(Method::GET, "/api/admin/routes/explain").query(&query)?.fetch().await
    }
}
