//! Files that hold one secret each.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use strongroom_model::Secret;
use zeroize::Zeroizing;

/// No secret of ours is longer; a path such as `/dev/zero` must not fill the memory.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A secret and whether others on this machine may read its file.
#[derive(Debug)]
pub(super) struct SecretFile {
    /// The content without the line ending at its end.
    pub(super) secret: Secret,
    /// True when the file's mode lets its group or everybody read it.
    pub(super) is_shared: bool,
}

/// Reads it; the error says why it cannot be, and never what is in it.
pub(super) fn read(path: &Path) -> Result<SecretFile, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let mut file = File::open(path).map_err(cannot)?;
    let metadata = file.metadata().map_err(cannot)?;
    // Large enough from the start: a vector that grows leaves its contents behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES as usize + 1));
    (&mut file).take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!(
            "{} is longer than {MAX_SECRET_BYTES} bytes; it should hold one secret",
            path.display()
        ));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("{} is not text in UTF-8", path.display()))?;
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if text.trim().is_empty() {
        return Err(format!("{} is empty; it should hold the secret", path.display()));
    }
    let is_shared = metadata.is_file() && is_shared(metadata.mode(), metadata.gid());
    Ok(SecretFile { secret: Secret::from(text), is_shared })
}

/// Warning about a file that others may read.
pub(super) fn shared(path: &Path) -> String {
    format!("others on this machine may read {path}; run `chmod 600 {path}`", path = path.display())
}

/// Tells whether others on this machine may read what is in the file; one that is not there nobody reads.
pub(super) fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && is_shared(it.mode(), it.gid()))
}

/// Tells whether the mode lets others read. That the group `root` may read lets in nobody new, and is how the credentials of
/// systemd look, whose access list shows as the group's bits.
fn is_shared(mode: u32, group: u32) -> bool {
    mode & 0o004 != 0 || (mode & 0o040 != 0 && group != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_line_ending_is_trimmed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (content, expected) in
            [("a b", "a b"), ("a\n", "a"), ("a\r\n", "a"), (" a \n\n", " a \n"), ("a\r", "a\r")]
        {
            fs::write(&path, content).unwrap();
            assert_eq!(read(&path).unwrap().secret.expose(), expected, "{content:?}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_with_path_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let reason = |path: &Path| read(path).unwrap_err();
        assert!(reason(&path).contains("No such file"));
        assert!(reason(folder.path()).contains("cannot be read"));
        for (content, expected) in
            [(&b""[..], "empty"), (b"\n", "empty"), (b"  \n", "empty"), (b"\xff\xfe", "UTF-8")]
        {
            fs::write(&path, content).unwrap();
            assert!(reason(&path).contains(expected) && reason(&path).contains("secret"), "{content:?}");
        }
        assert!(reason(Path::new("/dev/zero")).contains("longer than"));
    }

    #[test]
    fn a_file_that_others_may_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "a").unwrap();
        for (mode, expected) in [(0o600, false), (0o400, false), (0o604, true), (0o644, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).unwrap().is_shared, expected, "{mode:o}");
        }
        assert!(is_shared(0o640, 1000) && !is_shared(0o440, 0) && is_shared(0o404, 0));
    }
}
