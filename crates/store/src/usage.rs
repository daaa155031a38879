//! Usage records: the ledger that the counters are the sum of.

use strongroom_model::credential::Source;
use strongroom_model::{Millis, Provider, Uid, UserId};

use crate::REGION;
use crate::dispatch::execute;
use crate::error::StoreError;
use crate::session::Write;

/// Why a record was written; a reset of the month is written by [`crate::counter::reset_month`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A key was handed out.
    Read,
    /// A program said that it used a key.
    Recorded,
    /// Usage from before the credential was moved in.
    Imported,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Recorded => "recorded",
            Self::Imported => "imported",
        }
    }
}

/// A line of the ledger.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its identity.
    pub uid: Uid,
    /// When.
    pub at: Millis,
    /// The window it counts in.
    pub window_start: Millis,
    /// Why.
    pub kind: Kind,
    /// Who.
    pub actor: &'a str,
    /// The user behind the actor.
    pub user: Option<UserId>,
    /// The credential; `None` when the key came from the environment.
    pub credential: Option<Uid>,
    /// The version of it.
    pub version: Option<Uid>,
    /// The provider.
    pub provider: &'a Provider,
    /// Where the key came from.
    pub source: Source,
    /// Uses.
    pub requests: i64,
    /// A signed correction of what counts against the limit.
    pub adjustment: i64,
}

/// Writes a line.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, record: &Record<'_>) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO usage_records (uid, region, at_ms, window_start_ms, kind, actor, user_id, \
                       credential_uid, version_uid, provider, source, requests, adjustment) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    execute!(
        tx,
        SQL,
        record.uid.to_string(),
        REGION,
        record.at.0,
        record.window_start.0,
        record.kind.as_str(),
        record.actor,
        record.user.map(|user| user.0),
        record.credential.map(|uid| uid.to_string()),
        record.version.map(|uid| uid.to_string()),
        record.provider.as_str(),
        record.source.as_str(),
        record.requests,
        record.adjustment
    )
    .map(|_| ())
}
