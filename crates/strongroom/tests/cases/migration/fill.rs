//! An installation of the version before the ledger was rebuilt (schema 7), filled by SQL: with as many lines as are asked for, and
//! with everything in it that outside text and figures could spoil there.

use std::sync::Arc;

use strongroom::limit::Bound;
use strongroom::token::TokenRequest;
use strongroom::{Actor, Clock, NewCredential, Role, Secret};
use strongroom_crypto::envelope::unwrap_key;
use strongroom_crypto::keyring::KeyringEntry;
use strongroom_crypto::{Keyring, MasterKey, Purpose, audit_chain};
use strongroom_model::limit::{Unit, Window};
use strongroom_store::backup::{self, Reader, Table, tables};
use strongroom_store::{REGION, Store, StoreOptions, Write, audit, key, schema};
use strongroom_testkit::{Backend, TestDatabase};

use super::super::ground::{NOW, ground, new};

pub(crate) const SCHEMA: i64 = 7;
pub(crate) const DAY: i64 = 86_400_000;
/// Days of which there are lines, the last of them today.
pub(crate) const DAYS: i64 = 30;
/// How many contexts the lines have.
const CONTEXTS: i64 = 40;

/// The first of these days.
pub(crate) fn first_day() -> i64 {
    NOW.0 - NOW.0 % DAY - (DAYS - 1) * DAY
}

/// An installation of the old schema, and who is in it.
pub(crate) struct Old {
    pub(crate) database: Arc<TestDatabase>,
    pub(crate) key: Secret,
    /// The credentials `one` and `two`.
    pub(crate) credentials: [String; 2],
    /// The token whose lines limits count.
    pub(crate) token: String,
    /// Its limits: tokens a day; tokens prepaid, set when there were lines from the first one on, and before; dollars a month.
    pub(crate) limits: [String; 4],
}

/// The tables that the ledger was in.
fn ledger_of_old() -> Vec<Table> {
    use backup::Kind::{Integer, Text};
    let table = |name: &str, key, texts: &[(&str, backup::Kind)]| Table {
        name: name.to_owned(),
        columns: texts.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        key,
        counts_up: false,
    };
    let sums = [
        "requests",
        "client_requests",
        "errors",
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "cache_write_long_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost_nano_usd",
        "unpriced",
        "charged_tokens",
        "charged_nano_usd",
    ];
    let mut days = vec![
        ("day_start_ms", Integer),
        ("region", Text),
        ("kind", Text),
        ("actor", Text),
        ("user_id", Integer),
        ("credential_uid", Text),
        ("version_uid", Text),
        ("provider", Text),
        ("model", Text),
        ("source", Text),
    ];
    days.extend(sums.map(|name| (name, Integer)));
    let mut lines = vec![("uid", Text), ("context_uid", Text), ("at_ms", Integer)];
    lines.extend(
        sums.iter().filter(|name| !["errors", "unpriced"].contains(name)).map(|name| (*name, Integer)),
    );
    lines.extend([("generation", Integer), ("first_byte_ms", Integer), ("total_ms", Integer)]);
    lines.extend([("raw_usage", Text), ("request_id", Text)]);
    vec![
        table(
            "usage_contexts",
            1,
            &[
                ("uid", Text),
                ("region", Text),
                ("kind", Text),
                ("operation", Text),
                ("actor", Text),
                ("user_id", Integer),
                ("credential_uid", Text),
                ("version_uid", Text),
                ("provider", Text),
                ("model", Text),
                ("source", Text),
                ("status", Integer),
                ("metering", Text),
            ],
        ),
        table("usage_lines", 1, &lines),
        table("usage_days", 10, &days),
    ]
}

/// All tables of the old schema, what a row refers to before the row.
pub(crate) fn tables_of_old() -> Vec<Table> {
    let ledger = ["usage_dims", "usage_contexts", "usage_lines", "usage_days", "tag_sets"];
    let later = [
        "change_log",
        "alert_incidents",
        "alert_states",
        "alert_deliveries",
        "alert_channels",
        "alert_channel_values",
        "alert_rules",
        "alert_silences",
        "alert_routes",
        "reveal_places",
        "usage_5m",
        "usage_hours",
        "limit_samples",
        "limit_refusals",
        "credential_transitions",
    ];
    let added = ["parent_id", "root_id", "team_uid", "terms", "carved", "leased_until_ms", "tags"];
    let macs = ["mac_key_id", "mac", "is_followed"];
    let others =
        tables().into_iter().filter(|table| ![&ledger[..], &later].concat().contains(&table.name.as_str()));
    let others = others.map(|mut table| {
        let has_macs = table.name != "credential_versions";
        table.columns.retain(|(name, _)| {
            !added.contains(&name.as_str()) && (has_macs || !macs.contains(&name.as_str()))
        });
        table
    });
    others.chain(ledger_of_old()).collect()
}

