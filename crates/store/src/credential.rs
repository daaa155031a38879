//! Credentials: metadata rows, with their limit and their counters beside them.

use strongroom_model::authority_mac::AuthorityMac;
use strongroom_model::credential::{Credential, CredentialFilter, Minter, Staged};
use strongroom_model::tag::TagSet;
use strongroom_model::{CredentialId, Millis, Provider, Uid, UserId, month};

use crate::change::{self, Subject};
use crate::dispatch::{Connection, execute, fetch_all, fetch_optional};
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
    frozen_at_ms: Option<i64>,
    is_global: bool,
    user_id: Option<i64>,
    revision: i64,
    version_uid: String,
    version_number: i64,
    rate_limit: Option<i64>,
    usage_count: i64,
    usage_before_this_month: i64,
    current_month_usage: i64,
    last_used_ms: Option<i64>,
    created_at_ms: i64,
    updated_at_ms: i64,
    staged_version_uid: Option<String>,
    staged_number: Option<i64>,
    canary_percent: i64,
    version_since_ms: i64,
    expires_at_ms: Option<i64>,
    rotate_after_days: Option<i64>,
    deleted_at_ms: Option<i64>,
    minter_uid: Option<String>,
    minter_id: Option<i64>,
    minter_project: Option<String>,
    tags: String,
    mac_key_id: String,
    mac: String,
}

impl Row {
    /// A version that waits; the number of one that is not there is 0, and its MAC says that something is wrong.
    fn staged(&self) -> Result<Option<Staged>, StoreError> {
        let Some(uid) = &self.staged_version_uid else { return Ok(None) };
        let version = uid.parse().map_err(|_| corrupt("staged_version_uid", self.id))?;
        let number = self.staged_number.unwrap_or(0);
        Ok(Some(Staged { version, number, percent: self.canary_percent }))
    }

    fn minter(&self) -> Result<Option<Minter>, StoreError> {
        let Some(uid) = &self.minter_uid else { return Ok(None) };
        let credential = uid.parse().map_err(|_| corrupt("minter_uid", self.id))?;
        let id = CredentialId(self.minter_id.unwrap_or(0));
        Ok(Some(Minter { credential, id, project: self.minter_project.clone() }))
    }
}

fn corrupt(column: &'static str, id: i64) -> StoreError {
    StoreError::Corrupt { table: "api_credentials", column, row: id.to_string() }
}

impl TryFrom<Row> for Credential {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let (staged, minter) = (row.staged()?, row.minter()?);
        Ok(Self {
            uid: row.uid.parse().map_err(|_| corrupt("uid", row.id))?,
            id: CredentialId(row.id),
            name: row.name,
            provider: Provider::stored(row.provider),
            endpoint: row.endpoint,
            priority: row.priority,
            is_active: row.is_active,
            frozen_at: row.frozen_at_ms.map(Millis),
            is_global: row.is_global,
            user: row.user_id.map(UserId),
            revision: row.revision,
            version: row.version_uid.parse().map_err(|_| corrupt("version_uid", row.id))?,
            version_number: row.version_number,
            rate_limit: row.rate_limit,
            usage_count: row.usage_count,
            usage_before_this_month: row.usage_before_this_month,
            current_month_usage: row.current_month_usage,
            last_used: row.last_used_ms.map(Millis),
            created_at: Millis(row.created_at_ms),
            updated_at: Millis(row.updated_at_ms),
            staged,
            version_since: Millis(row.version_since_ms),
            expires_at: row.expires_at_ms.map(Millis),
            rotate_after_days: row.rotate_after_days,
            deleted_at: row.deleted_at_ms.map(Millis),
            minter,
            tags: TagSet::given_or_none(&serde_json::from_str(&row.tags).unwrap_or_default()),
            mac: AuthorityMac { key_id: row.mac_key_id, mac: row.mac },
        })
    }
}

