//! The one migration that takes long: how long and how much room, told before it begins, and refused where there is too little.

use std::path::Path;
use std::time::Duration;

use super::version;
use crate::dispatch::fetch_optional;
use crate::error::StoreError;
use crate::session::{Backend, Store};

/// The migration that rebuilds the ledger.
const REBUILD: i64 = 8;
/// The one from which on lines and what they have in common are in two tables.
const LINES_APART: i64 = 6;
/// Ledgers of fewer lines are rebuilt within a moment.
const WORTH_TELLING: u64 = 10_000;

/// Size of a line in SQLite without its longer texts, in bytes; PostgreSQL's size of a whole line is below.
const SQLITE_LINE: u64 = 110;
const POSTGRES_LINE: u64 = 450;
/// The new tables, and once more what of them is in the log until it is over, in tenths of the old ones.
const TENTHS: u64 = 25;
/// Space that a rebuild takes however few lines there are, in bytes.
const ANYWAY: u64 = 8_000_000;
/// Lines a second on one core of a small machine.
const SQLITE_PACE: u64 = 120_000;
const POSTGRES_PACE: u64 = 35_000;

/// Time and space that the rebuild of a ledger is going to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuild {
    /// Lines.
    pub lines: u64,
    /// Bytes of disk, at the most, beside what the database takes now.
    pub bytes: u64,
    /// About how long.
    pub time: Duration,
}

impl Rebuild {
    /// Refuses a rebuild that would stop half way at a full disk.
    fn check_room(&self, free: u64) -> Result<(), StoreError> {
        if self.bytes <= free {
            return Ok(());
        }
        let (needed, free) = (megabytes(self.bytes), megabytes(free));
        Err(StoreError::Schema(format!(
            "this version rebuilds the ledger once: {} lines need about {needed} MB beside the database meanwhile, and {free} MB \
             are free. Nothing was changed. Make room, or move the database to a larger disk, and start again",
            self.lines
        )))
    }
}

/// Rounded up.
fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

/// Returns what bringing the schema up to date is going to rebuild; `None` when it takes no time that is worth telling.
///
/// # Errors
/// [`StoreError`] when the database cannot be read.
pub async fn pending(store: &Store) -> Result<Option<Rebuild>, StoreError> {
    let mut session = store.read().await?;
    let version = version(&mut session).await?;
    if !(1..REBUILD).contains(&version) {
        return Ok(None);
    }
    let is_sqlite = session.backend() == Backend::Sqlite;
    let sql = match (version >= LINES_APART, is_sqlite) {
        (true, true) => {
            "SELECT COUNT(*), CAST(TOTAL(LENGTH(raw_usage)) + TOTAL(LENGTH(request_id)) AS BIGINT) FROM usage_lines"
        }
        // The tables before it had all in one.
        (false, true) => "SELECT COUNT(*), COUNT(*) * 100 FROM usage_records",
        // To count them takes minutes. What nobody analyzed is told by its size; what another server has just dropped has none.
        (true, false) => {
            "SELECT CAST(COALESCE(CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / 250 ELSE reltuples END, 0) AS BIGINT), \
             CAST(0 AS BIGINT) FROM pg_class WHERE oid = to_regclass('usage_lines')"
        }
        (false, false) => {
            "SELECT CAST(COALESCE(CASE WHEN reltuples < 0 THEN pg_relation_size(oid) / 250 ELSE reltuples END, 0) AS BIGINT), \
             CAST(0 AS BIGINT) FROM pg_class WHERE oid = to_regclass('usage_records')"
        }
    };
    let Some((lines, texts)) = fetch_optional!(session, (i64, i64), sql)? else { return Ok(None) };
    let (lines, texts) = (lines.unsigned_abs(), texts.unsigned_abs());
    let (line, pace) = if is_sqlite { (SQLITE_LINE, SQLITE_PACE) } else { (POSTGRES_LINE, POSTGRES_PACE) };
    let bytes = lines.saturating_mul(line).saturating_add(texts).saturating_mul(TENTHS) / 10 + ANYWAY;
    let time = Duration::from_secs(lines / pace + 1);
    Ok((lines >= WORTH_TELLING).then_some(Rebuild { lines, bytes, time }))
}

/// Says what is going to be done, and checks that there is room for it, as far as that can be told.
pub(super) async fn announce(store: &Store) -> Result<Option<Rebuild>, StoreError> {
    let Some(rebuild) = pending(store).await? else { return Ok(None) };
    if let Some(file) = store.sqlite_writer().map(|pool| pool.connect_options().get_filename().to_owned())
        && let Some(free) = free_beside(&file)
    {
        rebuild.check_room(free)?;
    }
    tracing::warn!(
        lines = rebuild.lines,
        seconds = rebuild.time.as_secs(),
        megabytes = megabytes(rebuild.bytes),
        "this version rebuilds the ledger once, which takes about so long and so much more disk meanwhile. Until it is done \
         nothing is served, and if it is cut short nothing has changed. To go back to the version before needs a backup of \
         before: stop this now and make one if there is none"
    );
    Ok(Some(rebuild))
}

/// Says that it is done. SQLite's log has all of the new tables in it and would stay as long as that.
pub(super) async fn finish(store: &Store) -> Result<(), StoreError> {
    if let Some(pool) = store.sqlite_writer() {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
    }
    tracing::info!("rebuilt the ledger");
    Ok(())
}

/// Bytes that may still be written where a file lies; `None` where nobody tells.
fn free_beside(file: &Path) -> Option<u64> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let told = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(told.blocks_available().saturating_mul(told.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_room_is_told_with_what_is_needed_and_what_is_there() {
        let rebuild = Rebuild { lines: 10_000_000, bytes: 3_000_000_001, time: Duration::from_secs(60) };
        rebuild.check_room(3_000_000_001).expect("room enough");
        let Err(StoreError::Schema(message)) = rebuild.check_room(3_000_000_000) else {
            panic!("no refusal")
        };
        for part in ["10000000 lines", "3001 MB", "3000 MB are free", "Nothing was changed"] {
            assert!(message.contains(part), "{part}: {message}");
        }
    }

    #[test]
    fn the_room_beside_a_file_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(free_beside(&folder.path().join("strongroom.db")).is_some_and(|free| free > 0));
        assert!(free_beside(Path::new("strongroom.db")).is_some());
        assert_eq!(free_beside(Path::new("/no/such/folder/strongroom.db")), None);
    }
}
