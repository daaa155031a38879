//! A database of the size that the pages are to be fast at: credentials by the API, a month of usage by statements of its own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Size;
use crate::bench::admin::Admin;

/// Credentials that are used; the others only exist.
const ACTIVE: u64 = 14_600;
/// What calls have in common besides their day: credential, token, user, model.
const DIMS: u64 = 55_600;
/// Days behind today, today among them, with calls.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
/// Rows that one request may bring.
const PORTION: u64 = 500;

/// Makes so many credentials, each with a limit a month.
pub(super) fn credentials(admin: &Admin, count: u64) -> Result<()> {
    const PROVIDERS: [&str; 5] = ["anthropic", "gemini", "groq", "mistral", "openrouter"];
    for first in (0..count).step_by(usize::try_from(PORTION)?) {
        let portion = PORTION.min(count - first);
        let rows: Vec<String> = (first..first + portion)
            .map(|number| {
                let provider = PROVIDERS[usize::try_from(number % 5).unwrap_or(0)];
                format!(
                    r#"{{"name":"team-{:04}-key-{number:06}","provider":"{provider}","apiKey":"key-{number:0>60}","isActive":true,"isGlobal":true,"rateLimit":1000000}}"#,
                    number / 50
                )
            })
            .collect();
        let body = format!(r#"{{"source":"env","rows":[{}]}}"#, rows.join(","));
        let said = admin.ask("POST", "/api/admin/credentials/import", &body)?;
        ensure!(said.contains(&format!("\"migrated\":{portion}")), "not all were taken: {said:.300}");
    }
    Ok(())
}

/// Where the rows go.
pub(super) enum Database {
    /// A file that no server has open.
    Sqlite(PathBuf),
    /// A URL.
    Postgres(String),
}

impl Database {
    fn command(&self) -> Command {
        match self {
            Self::Sqlite(file) => {
                let mut command = Command::new("sqlite3");
                command.arg("-bail").arg(file);
                command
            }
            Self::Postgres(url) => {
                let mut command = Command::new("psql");
                command.args([url, "-qAtX", "-v", "ON_ERROR_STOP=1"]);
                command
            }
        }
    }

    /// Runs statements; what they told.
    fn run(&self, sql: &str) -> Result<String> {
        let mut child = self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        child.stdin.take().context("a pipe")?.write_all(sql.as_bytes())?;
        let done = child.wait_with_output()?;
        ensure!(done.status.success(), "statements ended with {}", done.status);
        Ok(String::from_utf8(done.stdout)?)
    }

    fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// A table of the numbers from 0, as `n.value`.
    fn numbers(&self, count: u64) -> String {
        let last = count - 1;
        match self {
            Self::Sqlite(_) => format!("generate_series(0, {last}) AS n"),
            Self::Postgres(_) => format!("generate_series(0::bigint, {last}) AS n(value)"),
        }
    }

    /// An identity: an instant, and a number.
    fn uid(&self, at: &str, number: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("printf('%012x7%019x', {at}, {number})"),
            Self::Postgres(_) => {
                format!("lpad(to_hex({at}), 12, '0') || '7' || lpad(to_hex({number}), 19, '0')")
            }
        }
    }
}

/// Adds a month of usage, and its sums of days, so that each sum is what its lines come to.
pub(super) fn usage(database: &Database, size: Size) -> Result<()> {
    let per_day = size.lines.div_ceil(DIMS * DAYS.unsigned_abs()).max(1);
    if database.is_sqlite() {
        // Nobody waits for it, and what is lost is made again.
        database.run("PRAGMA journal_mode = OFF;")?;
    }
    let now = database.run(match database {
        Database::Sqlite(_) => "SELECT CAST(strftime('%s') AS INTEGER) * 1000;",
        Database::Postgres(_) => "SELECT CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT);",
    })?;
    let now: i64 = now.trim().parse()?;
    let today = now - now.rem_euclid(DAY_MS);
    database.run(&of_all(database, ACTIVE.min(size.credentials)))?;
    for day in (0..DAYS).rev() {
        let start = today - day * DAY_MS;
        // Nothing is of the future.
        let length = (now - start).min(DAY_MS);
        database.run(&of_day(database, start, length, per_day))?;
    }
    let finish = if database.is_sqlite() { "PRAGMA journal_mode = WAL;" } else { "VACUUM ANALYZE;" };
    database.run(&format!("DROP TABLE bench_credentials;\n{finish}")).map(|_| ())
}

