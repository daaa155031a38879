//! Files as they are. Links are not followed, for they lead out of what was to be scanned; pipes, sockets and devices
//! are not opened, for they may have no end.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::findings::Findings;
use super::unpacked::MAX_FILE_BYTES;

/// Texts that people and programs write into `.git` beside objects: addresses with passwords, hooks, messages.
const OF_GIT: [&str; 11] = [
    "config",
    "config.worktree",
    "description",
    "hooks",
    "info",
    "logs",
    "packed-refs",
    "FETCH_HEAD",
    "COMMIT_EDITMSG",
    "MERGE_MSG",
    "SQUASH_MSG",
];

pub(super) fn scan(path: &Path, findings: &mut Findings, step: &dyn Fn()) {
    // A link that was named is followed; links below it may lead anywhere.
    let start = match fs::canonicalize(path) {
        Ok(target) if fs::symlink_metadata(path).is_ok_and(|it| it.is_symlink()) => target,
        _ => path.to_path_buf(),
    };
    let mut open = vec![start];
    while let Some(path) = open.pop() {
        let shown = path.display();
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) => {
                findings.skip(format!("{shown} cannot be read: {error}"));
                continue;
            }
        };
        if let Some(name) = path.file_name().map(|name| name.to_string_lossy()) {
            findings.look_at_name(&name, &|| shown.to_string());
        }
        if found.is_dir() {
            // The objects in there are packed; git reads them.
            if path.file_name().is_some_and(|name| name == ".git") {
                open.extend(texts_of_git(&path));
                continue;
            }
            match fs::read_dir(&path) {
                Ok(entries) => {
                    let mut inside: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                    inside.sort_unstable_by(|one, other| other.cmp(one));
                    open.extend(inside);
                }
                Err(error) => findings.skip(format!("{shown} cannot be read: {error}")),
            }
        } else if found.is_file() {
            match read(&path) {
                Ok(Some(bytes)) => {
                    findings.look(&bytes, |line| format!("{shown}:{line}"));
                    findings.files += 1;
                    step();
                }
                Ok(None) => findings.skip(format!("{shown} has more than 64 MiB and was not read")),
                Err(error) => findings.skip(format!("{shown} cannot be read: {error}")),
            }
        } else if !found.is_symlink() {
            findings.skip(format!("{shown} is a pipe, a socket or a device and was not read"));
        }
    }
}

/// Files and folders with texts in a folder of git, and in those of its submodules and worktrees.
fn texts_of_git(folder: &Path) -> Vec<PathBuf> {
    let mut texts = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        texts.extend(OF_GIT.iter().map(|name| folder.join(name)).filter(|it| it.exists()));
        // A submodule's name may be a path, of which only the end is a folder of git.
        let is_of_git = folder.join("HEAD").is_file();
        let within =
            if is_of_git { vec![folder.join("modules"), folder.join("worktrees")] } else { vec![folder] };
        for folder in within.iter().filter_map(|within| fs::read_dir(within).ok()) {
            let inside = folder.flatten().filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
            open.extend(inside.map(|it| it.path()));
        }
    }
    texts.sort_unstable_by(|one, other| other.cmp(one));
    texts
}

/// The bytes of a file; `None` when they are too many, whatever its size says: files of the kernel have none.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    // If a link or a pipe has taken its place meanwhile, it is not followed, and opening it does not block.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(std::io::Error::other("it is no file any more"));
    }
    if found.len() > MAX_FILE_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= MAX_FILE_BYTES).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-proj-canary0123456789abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn loops_pipes_devices_and_huge_files_end_the_scan_of_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink(folder.path(), path("loop")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        std::os::unix::fs::symlink("me", path("me")).unwrap();
        nix::unistd::mkfifo(&path("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        File::create(path("huge")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        fs::write(path("last"), format!("a\nb\n{KEY}\n{KEY}\n")).unwrap();
        let wide: Vec<u8> = format!("\u{feff}a\n{KEY}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(path("wide"), wide).unwrap();
        let mut findings = Findings::default();
        scan(folder.path(), &mut findings, &|| {});
        assert_eq!((findings.files, findings.keys.len(), findings.skipped.len()), (2, 1, 3), "{findings:?}");
        let report = &findings.report(&Default::default())[0];
        let places = serde_json::to_value(report).unwrap()["places"].clone();
        for (number, end) in ["last:3", "last:4", "wide:2"].iter().enumerate() {
            assert!(places[number].as_str().unwrap().ends_with(end), "{places}");
        }
        // A link that was named is followed.
        let mut findings = Findings::default();
        std::os::unix::fs::symlink(path("last"), path("named")).unwrap();
        scan(&path("named"), &mut findings, &|| {});
        assert_eq!(findings.keys.len(), 1);
    }

    #[test]
    fn names_and_what_people_write_into_git_are_read_and_its_objects_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let git = folder.path().join(".git");
        fs::create_dir_all(git.join("hooks")).unwrap();
        fs::create_dir_all(git.join("objects")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
        for (inside, text) in [("modules/libs/one", "config"), ("worktrees/two", "config.worktree")] {
            let inside = git.join(inside);
            fs::create_dir_all(&inside).unwrap();
            fs::write(inside.join("HEAD"), "ref: refs/heads/main\n").unwrap();
            fs::write(inside.join(text), format!("url = https://x:{KEY}@example.com/\n")).unwrap();
        }
        fs::write(git.join("config"), format!("url = https://x:{KEY}@example.com/\n")).unwrap();
        fs::write(git.join("hooks/pre-push"), format!("\n{KEY}")).unwrap();
        fs::create_dir_all(git.join("logs/refs/heads")).unwrap();
        let line = format!("0 1 a <a@b> 1 +0\tclone: from https://u:{KEY}@example.com/\n");
        fs::write(git.join("logs/refs/heads/main"), line).unwrap();
        fs::write(git.join("objects/a"), KEY).unwrap();
        fs::write(folder.path().join(format!("{KEY}.txt")), "").unwrap();
        let mut findings = Findings::default();
        scan(folder.path(), &mut findings, &|| {});
        let shown = serde_json::to_string(&findings.report(&Default::default())).unwrap();
        for place in ["/libs/one/config:1", "/two/config.worktree:1"] {
            assert!(shown.contains(place), "{place}: {shown}");
        }
        for place in [
            "/.git/config:1",
            "/.git/hooks/pre-push:2",
            "/logs/refs/heads/main:1",
            "/[key of openai].txt (in the name)",
        ] {
            assert!(shown.contains(place), "{place}: {shown}");
        }
        assert!(!shown.contains("objects") && !shown.contains("canary") && findings.files == 6, "{shown}");
    }

    #[test]
    fn names_of_files_do_not_steer_the_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let name = "a\u{1b}[31m\u{202e}b\u{200b}\nc";
        fs::write(folder.path().join(name), KEY).unwrap();
        let mut findings = Findings::default();
        scan(folder.path(), &mut findings, &|| {});
        let shown = serde_json::to_string(&findings.report(&Default::default())).unwrap();
        let is_raw = |character: char| {
            character.is_control() || strongroom_model::secret_form::is_invisible(character)
        };
        assert!(!shown.contains(is_raw) && shown.contains("202e"), "{shown}");
    }
}
