//! Where rules differ from what they are by themselves: thresholds of a limit, of all limits of somebody, or of all.

use strongroom_model::alert::{Rule, Settings, Thresholds};
use strongroom_model::limit::LimitScope;
use strongroom_model::{Millis, Uid};

use crate::change::Subject;
use crate::dispatch::{execute, fetch_all, fetch_optional};
use crate::error::StoreError;
use crate::session::{Session, Write};

/// What a rule is set for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RuleScope {
    /// Everything.
    All,
    /// One limit.
    Limit(Uid),
    /// All limits of a credential, token or user.
    Of(LimitScope),
}

impl RuleScope {
    /// `all`, `limit`, `credential`, `token` or `user`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Limit(_) => "limit",
            Self::Of(scope) => scope.kind(),
        }
    }

    /// The identity within its kind; empty for everything.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Limit(uid) => uid.to_string(),
            Self::Of(scope) => scope.id(),
        }
    }

    fn of(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "all" => Some(Self::All),
            "limit" => id.parse().ok().map(Self::Limit),
            kind => LimitScope::of(kind, id).map(Self::Of),
        }
    }
}

/// A rule that somebody has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRule {
    /// Its identity.
    pub uid: Uid,
    /// The rule.
    pub rule: Rule,
    /// What it is set for.
    pub scope: RuleScope,
    /// The thresholds.
    pub thresholds: Thresholds,
    /// The settings, of rules other than thresholds of limits.
    pub settings: Settings,
    /// When it was set.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

type Row = (String, String, String, String, String, String, i64, i64);

fn read((uid, rule, kind, id, thresholds, settings, created, updated): Row) -> Result<SetRule, StoreError> {
    let corrupt = |column| StoreError::Corrupt { table: "alert_rules", column, row: uid.clone() };
    let rule = Rule::from_name(&rule).ok_or_else(|| corrupt("rule"))?;
    Ok(SetRule {
        uid: uid.parse().map_err(|_| corrupt("uid"))?,
        rule,
        settings: Settings::from_stored(rule, &settings).ok_or_else(|| corrupt("settings"))?,
        scope: RuleScope::of(&kind, &id).ok_or_else(|| corrupt("scope_id"))?,
        thresholds: Thresholds::from_stored(&thresholds).ok_or_else(|| corrupt("thresholds"))?,
        created_at: Millis(created),
        updated_at: Millis(updated),
    })
}

/// All rules that somebody has set, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn list(session: &mut Session) -> Result<Vec<SetRule>, StoreError> {
    const SQL: &str = "SELECT uid, rule, scope_kind, scope_id, thresholds, settings, created_at_ms, updated_at_ms FROM alert_rules \
                       ORDER BY created_at_ms, uid";
    fetch_all!(session, Row, SQL)?.into_iter().map(read).collect()
}

/// The rule with this identity.
///
/// # Errors
/// [`StoreError`].
pub async fn get(session: &mut Session, uid: Uid) -> Result<Option<SetRule>, StoreError> {
    const SQL: &str = "SELECT uid, rule, scope_kind, scope_id, thresholds, settings, created_at_ms, updated_at_ms FROM alert_rules \
                       WHERE uid = $1";
    fetch_optional!(session, Row, SQL, uid.to_string())?.map(read).transpose()
}

/// Sets a rule; one that is there for the same scope gets the new thresholds. Returns its identity. Servers forget the limits that it is
/// about, which carry their thresholds.
///
/// # Errors
/// [`StoreError`].
pub async fn put(
    tx: &mut Write,
    uid: Uid,
    rule: Rule,
    scope: &RuleScope,
    thresholds: Thresholds,
    at: Millis,
) -> Result<Uid, StoreError> {
    const SQL: &str = "INSERT INTO alert_rules (uid, rule, scope_kind, scope_id, thresholds, created_at_ms, updated_at_ms) \
                       VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (rule, scope_kind, scope_id) DO UPDATE SET \
                       thresholds = $5, updated_at_ms = $6 RETURNING uid";
    let thresholds = thresholds.stored();
    let row = fetch_optional!(
        tx,
        (String,),
        SQL,
        uid.to_string(),
        rule.as_str(),
        scope.kind(),
        scope.id(),
        thresholds,
        at.0
    )?;
    touch_limits(tx, scope).await?;
    let stored = row.map_or_else(|| uid.to_string(), |(uid,)| uid);
    stored.parse().map_err(|_| StoreError::Corrupt { table: "alert_rules", column: "uid", row: stored })
}

/// Sets a rule that has settings, for everything. Returns its identity.
///
/// # Errors
/// [`StoreError`].
pub async fn put_settings(
    tx: &mut Write,
    uid: Uid,
    rule: Rule,
    settings: &Settings,
    at: Millis,
) -> Result<Uid, StoreError> {
    const SQL: &str = "INSERT INTO alert_rules (uid, rule, scope_kind, scope_id, thresholds, settings, created_at_ms, updated_at_ms) \
                       VALUES ($1, $2, 'all', '', '', $3, $4, $4) ON CONFLICT (rule, scope_kind, scope_id) DO UPDATE SET \
                       settings = $3, updated_at_ms = $4 RETURNING uid";
    let row = fetch_optional!(tx, (String,), SQL, uid.to_string(), rule.as_str(), settings.stored(), at.0)?;
    let stored = row.map_or_else(|| uid.to_string(), |(uid,)| uid);
    stored.parse().map_err(|_| StoreError::Corrupt { table: "alert_rules", column: "uid", row: stored })
}

/// The settings of a rule: as somebody has set them, or those that it has by itself.
///
/// # Errors
/// [`StoreError`].
pub async fn settings(session: &mut Session, rule: Rule) -> Result<Settings, StoreError> {
    const SQL: &str =
        "SELECT uid, settings FROM alert_rules WHERE rule = $1 AND scope_kind = 'all' AND scope_id = ''";
    let Some((uid, text)) = fetch_optional!(session, (String, String), SQL, rule.as_str())? else {
        return Ok(Settings::default());
    };
    let corrupt = || StoreError::Corrupt { table: "alert_rules", column: "settings", row: uid };
    Settings::from_stored(rule, &text).ok_or_else(corrupt)
}

/// Removes a rule. Tells whether it was there.
///
/// # Errors
/// [`StoreError`].
pub async fn remove(tx: &mut Write, uid: Uid) -> Result<bool, StoreError> {
    let Some(found) = get(tx, uid).await? else { return Ok(false) };
    execute!(tx, "DELETE FROM alert_rules WHERE uid = $1", uid.to_string())?;
    touch_limits(tx, &found.scope).await?;
    Ok(true)
}

async fn touch_limits(tx: &mut Write, scope: &RuleScope) -> Result<(), StoreError> {
    const ALL: &str = "SELECT DISTINCT scope_kind, scope_uid FROM limits";
    const ONE: &str = "SELECT DISTINCT scope_kind, scope_uid FROM limits WHERE uid = $1";
    let scopes = match scope {
        RuleScope::Of(scope) => vec![(scope.kind().to_owned(), scope.id())],
        RuleScope::All => fetch_all!(tx, (String, String), ALL)?,
        RuleScope::Limit(uid) => fetch_all!(tx, (String, String), ONE, uid.to_string())?,
    };
    for (kind, id) in scopes {
        let corrupt = || StoreError::Corrupt { table: "limits", column: "scope_uid", row: id.clone() };
        let scope = LimitScope::of(&kind, &id).ok_or_else(corrupt)?;
        tx.touch(Subject::Scope(scope));
    }
    Ok(())
}
