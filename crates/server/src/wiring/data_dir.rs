//! The data directory: made for its owner only, and held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_model::{Problem, ProblemKind};

use crate::config::Config;

/// Held directories; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held open, never read")] Vec<File>);

/// How long a command waits for another one that holds the directory.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the data directory if it is not there, and holds it: its key file and its socket are one process's. The folder
/// of an SQLite database is held too, for two data directories with one database are still one.
pub(super) fn hold(config: &Config) -> Result<Lock, Problem> {
    make(&config.data_dir)?;
    let mut folders = vec![config.data_dir.as_path()];
    let database = config.database.url.sqlite_path().and_then(Path::parent);
    folders.extend(database.filter(|folder| *folder != config.data_dir));
    folders.iter().map(|folder| lock(&folder.join("strongroom.lock"))).collect::<Result<_, _>>().map(Lock)
}

fn make(path: &Path) -> Result<(), Problem> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Problem::internal(format!(
            "the data directory {} cannot be made: {error}; set STRONGROOM_DATA_DIR to a folder that can be written to",
            path.display()
        ))
    })
}

fn lock(path: &Path) -> Result<File, Problem> {
    let cannot = |error: std::io::Error| {
        Problem::internal(format!("the lock file {} cannot be used: {error}", path.display()))
    };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(cannot)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
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
