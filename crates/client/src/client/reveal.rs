//! Reading secrets: each call counts one use.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::credential::{RateLimit, ReadQuery, RevealedCredential};

impl Client {
    /// Reads the key of the credential with this name.
    ///
    /// # Errors
    /// [`ClientError`]; limit reached when no use is left this month.
    pub async fn reveal_credential(
        &self,
        name: &str,
        user_id: Option<i64>,
    ) -> Result<RevealedCredential, ClientError> {
        let path = format!("/api/credentials/{}", encode(name));
        self.draft(Method::GET, path).query(&ReadQuery { user_id })?.fetch().await
    }

    /// Reads the key of the first credential of this provider, in the order of priority.
    ///
    /// # Errors
    /// [`ClientError`]; limit reached when none of them has a use left this month.
    pub async fn reveal_provider_credential(
        &self,
        provider: &str,
        user_id: Option<i64>,
    ) -> Result<RevealedCredential, ClientError> {
        let path = format!("/api/providers/{}/credential", encode(provider));
        self.draft(Method::GET, path).query(&ReadQuery { user_id })?.fetch().await
    }

    /// Tells where a credential stands against its monthly limit. Counts no use.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rate_limit(&self, name: &str) -> Result<RateLimit, ClientError> {
        self.draft(Method::GET, format!("/api/credentials/{}/rate-limit", encode(name))).fetch().await
    }
}
