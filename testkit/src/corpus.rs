//! The kept inputs of the fuzz targets, in `fuzz/corpus/TARGET/`: what tests replay and what fuzzing starts from.

use std::fs;
use std::path::PathBuf;

use crate::real_parts::workspace_root;

/// An input, and the name of its file to say in a failure.
#[derive(Debug)]
pub struct Input {
    /// The file's name.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// The folder with a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    workspace_root().join("fuzz/corpus").join(target)
}

/// Has every kept input of a target looked at.
///
/// # Panics
/// When there is none, or a file cannot be read: a corpus that is not found would hold everything to be fine.
#[expect(
    clippy::print_stdout,
    reason = "a failing test shows what it printed: the last name is that of its input"
)]
pub fn replay(target: &str, mut look: impl FnMut(&[u8])) {
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "fuzz/corpus/{target} is empty");
    for input in inputs {
        println!("fuzz/corpus/{target}/{}", input.name);
        look(&input.bytes);
    }
}

/// Every kept input of a target, by name.
///
/// # Panics
/// When a file cannot be read.
#[must_use]
pub fn inputs(target: &str) -> Vec<Input> {
    let folder = folder(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<Input> = entries
        .map(|entry| {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Input { name, bytes }
        })
        .collect();
    inputs.sort_by(|one, other| one.name.cmp(&other.name));
    inputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_come_with_their_names() {
        let inputs = inputs("token");
        assert!(inputs.iter().any(|input| input.name == "shape" && input.bytes.starts_with(b"sr_")));
    }

    #[test]
    #[should_panic(expected = "no-such-target")]
    fn a_target_without_a_corpus_is_a_failure() {
        replay("no-such-target", |_| ());
    }
}
