//! State of the server, and its view of the caller.

use http::{Method, StatusCode};

use super::request::decode;
use super::{Client, ClientError};
use crate::wire::status::{Readiness, Status};

impl Client {
    /// The server's version and database, and the caller's name and role.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.draft(Method::GET, "/api/admin/status").fetch().await
    }

    /// Returns whether the server can do its work. One that cannot is no error but an answer.
    ///
    /// # Errors
    /// [`ClientError`] when nothing, or something else, answers.
    pub async fn readiness(&self) -> Result<Readiness, ClientError> {
        let answer = self.draft(Method::GET, "/readyz").send_any().await?;
        match answer.status() {
            StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => decode(&answer).map_err(|error| {
                if answer.status().is_success() { error } else { ClientError::refused(&answer) }
            }),
            _ => Err(ClientError::refused(&answer)),
        }
    }

    /// Returns whether something answers at all.
    ///
    /// # Errors
    /// [`ClientError`] when nothing does.
    pub async fn livez(&self) -> Result<(), ClientError> {
        self.draft(Method::GET, "/livez").send().await.map(drop)
    }
}
