//! Sessions of people in a browser, and one-time codes: hashes, whose they are, and until when. None of it moves the change
//! counter, for it is looked up at every request.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::sign_in::{Holder, LoginCode, PageSession};
use strongroom_model::{Millis, Uid, UserId};

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// Sessions in a list, at the most.
const MAX_LISTED: i64 = 1000;

/// A session with the hash of its secret and the MAC over its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub session: PageSession,
    /// The hash of its secret.
    pub hash: String,
    /// The MAC over what it is worth.
    pub mac: AuthorityMac,
}

/// A one-time code with the hash of its secret and the MAC over its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// The code.
    pub code: LoginCode,
    /// The hash of its secret.
    pub hash: String,
    /// The MAC over whose it is.
    pub mac: AuthorityMac,
}

#[derive(Debug, sqlx::FromRow)]
struct SessionRow {
    hash: String,
    uid: String,
    holder: String,
    is_shared: i64,
    made_at_ms: i64,
    seen_at_ms: i64,
    ends_at_ms: i64,
    address: Option<String>,
    agent: Option<String>,
    mac_key_id: String,
    mac: String,
}

impl TryFrom<SessionRow> for StoredSession {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "sessions", column, row: row.uid.clone() };
        let session = PageSession {
            uid: row.uid.parse().map_err(|_| corrupt("uid"))?,
            holder: Holder::parse(&row.holder).ok_or_else(|| corrupt("holder"))?,
            is_shared: row.is_shared != 0,
            made_at: Millis(row.made_at_ms),
            seen_at: Millis(row.seen_at_ms),
            ends_at: Millis(row.ends_at_ms),
            address: row.address,
            agent: row.agent,
        };
        let mac = AuthorityMac { key_id: row.mac_key_id, mac: row.mac };
        Ok(Self { session, hash: row.hash, mac })
    }
}

#[derive(Debug, sqlx::FromRow)]
struct CodeRow {
    hash: String,
    holder: String,
    until_ms: i64,
    mac_key_id: String,
    mac: String,
}

impl TryFrom<CodeRow> for StoredCode {
    type Error = StoreError;

    fn try_from(row: CodeRow) -> Result<Self, StoreError> {
        // The row is named by its holder: a hash of a code that may still be good belongs into no message.
        let holder = Holder::parse(&row.holder).ok_or_else(|| StoreError::Corrupt {
            table: "login_codes",
            column: "holder",
            row: row.holder.clone(),
        })?;
        let mac = AuthorityMac { key_id: row.mac_key_id, mac: row.mac };
        Ok(Self { code: LoginCode { holder, until: Millis(row.until_ms) }, hash: row.hash, mac })
    }
}

macro_rules! sessions {
    ($tail:literal) => {
        concat!(
            "SELECT hash, uid, holder, is_shared, made_at_ms, seen_at_ms, ends_at_ms, address, agent, mac_key_id, mac \
             FROM sessions ",
            $tail
        )
    };
}

/// The session whose secret has this hash.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, hash: &str) -> Result<Option<StoredSession>, StoreError> {
    let row = fetch_optional!(session, SessionRow, sessions!("WHERE hash = $1"), hash)?;
    row.map(StoredSession::try_from).transpose()
}

/// Sessions that have not come to their end, the newest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session, now: Millis) -> Result<Vec<StoredSession>, StoreError> {
    const SQL: &str = sessions!("WHERE ends_at_ms > $1 ORDER BY made_at_ms DESC, uid LIMIT $2");
    let rows = fetch_all!(session, SessionRow, SQL, now.0, MAX_LISTED)?;
    rows.into_iter().map(StoredSession::try_from).collect()
}

