//! Files that are there in whole or not at all: written beside their place, then put there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::exit::{CliError, CliResult};

/// A file (0600) that appears under its name when [`WholeFile::finish`] is called, and leaves nothing when it is not.
pub(super) struct WholeFile {
    writer: BufWriter<File>,
    beside: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl WholeFile {
    pub(super) fn create(path: &Path) -> CliResult<Self> {
        let wrong =
            |error: io::Error| CliError::failure(format!("{} cannot be written: {error}", path.display()));
        let name = path.file_name().ok_or_else(|| wrong(io::ErrorKind::InvalidInput.into()))?;
        let mut beside_name = OsString::from(".");
        beside_name.push(name);
        beside_name.push(format!(".{}.partial", std::process::id()));
        let beside = path.with_file_name(beside_name);
        // `create_new` follows no link that somebody may have laid there.
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(wrong)?;
        Ok(Self { writer: BufWriter::new(file), beside, path: path.to_path_buf(), finished: false })
    }

    pub(super) fn finish(mut self) -> CliResult<()> {
        self.writer.flush()?;
        self.writer.get_ref().sync_all()?;
        fs::rename(&self.beside, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if !self.finished {
            // A file that is left behind cannot be removed here, and the error that is returned says more.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_there_in_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trail.ndjson");
        fs::write(&path, "old").unwrap();
        let mut given_up = WholeFile::create(&path).unwrap();
        given_up.write_all(b"half").unwrap();
        drop(given_up);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
