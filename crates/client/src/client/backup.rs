//! Backups, as they stream out of a server.

use futures::StreamExt;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError};
use crate::wire::backup::ProvenBackup;
use crate::wire::problem::Message;

impl Client {
    /// Makes a backup. It is whole when the stream ends without an error.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn backup(&self) -> Result<BoxStream<'static, Result<bytes::Bytes, ClientError>>, ClientError> {
        let answer = self.draft(Method::POST, "/api/admin/backup").within(LONG_TIMEOUT).begin().await?;
        Ok(answer.into_body().map_err(ClientError::broken_off).boxed())
    }

    /// Notes that a backup was proven.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn note_proven_backup(&self, body: &ProvenBackup) -> Result<Message, ClientError> {
        self.draft(Method::POST, "/api/admin/backup/proofs").body(body)?.fetch().await
    }
}