/// Rows of any kind. `$1` is the start of the present month.
macro_rules! select_any {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, c.uid, c.name, c.provider, c.endpoint, c.priority, c.is_active, c.frozen_at_ms, c.is_global, c.user_id, ",
            "c.revision, c.version_uid, v.number AS version_number, l.amount AS rate_limit, ",
            "(SELECT ",
            $crate::sum::total!("n.settled"),
            " + ",
            $crate::sum::total!("n.held"),
            " FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month') AS usage_count, ",
            "(SELECT ",
            $crate::sum::total!("n.settled"),
            " + ",
            $crate::sum::total!("n.held"),
            " FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month' ",
            "AND n.window_start_ms <> $1) AS usage_before_this_month, ",
            "(SELECT ",
            $crate::sum::total!("n.settled"),
            " + ",
            $crate::sum::total!("n.held"),
            " + ",
            $crate::sum::total!("n.adjusted"),
            " FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month' ",
            "AND n.window_start_ms = $1) AS current_month_usage, ",
            "(SELECT MAX(n.last_used_ms) FROM counters n ",
            "WHERE n.subject_uid = c.uid AND n.unit = 'requests' AND n.window_kind = 'month') AS last_used_ms, ",
            "c.created_at_ms, c.updated_at_ms, c.staged_version_uid, ",
            "(SELECT s.number FROM credential_versions s WHERE s.uid = c.staged_version_uid) AS staged_number, ",
            "c.canary_percent, COALESCE(v.activated_at_ms, v.created_at_ms) AS version_since_ms, ",
            "c.minter_uid, (SELECT m.id FROM api_credentials m WHERE m.uid = c.minter_uid) AS minter_id, ",
            "c.minter_project, c.tags, c.expires_at_ms, c.rotate_after_days, c.deleted_at_ms, c.mac_key_id, c.mac ",
            "FROM api_credentials c JOIN credential_versions v ON v.uid = c.version_uid ",
            "LEFT JOIN limits l ON l.scope_kind = 'credential' AND l.scope_uid = c.uid ",
            "AND l.unit = 'requests' AND l.window_kind = 'month' ",
            $tail
        )
    };
}

/// Rows that are not deleted.
macro_rules! select {
    ($tail:literal) => {
        concat!(select_any!("WHERE c.deleted_at_ms IS NULL "), $tail)
    };
}

pub mod deleted;
pub mod grant;

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

/// The credential with this identity.
///
/// # Errors
/// [`StoreError`].
pub async fn get_by_uid(
    session: &mut Session,
    uid: Uid,
    now: Millis,
) -> Result<Option<Credential>, StoreError> {
    let row = fetch_optional!(session, Row, select!("AND c.uid = $2"), month::start(now).0, uid.to_string())?;
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

/// A place in the order in which the credentials of a provider are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoicePlace {
    /// The smaller the earlier.
    pub priority: i64,
    /// Among equals.
    pub id: CredentialId,
}

impl ChoicePlace {
    /// Before the first one.
    pub const FIRST: Self = Self { priority: i64::MIN, id: CredentialId(i64::MIN) };

    /// That of a credential.
    #[must_use]
    pub const fn of(credential: &Credential) -> Self {
        Self { priority: credential.priority, id: credential.id }
    }
}

/// Up to `limit` active credentials of a provider that this user sees, in the order in which they are tried: by priority
/// and id, those behind `after`. With a user, its own; without one, the global ones.
///
/// # Errors
/// [`StoreError`].
pub async fn list_of_provider(
    session: &mut Session,
    provider: &Provider,
    user: Option<UserId>,
    after: ChoicePlace,
    limit: i64,
    now: Millis,
) -> Result<Vec<Credential>, StoreError> {
    const SQL: &str = select!(
        "AND c.provider = $2 AND c.is_active AND c.frozen_at_ms IS NULL \
         AND ((CAST($3 AS BIGINT) IS NULL AND c.is_global) OR (NOT c.is_global AND c.user_id = $3)) \
         AND (c.priority, c.id) > ($4, $5) ORDER BY c.priority, c.id LIMIT $6"
    );
    let (month, user) = (month::start(now).0, user.map(|user| user.0));
    let rows =
        fetch_all!(session, Row, SQL, month, provider.as_str(), user, after.priority, after.id.0, limit)?;
    rows.into_iter().map(Credential::try_from).collect()
}

