//! Sends rows to the import route in batches, and digests them as the server does.

use strongroom_client::Client;
use strongroom_client::wire::import::{ImportRequest, ImportRow, ImportedRow};
use strongroom_connectors::EndpointGuard;
use strongroom_crypto::row_digest::{DigestRow, row_digest};
use strongroom_model::Provider;
use strongroom_model::provider::DEFAULT_PRIORITY;
use strongroom_model::secret_form::{Purpose, check_moved, clean};

use crate::cli::exit::{CliError, CliResult};

/// Rows in one request, at the most: the route takes 500.
const BATCH_ROWS: usize = 200;

/// Bytes of names, endpoints and secrets in one request, about: far below what a server takes as a body.
const BATCH_BYTES: usize = 256 * 1024;

/// Settings that all batches of one run share.
#[derive(Clone, Copy)]
pub(super) struct Sender<'s> {
    /// `None` only in a dry run where nothing is installed: every row would be new.
    pub(super) client: Option<&'s Client>,
    /// `env`, `legacy` or `file`, for the audit trail.
    pub(super) source: &'static str,
    pub(super) dry_run: bool,
    pub(super) skip_known_secrets: bool,
    /// Guard of addresses; needed in a dry run without a server, of a source whose addresses are checked.
    pub(super) guard: Option<&'s EndpointGuard>,
}

impl Sender<'_> {
    /// Sends the rows and returns what became of each, in their order; `done` hears how many were answered.
    pub(super) async fn send(&self, rows: Vec<ImportRow>, done: impl Fn(u64)) -> CliResult<Vec<ImportedRow>> {
        let mut imported = Vec::with_capacity(rows.len());
        for batch in batches(rows) {
            let sent = batch.len();
            let request = ImportRequest {
                source: self.source.to_owned(),
                dry_run: self.dry_run,
                skip_known_secrets: self.skip_known_secrets,
                rows: batch,
            };
            let Some(client) = self.client else {
                imported.extend(request.rows.iter().map(|row| would_be(row, self.guard)));
                done(sent as u64);
                continue;
            };
            let report = client.import_credentials(&request).await.map_err(|error| {
                CliError::from(error)
                    .hint("it is safe to run this again: what is there already stays as it is")
            })?;
            if report.rows.len() != sent {
                let answered = report.rows.len();
                return Err(CliError::failure(format!(
                    "{sent} rows were sent and {answered} were answered for"
                ))
                .hint("`strongroom --version` and the server's version should be the same"));
            }
            imported.extend(report.rows);
            done(sent as u64);
        }
        Ok(imported)
    }
}

/// Takes certain wrapping off the row's secrets, and says what it was.
pub(super) fn unwrap_secrets(row: &mut ImportRow) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, secret, purpose) in [
        ("api_key", &mut row.api_key, Purpose::ApiKey),
        ("api_secret", &mut row.api_secret, Purpose::ApiSecret),
    ] {
        // A secret that cannot be used is sent as it is: the server says why.
        if let Some(given) = secret
            && let Ok(cleaned) = clean(given.0.expose(), purpose)
            && let Some(removed) = cleaned.removed_text()
        {
            notes.push(format!("{removed} around its {name} left out"));
            given.0 = cleaned.secret;
        }
    }
    notes
}

/// The outcome of a row in a dry run where nothing is stored yet.
fn would_be(row: &ImportRow, guard: Option<&EndpointGuard>) -> ImportedRow {
    let secrets = [(&row.api_key, Purpose::ApiKey), (&row.api_secret, Purpose::ApiSecret)];
    let fault = secrets
        .into_iter()
        .filter_map(|(secret, purpose)| secret.as_ref().map(|secret| check_moved(&secret.0, purpose)))
        .find_map(Result::err);
    let refused = || guard?.check(row.endpoint.as_deref()?).err().map(|problem| problem.message);
    let reason = fault.map(|fault| format!("its key {fault}")).or_else(refused);
    let outcome = if reason.is_some() { "failed" } else { "migrated" }.to_owned();
    ImportedRow { name: row.name.clone(), outcome, reason, id: None, digest: None }
}

fn batches(rows: Vec<ImportRow>) -> Vec<Vec<ImportRow>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let size = size(&row);
        if batch.len() == BATCH_ROWS || (!batch.is_empty() && bytes + size > BATCH_BYTES) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        batch.push(row);
        bytes += size;
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn size(row: &ImportRow) -> usize {
    let secret = |secret: &Option<strongroom_client::wire::SecretText>| {
        secret.as_ref().map_or(0, |it| it.0.expose().len())
    };
    let endpoint = row.endpoint.as_ref().map_or(0, String::len);
    row.name.len() + row.provider.len() + endpoint + secret(&row.api_key) + secret(&row.api_secret)
}

/// The digest that the row has once it is stored, when nothing of it is lost or changed.
pub(super) fn digest(row: &ImportRow) -> String {
    let default_priority =
        || Provider::parse(&row.provider).map_or(DEFAULT_PRIORITY, |it| it.default_priority());
    row_digest(&DigestRow {
        name: &row.name,
        provider: &row.provider,
        endpoint: row.endpoint.as_deref(),
        priority: row.priority.unwrap_or_else(default_priority),
        is_active: row.is_active,
        is_global: row.is_global,
        user_id: row.user_id,
        rate_limit: row.rate_limit,
        api_key: row.api_key.as_ref().map(|it| &it.0),
        api_secret: row.api_secret.as_ref().map(|it| &it.0),
    })
}

#[cfg(test)]
mod tests {
    use strongroom_client::wire::SecretText;
    use strongroom_model::Secret;

    use super::*;

    fn row(name: &str, key: &str) -> ImportRow {
        ImportRow {
            id: None,
            name: name.to_owned(),
            provider: "openai".to_owned(),
            api_key: Some(SecretText(Secret::from(key))),
            api_secret: None,
            endpoint: None,
            priority: None,
            is_active: true,
            is_global: true,
            user_id: None,
            rate_limit: None,
            expires_at: None,
            rotate_after_days: None,
            usage_count: 0,
            current_month_usage: 0,
            last_used: None,
            created_at: None,
            updated_at: None,
        }
    }

    #[test]
    fn batches_are_small_in_rows_and_in_bytes_and_lose_nothing() {
        let sizes = |rows: Vec<ImportRow>| batches(rows).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
        assert_eq!(sizes((0..450).map(|it| row(&format!("n{it}"), "k")).collect()), [200, 200, 50]);
        let long = "k".repeat(BATCH_BYTES / 3);
        assert_eq!(sizes((0..5).map(|it| row(&format!("n{it}"), &long)).collect()), [2, 2, 1]);
        let names: Vec<_> = batches((0..401).map(|it| row(&it.to_string(), "k")).collect()).concat();
        assert!(names.iter().enumerate().all(|(place, row)| row.name == place.to_string()));
    }

    #[test]
    fn a_priority_that_is_not_given_digests_as_the_default_one() {
        let given = ImportRow { priority: Some(40), ..row("a", "k") };
        assert_eq!(digest(&row("a", "k")), digest(&given));
        assert_ne!(digest(&ImportRow { priority: Some(41), ..given.clone() }), digest(&given));
    }
}
