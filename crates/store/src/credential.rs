//! Credentials: metadata rows, with their limit and their counters beside them.

use strongroom_model::credential::{Credential, CredentialFilter};
use strongroom_model::{CredentialId, Millis, Provider, Uid, UserId, month};

use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Backend, Session, Write};

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: i64,
    uid: String,
    name: String,
    provider: String,
    endpoint: Option<String>,
    priority: i64,
    is_active: bool,
    is_global: bool,
    user_id: Option<i64>,
    revision: i64,
    version_uid: String,
    version_number: i64,
    rate_limit: Option<i64>,
    usage_count: i64,
    current_month_usage: i64,
    last_used_ms: Option<i64>,
    created_at_ms: i64,
    updated_at_ms: i64,
}

fn corrupt(column: &'static str, id: i64) -> StoreError {
    StoreError::Corrupt { table: "api_credentials", column, row: id.to_string() }
}

impl TryFrom<Row> for Credential {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid", row.id))?,
            id: CredentialId(row.id),
            name: row.name,
            provider: Provider::stored(row.provider),
            endpoint: row.endpoint,
            priority: row.priority,
            is_active: row.is_active,
            is_global: row.is_global,
            user: row.user_id.map(UserId),
            revision: row.revision,
            version: row.version_uid.parse().map_err(|_| corrupt("version_uid", row.id))?,
            version_number: row.version_number,
            rate_limit: row.rate_limit,
            usage_count: row.usage_count,
            current_month_usage: row.current_month_usage,
            last_used: row.last_used_ms.map(Millis),
            created_at: Millis(row.created_at_ms),
            updated_at: Millis(row.updated_at_ms),
        })
    }
}

/// `$1` is the start of the present month.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, c.uid, c.name, c.provider, c.endpoint, c.priority, c.is_active, c.is_global, c.user_id, ",
            "c.revision, c.version_uid, v.number AS version_number, l.amount AS rate_limit, ",
            "(SELECT CAST(COALESCE(SUM(n.settled + n.held), 0) AS BIGINT) FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month') AS usage_count, ",
            "(SELECT CAST(COALESCE(SUM(n.settled + n.held + n.adjusted), 0) AS BIGINT) FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month' ",
            "AND n.window_start_ms = $1) AS current_month_usage, ",
            "(SELECT MAX(n.last_used_ms) FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month') AS last_used_ms, ",
            "c.created_at_ms, c.updated_at_ms ",
            "FROM api_credentials c JOIN credential_versions v ON v.uid = c.version_uid ",
            "LEFT JOIN limits l ON l.scope_kind = 'credential' AND l.scope_uid = c.uid ",
            "AND l.unit = 'requests' AND l.window_kind = 'month' ",
            "WHERE c.deleted_at_ms IS NULL ",
            $tail
        )
    };
}

/// The credential with this id.
///
/// # Errors
/// [`StoreError`].
pub async fn get(
    session: &mut Session,
    id: CredentialId,
    now: Millis,
) -> Result<Option<Credential>, StoreError> {
    let row = fetch_optional!(session, Row, select!("AND c.id = $2"), month::start(now).0, id.0)?;
    row.map(Credential::try_from).transpose()
}

/// The credential with exactly this name.
///
/// # Errors
/// [`StoreError`].
pub async fn get_by_name(
    session: &mut Session,
    name: &str,
    now: Millis,
) -> Result<Option<Credential>, StoreError> {
    // No text in a database holds a NUL, and PostgreSQL does not even take one to look for.
    if name.contains('\0') {
        return Ok(None);
    }
    let row = fetch_optional!(session, Row, select!("AND c.name = $2"), month::start(now).0, name)?;
    row.map(Credential::try_from).transpose()
}

/// The name of a credential, deleted ones too.
///
/// # Errors
/// [`StoreError`].
pub async fn name_of(session: &mut Session, uid: Uid) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(
        session,
        (String,),
        "SELECT name FROM api_credentials WHERE uid = $1",
        uid.to_string()
    )?;
    Ok(row.map(|(name,)| name))
}

/// The credentials of a provider that this user sees, in the order in which they are tried: with a user, its own;
/// without one, the global ones.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_provider(
    session: &mut Session,
    provider: &Provider,
    user: Option<UserId>,
    now: Millis,
) -> Result<Vec<Credential>, StoreError> {
    const SQL: &str = select!(
        "AND c.provider = $2 \
         AND ((CAST($3 AS BIGINT) IS NULL AND c.is_global) OR (NOT c.is_global AND c.user_id = $3)) \
         ORDER BY c.priority, c.id"
    );
    let rows =
        fetch_all!(session, Row, SQL, month::start(now).0, provider.as_str(), user.map(|user| user.0))?;
    rows.into_iter().map(Credential::try_from).collect()
}

/// Whether the provider has any undeleted row that is global or this user's, in use or not.
///
/// # Errors
/// [`StoreError`].
pub async fn provider_has_rows(
    session: &mut Session,
    provider: &Provider,
    user: Option<UserId>,
) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT id FROM api_credentials WHERE deleted_at_ms IS NULL AND provider = $1 \
                       AND (is_global OR user_id = CAST($2 AS BIGINT)) LIMIT 1";
    Ok(fetch_optional!(session, (i64,), SQL, provider.as_str(), user.map(|user| user.0))?.is_some())
}

