//! Moving credentials in.

use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError};
use crate::wire::import::{ImportReport, ImportRequest};

impl Client {
    /// Moves in up to 500 rows and tells what became of each. Sent again, it changes nothing.
    ///
    /// # Errors
    /// [`ClientError`]; a row that cannot be made is no error but part of the report.
    pub async fn import_credentials(&self, body: &ImportRequest) -> Result<ImportReport, ClientError> {
        let draft = self.draft(Method::POST, "/api/admin/credentials/import").body(body)?;
        draft.within(LONG_TIMEOUT).fetch().await
    }
}
