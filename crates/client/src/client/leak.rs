//! Leaks: checking keys, responding, freezing, and keys that stood elsewhere.

use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError};
use crate::wire::credential::Credential;
use crate::wire::leak::{CheckLeaks, LeakReport, LeakResponse, RespondToLeak};
use crate::wire::offboard::{OffboardReport, OffboardRequest};

impl Client {
    /// Says of each key whether it is the server's.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn check_leaks(&self, body: &CheckLeaks) -> Result<LeakReport, ClientError> {
        self.draft(Method::POST, "/api/admin/leaks/check").body(body)?.fetch().await
    }

    /// Freezes a credential, or goes on with a new key, and tells how far the trouble reaches.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn respond_to_leak(&self, body: &RespondToLeak) -> Result<LeakResponse, ClientError> {
        self.draft(Method::POST, "/api/admin/leaks/respond").body(body)?.fetch().await
    }

    /// Says of keys that stood elsewhere whether anybody still uses them.
    ///
    /// # Errors
    /// [`ClientError`]; not found when a named credential does not exist.
    pub async fn offboard_keys(&self, body: &OffboardRequest) -> Result<OffboardReport, ClientError> {
        // Providers are asked, each with the patience that it gets.
        let draft = self.draft(Method::POST, "/api/admin/credentials/offboard").within(LONG_TIMEOUT);
        draft.body(body)?.fetch().await
    }

    /// Freezes a credential: nobody is served from it.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn freeze_credential(&self, id: i64) -> Result<Credential, ClientError> {
        self.draft(Method::POST, format!("/api/admin/credentials/{id}/freeze")).fetch().await
    }

    /// Serves from a frozen credential again.
    ///
    /// # Errors
    /// [`ClientError`]; not found when there is none.
    pub async fn unfreeze_credential(&self, id: i64) -> Result<Credential, ClientError> {
        self.draft(Method::POST, format!("/api/admin/credentials/{id}/unfreeze")).fetch().await
    }
}
