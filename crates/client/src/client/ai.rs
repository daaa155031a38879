//! The AI service.

use std::time::Duration;

use http::Method;

use super::{Client, ClientError};
use crate::wire::ai::{Suggestion, SuggestionRequest};

/// Several models may be asked, one after the other.
const TIMEOUT: Duration = Duration::from_secs(600);

impl Client {
    /// Returns a suggestion about an error.
    ///
    /// # Errors
    /// [`ClientError`]; not found when no provider is configured.
    pub async fn suggest(&self, body: &SuggestionRequest) -> Result<Suggestion, ClientError> {
        self.draft(Method::POST, "/api/ai/suggestions").within(TIMEOUT).body(body)?.fetch().await
    }
}
