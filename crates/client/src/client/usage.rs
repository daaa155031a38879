//! Usage: sums, verification, and pricing again; and the health of credentials.

use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError};
use crate::wire::credential::CredentialHealth;
use crate::wire::usage::{RepriceUsage, ShowUsage, Usage, UsageRepriced, UsageVerification};

const PATH: &str = "/api/admin/usage";

impl Client {
    /// Returns sums of usage.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage(&self, query: &ShowUsage) -> Result<Usage, ClientError> {
        self.draft(Method::GET, PATH).query(query)?.fetch().await
    }

    /// Compares the counters with the ledger.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verify_usage(&self) -> Result<UsageVerification, ClientError> {
        self.draft(Method::GET, format!("{PATH}/verify")).within(LONG_TIMEOUT).fetch().await
    }

    /// Prices again what was used.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reprice_usage(&self, body: &RepriceUsage) -> Result<UsageRepriced, ClientError> {
        self.draft(Method::POST, format!("{PATH}/reprice")).within(LONG_TIMEOUT).body(body)?.fetch().await
    }

    /// The health of all credentials.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn credentials_health(&self) -> Result<Vec<CredentialHealth>, ClientError> {
        self.draft(Method::GET, "/api/admin/credentials/health").fetch().await
    }
}
