//! Encryption keys: which there are, how they are replaced, and a fresh master key.

use http::Method;

use super::{Client, ClientError};
use crate::wire::key::{GeneratedKey, KeyRotationStarted, KeyStatus, MasterKeyChange};

const PATH: &str = "/api/admin/encryption-keys";

impl Client {
    /// The master key in use, by its fingerprint, and the keys it wraps.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn key_status(&self) -> Result<KeyStatus, ClientError> {
        self.draft(Method::GET, PATH).fetch().await
    }

    /// Begins a rotation of the data key, or has the one that is open go on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate_key(&self) -> Result<KeyRotationStarted, ClientError> {
        self.draft(Method::POST, format!("{PATH}/rotate")).fetch().await
    }

    /// Wraps every key under the server's master key too.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate_master_key(&self) -> Result<MasterKeyChange, ClientError> {
        self.draft(Method::POST, format!("{PATH}/rotate-master")).fetch().await
    }

    /// Retires the master keys that the server's replaced.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn retire_master_keys(&self) -> Result<MasterKeyChange, ClientError> {
        self.draft(Method::POST, format!("{PATH}/retire-master")).fetch().await
    }

    /// A fresh master key, which the server does not keep.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn generate_key(&self) -> Result<GeneratedKey, ClientError> {
        self.draft(Method::POST, "/api/admin/credentials/generate-key").fetch().await
    }
}
