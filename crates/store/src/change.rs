//! The change log: what was changed, so that a server that holds some of it in memory knows what to forget.
//!
//! A counter moves with every transaction that changes a credential, a token, a user or a limit; the log names, for each of its
//! values, the subjects of that change. A row that is new moves nothing, for nobody holds what was not there. The exception is a
//! new credential: servers hold the list of a provider's credentials, which it is missing from.
//!
//! Values are given out under the lock of the counter's row, which is held until the commit: whoever sees a value sees all that
//! came before it.

use std::collections::HashSet;

use strongroom_model::limit::LimitScope;
use strongroom_model::{Provider, Uid};

use crate::dispatch::{execute, execute_rows, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

/// Values of the counter whose subjects are kept, and rows that a server reads at the most: one that is further behind forgets
/// everything.
pub const MAX_CHANGES: i64 = 1024;
/// Changes between two deletions of rows that are too old.
const DELETE_EVERY: i64 = 64;
/// Subjects of one transaction that are named; one with more of them has changed everything.
const MAX_SUBJECTS: usize = 256;

const PROVIDER: &str = "provider";
const LIMIT: &str = "limit";
const ALL: &str = "all";

/// Subject of a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A credential, a token or a user: its row, or the limits that bind it.
    Scope(LimitScope),
    /// A provider's list of credentials.
    Provider(Provider),
    /// The counters of a limit: what was taken of them ahead goes back.
    Limit(Uid),
}

impl Subject {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Scope(scope) => scope.kind(),
            Self::Provider(_) => PROVIDER,
            Self::Limit(_) => LIMIT,
        }
    }

    fn id(&self) -> String {
        match self {
            Self::Scope(scope) => scope.id(),
            Self::Provider(provider) => provider.as_str().to_owned(),
            Self::Limit(uid) => uid.to_string(),
        }
    }

    /// `None` for everything, and for a kind that a newer version has written.
    fn stored(kind: &str, id: String) -> Option<Self> {
        match kind {
            PROVIDER => Some(Self::Provider(Provider::stored(id))),
            LIMIT => id.parse().ok().map(Self::Limit),
            kind => LimitScope::of(kind, &id).map(Self::Scope),
        }
    }
}

/// A subject, and the value of the counter that its change moved it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The value.
    pub value: i64,
    /// The subject.
    pub subject: Subject,
}

/// Changes since a value of the counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// That value.
    pub since: i64,
    /// The counter's value now.
    pub value: i64,
    /// The changes between the two, the oldest first; `None` when they are not all known, and anything may have been changed.
    pub log: Option<Vec<Change>>,
}

/// The counter's value.
///
/// # Errors
/// [`StoreError`].
pub async fn current(session: &mut Session) -> Result<i64, StoreError> {
    let row = fetch_optional!(session, (i64,), "SELECT value FROM changes WHERE id = 1")?;
    Ok(row.map_or(0, |(value,)| value))
}

/// Returns what was changed since the counter had a value. The log is read only when it has moved.
///
/// # Errors
/// [`StoreError`].
pub async fn since(session: &mut Session, since: i64) -> Result<Changes, StoreError> {
    const LOG: &str = "SELECT value, kind, subject FROM change_log WHERE value > $1 AND value <= $2 ORDER BY value LIMIT $3";
    let value = current(session).await?;
    let unknown = Changes { since, value, log: None };
    if value == since {
        return Ok(Changes { log: Some(Vec::new()), ..unknown });
    }
    // One that came to a lower value is another database's: restored, or put in its place.
    if since < 0 || value < since || value - since > MAX_CHANGES {
        return Ok(unknown);
    }
    let rows = fetch_all!(session, (i64, String, String), LOG, since, value, MAX_CHANGES + 1)?;
    if rows.len() as i64 > MAX_CHANGES {
        return Ok(unknown);
    }
    let mut log = Vec::with_capacity(rows.len());
    // Every value has to be there: rows were deleted, or the counter was moved by a version that wrote none.
    let mut seen = since;
    for (value, kind, id) in rows {
        let Some(subject) = Subject::stored(&kind, id).filter(|_| value <= seen + 1) else {
            return Ok(unknown);
        };
        seen = value;
        log.push(Change { value, subject });
    }
    Ok(if seen == value { Changes { log: Some(log), ..unknown } } else { unknown })
}

/// Tells whether another transaction has moved the counter since this one found this value.
///
/// # Errors
/// [`StoreError`].
pub async fn has_moved(tx: &mut Write, found: i64) -> Result<bool, StoreError> {
    // SQLite has one writer, which is us.
    Ok(tx.backend() == Backend::Postgres && current(tx).await? != found)
}

/// Changes of a transaction so far.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    subjects: HashSet<Subject>,
    /// True if a limit was set that counts from the new value on.
    has_new_limit: bool,
}

impl Touched {
    pub(crate) fn add(&mut self, subject: Subject) {
        self.subjects.insert(subject);
    }

    /// A limit of a scope that was there before: it counts the calls that are admitted from the new value on.
    pub(crate) fn add_new_limit(&mut self) {
        self.has_new_limit = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }
}

/// Moves the counter and writes the log: the last step of every transaction that changes something, see [`Write::commit`].
pub(crate) async fn advance(tx: &mut Write, touched: Touched) -> Result<(), StoreError> {
    const MOVE: &str = "UPDATE changes SET value = value + 1 WHERE id = 1 RETURNING value";
    const DELETE: &str = "DELETE FROM change_log WHERE value <= $1";
    let Some((value,)) = fetch_optional!(tx, (i64,), MOVE)? else { return Ok(()) };
    if touched.has_new_limit {
        execute!(tx, "UPDATE limits SET since_change = $1 WHERE since_change < 0", value)?;
    }
    let mut rows: Vec<_> =
        touched.subjects.into_iter().map(|subject| (value, subject.kind(), subject.id())).collect();
    if rows.len() > MAX_SUBJECTS {
        rows = vec![(value, ALL, String::new())];
    }
    execute_rows!(
        tx,
        3,
        "INSERT INTO change_log (value, kind, subject)",
        "",
        &rows,
        |row| row.0,
        row.1,
        row.2.as_str()
    )?;
    if value % DELETE_EVERY == 0 {
        execute!(tx, DELETE, value - MAX_CHANGES)?;
    }
    Ok(())
}

/// Notes the change of a credential, a token or a user: with its limits, whose counters nothing is taken of ahead any more.
pub(crate) async fn touch(tx: &mut Write, scope: LimitScope) -> Result<(), StoreError> {
    const LIMITS: &str = "SELECT uid FROM limits WHERE scope_kind = $1 AND scope_uid = $2";
    for (uid,) in fetch_all!(tx, (String,), LIMITS, scope.kind(), scope.id())? {
        let corrupt = || StoreError::Corrupt { table: "limits", column: "uid", row: uid.clone() };
        let uid = uid.parse().map_err(|_| corrupt())?;
        tx.touch(Subject::Limit(uid));
    }
    tx.touch(Subject::Scope(scope));
    Ok(())
}

/// Notes the change of a credential, of which these are uid and provider as they stand in the database, and of its provider's
/// list.
pub(crate) async fn touch_credential(
    tx: &mut Write,
    found: Option<(String, String)>,
) -> Result<(), StoreError> {
    let Some((uid, provider)) = found else { return Ok(()) };
    let corrupt = |_| StoreError::Corrupt { table: "api_credentials", column: "uid", row: uid.clone() };
    let scope = LimitScope::Credential(uid.parse().map_err(corrupt)?);
    tx.touch(Subject::Provider(Provider::stored(provider)));
    touch(tx, scope).await
}
