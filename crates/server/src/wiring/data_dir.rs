//! The data directory: made for its owner only, and held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_model::{Problem, ProblemKind};

use crate::config::Config;

/// Held directories; dropping it lets go.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held open, never read")] Vec<File>);

/// Longest time that a command waits for another one that holds the directory.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

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
    })?;
    keep_others_out(path)
}

/// Whoever can write to the directory can put another socket or key file in the place of ours, and whoever opens the socket is
/// an admin. Groups are left to the administrator: volumes of orchestrators are often given to one.
fn keep_others_out(path: &Path) -> Result<(), Problem> {
    let mode = std::fs::metadata(path).map(|there| there.permissions().mode()).map_err(|error| {
        Problem::internal(format!("the data directory {} cannot be looked at: {error}", path.display()))
    })?;
    if mode & 0o002 != 0 {
        return Err(Problem::internal(format!(
            "the data directory {0} can be written to by everybody on this machine (mode {1:o}), who could take the place of its \
             key and socket: run `chmod 700 {0}`, or set STRONGROOM_DATA_DIR to another folder",
            path.display(),
            mode & 0o7777
        )));
    }
    if mode & 0o020 != 0 {
        tracing::warn!(
            path = %path.display(),
            mode = format!("{:o}", mode & 0o7777),
            "the data directory can be written to by a group: its members can become admins here"
        );
    }
    Ok(())
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
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_TIMEOUT => {
                // One that is stopping is waited for.
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(Path::new("."));
                let socket = super::socket_file::of(folder);
                let who = match UnixStream::connect(&socket) {
                    Ok(_) => format!(
                        "a server runs from the data directory {} already (its socket {} answers): stop it first, or give this one \
                         another data directory (--data-dir)",
                        folder.display(),
                        socket.display()
                    ),
                    Err(_) => format!(
                        "another strongroom holds {}: it is starting or stopping, or serves the same database from another data \
                         directory; stop it first",
                        path.display()
                    ),
                };
                return Err(Problem::new(ProblemKind::Unavailable, who));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_everybody_can_write_to_is_refused_with_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data");
        make(&path).unwrap();
        for (mode, is_fine) in [
            (0o700, true),
            (0o750, true),
            (0o770, true),
            (0o755, true),
            (0o777, false),
            (0o1777, false),
            (0o702, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let made = make(&path);
            assert_eq!(made.is_ok(), is_fine, "{mode:o}");
            if let Err(problem) = made {
                assert!(problem.message.contains("chmod 700"), "{}", problem.message);
            }
        }
    }
}