/// What calls have in common.
fn of_all(database: &Database, active: u64) -> String {
    let (dims, uid) = (database.numbers(DIMS), database.uid("1", "n.value"));
    let partitions = match database {
        Database::Sqlite(_) => String::new(),
        Database::Postgres(_) => format!(
            "SELECT usage_lines_make_partitions(CAST(EXTRACT(EPOCH FROM now()) * 1000 AS BIGINT) - {}, {DAYS});",
            (DAYS - 1) * DAY_MS
        ),
    };
    format!(
        "{partitions}
         CREATE TABLE bench_credentials AS SELECT ROW_NUMBER() OVER (ORDER BY id) - 1 AS number, uid, version_uid, provider
             FROM api_credentials ORDER BY id LIMIT {active};
         INSERT INTO usage_dims (uid, region, kind, operation, actor, user_id, team_uid, grant_uid, credential_uid, version_uid,
             provider, model, source, tag_set_uid)
         SELECT {uid}, 'main', 'call', 'chat.completions', 'token:bench' || (n.value % 400), n.value % 50, '', '', c.uid,
             c.version_uid, c.provider, 'model-' || (n.value % 9), 'database', ''
         FROM {dims} JOIN bench_credentials c ON c.number = (n.value * 7919) % {active};
         INSERT INTO usage_contexts (uid, region, dims_uid, status, metering)
         SELECT {uid}, 'main', {uid}, CASE WHEN n.value % 50 = 0 THEN 429 WHEN n.value % 70 = 0 THEN 502 ELSE 200 END, 'reported'
         FROM {dims};\n"
    )
}

/// The lines of a day, and their sums: as many of each kind.
fn of_day(database: &Database, start: i64, length: i64, per_day: u64) -> String {
    let (dims, lines) = (database.numbers(DIMS), database.numbers(DIMS * per_day));
    let at = format!("{start} + n.value * {length} / {}", DIMS * per_day);
    let (uid, dim) = (database.uid(&format!("({at})"), "n.value"), format!("(n.value * 7919) % {DIMS}"));
    let (context, of_dims) = (database.uid("1", &dim), database.uid("1", "n.value"));
    let (errors, failures) = ("n.value % 50 = 0", "n.value % 50 <> 0 AND n.value % 70 = 0");
    format!(
        "BEGIN;
         INSERT INTO usage_lines (uid, region, context_uid, at_ms, requests, client_requests, input_tokens, cached_input_tokens,
             cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens, cost_nano_usd, charged_tokens,
             charged_nano_usd, generation, first_byte_ms, total_ms)
         SELECT {uid}, 'main', {context}, {at}, 1, 1, 1200, 200, 0, 0, 300, 0, 1000 * (1 + {dim} % 1000), 1500,
             1000 * (1 + {dim} % 1000), 0, 100 + {dim} % 900, 400 + {dim} % 9000
         FROM {lines};
         INSERT INTO usage_days (day_start_ms, region, dims_uid, requests, client_requests, errors_client, errors_provider,
             input_tokens, cached_input_tokens, cache_write_tokens, cache_write_long_tokens, output_tokens, reasoning_tokens,
             cost_nano_usd, unpriced, charged_tokens, charged_nano_usd, first_byte_ms_sum, first_byte_count, total_ms_sum,
             total_count)
         SELECT {start}, 'main', {of_dims}, {per_day}, {per_day}, CASE WHEN {errors} THEN {per_day} ELSE 0 END,
             CASE WHEN {failures} THEN {per_day} ELSE 0 END, {per_day} * 1200, {per_day} * 200, 0, 0, {per_day} * 300, 0,
             {per_day} * 1000 * (1 + n.value % 1000), 0, {per_day} * 1500, {per_day} * 1000 * (1 + n.value % 1000),
             {per_day} * (100 + n.value % 900), {per_day}, {per_day} * (400 + n.value % 9000), {per_day}
         FROM {dims};
         COMMIT;\n"
    )
}

/// How large a file is, or the files of a folder, in megabytes.
pub(super) fn megabytes(path: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let of_folder = fs::read_dir(path).into_iter().flatten().flatten().map(|file| size(&file.path()));
    (if path.is_dir() { of_folder.sum() } else { size(path) }) / 1_000_000
}
