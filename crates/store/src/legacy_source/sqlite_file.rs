//! Opens an SQLite file that may be somebody else's so that not one byte of it changes and no file appears beside it.
//!
//! Which way that is depends on what the file needs (<https://www.sqlite.org/fileformat.html#file_format_version_numbers>,
//! <https://www.sqlite.org/wal.html#read_only_databases>):
//! - with a rollback journal, read-only: readers lock the file and write nothing;
//! - with a write-ahead log that is not there, `immutable`: else even a reader would make `-wal` and `-shm`;
//! - with a log and its index `-shm`, which is how a running application leaves them, read-only: both exist already;
//! - with a log but no index, which is how a crash leaves it, a copy of the two: reading would make the index.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// How to open the file, and the directory of its copy where there is one.
pub(crate) struct Opening {
    pub(crate) options: SqliteConnectOptions,
    pub(crate) copy: Option<TempDir>,
}

/// Finds out how to open the file at `path`.
pub(crate) fn opening(path: &Path) -> io::Result<Opening> {
    // The log lies beside the file itself, not beside a link to it.
    let path = std::fs::canonicalize(path)?;
    let options = SqliteConnectOptions::new().read_only(true);
    if !uses_wal(&path)? {
        return Ok(Opening { options: options.filename(path), copy: None });
    }
    let (wal, index) = (beside(&path, "-wal"), beside(&path, "-shm"));
    if is_empty(&wal)? {
        return Ok(Opening { options: options.filename(path).immutable(true), copy: None });
    }
    if index.try_exists()? {
        return Ok(Opening { options: options.filename(path), copy: None });
    }
    let directory = tempfile::Builder::new().prefix("strongroom-import-").tempdir()?;
    let copy = directory.path().join("copy.db");
    std::fs::copy(&path, &copy)?;
    std::fs::copy(&wal, beside(&copy, "-wal"))?;
    Ok(Opening { options: options.filename(copy), copy: Some(directory) })
}

/// Bytes 18 and 19 of the header are 2 when a write-ahead log is in use.
fn uses_wal(path: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(20);
    std::fs::File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.get(18..20).is_some_and(|versions| versions.contains(&2)))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_empty(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}
