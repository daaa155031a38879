//! Moving credentials in: row by row, each in a transaction of its own, and the same again changes nothing.

use std::collections::BTreeMap;

use serde_json::json;
use strongroom_crypto::authority::{CredentialGrant, Life};
use strongroom_crypto::random;
use strongroom_crypto::row_digest::{DigestRow, row_digest};
use strongroom_model::audit::{NewEntry, Outcome, Target};
use strongroom_model::credential::{
    Credential, Field, MAX_ENDPOINT, MAX_SECRET, check_rate_limit, check_rotation,
};
use strongroom_model::id::MAX_GIVEN;
use strongroom_model::limit::LimitScope;
use strongroom_model::problem::Causes;
use strongroom_model::secret_form::{self, Purpose, check_moved};
use strongroom_model::tag::TagSet;
use strongroom_model::{CredentialId, Millis, Problem, ProblemKind, Provider, Secret, UserId, month};
use strongroom_store::counter::{CounterKey, Delta, Entry, EntryKind};
use strongroom_store::credential::NewRow;
use strongroom_store::{Session, Write, counter, credential, limit, value, version};

use super::{CredentialService, monthly_limit, target};

use crate::crossing;
use crate::custody::seal::SealBinding;
use crate::custody::trail::entry;
use crate::user;

/// Rows that are imported have none.
static NO_TAGS: TagSet = TagSet::none();

/// The source of rows that were found in the environment or in `.env` files.
const ENVIRONMENT: &str = "env";

/// The longest name that is kept.
const MAX_NAME: usize = 1024;

/// One credential to move in. Its name may break today's rules.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// The id at the source; kept where it is free.
    pub id: Option<CredentialId>,
    /// The name.
    pub name: String,
    /// The provider, as the source spells it.
    pub provider: String,
    /// The key.
    pub api_key: Option<Secret>,
    /// The second secret.
    pub api_secret: Option<Secret>,
    /// A base URL; one of the environment is checked as that of a new credential is, any is used only if the endpoint guard
    /// lets it when it is called.
    pub endpoint: Option<String>,
    /// The priority; the provider's default when absent.
    pub priority: Option<i64>,
    /// True if it is handed out.
    pub is_active: bool,
    /// True if it is everybody's.
    pub is_global: bool,
    /// Whose it is; made as a disabled user when unknown.
    pub user: Option<UserId>,
    /// Monthly requests allowed.
    pub rate_limit: Option<i64>,
    /// From then on it is not handed out; it may have been already.
    pub expires_at: Option<Millis>,
    /// Days after which its key is to be replaced.
    pub rotate_after_days: Option<i64>,
    /// Uses since ever.
    pub usage_count: i64,
    /// Uses of the month of `last_used`.
    pub current_month_usage: i64,
    /// When it was last used.
    pub last_used: Option<Millis>,
    /// When it was made.
    pub created_at: Option<Millis>,
    /// When it was last changed.
    pub updated_at: Option<Millis>,
}

/// How to move rows in.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Where they come from, for the audit trail.
    pub source: String,
    /// Say what would be done and change nothing.
    pub dry_run: bool,
    /// Also skip a row whose key is already stored under another name.
    pub skip_known_secrets: bool,
}

/// Outcome of one row.
#[derive(Debug)]
pub enum Imported {
    /// It was made, or would be.
    Migrated,
    /// It was there already.
    Skipped(String),
    /// It could not be made.
    Failed(Problem),
}

/// Outcome of one row, with the credential as it is here now.
#[derive(Debug)]
pub struct Imports {
    /// The row's name.
    pub name: String,
    /// The outcome.
    pub outcome: Imported,
    /// The credential's id here.
    pub id: Option<CredentialId>,
    /// The digest of what is stored here, opened again; `None` in a dry run of a new row.
    pub digest: Option<String>,
}

impl CredentialService {
    /// Moves rows in and reports each one; a row that fails stops no other.
    ///
    /// # Errors
    /// [`Problem`] only when nothing could be done at all, such as when the database is gone.
    pub async fn import(
        &self,
        rows: Vec<ImportRow>,
        options: &ImportOptions,
    ) -> Result<Vec<Imports>, Problem> {
        let mut report = Vec::with_capacity(rows.len());
        for row in rows {
            let name = row.name.clone();
            let source_id = row.id;
            let mut done = self.import_row(row.clone(), options).await;
            if matches!(&done, Err(problem) if problem.kind == ProblemKind::Conflict) {
                // Somebody made a credential of that name, or the owner, at the same moment: now it is there.
                done = self.import_row(row, options).await;
            }
            let imports = match done {
                Ok(imports) => imports,
                Err(problem) if problem.kind == ProblemKind::Unavailable => return Err(problem),
                Err(problem) => {
                    self.note_failed_row(source_id, &problem, options).await?;
                    Imports { name, outcome: Imported::Failed(problem), id: None, digest: None }
                }
            };
            report.push(imports);
        }
        Ok(report)
    }