pub(crate) async fn store_of(database: &TestDatabase) -> Store {
    let options =
        StoreOptions { url: database.url().to_owned(), max_connections: 2, clock: Clock::fixed(NOW) };
    Store::connect(&options).await.expect("a store")
}

/// Has the trail begin as it did when versions had no MACs, linked again.
async fn begin_as_before(tx: &mut Write, key: &Secret) {
    let master = MasterKey::parse(key.expose()).expect("a key");
    let wraps = key::list_wraps(tx).await.expect("wraps");
    let unwrap = |row: key::KeyRow| {
        let (id, purpose) =
            (row.id.parse().expect("a uid"), Purpose::from_name(&row.purpose).expect("a purpose"));
        let wrap = wraps.iter().find(|wrap| wrap.key_id == row.id).expect("a wrap");
        let key = unwrap_key(&master, id, purpose, &wrap.wrapped).expect("our key");
        KeyringEntry { id, purpose, is_current: row.is_current, key }
    };
    let entries = key::list(tx).await.expect("keys").into_iter().map(unwrap).collect();
    let keyring = Keyring::new(entries).expect("all keys");
    let (mut linked, mut before) = (Vec::new(), audit_chain::GENESIS.to_owned());
    for found in audit::read_on(tx, REGION, 1, i64::MAX).await.expect("entries") {
        let audit::Found::Entry(found) = found else { panic!("{found:?}") };
        let mut entry = found.entry;
        if entry.action == "installation.create" {
            entry.detail = "{}".to_owned();
        }
        let entry = audit_chain::link(&keyring, REGION, found.seq, &before, entry);
        before.clone_from(&entry.link);
        linked.push(entry);
    }
    let head = audit_chain::head(&keyring, REGION, linked.last().expect("an entry").seq, &before);
    let logs = tables().into_iter().find(|table| table.name == "audit_logs").expect("the table");
    backup::clear(tx, &logs).await.expect("an empty table");
    audit::append(tx, &linked, &head).await.expect("the same entries");
    strongroom_store::meta::remove(tx, "version_macs").await.expect("a change");
}

/// An installation with two credentials, a token and its limits, and no line.
pub(crate) async fn installation(backend: Backend) -> Old {
    let donor = ground().await;
    for name in ["one", "two"] {
        donor.make(NewCredential { rate_limit: Some(100_000_000), ..new(name) }).await;
    }
    let made = donor.room.tokens(Actor::library()).create(TokenRequest::new("t", Role::Gateway)).await;
    let token = made.expect("a token").1.token.id;
    let limits = donor.room.limits(Actor::library());
    let bound = Bound::Token(token.clone());
    let mut made = Vec::new();
    for (unit, window, amount) in [
        (Unit::Tokens, Window::Day, i64::MAX / 16),
        (Unit::Tokens, Window::Prepaid, i64::MAX / 16),
        (Unit::Requests, Window::Prepaid, i64::MAX / 16),
        (Unit::NanoUsd, Window::Month, i64::MAX / 16),
    ] {
        made.push(limits.set(&bound, unit, window, amount).await.expect("a limit").limit.uid.to_string());
    }
    let uid = async |name: &str| {
        donor.value(&format!("SELECT uid FROM api_credentials WHERE name = '{name}'")).await
    };
    let credentials = [uid("one").await, uid("two").await];

    let database = TestDatabase::new(backend).await;
    let store = store_of(&database).await;
    schema::migrate_to(&store, SCHEMA).await.expect("the old schema");
    let from = store_of(&donor.database).await;
    let mut snapshot = from.snapshot().await.expect("a snapshot");
    let mut tx = store.write().await.expect("a transaction");
    let ledger = ledger_of_old();
    for table in tables_of_old().iter().filter(|table| !ledger.contains(table)) {
        backup::clear(&mut tx, table).await.expect("an empty table");
        let mut reader = Reader::new(table);
        loop {
            let rows = reader.next_page(&mut snapshot).await.expect("rows");
            if rows.is_empty() {
                break;
            }
            backup::insert(&mut tx, table, &rows).await.expect("the same rows");
        }
        let last = if table.counts_up {
            backup::last_number(&mut snapshot, table).await.expect("a number")
        } else {
            0
        };
        backup::count_from(&mut tx, table, last).await.expect("a number");
    }
    begin_as_before(&mut tx, &donor.key).await;
    tx.commit().await.expect("a commit");
    drop(snapshot);
    from.close().await;
    store.close().await;
    let old = Old {
        database: Arc::new(database),
        key: donor.key.clone(),
        credentials,
        token,
        limits: made.try_into().expect("four"),
    };
    donor.room.close().await.expect("nothing is lost");
    // Limits of which not all lines are there any more, and limits of which all are.
    let (kept, before) = (first_day() + 5 * DAY, first_day() - 100 * DAY);
    old.execute(&format!(
        "UPDATE limits SET created_at_ms = {kept}, since_change = 1 WHERE uid = '{}'; \
         UPDATE limits SET created_at_ms = {before}, since_change = 0 WHERE uid IN ('{}', '{}'); \
         UPDATE limits SET since_change = 0 WHERE uid = '{}'",
        old.limits[1], old.limits[2], old.limits[3], old.limits[0]
    ))
    .await;
    old
}

