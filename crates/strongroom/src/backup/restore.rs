//! A backup on its way into an empty database: all of it or nothing, and no limit is exceeded afterwards.
//!
//! Until the last step is committed the database bears a mark, and nothing serves from it; a restore that was cut short is
//! done again from the start. What was spent after the backup was made is not known, so every window that is open is closed,
//! unless it is said to be kept: what a limit has left is taken away by a signed adjustment.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use serde_json::json;
use strongroom_crypto::random;
use strongroom_model::audit::Target;
use strongroom_model::tag::TagKeys;
use strongroom_model::{Actor, Millis, Problem};
use strongroom_store::backup;
use strongroom_store::counter::{self, CounterKey, Delta, Entry, EntryKind};
use strongroom_store::schema::{self, Glimpse, INSTALLATION, RESTORE};
use strongroom_store::{Store, StoreOptions, Write, key_holder, limit, meta, node};

use super::contents::{Contents, Opened, inspect};
use super::fill::{fill, rewind};
use super::proof::{Proof, prove_database};
use super::{Step, Watcher};
use crate::admission::settle_node;
use crate::crossing;
use crate::custody::Custody;
use crate::custody::trail::entry;
use crate::key;
use crate::master_keys::existing_masters;
use crate::options::Options;

/// By how much the clock of the old database may have been ahead of the new one's, at the most.
const CLOCKS_APART_MS: i64 = 60_000;

/// Treatment of windows that are open when a backup is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenWindows {
    /// Nothing more is admitted in them.
    Close,
    /// They go on from where the backup knows them to be; what was spent since may exceed them.
    Keep,
}

/// Outcome of a restore.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The backup.
    pub contents: Contents,
    /// The proof of the database before anything served from it.
    pub proof: Proof,
    /// Counters whose window was closed.
    pub closed: u64,
    /// Servers of the old database, and what they held settled.
    pub recovered: u64,
}

/// Puts a backup into an empty database.
///
/// # Errors
/// [`Problem`] when the backup is damaged or needs another key: then nothing was changed. When it fails later, the database
/// is half restored, says so, and takes the same or another backup again.
pub async fn restore(
    file: &mut (impl Read + Seek),
    options: &Options,
    windows: OpenWindows,
    actor: &Actor,
    watch: Watcher<'_>,
) -> Result<Restored, Problem> {
    watch(Step::Checking)?;
    let contents = inspect(&mut *file)?;
    rewind(file)?;
    let masters = existing_masters(options, &contents.masters)?;
    let mut opened = Opened::new(&mut *file, &masters)?;

    let url = options.database_url.expose();
    if schema::glimpse(url).await? == Glimpse::Foreign {
        return Err(not_empty());
    }
    let store = Store::connect(&StoreOptions {
        url: url.to_owned(),
        max_connections: options.max_connections,
        clock: options.clock.clone(),
    })
    .await?;
    let attempt = format!("{} {}", contents.uid, random::uid());
    mark(&store, &opened, &attempt, contents.created_at).await?;
    fill(&store, &mut opened, Some(&attempt), watch).await?;
    watch(Step::Filled)?;
    schema::migrate(&store).await?;
    watch(Step::Proving)?;
    let custody = key::take_custody(store, masters, TagKeys::default()).await?;
    let proof = prove_database(&custody).await?;
    watch(Step::Settling)?;
    let (closed, recovered) = settle_restored(&custody, &contents, windows, &attempt, actor).await?;
    key::leave(&custody).await;
    custody.store.close().await;
    Ok(Restored { contents, proof, closed, recovered })
}

fn not_empty() -> Problem {
    Problem::conflict(
        "the database is not empty, and a backup is restored into an empty one only: name another database \
         (STRONGROOM_DATABASE_URL), or move this one aside first",
    )
}