    /// The row's name is not repeated: it may be a secret in the wrong place.
    async fn note_failed_row(
        &self,
        source_id: Option<CredentialId>,
        problem: &Problem,
        options: &ImportOptions,
    ) -> Result<(), Problem> {
        if let Some(cause) = &problem.cause {
            tracing::warn!(cause = %Causes(cause.as_ref()), "failed to import a row");
        }
        if options.dry_run {
            return Ok(());
        }
        let detail = json!({ "source": options.source, "sourceId": source_id, "code": problem.kind.code() });
        let target = Target::kind("credential");
        self.custody.note(&self.actor, "credential.import", target, Outcome::Failed, &detail).await
    }

    async fn import_row(&self, mut row: ImportRow, options: &ImportOptions) -> Result<Imports, Problem> {
        let provider = check(&row, &options.source)?;
        if options.source == ENVIRONMENT && row.endpoint.is_some() {
            row.endpoint = self.endpoint(&provider, row.endpoint.as_deref())?;
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let name = row.name.clone();
        if let Some(there) = credential::get_by_name(&mut tx, &name, now).await? {
            // Row and values are to be of one mind, whoever changes them meanwhile.
            credential::lock(&mut tx, there.id).await?;
            let there = credential::get(&mut tx, there.id, now).await?.unwrap_or(there);
            let digest = self.digest(&mut tx, &there).await?;
            let outcome = Imported::Skipped("a credential of that name is already there".to_owned());
            return Ok(Imports { name, outcome, id: Some(there.id), digest: Some(digest) });
        }
        if options.skip_known_secrets
            && let Some(key) = &row.api_key
        {
            let holders = value::holders(&mut tx, &self.custody.keyring().fingerprint(key)).await?;
            if let Some(holder) = holders.iter().find(|holder| !holder.is_deleted && holder.is_current) {
                let outcome =
                    Imported::Skipped(format!("the same key is already stored as {:?}", holder.name));
                return Ok(Imports { name, outcome, id: None, digest: None });
            }
        }
        if options.dry_run {
            tx.roll_back().await?;
            return Ok(Imports { name, outcome: Imported::Migrated, id: None, digest: None });
        }
        let mut entries = Vec::new();
        let made = self.import_into(&mut tx, &row, &provider, &options.source, &mut entries, now).await?;
        let digest = self.digest(&mut tx, &made).await?;
        let detail = json!({
            "source": options.source, "sourceId": row.id, "id": made.id, "provider": provider.as_str(),
            "endpoint": made.endpoint, "userId": made.user, "usageCount": row.usage_count,
            "expiresAt": made.expires_at, "rotateAfterDays": made.rotate_after_days,
        });
        entries.push(entry(&self.actor, "credential.import", target(&made), now, &detail));
        self.custody.append(&mut tx, entries).await?;
        tx.commit().await?;
        Ok(Imports { name, outcome: Imported::Migrated, id: Some(made.id), digest: Some(digest) })
    }

    async fn import_into(
        &self,
        tx: &mut Write,
        row: &ImportRow,
        provider: &Provider,
        source: &str,
        entries: &mut Vec<NewEntry>,
        now: Millis,
    ) -> Result<Credential, Problem> {
        if let Some(user) = row.user
            && let Some(made) = user::make_stand_in(&self.custody, tx, user, now).await?
        {
            let detail = json!({ "role": made.role, "isActive": made.is_active, "source": source });
            entries.push(entry(
                &self.actor,
                "user.create",
                Target::named("user", made.id, &made.name),
                now,
                &detail,
            ));
        }
        let free_id = match row.id {
            Some(id) if (1..=MAX_GIVEN).contains(&id.0) && !credential::id_is_used(tx, id).await? => Some(id),
            _ => None,
        };
        let (uid, version_uid) = (random::uid(), random::uid());
        let created_at = row.created_at.unwrap_or(now);
        let grant = CredentialGrant {
            credential: uid,
            name: &row.name,
            provider,
            endpoint: row.endpoint.as_deref(),
            is_active: row.is_active,
            is_frozen: false,
            is_global: row.is_global,
            user: row.user,
            version: version_uid,
            life: Life { expires_at: row.expires_at, ..Life::default() },
        };
        let new = NewRow {
            id: free_id,
            uid,
            name: &row.name,
            provider,
            endpoint: row.endpoint.as_deref(),
            priority: row.priority.unwrap_or_else(|| provider.default_priority()),
            is_active: row.is_active,
            is_global: row.is_global,
            user: row.user,
            version: version_uid,
            mac: self.custody.sign_credential(&grant),
            expires_at: row.expires_at,
            rotate_after_days: row.rotate_after_days,
            tags: &NO_TAGS,
            created_at,
            updated_at: row.updated_at.unwrap_or(created_at),
        };
        let id = credential::insert(tx, &new).await?;
        version::insert(tx, uid, version_uid, &self.actor.label(), now).await?;
        let place = SealBinding { credential: uid, provider, endpoint: row.endpoint.as_deref() };
        for (field, secret) in [(Field::ApiKey, &row.api_key), (Field::ApiSecret, &row.api_secret)] {
            if let Some(secret) = secret {
                self.custody.seal_into(tx, place, version_uid, field, secret).await?;
            }
        }
        self.custody.sign_new_version(tx, version_uid, now).await?;
        let scope = LimitScope::Credential(uid);
        limit::set_on_new(tx, &monthly_limit(&scope, row.rate_limit, now)).await?;
        self.import_usage(tx, row, uid, now).await?;
        let made = credential::get(tx, id, now).await?;
        made.ok_or_else(|| Problem::internal("the credential is not there after it was moved in"))
    }

    /// Usage of the month of the last use stays in that month; what is older goes to the month before all months.
    async fn import_usage(
        &self,
        tx: &mut Write,
        row: &ImportRow,
        uid: strongroom_model::Uid,
        now: Millis,
    ) -> Result<(), Problem> {
        // A last use in the future is a clock that was wrong; it counts as now, so that no limit is lost.
        let last_used = row.last_used.map(|at| at.min(now));
        let in_month = if last_used.is_some() { row.current_month_usage.max(0) } else { 0 };
        let older = (row.usage_count - in_month).max(0);
        let months =
            [(last_used.map_or(Millis(0), month::start), in_month, last_used), (Millis(0), older, None)];
        for (window_start, requests, last_used) in months {
            if requests == 0 && last_used.is_none() {
                continue;
            }
            let key = CounterKey { start: window_start, ..CounterKey::monthly_requests(uid, now) };
            let delta = Delta { settled: requests, last_used, ..Delta::default() };
            crossing::apply(&self.custody, tx, &BTreeMap::from([(key, delta)]), now).await?;
            let entry = Entry {
                uid: random::uid(),
                at: last_used.unwrap_or(Millis(0)),
                kind: EntryKind::Imported,
                actor: &self.actor.label(),
                key,
                settled: requests,
                adjusted: 0,
            };
            counter::insert_entries(tx, &[entry]).await?;
        }
        Ok(())
    }

    /// The digest of what is stored, secrets opened again.
    async fn digest(&self, session: &mut Session, stored: &Credential) -> Result<String, Problem> {
        let (mut api_key, mut api_secret) = (None, None);
        for value in self.custody.values_of_version(session, stored.version).await? {
            let opened = self.custody.open_value(SealBinding::of(stored), &value).map_err(|error| {
                self.custody.counters.integrity_failures.add_one();
                Problem::integrity(format!("credential {:?} cannot be opened: {error}", stored.name))
            })?;
            match value.field {
                Field::ApiKey => api_key = Some(opened),
                Field::ApiSecret => api_secret = Some(opened),
            }
        }
        Ok(row_digest(&DigestRow {
            name: &stored.name,
            provider: stored.provider.as_str(),
            endpoint: stored.endpoint.as_deref(),
            priority: stored.priority,
            is_active: stored.is_active,
            is_global: stored.is_global,
            user_id: stored.user.map(|user| user.0),
            rate_limit: stored.rate_limit,
            api_key: api_key.as_ref(),
            api_secret: api_secret.as_ref(),
        }))
    }
}

/// Less strict than for a new credential: what the original accepted is kept, unless it cannot be stored at all.
fn check(row: &ImportRow, source: &str) -> Result<Provider, Problem> {
    if row.name.is_empty() || row.name.len() > MAX_NAME || row.name.contains('\0') {
        return Err(Problem::invalid("name", format!("name must be 1 to {MAX_NAME} bytes without NUL")));
    }
    for (field, secret) in [("apiKey", &row.api_key), ("apiSecret", &row.api_secret)] {
        let Some(secret) = secret else { continue };
        if secret.is_empty() || secret.expose().len() > MAX_SECRET {
            return Err(Problem::invalid(field, format!("{field} must be 1 to {MAX_SECRET} bytes")));
        }
        let purpose = if field == "apiKey" { Purpose::ApiKey } else { Purpose::ApiSecret };
        // Of a `.env` it is known where a key comes from, and that it is to be used.
        let checked = if source == ENVIRONMENT {
            secret_form::check(secret, purpose)
        } else {
            check_moved(secret, purpose)
        };
        checked.map_err(|fault| Problem::invalid(field, format!("{field} {fault}")))?;
    }
    let endpoint = row.endpoint.as_deref().unwrap_or_default();
    if endpoint.len() > MAX_ENDPOINT || endpoint.contains('\0') {
        return Err(Problem::invalid(
            "endpoint",
            format!("endpoint must be at most {MAX_ENDPOINT} bytes without NUL"),
        ));
    }
    row.rate_limit.map_or(Ok(()), check_rate_limit)?;
    row.rotate_after_days.map_or(Ok(()), check_rotation)?;
    for (field, count) in
        [("usageCount", row.usage_count), ("currentMonthUsage", row.current_month_usage.max(0))]
    {
        if !(0..=MAX_GIVEN).contains(&count) {
            return Err(Problem::invalid(field, format!("{field} must be 0 to {MAX_GIVEN}")));
        }
    }
    if row.user.is_some_and(|user| !(1..=MAX_GIVEN).contains(&user.0)) {
        return Err(Problem::invalid("userId", format!("userId must be 1 to {MAX_GIVEN}")));
    }
    Provider::parse(&row.provider)
}
