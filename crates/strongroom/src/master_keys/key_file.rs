//! The file that holds a master key: 64 hex digits and a line break, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use strongroom_model::{Problem, Secret};

pub(super) fn read(path: &Path) -> Result<Option<Secret>, Problem> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(Problem::internal(format!("the key file {} cannot be read: {error}", path.display())))
        }
    }
}

/// Writes a new file and makes it durable before anything is sealed under the key. It is there in whole or not at all: half
/// a key would be in the way of the next start.
pub(super) fn write(path: &Path, key: &Secret) -> Result<(), Problem> {
    let beside = path.with_extension("key.partial");
    let write = || -> std::io::Result<()> {
        // What a start before has left there.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(key.expose().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    let done = write();
    if done.is_err() {
        // It may not even be there, and the error on its way says more.
        let _ = fs::remove_file(&beside);
    }
    done.map_err(|error| {
        Problem::internal(format!("the key file {} cannot be written: {error}", path.display()))
    })
}

pub(crate) fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "failed to remove the unused key file");
    }
}
