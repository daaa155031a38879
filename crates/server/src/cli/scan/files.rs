//! Files as they are. Links are not followed: they lead out of what was to be scanned.

use std::fs;
use std::path::Path;

use super::findings::Findings;

/// Larger ones hold data, not keys that people wrote.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

pub(super) fn scan(path: &Path, findings: &mut Findings, step: &dyn Fn()) {
    let mut open = vec![path.to_path_buf()];
    while let Some(path) = open.pop() {
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(error) => {
                findings.skipped.push(format!("{} cannot be read: {error}", path.display()));
                continue;
            }
        };
        if found.is_dir() {
            // The objects in there are packed; git reads them.
            if path.file_name().is_some_and(|name| name == ".git") {
                continue;
            }
            match fs::read_dir(&path) {
                Ok(entries) => {
                    let mut inside: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
                    inside.sort_unstable_by(|one, other| other.cmp(one));
                    open.extend(inside);
                }
                Err(error) => findings.skipped.push(format!("{} cannot be read: {error}", path.display())),
            }
        } else if found.is_file() {
            if found.len() > MOST_BYTES {
                findings.skipped.push(format!("{} has more than 64 MiB and was not read", path.display()));
                continue;
            }
            match fs::read(&path) {
                Ok(bytes) => {
                    let line = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                    findings.look(&bytes, |at| format!("{}:{}", path.display(), line(at)));
                    findings.files += 1;
                    step();
                }
                Err(error) => findings.skipped.push(format!("{} cannot be read: {error}", path.display())),
            }
        }
    }
}
