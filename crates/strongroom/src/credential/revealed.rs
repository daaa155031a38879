//! A key that was handed out.

use strongroom_model::credential::Source;
use strongroom_model::{CredentialId, Provider, Secret};

/// A key that was handed out. Its use is counted.
#[derive(Debug, Clone)]
pub struct RevealedCredential {
    /// The credential's number; `None` when the key came from the environment.
    pub id: Option<CredentialId>,
    /// Its name; the variable's when the key came from the environment.
    pub name: String,
    /// Whose API it opens.
    pub provider: Provider,
    /// A base URL in place of the provider's own.
    pub endpoint: Option<String>,
    /// The key.
    pub api_key: Secret,
    /// The second secret, when there is one.
    pub api_secret: Option<Secret>,
    /// Where it came from.
    pub source: Source,
    /// The number of the version.
    pub version: Option<i64>,
    /// Uses since ever, this one included.
    pub usage_count: i64,
    /// Uses of this month, this one included.
    pub current_month_usage: i64,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
}
