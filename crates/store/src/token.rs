//! Tokens: hashes and grants; the secret is not stored.

use std::collections::BTreeMap;

use strongroom_model::actor::Scope;
use strongroom_model::limit::LimitScope;
use strongroom_model::tag::TagSet;
use strongroom_model::token::Token;
use strongroom_model::{Millis, Provider, Role, UserId};

use crate::change;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// A token with its hash and the MAC over what it grants.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The token.
    pub token: Token,
    /// The key of the hash.
    pub hash_key_id: String,
    /// The hash of its secret.
    pub hash: String,
    /// The key of the MAC.
    pub mac_key_id: String,
    /// The MAC.
    pub mac: String,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    role: String,
    scope_credentials: String,
    scope_providers: String,
    terms: Option<String>,
    user_id: Option<i64>,
    hash_key_id: String,
    hash: String,
    mac_key_id: String,
    mac: String,
    created_at_ms: i64,
    expires_at_ms: Option<i64>,
    leased_until_ms: Option<i64>,
    revoked_at_ms: Option<i64>,
}

/// What a token is bound to beside its scope, as canonical JSON. What is not there is not written.
#[derive(Debug, Default)]
struct Terms {
    models: Vec<String>,
    tags: BTreeMap<String, String>,
}

impl Terms {
    /// Reads a text; `None` when it has something that this program does not know, which may be something that narrows.
    fn read(text: &str) -> Option<Self> {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        let mut terms = Self::default();
        for (name, value) in fields {
            match name.as_str() {
                "models" => terms.models = serde_json::from_value(value).ok()?,
                "tags" => terms.tags = serde_json::from_value(value).ok()?,
                _ => return None,
            }
        }
        Some(terms)
    }

    /// The text of what a token is bound to; `None` for nothing.
    fn text_of(token: &Token) -> Option<String> {
        let mut fields = serde_json::Map::new();
        if !token.scope.models.is_empty() {
            fields.insert("models".to_owned(), serde_json::json!(token.scope.models));
        }
        if !token.tags.is_empty() {
            fields.insert("tags".to_owned(), serde_json::json!(token.tags.pairs()));
        }
        (!fields.is_empty()).then(|| serde_json::Value::Object(fields).to_string())
    }
}

impl TryFrom<Row> for StoredToken {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt { table: "tokens", column, row: row.id.clone() };
        let credentials: Vec<String> =
            serde_json::from_str(&row.scope_credentials).map_err(|_| corrupt("scope_credentials"))?;
        let providers: Vec<String> =
            serde_json::from_str(&row.scope_providers).map_err(|_| corrupt("scope_providers"))?;
        let credentials = credentials
            .iter()
            .map(|uid| uid.parse())
            .collect::<Result<_, _>>()
            .map_err(|_| corrupt("scope_credentials"))?;
        let terms = match &row.terms {
            Some(terms) => Terms::read(terms).ok_or_else(|| corrupt("terms"))?,
            None => Terms::default(),
        };
        let role = Role::parse(&row.role).map_err(|_| corrupt("role"))?;
        Ok(Self {
            token: Token {
                id: row.id,
                name: row.name,
                role,
                scope: Scope {
                    credentials,
                    providers: providers.into_iter().map(Provider::stored).collect(),
                    models: terms.models,
                },
                tags: TagSet::stored(terms.tags),
                user: row.user_id.map(UserId),
                created_at: Millis(row.created_at_ms),
                expires_at: row.expires_at_ms.map(Millis),
                leased_until: row.leased_until_ms.map(Millis),
                revoked_at: row.revoked_at_ms.map(Millis),
            },
            hash_key_id: row.hash_key_id,
            hash: row.hash,
            mac_key_id: row.mac_key_id,
            mac: row.mac,
        })
    }
}

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT id, name, role, scope_credentials, scope_providers, terms, user_id, hash_key_id, hash, mac_key_id, mac, ",
            "created_at_ms, expires_at_ms, leased_until_ms, revoked_at_ms FROM tokens ",
            $tail
        )
    };
}

/// The token with this public id.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, id: &str) -> Result<Option<StoredToken>, StoreError> {
    fetch_optional!(session, Row, select!("WHERE id = $1"), id)?.map(StoredToken::try_from).transpose()
}

/// All tokens, the oldest first, revoked ones too.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<StoredToken>, StoreError> {
    fetch_all!(session, Row, select!("ORDER BY created_at_ms, id"))?
        .into_iter()
        .map(StoredToken::try_from)
        .collect()
}

/// Stores a token. No server holds anything of it yet, so that none has to forget it.
///
/// # Errors
/// [`StoreError::Taken`] when the id is in use, [`StoreError::Dangling`] when there is no such user.
pub async fn insert(tx: &mut Write, stored: &StoredToken) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO tokens (id, name, role, scope_credentials, scope_providers, user_id, hash_key_id, \
                       hash, mac_key_id, mac, created_at_ms, expires_at_ms, leased_until_ms, revoked_at_ms, terms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    let token = &stored.token;
    let credentials: Vec<String> = token.scope.credentials.iter().map(ToString::to_string).collect();
    let providers: Vec<&str> = token.scope.providers.iter().map(Provider::as_str).collect();
    execute!(
        tx,
        SQL,
        &token.id,
        &token.name,
        token.role.as_str(),
        serde_json::json!(credentials).to_string(),
        serde_json::json!(providers).to_string(),
        token.user.map(|user| user.0),
        &stored.hash_key_id,
        &stored.hash,
        &stored.mac_key_id,
        &stored.mac,
        token.created_at.0,
        token.expires_at.map(|at| at.0),
        token.leased_until.map(|at| at.0),
        token.revoked_at.map(|at| at.0),
        Terms::text_of(token)
    )
    .map(|_| ())
}

/// Writes when a token was revoked, with the MAC that says so. `false` when it was revoked already.
///
/// # Errors
/// [`StoreError`].
pub async fn revoke(tx: &mut Write, stored: &StoredToken) -> Result<bool, StoreError> {
    change::touch(tx, LimitScope::Token(stored.token.id.clone())).await?;
    const SQL: &str = "UPDATE tokens SET revoked_at_ms = $2, mac_key_id = $3, mac = $4 \
                       WHERE id = $1 AND revoked_at_ms IS NULL";
    let at = stored.token.revoked_at.map(|at| at.0);
    Ok(execute!(tx, SQL, &stored.token.id, at, &stored.mac_key_id, &stored.mac)? == 1)
}

/// Prolongs a leased token. The change log says nothing of it: a server that holds the token reads it again once it has
/// lapsed. `false` when there is none, or it was revoked.
///
/// # Errors
/// [`StoreError`].
pub async fn prolong(tx: &mut Write, id: &str, until: Millis) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE tokens SET leased_until_ms = $2 \
                       WHERE id = $1 AND revoked_at_ms IS NULL AND leased_until_ms IS NOT NULL";
    Ok(execute!(tx, SQL, id, until.0)? == 1)
}
