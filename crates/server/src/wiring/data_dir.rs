//! The data directory: made for its owner only, and held by one process at a time when the database lies in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use strongroom_model::{Problem, ProblemKind};

use crate::config::{Config, DatabaseKind};

/// A held directory; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held open, never read")] File);

/// How long a command waits for another one that holds the directory.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the directory if it is not there.
pub(super) fn make(path: &Path) -> Result<(), Problem> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Problem::internal(format!(
            "the data directory {} cannot be made: {error}; set STRONGROOM_DATA_DIR to a folder that can be written to",
            path.display()
        ))
    })
}

/// Holds the directory of an SQLite database, waiting for a command that ends soon. PostgreSQL needs no such lock.
pub(super) fn lock_for(config: &Config) -> Result<Option<Lock>, Problem> {
    if config.database.url.kind() == DatabaseKind::Postgres {
        return Ok(None);
    }
    make(&config.data_dir)?;
    lock(&lock_file(config)).map(Some)
}

/// Beside the database: two data directories with one database are still one.
fn lock_file(config: &Config) -> PathBuf {
    let database = config.database.url.expose();
    let path = database.trim_start_matches("sqlite:").trim_start_matches("//");
    let path = path.split('?').next().unwrap_or(path);
    let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(&config.data_dir).join("strongroom.lock")
}

fn lock(path: &Path) -> Result<Lock, Problem> {
    let cannot = |error: std::io::Error| {
        Problem::internal(format!("the lock file {} cannot be used: {error}", path.display()))
    };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(cannot)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
            Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Problem::new(
                    ProblemKind::Unavailable,
                    format!(
                        "another strongroom holds {}: it is starting or stopping, or serves the same database from \
                         another data directory",
                        path.display()
                    ),
                ));
            }
        }
    }
}