/// Tells whether the provider has any undeleted row that is global or this user's, in use or not.
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

/// Tells whether a credential of this provider is or was there, whosever it is, deleted ones among them.
///
/// # Errors
/// [`StoreError`].
pub async fn provider_was_stored(session: &mut Session, provider: &Provider) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT id FROM api_credentials WHERE provider = $1 LIMIT 1";
    Ok(fetch_optional!(session, (i64,), SQL, provider.as_str())?.is_some())
}

/// Up to `limit` credentials behind the one with the id `after`; from the start when that is 0. By id; those with a
/// prefix by the bytes of their names.
///
/// Every kind of list has a statement of its own that an index answers in its order: a filter that is optional in the
/// text (`$3 IS NULL OR …`) would have the database read the whole table. `is_active` alone stays so; it sorts out few.
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
    const ALL: &str =
        select!("AND c.id > $2 AND (CAST($3 AS BOOLEAN) IS NULL OR c.is_active = $3) ORDER BY c.id LIMIT $4");
    const OF_PROVIDER: &str = select!(
        "AND c.provider = $5 AND c.id > $2 AND (CAST($3 AS BOOLEAN) IS NULL OR c.is_active = $3) \
         ORDER BY c.id LIMIT $4"
    );
    // With an equality PostgreSQL would rather read all by id and sort out the provider, for it plans for one that has
    // many. A range over both columns leaves it the index of both; SQLite in turn would use the half of it.
    const OF_PROVIDER_ON_POSTGRES: &str = select!(
        "AND (c.provider, c.id) > ($5, $2) AND c.provider <= $5 \
         AND (CAST($3 AS BOOLEAN) IS NULL OR c.is_active = $3) ORDER BY c.provider, c.id LIMIT $4"
    );
    const NAMED: &str = select!(
        "AND c.name = $5 AND c.id > $2 AND (CAST($3 AS BOOLEAN) IS NULL OR c.is_active = $3) \
         AND (CAST($6 AS TEXT) IS NULL OR c.provider = $6) ORDER BY c.id LIMIT $4"
    );
    const PREFIXED: &str = select!(
        "AND c.name >= $2 AND c.name < $5 AND (CAST($6 AS TEXT) IS NULL OR c.name <> $6) \
         AND (CAST($3 AS BOOLEAN) IS NULL OR c.is_active = $3) \
         AND (CAST($7 AS TEXT) IS NULL OR c.provider = $7) ORDER BY c.name LIMIT $4"
    );
    let (month, active) = (month::start(now).0, filter.is_active);
    let provider = filter.provider.as_ref().map(Provider::as_str);
    let prefix = filter.name_prefix.as_deref().filter(|prefix| !prefix.is_empty());
    let rows = match (filter.name.as_deref(), prefix, provider) {
        (Some(name), Some(prefix), _) if !name.starts_with(prefix) => Vec::new(),
        (Some(name), ..) => fetch_all!(session, Row, NAMED, month, after, active, limit, name, provider)?,
        (None, Some(prefix), _) => {
            let last = name_of_id(session, after).await?;
            // The cursor comes from outside: the credential that it names may have another prefix.
            let start = last.as_deref().map_or(prefix, |last| last.max(prefix));
            let end = behind_all_with(prefix);
            fetch_all!(session, Row, PREFIXED, month, start, active, limit, end, last.as_deref(), provider)?
        }
        (None, None, Some(provider)) => {
            let sql = match session.backend() {
                Backend::Sqlite => OF_PROVIDER,
                Backend::Postgres => OF_PROVIDER_ON_POSTGRES,
            };
            fetch_all!(session, Row, sql, month, after, active, limit, provider)?
        }
        (None, None, None) => fetch_all!(session, Row, ALL, month, after, active, limit)?,
    };
    rows.into_iter().map(Credential::try_from).collect()
}

/// The name of the credential with this id, deleted or not.
async fn name_of_id(session: &mut Session, id: i64) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(session, (String,), "SELECT name FROM api_credentials WHERE id = $1", id)?;
    Ok(row.map(|(name,)| name))
}

