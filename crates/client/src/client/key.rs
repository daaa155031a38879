//! Encryption keys: which there are, and a fresh master key.

use http::Method;

use super::{Client, ClientError};
use crate::wire::key::{GeneratedKey, KeyStatus};

impl Client {
    /// The master key in use, by its fingerprint, and the keys it wraps.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn key_status(&self) -> Result<KeyStatus, ClientError> {
        self.draft(Method::GET, "/api/admin/encryption-keys").fetch().await
    }

    /// A fresh master key, which the server does not keep.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn generate_key(&self) -> Result<GeneratedKey, ClientError> {
        self.draft(Method::POST, "/api/admin/credentials/generate-key").fetch().await
    }
}