/// Up to `limit` credentials with an id above `after`, by id.
///
/// # Errors
/// [`StoreError`].
pub async fn list(
    session: &mut Session,
    filter: &CredentialFilter,
    after: i64,
    limit: i64,
    now: Millis,
) -> Result<Vec<Credential>, StoreError> {
    // The prefix is compared by bytes and not by LIKE: it needs no escaping, and case counts on both databases.
    const SQL: &str = select!(
        "AND c.id > $2 AND (CAST($3 AS TEXT) IS NULL OR c.provider = $3) \
         AND (CAST($4 AS BOOLEAN) IS NULL OR c.is_active = $4) \
         AND (CAST($5 AS TEXT) IS NULL OR substr(c.name, 1, length($5)) = $5) \
         AND (CAST($6 AS TEXT) IS NULL OR c.name = $6) \
         ORDER BY c.id LIMIT $7"
    );
    let rows = fetch_all!(
        session,
        Row,
        SQL,
        month::start(now).0,
        after,
        filter.provider.as_ref().map(|provider| provider.as_str().to_owned()),
        filter.is_active,
        filter.name_prefix.as_deref(),
        filter.name.as_deref(),
        limit
    )?;
    rows.into_iter().map(Credential::try_from).collect()
}

/// A row on its way in. Its usage and limit are stored by [`crate::limit`] and [`crate::usage`].
#[derive(Debug, Clone)]
pub struct NewRow<'a> {
    /// A fixed id, where it is free; the next one otherwise.
    pub id: Option<CredentialId>,
    /// The identity.
    pub uid: Uid,
    /// The name.
    pub name: &'a str,
    /// The provider.
    pub provider: &'a Provider,
    /// The endpoint.
    pub endpoint: Option<&'a str>,
    /// The priority.
    pub priority: i64,
    /// Whether it is handed out.
    pub is_active: bool,
    /// Whether it is everybody's.
    pub is_global: bool,
    /// Whose it is.
    pub user: Option<UserId>,
    /// The version in use.
    pub version: Uid,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// Stores a credential's metadata and tells its id.
///
/// # Errors
/// [`StoreError::Taken`] when the name is in use.
pub async fn insert(tx: &mut Write, row: &NewRow<'_>) -> Result<CredentialId, StoreError> {
    const SQL: &str = "INSERT INTO api_credentials (uid, name, provider, endpoint, priority, is_active, is_global, \
                       user_id, revision, version_uid, created_at_ms, updated_at_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11) RETURNING id";
    const SQL_WITH_ID: &str = "INSERT INTO api_credentials (uid, name, provider, endpoint, priority, is_active, \
                               is_global, user_id, revision, version_uid, created_at_ms, updated_at_ms, id) \
                               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12) RETURNING id";
    let (uid, version) = (row.uid.to_string(), row.version.to_string());
    let user = row.user.map(|user| user.0);
    let (provider, created, updated) = (row.provider.as_str(), row.created_at.0, row.updated_at.0);
    let made = match row.id {
        None => fetch_optional!(
            tx,
            (i64,),
            SQL,
            &uid,
            row.name,
            provider,
            row.endpoint,
            row.priority,
            row.is_active,
            row.is_global,
            user,
            &version,
            created,
            updated
        )?,
        Some(id) => {
            let made = fetch_optional!(
                tx,
                (i64,),
                SQL_WITH_ID,
                &uid,
                row.name,
                provider,
                row.endpoint,
                row.priority,
                row.is_active,
                row.is_global,
                user,
                &version,
                created,
                updated,
                id.0
            )?;
            raise_next_id(tx).await?;
            made
        }
    };
    made.map(|(id,)| CredentialId(id)).ok_or(StoreError::Corrupt {
        table: "api_credentials",
        column: "id",
        row: uid,
    })
}

/// PostgreSQL's sequence does not notice ids that were given by hand; SQLite's AUTOINCREMENT does.
async fn raise_next_id(tx: &mut Write) -> Result<(), StoreError> {
    const SQL: &str = "SELECT CAST(setval(pg_get_serial_sequence('api_credentials', 'id'), \
                       (SELECT MAX(id) FROM api_credentials)) AS BIGINT)";
    if tx.backend() == Backend::Postgres {
        fetch_optional!(tx, (i64,), SQL)?;
    }
    Ok(())
}

/// Whether an id was ever used, by a deleted credential too.
///
/// # Errors
/// [`StoreError`].
pub async fn id_is_used(session: &mut Session, id: CredentialId) -> Result<bool, StoreError> {
    Ok(fetch_optional!(session, (i64,), "SELECT id FROM api_credentials WHERE id = $1", id.0)?.is_some())
}

/// Writes all that an admin can change, if the revision is still `credential.revision`; moves the revision by one.
/// `false` means that it has passed.
///
/// # Errors
/// [`StoreError::Taken`] when the new name is in use.
pub async fn update(tx: &mut Write, credential: &Credential, now: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE api_credentials SET name = $3, provider = $4, endpoint = $5, priority = $6, \
                       is_active = $7, is_global = $8, user_id = $9, version_uid = $10, updated_at_ms = $11, \
                       revision = revision + 1 WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NULL";
    let changed = execute!(
        tx,
        SQL,
        credential.id.0,
        credential.revision,
        &credential.name,
        credential.provider.as_str(),
        credential.endpoint.as_deref(),
        credential.priority,
        credential.is_active,
        credential.is_global,
        credential.user.map(|user| user.0),
        credential.version.to_string(),
        now.0
    )?;
    Ok(changed == 1)
}

/// Marks a credential as deleted, if the revision is still this one.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(
    tx: &mut Write,
    id: CredentialId,
    revision: i64,
    now: Millis,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE api_credentials SET deleted_at_ms = $3, updated_at_ms = $3, revision = revision + 1 \
                       WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.0, revision, now.0)? == 1)
}