/// Stores a session, and forgets those that have come to their end.
///
/// # Errors
/// [`StoreError`].
pub async fn insert(tx: &mut Write, stored: &StoredSession) -> Result<(), StoreError> {
    const FORGET: &str = "DELETE FROM sessions WHERE ends_at_ms <= $1";
    const SQL: &str = "INSERT INTO sessions (hash, uid, holder, is_shared, made_at_ms, seen_at_ms, ends_at_ms, address, \
                       agent, mac_key_id, mac) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let StoredSession { session, hash, mac } = stored;
    execute!(tx, FORGET, session.made_at.0)?;
    execute!(
        tx,
        SQL,
        hash,
        session.uid.to_string(),
        session.holder.label(),
        i64::from(session.is_shared),
        session.made_at.0,
        session.seen_at.0,
        session.ends_at.0,
        session.address.as_deref(),
        session.agent.as_deref(),
        &mac.key_id,
        &mac.mac
    )
    .map(|_| ())
}

/// Notes that a session was used at this instant, unless a later use is noted.
///
/// # Errors
/// [`StoreError`].
pub async fn see(tx: &mut Write, hash: &str, at: Millis) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE sessions SET seen_at_ms = $2 WHERE hash = $1 AND seen_at_ms < $2";
    execute!(tx, SQL, hash, at.0).map(|_| ())
}

/// Ends a session. `false` when there is none.
///
/// # Errors
/// [`StoreError`].
pub async fn end(tx: &mut Write, uid: Uid) -> Result<bool, StoreError> {
    Ok(execute!(tx, "DELETE FROM sessions WHERE uid = $1", uid.to_string())? == 1)
}

/// Ends all sessions of a user and of the user's tokens, and takes back the codes for more. Returns the number of sessions.
///
/// # Errors
/// [`StoreError`].
pub async fn end_all_of_user(tx: &mut Write, user: UserId) -> Result<u64, StoreError> {
    const CODES: &str = "DELETE FROM login_codes WHERE holder = $1 \
                         OR holder IN (SELECT 'token:' || id FROM tokens WHERE user_id = $2)";
    const SESSIONS: &str = "DELETE FROM sessions WHERE holder = $1 \
                            OR holder IN (SELECT 'token:' || id FROM tokens WHERE user_id = $2)";
    let holder = Holder::User(user).label();
    execute!(tx, CODES, &holder, user.0)?;
    execute!(tx, SESSIONS, &holder, user.0)
}

/// Stores a one-time code, and forgets those whose time is over at `now`.
///
/// # Errors
/// [`StoreError`].
pub async fn insert_code(tx: &mut Write, stored: &StoredCode, now: Millis) -> Result<(), StoreError> {
    const FORGET: &str = "DELETE FROM login_codes WHERE until_ms <= $1";
    const SQL: &str =
        "INSERT INTO login_codes (hash, holder, until_ms, mac_key_id, mac) VALUES ($1, $2, $3, $4, $5)";
    let StoredCode { code, hash, mac } = stored;
    execute!(tx, FORGET, now.0)?;
    execute!(tx, SQL, hash, code.holder.label(), code.until.0, &mac.key_id, &mac.mac).map(|_| ())
}

/// The code whose secret has this hash, while it can be used.
///
/// # Errors
/// [`StoreError`].
pub async fn get_code(
    session: &mut Session,
    hash: &str,
    now: Millis,
) -> Result<Option<StoredCode>, StoreError> {
    const SQL: &str =
        "SELECT hash, holder, until_ms, mac_key_id, mac FROM login_codes WHERE hash = $1 AND until_ms > $2";
    fetch_optional!(session, CodeRow, SQL, hash, now.0)?.map(StoredCode::try_from).transpose()
}

/// Spends a code: of all who try, on whichever server, one gets it.
///
/// # Errors
/// [`StoreError`].
pub async fn spend_code(tx: &mut Write, hash: &str, now: Millis) -> Result<Option<StoredCode>, StoreError> {
    const SQL: &str = "DELETE FROM login_codes WHERE hash = $1 AND until_ms > $2 \
                       RETURNING hash, holder, until_ms, mac_key_id, mac";
    fetch_optional!(tx, CodeRow, SQL, hash, now.0)?.map(StoredCode::try_from).transpose()
}
