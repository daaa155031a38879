//! Where a test finds the real programs that `cargo xtask test` installs for it.

use std::path::{Path, PathBuf};

/// The folder, below the workspace's root, that holds what is installed for tests only.
pub const FOLDER: &str = "target/test-parts";

/// The workspace's root folder.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let testkit = Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit.parent().map_or_else(|| testkit.to_owned(), Path::to_owned)
}

/// The virtual environment of `testkit/python/requirements.txt`.
#[must_use]
pub fn python_environment() -> PathBuf {
    workspace_root().join(FOLDER).join("python")
}

/// A program of the virtual environment, such as `python` or `schemathesis`.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn python_program(name: &str) -> PathBuf {
    require(python_environment().join("bin").join(name), "python")
}

/// The folder `node_modules` with the packages of `testkit/node/package.json`.
#[must_use]
pub fn node_modules() -> PathBuf {
    workspace_root().join(FOLDER).join("node/node_modules")
}

/// A file of a Node package, such as `playwright-core/index.mjs`.
///
/// # Panics
/// When it is not installed.
#[must_use]
pub fn node_file(path: &str) -> PathBuf {
    require(node_modules().join(path), "node")
}

fn require(path: PathBuf, group: &str) -> PathBuf {
    assert!(
        path.exists(),
        "{} is not installed: `cargo xtask test --only {group}` installs it",
        path.display()
    );
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(workspace_root().join("xtask/Cargo.toml").is_file());
    }

    #[test]
    #[should_panic(expected = "cargo xtask test --only node")]
    fn a_missing_part_names_the_command_that_installs_it() {
        let _ = node_file("no-such-package/index.mjs");
    }
}
