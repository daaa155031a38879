//! Usage: sums, verification, and pricing again; and the health of credentials.

use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError};
use crate::wire::credential::CredentialHealth;
use crate::wire::usage::{
    ListTopUsage, RepriceUsage, ShowUsage, TopUsage, Usage, UsageRebuilt, UsageRepriced, UsageVerification,
};

const PATH: &str = "/api/admin/usage";

impl Client {
    /// Returns sums of usage.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage(&self, query: &ShowUsage) -> Result<Usage, ClientError> {
        self.draft(Method::GET, PATH).query(query)?.fetch().await
    }

    /// Returns the same as comma-separated values.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage_csv(&self, query: &ShowUsage) -> Result<String, ClientError> {
        let query = ShowUsage { format: Some("csv".to_owned()), ..query.clone() };
        let answer = self.draft(Method::GET, PATH).query(&query)?.send().await?;
        String::from_utf8(answer.body().to_vec())
            .map_err(|_| ClientError::protocol("the server's answer is no text".to_owned()))
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

    /// Makes every roll-up again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rebuild_usage(&self) -> Result<UsageRebuilt, ClientError> {
        self.draft(Method::POST, format!("{PATH}/rebuild")).within(LONG_TIMEOUT).fetch().await
    }

    /// The dearest subjects of a kind.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn top_usage(&self, query: &ListTopUsage) -> Result<Vec<TopUsage>, ClientError> {
        self.draft(Method::GET, format!("{PATH}/top")).query(query)?.fetch().await
    }

    /// The health of all credentials.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn credentials_health(&self) -> Result<Vec<CredentialHealth>, ClientError> {
        self.draft(Method::GET, "/api/admin/credentials/health").fetch().await
    }
}
