//! Users.

use strongroom_model::limit::LimitScope;
use strongroom_model::user::User;
use strongroom_model::{Millis, Role, UserId};

use crate::change;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

/// A user and the MAC over what it may do.
#[derive(Debug, Clone)]
pub struct StoredUser {
    /// The user.
    pub user: User,
    /// The key of the MAC.
    pub mac_key_id: String,
    /// The MAC.
    pub mac: String,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    role: String,
    is_active: bool,
    mac_key_id: String,
    mac: String,
    created_at_ms: i64,
    updated_at_ms: i64,
}

impl TryFrom<Row> for StoredUser {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { table: "users", column: "role", row: row.id.to_string() };
        Ok(Self {
            user: User {
                id: UserId(row.id),
                role: Role::parse(&row.role).map_err(|_| corrupt())?,
                name: row.name,
                is_active: row.is_active,
                created_at: Millis(row.created_at_ms),
                updated_at: Millis(row.updated_at_ms),
            },
            mac_key_id: row.mac_key_id,
            mac: row.mac,
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, name, role, is_active, mac_key_id, mac, created_at_ms, updated_at_ms FROM users ",
            $tail
        )
    };
}

/// The user with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, id: UserId) -> Result<Option<StoredUser>, StoreError> {
    fetch_optional!(session, Row, select!("WHERE id = $1"), id.0)?.map(StoredUser::try_from).transpose()
}

/// All users, by id.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<StoredUser>, StoreError> {
    fetch_all!(session, Row, select!("ORDER BY id"))?.into_iter().map(StoredUser::try_from).collect()
}

/// The lowest id above all that were ever taken: whoever holds a signed token of a removed user must not become another.
///
/// # Errors
/// [`StoreError`].
pub async fn next_id(session: &mut Session) -> Result<UserId, StoreError> {
    const SQL: &str = "SELECT CAST(COALESCE(MAX(taken.id), 0) + 1 AS BIGINT) FROM (SELECT MAX(id) AS id FROM users \
                       UNION ALL SELECT CAST(value AS BIGINT) FROM strongroom_meta WHERE key = 'last_user_id') AS taken";
    let row = fetch_optional!(session, (i64,), SQL)?;
    Ok(UserId(row.map_or(1, |(id,)| id)))
}

/// Stores a user under its id, which its MAC is made over. No server holds anything of it yet, so that none has to forget it.
///
/// # Errors
/// [`StoreError::Taken`] when the id or the name is in use.
pub async fn insert(tx: &mut Write, stored: &StoredUser) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO users (id, name, role, is_active, mac_key_id, mac, created_at_ms, updated_at_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let user = &stored.user;
    execute!(
        tx,
        SQL,
        user.id.0,
        &user.name,
        user.role.as_str(),
        user.is_active,
        &stored.mac_key_id,
        &stored.mac,
        user.created_at.0,
        user.updated_at.0
    )?;
    remember_id(tx, user.id).await
}

/// Remembers the highest id that was ever taken, beyond the life of its user.
async fn remember_id(tx: &mut Write, id: UserId) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO strongroom_meta (key, value) VALUES ('last_user_id', $1) ON CONFLICT (key) DO UPDATE \
                       SET value = CASE WHEN CAST(strongroom_meta.value AS BIGINT) < $2 THEN $1 \
                       ELSE strongroom_meta.value END";
    execute!(tx, SQL, id.to_string(), id.0).map(|_| ())
}

/// Writes a user's name, role and state.
///
/// # Errors
/// [`StoreError::Taken`] when the name is in use.
pub async fn update(tx: &mut Write, stored: &StoredUser) -> Result<bool, StoreError> {
    change::touch(tx, LimitScope::User(stored.user.id)).await?;
    const SQL: &str = "UPDATE users SET name = $2, role = $3, is_active = $4, mac_key_id = $5, mac = $6, \
                       updated_at_ms = $7 WHERE id = $1";
    let user = &stored.user;
    let changed = execute!(
        tx,
        SQL,
        user.id.0,
        &user.name,
        user.role.as_str(),
        user.is_active,
        &stored.mac_key_id,
        &stored.mac,
        user.updated_at.0
    )?;
    Ok(changed == 1)
}

/// Removes a user that owns nothing.
///
/// # Errors
/// [`StoreError::Dangling`] when credentials or tokens are the user's.
pub async fn delete(tx: &mut Write, id: UserId) -> Result<bool, StoreError> {
    change::touch(tx, LimitScope::User(id)).await?;
    Ok(execute!(tx, "DELETE FROM users WHERE id = $1", id.0)? == 1)
}

/// Lets no other transaction choose a user id at the same time. SQLite's one writer needs no lock.
///
/// # Errors
/// [`StoreError`].
pub async fn lock_ids(tx: &mut Write) -> Result<(), StoreError> {
    if tx.backend() == Backend::Postgres {
        execute!(tx, "LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")?;
    }
    Ok(())
}
