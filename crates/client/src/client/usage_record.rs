//! Single records of usage: all of them for admins, one's own for everybody.

use http::Method;

use super::{Client, ClientError, encode};
use crate::wire::usage_record::{ListUsageRecords, UsageRecord, UsageRecords};

/// Whose records are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordsOf {
    /// Everybody's.
    All,
    /// The caller's own.
    Me,
}

impl RecordsOf {
    const fn path(self) -> &'static str {
        match self {
            Self::All => "/api/admin/usage/records",
            Self::Me => "/api/me/usage/records",
        }
    }
}

impl Client {
    /// One page of the records that match, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage_records(
        &self,
        of: RecordsOf,
        query: &ListUsageRecords,
    ) -> Result<UsageRecords, ClientError> {
        self.draft(Method::GET, of.path()).query(query)?.fetch().await
    }

    /// The records of a request, in the order of time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage_record(&self, of: RecordsOf, id: &str) -> Result<Vec<UsageRecord>, ClientError> {
        self.draft(Method::GET, format!("{}/{}", of.path(), encode(id))).fetch().await
    }
}
