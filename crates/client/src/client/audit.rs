//! The audit trail: listing and verifying it.

use http::Method;

use super::request::LONG_TIMEOUT;
use super::{Client, ClientError, Page};
use crate::wire::audit::{AuditEntry, AuditVerification, ListAudit, VerifyAudit};

const PATH: &str = "/api/admin/audit-logs";

impl Client {
    /// One page of the entries that match, the newest first unless `order` says otherwise.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_audit(&self, query: &ListAudit) -> Result<Page<AuditEntry>, ClientError> {
        Page::read(&self.draft(Method::GET, PATH).query(query)?.send().await?)
    }

    /// Verifies every entry, every head, and the anchors that were exported earlier.
    ///
    /// # Errors
    /// [`ClientError`]; a broken chain is no error but an answer.
    pub async fn verify_audit(&self, body: &VerifyAudit) -> Result<AuditVerification, ClientError> {
        self.draft(Method::POST, format!("{PATH}/verify")).body(body)?.within(LONG_TIMEOUT).fetch().await
    }
}
