//! The `.env` of the working directory, read beside the process environment and never put into it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use strongroom_connectors::dotenv;
use strongroom_model::Secret;
use zeroize::Zeroizing;

use super::variables;

/// Its name, also in messages.
pub(super) const NAME: &str = ".env";

/// The assignments of a `.env`; empty when there is none.
#[derive(Debug, Default)]
pub(super) struct DotenvFile {
    entries: BTreeMap<String, (Secret, usize)>,
}

impl DotenvFile {
    pub(super) fn read(
        working_directory: &Path,
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let text = match std::fs::read_to_string(working_directory.join(NAME)) {
            Ok(text) => Zeroizing::new(text),
            // A folder of that name is a Python environment, and nothing of ours.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => {
                return Self::default();
            }
            Err(error) => {
                problems.push(format!(
                    "{NAME} in the working directory cannot be read: {error}; make it readable, or start from \
                     another folder"
                ));
                return Self::default();
            }
        };
        let document = dotenv::parse(&text);
        let ours: Vec<String> = variables().collect();
        for malformed in &document.malformed {
            let line = text.lines().nth(malformed.line - 1).unwrap_or_default();
            let message = format!("{NAME} line {}: {}", malformed.line, malformed.reason);
            // Passing over a line that was meant for us could make a new master key, or leave a door open.
            if let Some(name) = ours.iter().find(|name| names(line, name)) {
                problems.push(format!("{message}; mend the line, it is about {name}"));
            } else {
                warnings.push(format!("{message}; the line is passed over"));
            }
        }
        for entry in document.replaced.iter().filter(|entry| ours.contains(&entry.name)) {
            warnings.push(format!(
                "{NAME} sets {} more than once; line {} is passed over",
                entry.name, entry.line
            ));
        }
        let entries =
            document.entries.into_iter().map(|entry| (entry.name, (entry.value, entry.line))).collect();
        Self { entries }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(|(value, _)| value.expose())
    }

    /// The line that sets a variable.
    pub(super) fn line(&self, name: &str) -> Option<usize> {
        self.entries.get(name).map(|(_, line)| *line)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.entries.iter().map(|(name, (value, _))| (name.as_str(), value))
    }
}

/// Tells whether a line that cannot be read has this name as one of its words.
fn names(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}
