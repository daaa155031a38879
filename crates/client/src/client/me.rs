//! The caller: who that is, what they used, and the limits that bind them.

use http::Method;

use super::{Client, ClientError};
use crate::wire::limit::Limit;
use crate::wire::me::Me;
use crate::wire::usage::{ShowOwnUsage, Usage};

impl Client {
    /// Who the caller is to the server.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.draft(Method::GET, "/api/me").fetch().await
    }

    /// Sums of what the caller used.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn own_usage(&self, query: &ShowOwnUsage) -> Result<Usage, ClientError> {
        self.draft(Method::GET, "/api/me/usage").query(query)?.fetch().await
    }

    /// Limits that bind the caller.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn own_limits(&self) -> Result<Vec<Limit>, ClientError> {
        self.draft(Method::GET, "/api/me/limits").fetch().await
    }
}