/// Marks the database as half restored, so that nothing serves from it until the end. Of a server that starts at the same
/// time and the restore exactly one gets the database.
async fn mark(
    store: &Store,
    opened: &Opened<impl Read>,
    attempt: &str,
    made_at: Millis,
) -> Result<(), Problem> {
    let mut session = store.read().await?;
    let is_ahead = made_at.0 - session.now().await?.0;
    if is_ahead > CLOCKS_APART_MS {
        return Err(Problem::conflict(format!(
            "the backup was made {} seconds later than it is now by the clock of this database; set the clock right",
            is_ahead / 1000
        )));
    }
    if schema::version(&mut session).await? > 0 {
        let is_half_restored = meta::get(&mut session, RESTORE).await?.is_some();
        if !is_half_restored && meta::get(&mut session, INSTALLATION).await?.is_some() {
            return Err(not_empty());
        }
    }
    drop(session);
    schema::begin_restore(store, opened.header.schema).await?;
    let mut tx = store.write().await?;
    let is_new = meta::claim(&mut tx, INSTALLATION, "half restored").await?;
    let is_free = match is_new {
        true => has_no_rows(&mut tx, opened).await?,
        false => meta::get(&mut tx, RESTORE).await?.is_some(),
    };
    if !is_free {
        tx.roll_back().await?;
        let mut tx = store.write().await?;
        schema::unmark(&mut tx).await?;
        tx.commit().await?;
        return Err(not_empty());
    }
    meta::remove(&mut tx, RESTORE).await?;
    meta::claim(&mut tx, RESTORE, attempt).await?;
    schema::unmark(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Tells whether nothing stands in the tables but what a fresh schema has.
async fn has_no_rows(tx: &mut Write, opened: &Opened<impl Read>) -> Result<bool, Problem> {
    for table in &opened.tables {
        let is_made_full = ["changes", "strongroom_meta"].contains(&table.name.as_str());
        if !is_made_full && !backup::is_empty(tx, table).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last step: what servers of the old database held counts as consumed, what is open is closed, the audit chain says
/// what was restored, and the mark goes. All in one transaction.
async fn settle_restored(
    custody: &Custody,
    contents: &Contents,
    windows: OpenWindows,
    attempt: &str,
    actor: &Actor,
) -> Result<(u64, u64), Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    if meta::get(&mut tx, RESTORE).await?.as_deref() != Some(attempt) {
        tx.roll_back().await?;
        return Err(Problem::conflict(
            "another restore into this database was started meanwhile and goes on",
        ));
    }
    // Processes of the old database hold nothing here.
    key_holder::remove_lapsed(&mut tx, Millis(i64::MAX)).await?;
    let mut recovered = 0;
    for gone in node::list(&mut tx).await? {
        settle_node(custody, &mut tx, gone, actor, now).await?;
        recovered += 1;
    }
    let closed = match windows {
        OpenWindows::Close => close_windows(custody, &mut tx, actor, now).await?,
        OpenWindows::Keep => 0,
    };
    strongroom_store::alert::delivery::close_restored(&mut tx, now).await?;
    meta::remove(&mut tx, RESTORE).await?;
    let target =
        Target { kind: "installation".into(), id: Some(custody.master_fingerprint.clone()), name: None };
    let heads: Vec<_> = contents
        .audit_heads
        .iter()
        .map(|head| json!({ "chainId": head.chain_id, "seq": head.seq, "link": head.link }))
        .collect();
    let detail = json!({
        "backup": contents.uid, "backupAt": contents.created_at, "sha256": contents.sha256, "heads": heads,
        "from": contents.database, "limits": match windows { OpenWindows::Close => "closed", OpenWindows::Keep => "kept" },
        "countersClosed": closed, "serversRecovered": recovered,
    });
    let entry = entry(actor, "installation.restore", target, now, &detail);
    custody.append(&mut tx, vec![entry]).await?;
    tx.commit().await?;
    Ok((closed, recovered))
}

/// Takes away what every limit has left in each window that is open now or opens before the clocks could have differed.
/// Whatever the old database admitted after the backup stayed within the limit; nothing is admitted on top of it.
async fn close_windows(
    custody: &Custody,
    tx: &mut Write,
    actor: &Actor,
    now: Millis,
) -> Result<u64, Problem> {
    let soon = Millis(now.0 + CLOCKS_APART_MS);
    let limits = limit::list(tx).await?;
    let mut amounts = BTreeMap::new();
    for limit in &limits {
        for at in [now, soon] {
            let key = CounterKey::at(limit.counter_subject(), limit.unit, limit.window, at);
            amounts.insert(key, limit.amount);
        }
    }
    let keys: Vec<_> = amounts.keys().copied().collect();
    let states = counter::lock_all(tx, &keys).await?;
    let label = actor.label();
    let (mut deltas, mut entries) = (BTreeMap::new(), Vec::new());
    for (key, amount) in amounts {
        let state = states.get(&key).copied().unwrap_or_default();
        let left = amount.saturating_sub(state.taken());
        if left <= 0 {
            continue;
        }
        deltas.insert(key, Delta { adjusted: left, ..Delta::default() });
        entries.push(Entry {
            uid: random::uid(),
            at: now,
            kind: EntryKind::Restored,
            actor: &label,
            key,
            settled: 0,
            adjusted: left,
        });
    }
    crossing::apply(custody, tx, &deltas, now).await?;
    counter::insert_entries(tx, &entries).await?;
    Ok(entries.len() as u64)
}
