//! Place of the socket file: in the data directory, or by a short path that a link there names when its own is longer
//! than a socket's address can be.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use strongroom_crypto::digest::Digest;
use strongroom_model::Problem;

/// Bytes of a socket's path without the NUL at its end: unix(7) on Linux; elsewhere the least that there is.
const MAX_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const NAME: &str = "strongroom.sock";

/// The socket file of the server over this data directory, whether it is there or not.
pub(crate) fn of(data_dir: &Path) -> PathBuf {
    let own = data_dir.join(NAME);
    // Only its owner can put a link into the data directory.
    fs::read_link(&own).unwrap_or(own)
}

/// The path that a server is to bind. When the one in the data directory is too long, a folder that only this user can
/// enter has it, and a link in the data directory leads there.
pub(super) fn prepare(data_dir: &Path) -> Result<PathBuf, Problem> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|it| !it.is_empty()).map(PathBuf::from);
    prepare_below(data_dir, runtime.as_deref(), Path::new("/tmp"))
}

fn prepare_below(data_dir: &Path, runtime: Option<&Path>, temporary: &Path) -> Result<PathBuf, Problem> {
    let own = data_dir.join(NAME);
    if fits(&own) {
        if own.is_symlink() {
            fs::remove_file(&own).map_err(|error| cannot(&own, &error))?;
        }
        return Ok(own);
    }
    let user = nix::unistd::geteuid().as_raw();
    let name = short_name(data_dir);
    let candidates = [
        runtime.filter(|it| it.is_absolute()).map(|it| it.join("strongroom")),
        Some(PathBuf::from(format!("/run/user/{user}/strongroom"))),
        Some(temporary.join(format!("strongroom-{user}"))),
    ];
    let folder =
        candidates.into_iter().flatten().find(|folder| fits(&folder.join(&name)) && is_made(folder, user));
    let Some(folder) = folder else {
        return Err(Problem::internal(format!(
            "the path of the socket file {} is longer than {MAX_PATH_BYTES} bytes, and no folder for a short one can \
             be made below XDG_RUNTIME_DIR or {}; choose a shorter data directory, or set XDG_RUNTIME_DIR",
            own.display(),
            temporary.display()
        )));
    };
    let short = folder.join(name);
    if own.is_symlink() {
        fs::remove_file(&own).map_err(|error| cannot(&own, &error))?;
    }
    symlink(&short, &own).map_err(|error| cannot(&own, &error))?;
    Ok(short)
}

/// Takes the link away when the server has ended.
pub(super) fn forget(data_dir: &Path) {
    let own = data_dir.join(NAME);
    if own.is_symlink() && fs::remove_file(&own).is_err() {
        tracing::warn!(path = %own.display(), "failed to remove the link to the socket file");
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> Problem {
    Problem::internal(format!("the link {} to the socket file cannot be made: {error}", path.display()))
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len() <= MAX_PATH_BYTES
}

/// A name for this data directory alone.
fn short_name(data_dir: &Path) -> String {
    let canonical = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_path_buf());
    let mut digest = Digest::default();
    digest.update(OsStr::as_bytes(canonical.as_os_str()));
    let bytes: String = digest.bytes().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{bytes}.sock")
}

/// Tells whether there is such a folder that nobody but this user can enter; makes it where there is none.
fn is_made(folder: &Path, user: u32) -> bool {
    let made = DirBuilder::new().mode(0o700).create(folder);
    if let Err(error) = made
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        return false;
    }
    // Another user may have made it first, or a link that leads elsewhere.
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == user && found.permissions().mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_data_directory_gets_a_short_socket_that_is_found_again() {
        let root = tempfile::tempdir_in("/tmp").unwrap();
        for length in [60, 91, 92, 108, 200] {
            let name = "d".repeat(length - root.path().as_os_str().len() - 1);
            let data = root.path().join(name);
            fs::create_dir(&data).unwrap();
            let socket = prepare_below(&data, None, root.path()).unwrap();
            assert_eq!(socket == data.join(NAME), length < 92, "{length}");
            assert_eq!(of(&data), socket);
            std::os::unix::net::UnixListener::bind(&socket).unwrap();
            std::os::unix::net::UnixStream::connect(of(&data)).unwrap_err();
            fs::remove_file(&socket).unwrap();
            // A server that was killed leaves its link behind.
            assert_eq!(prepare_below(&data, None, root.path()).unwrap(), socket);
            forget(&data);
            assert!(!data.join(NAME).is_symlink());
        }
    }

    #[test]
    fn a_folder_that_others_can_enter_is_not_used() {
        let root = tempfile::tempdir_in("/tmp").unwrap();
        let data = root.path().join("d".repeat(150));
        fs::create_dir(&data).unwrap();
        let runtime = root.path().join("run");
        DirBuilder::new().recursive(true).create(runtime.join("strongroom")).unwrap();
        fs::set_permissions(runtime.join("strongroom"), fs::Permissions::from_mode(0o755)).unwrap();
        let socket = prepare_below(&data, Some(&runtime), root.path()).unwrap();
        assert!(!socket.starts_with(&runtime), "{}", socket.display());
    }
}
