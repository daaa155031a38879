//! A folder, an environment and flags of one's own, and what comes of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

mod documents;
mod precedence;
mod refusals;
mod secrets;
mod table;
mod unknown_names;

/// A secret of the right length that nobody would write by chance.
const CANARY: &str = "canary-9Qw3ErT7yUiOpAsDfGhJkLzXcVbNm42";

struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
    overrides: Overrides,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        Self { folder, variables: vec![("HOME".to_owned(), home)], overrides: Overrides::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file that only its owner may read.
    fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        let environment = self
            .variables
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str()))
            .collect::<Environment>();
        load(&self.overrides, &environment, self.folder.path())
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap()
    }

    /// The only problem there is.
    fn problem(&self) -> String {
        let ConfigError { problems, .. } = self.load().unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        problems.into_iter().next().unwrap()
    }
}