/// The first text, in the order of bytes, behind all that start with this prefix. Code points have the order of their
/// UTF-8, so the last character that can be is moved to the next one.
fn behind_all_with(prefix: &str) -> String {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            text.push(next);
            return text;
        }
    }
    // Nothing but the last of all characters; no name is as long as this.
    char::MAX.to_string().repeat(300)
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
    /// True if it is handed out.
    pub is_active: bool,
    /// True if it is everybody's.
    pub is_global: bool,
    /// Whose it is.
    pub user: Option<UserId>,
    /// The version in use.
    pub version: Uid,
    /// From then on it is not handed out.
    pub expires_at: Option<Millis>,
    /// Days after which its key is to be replaced.
    pub rotate_after_days: Option<i64>,
    /// What its uses are booked to.
    pub tags: &'a TagSet,
    /// Over what it hands out and to whom.
    pub mac: AuthorityMac,
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
    // Servers hold the list of the provider's credentials without it, or that there is none.
    tx.touch(Subject::Provider(row.provider.clone()));
    const SQL: &str = "INSERT INTO api_credentials (uid, name, provider, endpoint, priority, is_active, is_global, \
                       user_id, revision, version_uid, expires_at_ms, rotate_after_days, mac_key_id, mac, \
                       created_at_ms, updated_at_ms, tags) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING id";
    const SQL_WITH_ID: &str = "INSERT INTO api_credentials (uid, name, provider, endpoint, priority, is_active, \
                               is_global, user_id, revision, version_uid, expires_at_ms, rotate_after_days, \
                               mac_key_id, mac, created_at_ms, updated_at_ms, tags, id) \
                               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
                               RETURNING id";
    let (uid, version, user) = (row.uid.to_string(), row.version.to_string(), row.user.map(|user| user.0));
    let (provider, created, updated) = (row.provider.as_str(), row.created_at.0, row.updated_at.0);
    macro_rules! insert {
        ($sql:expr $(, $id:expr)?) => {
            fetch_optional!(
                tx,
                (i64,),
                $sql,
                &uid,
                row.name,
                provider,
                row.endpoint,
                row.priority,
                row.is_active,
                row.is_global,
                user,
                &version,
                row.expires_at.map(|at| at.0),
                row.rotate_after_days,
                &row.mac.key_id,
                &row.mac.mac,
                created,
                updated,
                row.tags.to_json()
                $(, $id)?
            )
        };
    }
    let made = match row.id {
        None => insert!(SQL)?,
        Some(id) => {
            let made = insert!(SQL_WITH_ID, id.0)?;
            raise_next_id(tx, id).await?;
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
async fn raise_next_id(tx: &mut Write, id: CredentialId) -> Result<(), StoreError> {
    // Only forward: ids that others were given and have not committed yet are not in the table.
    const SQL: &str = "SELECT CAST(setval(pg_get_serial_sequence('api_credentials', 'id'), $1) AS BIGINT) \
                       WHERE $1 > COALESCE(pg_sequence_last_value(CAST(pg_get_serial_sequence('api_credentials', 'id') \
                       AS regclass)), 0)";
    if tx.backend() == Backend::Postgres {
        fetch_optional!(tx, (i64,), SQL, id.0)?;
    }
    Ok(())
}

/// Tells whether an id was ever used, by a deleted credential too.
///
/// # Errors
/// [`StoreError`].
pub async fn id_is_used(session: &mut Session, id: CredentialId) -> Result<bool, StoreError> {
    Ok(fetch_optional!(session, (i64,), "SELECT id FROM api_credentials WHERE id = $1", id.0)?.is_some())
}

/// Lets no other transaction change this credential until this one ends. SQLite has one writer, which is us.
///
/// # Errors
/// [`StoreError`].
pub async fn lock(tx: &mut Write, id: CredentialId) -> Result<(), StoreError> {
    if tx.backend() == Backend::Postgres {
        fetch_optional!(tx, (i64,), "SELECT id FROM api_credentials WHERE id = $1 FOR SHARE", id.0)?;
    }
    Ok(())
}

/// Tells whether any of these credentials was changed or deleted since it was read. SQLite has one writer, which is us.
///
/// # Errors
/// [`StoreError`].
pub async fn any_moved(tx: &mut Write, seen: &[Credential]) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM unnest($1, $2) AS seen (id, revision) \
                       WHERE NOT EXISTS (SELECT 1 FROM api_credentials c WHERE c.id = seen.id \
                       AND c.revision = seen.revision AND c.deleted_at_ms IS NULL)";
    let (ids, revisions): (Vec<i64>, Vec<i64>) = seen.iter().map(|it| (it.id.0, it.revision)).unzip();
    let has_names = tx.has_names();
    match tx.connection() {
        Connection::Sqlite(_) => Ok(false),
        Connection::Postgres(connection) => {
            let query = sqlx::query_as(SQL).persistent(has_names);
            let moved: (i64,) = query.bind(ids).bind(revisions).fetch_one(connection).await?;
            Ok(moved.0 > 0)
        }
    }
}

/// Notes the change of a credential, as it stands in the database.
async fn touch(tx: &mut Write, id: CredentialId) -> Result<(), StoreError> {
    const FIND: &str = "SELECT uid, provider FROM api_credentials WHERE id = $1";
    let found = fetch_optional!(tx, (String, String), FIND, id.0)?;
    change::touch_credential(tx, found).await
}

/// Writes all that an admin can change, its MAC with it, if the revision is still `credential.revision`; moves the revision by one.
/// `false` means that it has passed.
///
/// # Errors
/// [`StoreError::Taken`] when the new name is in use.
pub async fn update(tx: &mut Write, credential: &Credential, now: Millis) -> Result<bool, StoreError> {
    touch(tx, credential.id).await?;
    tx.touch(Subject::Provider(credential.provider.clone()));
    const SQL: &str = "UPDATE api_credentials SET name = $3, provider = $4, endpoint = $5, priority = $6, \
                       is_active = $7, is_global = $8, user_id = $9, version_uid = $10, updated_at_ms = $11, \
                       mac_key_id = $12, mac = $13, staged_version_uid = $14, canary_percent = $15, \
                       expires_at_ms = $16, rotate_after_days = $17, minter_uid = $18, minter_project = $19, \
                       frozen_at_ms = $20, tags = $21, revision = revision + 1 \
                       WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NULL";
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
        now.0,
        &credential.mac.key_id,
        &credential.mac.mac,
        credential.staged.map(|staged| staged.version.to_string()),
        credential.staged.map_or(0, |staged| staged.percent),
        credential.expires_at.map(|at| at.0),
        credential.rotate_after_days,
        credential.minter.as_ref().map(|minter| minter.credential.to_string()),
        credential.minter.as_ref().and_then(|minter| minter.project.as_deref()),
        credential.frozen_at.map(|at| at.0),
        credential.tags.to_json()
    )?;
    Ok(changed == 1)
}