impl Old {
    pub(crate) async fn execute(&self, sql: &str) {
        self.database.execute(sql).await;
    }

    pub(crate) async fn value(&self, sql: &str) -> String {
        self.database.query_text(sql).await[0][0].clone().expect("a value")
    }

    /// So many lines that nobody spoilt, the sums of their days, and the counters that they come to; sums of days whose lines are
    /// gone, and one day whose lines are partly gone.
    pub(crate) async fn fill(&self, lines: i64) {
        let [one, two] = &self.credentials;
        let versions = "(SELECT version_uid FROM api_credentials WHERE uid = ";
        let context = |number: i64| {
            let kind = ["call", "call", "attempt", "late", "read"][(number % 5) as usize];
            let operation = ["chat.completions", "embeddings"][(number / 5 % 2) as usize];
            let actor =
                if number % 3 == 0 { format!("token:{}", self.token) } else { "local:zo\u{eb}".to_owned() };
            let user = if number % 4 == 0 { "NULL" } else { "7" };
            let (credential, version) = match number % 7 {
                0 => ("NULL".to_owned(), "NULL".to_owned()),
                1..=4 => (format!("'{one}'"), format!("{versions}'{one}')")),
                _ => (format!("'{two}'"), format!("{versions}'{two}')")),
            };
            let status = [200, 429, 500, 0][(number / 10 % 4) as usize];
            format!(
                "('context-{number}', 'main', '{kind}', '{operation}', '{actor}', {user}, {credential}, {version}, 'openai', \
                 'gpt-{}', 'database', {status}, 'reported')",
                number % 6
            )
        };
        let contexts: Vec<_> = (0..CONTEXTS).map(context).collect();
        self.execute(&format!("INSERT INTO usage_contexts VALUES {}", contexts.join(", "))).await;
        let (numbers, uid) = match self.database.backend() {
            Backend::Sqlite => (
                format!(
                    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) ",
                    lines - 1
                ),
                "printf('%012x%020x', at, i)",
            ),
            Backend::Postgres => (
                format!(
                    "WITH n AS (SELECT CAST(i AS BIGINT) AS i FROM generate_series(0, {}) i) ",
                    lines - 1
                ),
                "lpad(to_hex(at), 12, '0') || lpad(to_hex(i), 20, '0')",
            ),
        };
        let (first, span, limited) = (first_day(), DAYS * DAY, first_day() + 5 * DAY);
        self.execute(&format!(
            "{numbers} INSERT INTO usage_lines SELECT {uid}, 'context-' || CAST(i % {CONTEXTS} AS TEXT), at, 1, \
             CASE WHEN i % 5 = 2 THEN 0 ELSE 1 END, i % 1000, i % 100, 0, i % 3, i % 500, i % 50, \
             CASE WHEN i % 7 = 0 THEN NULL ELSE i % 5000 END, i % 1500, i % 6000, CASE WHEN at >= {limited} THEN 1 ELSE 0 END, \
             CASE WHEN i % 3 = 0 THEN NULL ELSE i % 700 END, i % 9000, \
             CASE WHEN i % 2 = 0 THEN '{{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}}' END, \
             'req-' || CAST(i AS TEXT) FROM (SELECT i, {first} + i * {span} / {lines} AS at FROM n) x"
        ))
        .await;
        self.execute(
            "INSERT INTO usage_days SELECT l.at_ms - l.at_ms % 86400000, c.region, c.kind, c.actor, COALESCE(c.user_id, 0), \
             COALESCE(c.credential_uid, ''), COALESCE(c.version_uid, ''), c.provider, c.model, c.source, SUM(l.requests), \
             SUM(l.client_requests), SUM(CASE WHEN c.status = 0 OR c.status >= 400 THEN 1 ELSE 0 END), SUM(l.input_tokens), \
             SUM(l.cached_input_tokens), SUM(l.cache_write_tokens), SUM(l.cache_write_long_tokens), SUM(l.output_tokens), \
             SUM(l.reasoning_tokens), SUM(COALESCE(l.cost_nano_usd, 0)), \
             SUM(CASE WHEN l.cost_nano_usd IS NULL THEN 1 ELSE 0 END), SUM(l.charged_tokens), SUM(l.charged_nano_usd) \
             FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10",
        )
        .await;
        // Of December, of which no line is left.
        for day in 31..60 {
            let start = NOW.0 - NOW.0 % DAY - day * DAY;
            self.execute(&format!(
                "INSERT INTO usage_days VALUES ({start}, 'main', 'call', 'token:gone', 0, '{one}', 'v', 'openai', 'gpt-1', \
                 'database', 10, 10, 3, 100, 20, 0, 0, 50, 5, 1000, 2, 150, 1000)"
            ))
            .await;
        }
        self.count().await;
        // Retention has come half through a day.
        let half = first + DAY / 2;
        self.execute(&format!("DELETE FROM usage_lines WHERE at_ms < {half}")).await;
    }

    /// The counters that lines and sums come to.
    async fn count(&self) {
        let counter = |subject: &str, unit: &str, window: &str, start: i64, sum: String| {
            format!(
                "INSERT INTO counters (subject_uid, unit, window_kind, window_start_ms, region, settled, held, adjusted, \
                 last_used_ms, leased) VALUES ('{subject}', '{unit}', '{window}', {start}, 'main', \
                 (SELECT COALESCE(({sum}), 0)), 0, 0, {}, 0)",
                NOW.0
            )
        };
        // A limit that is set has its counter locked, which PostgreSQL does by a row.
        let mut all = vec!["DELETE FROM counters".to_owned()];
        let (december, january) = (1_764_547_200_000_i64, 1_767_225_600_000_i64);
        for credential in &self.credentials {
            for (start, end) in [(december, january), (january, NOW.0 + 1)] {
                let sum = format!(
                    "SELECT SUM(requests) FROM usage_days WHERE credential_uid = '{credential}' AND kind <> 'late' \
                     AND day_start_ms >= {start} AND day_start_ms < {end}"
                );
                all.push(counter(credential, "requests", "month", start, sum));
            }
        }
        let of_token = |column: &str, start: i64, end: i64, since: i64| {
            format!(
                "SELECT SUM(l.{column}) FROM usage_lines l JOIN usage_contexts c ON c.uid = l.context_uid \
                 WHERE c.actor = 'token:{}' AND c.kind <> 'late' AND l.at_ms >= {start} AND l.at_ms < {end} \
                 AND l.generation >= {since}",
                self.token
            )
        };
        for day in 0..DAYS {
            let start = first_day() + day * DAY;
            let sum = of_token("charged_tokens", start, start + DAY, 0);
            all.push(counter(&self.limits[0], "tokens", "day", start, sum));
        }
        all.push(counter(
            &self.limits[1],
            "tokens",
            "prepaid",
            0,
            of_token("charged_tokens", 0, i64::MAX, 1),
        ));
        all.push(counter(
            &self.limits[2],
            "requests",
            "prepaid",
            0,
            of_token("client_requests", 0, i64::MAX, 0),
        ));
        let month = of_token("charged_nano_usd", january, i64::MAX, 0);
        all.push(counter(&self.limits[3], "nano_usd", "month", january, month));
        self.execute(&all.join(";")).await;
    }

    /// Spoils what the version before let be spoilt, see the field's document (A). `with_reals` also those figures of SQLite that
    /// no backup could be made of.
    pub(crate) async fn spoil(&self, with_reals: bool) {
        let is_sqlite = self.database.backend() == Backend::Sqlite;
        let line = |number: i64| {
            format!(
                "(SELECT uid FROM usage_lines WHERE at_ms >= {} AND context_uid = 'context-{number}' ORDER BY uid LIMIT 1)",
                first_day() + 10 * DAY
            )
        };
        let (most, least) = (i64::MAX, -i64::MAX);
        let mut edits = vec![
            // What a provider said, eight times: counters and sums have wrapped. Context 0 is one of the token's.
            format!(
                "UPDATE usage_lines SET input_tokens = {most}, output_tokens = {most}, charged_tokens = {most} WHERE uid = {}",
                line(0)
            ),
            format!(
                "UPDATE usage_lines SET cost_nano_usd = {most}, charged_nano_usd = {least} WHERE uid = {}",
                line(1)
            ),
            format!(
                "UPDATE usage_lines SET total_ms = {least}, first_byte_ms = {most} WHERE uid = {}",
                line(2)
            ),
            format!(
                "UPDATE usage_days SET input_tokens = -8 WHERE day_start_ms = {}",
                first_day() + 10 * DAY
            ),
            format!(
                "UPDATE usage_days SET cost_nano_usd = {most} WHERE day_start_ms = {}",
                first_day() + 11 * DAY
            ),
            // Of a day whose lines are gone.
            format!(
                "UPDATE usage_days SET output_tokens = -8, charged_tokens = {most} WHERE day_start_ms = {}",
                NOW.0 - NOW.0 % DAY - 40 * DAY
            ),
            format!("UPDATE counters SET settled = -8 WHERE subject_uid = '{}'", self.limits[1]),
            format!("UPDATE counters SET settled = {least} WHERE subject_uid = '{}'", self.limits[2]),
            format!(
                "UPDATE counters SET settled = {most}, adjusted = {least} WHERE subject_uid = '{}'",
                self.credentials[1]
            ),
            // What looks right and is not, for it wrapped twice.
            format!(
                "UPDATE counters SET settled = 5 WHERE subject_uid = '{}' AND window_start_ms = {}",
                self.limits[0],
                first_day() + 10 * DAY
            ),
            format!(
                "UPDATE counters SET held = -5, leased = {most} WHERE subject_uid = '{}'",
                self.limits[3]
            ),
            format!("UPDATE limits SET amount = {most} WHERE uid = '{}'", self.limits[3]),
            // Models that nobody asked for, with a line each.
            self.odd_context("control", "a\u{1b}[31mb"),
            self.odd_context("turned", "a\u{202e}b"),
            self.odd_context("long", &"m".repeat(129)),
        ];
        if is_sqlite {
            edits.push(self.odd_context("nul", "a\0b").replace("a\0b'", "' || CAST(x'610062' AS TEXT)"));
            edits.push(self.odd_context("longer", &"abcdefghij".repeat(1_000)));
            edits.push(
                "UPDATE usage_lines SET raw_usage = CAST(x'7b007d' AS TEXT) WHERE uid LIKE '%odd-nul'"
                    .to_owned(),
            );
        }
        if is_sqlite && with_reals {
            edits.extend([
                format!("UPDATE usage_lines SET reasoning_tokens = 9.3e18 WHERE uid = {}", line(5)),
                format!(
                    "UPDATE usage_days SET cost_nano_usd = 1.9e19 WHERE day_start_ms = {}",
                    first_day() + 12 * DAY
                ),
                format!("UPDATE counters SET settled = 9.3e18 WHERE subject_uid = '{}'", self.credentials[0]),
                format!("UPDATE counters SET held = 9.3e18 WHERE subject_uid = '{}'", self.limits[1]),
            ]);
        }
        self.execute(&edits.join(";")).await;
    }

    /// A context that differs from the first one by its model, a line of it, and its part of the sums and counters.
    fn odd_context(&self, name: &str, model: &str) -> String {
        let at = first_day() + 20 * DAY;
        let uid = format!("{at:012x}{:0>20}", format!("odd-{name}"));
        let columns = "kind, actor, COALESCE(user_id, 0), COALESCE(credential_uid, ''), COALESCE(version_uid, ''), provider";
        format!(
            "INSERT INTO usage_contexts SELECT 'odd-{name}', region, kind, operation, actor, user_id, credential_uid, \
             version_uid, provider, '{model}', source, status, metering FROM usage_contexts WHERE uid = 'context-0'; \
             INSERT INTO usage_lines SELECT '{uid}', 'odd-{name}', {at}, 1, 1, 10, 0, 0, 0, 5, 0, 100, 15, 100, 1, 3, 9, '{{}}', \
             NULL; \
             INSERT INTO usage_days SELECT {at}, region, {columns}, '{model}', source, 1, 1, 0, 10, 0, 0, 0, 5, 0, 100, 0, 15, \
             100 FROM usage_contexts WHERE uid = 'context-0'; \
             UPDATE counters SET settled = settled + 15 WHERE subject_uid = '{}' AND window_start_ms = {at}",
            self.limits[0]
        )
    }
}