/// Marks a credential as deleted, if the revision is still this one. The MAC says so too.
///
/// # Errors
/// [`StoreError`].
pub async fn delete(
    tx: &mut Write,
    id: CredentialId,
    revision: i64,
    mac: &AuthorityMac,
    now: Millis,
) -> Result<bool, StoreError> {
    touch(tx, id).await?;
    const SQL: &str = "UPDATE api_credentials SET deleted_at_ms = $3, updated_at_ms = $3, mac_key_id = $4, mac = $5, \
                       revision = revision + 1 WHERE id = $1 AND revision = $2 AND deleted_at_ms IS NULL";
    Ok(execute!(tx, SQL, id.0, revision, now.0, &mac.key_id, &mac.mac)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_starts_with_a_prefix_stands_before_its_end_and_nothing_else_does() {
        for (prefix, end) in [
            ("a", "b"),
            ("team-", "team."),
            ("z", "{"),
            ("\u{d7ff}", "\u{e000}"),
            ("a\u{10ffff}", "b"),
            ("\u{7f}", "\u{80}"),
        ] {
            assert_eq!(behind_all_with(prefix), end, "{prefix:?}");
            assert!(format!("{prefix}\u{10ffff}\u{10ffff}").as_str() < end);
        }
        assert!(behind_all_with("\u{10ffff}") > "\u{10ffff}".repeat(256));
    }
}
