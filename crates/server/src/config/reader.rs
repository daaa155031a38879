//! Turns what the sources hold into values, and keeps what is wrong with them until everything has been looked at.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use strongroom_model::Secret;

use super::environment::Environment;
use super::secret_file;
use super::setting::{DefaultValue, Setting};
use super::sources::Sources;

/// Reads settings one by one; a problem with one hides none with another.
pub(super) struct Reader<'a> {
    sources: &'a Sources<'a>,
    problems: Vec<String>,
    warnings: Vec<String>,
    origins: BTreeMap<String, String>,
}

/// Findings of reading, beside the values.
pub(super) struct Outcome {
    /// Problems; the values are of use only when this is empty.
    pub(super) problems: Vec<String>,
    /// Oddities.
    pub(super) warnings: Vec<String>,
    /// Source of each setting that is set, by its name.
    pub(super) origins: BTreeMap<String, String>,
}

struct Text<'a> {
    text: Secret,
    origin: String,
    folder: &'a Path,
    file: Option<PathBuf>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources<'a>, problems: Vec<String>, warnings: Vec<String>) -> Self {
        Self { sources, problems, warnings, origins: BTreeMap::new() }
    }

    pub(super) fn finish(self) -> Outcome {
        Outcome { problems: self.problems, warnings: self.warnings, origins: self.origins }
    }

    pub(super) fn environment(&self) -> &Environment {
        self.sources.environment
    }

    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    pub(super) fn warning(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The value of a result whose error is a problem.
    pub(super) fn checked<T>(&mut self, result: Result<T, String>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// Tells whether any source has it, be it right or wrong.
    pub(super) fn is_set(&self, setting: &Setting) -> bool {
        !matches!(self.sources.find(setting), Ok(None))
    }

    /// Reads a value with `parse`, which also gets the folder where relative paths start. Its error says what is wrong
    /// and the remedy, and for a secret never the text. `None`: unset and without a default value, or wrong.
    pub(super) fn read<T>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str, &Path) -> Result<T, String>,
    ) -> Option<T> {
        match (self.text(setting)?, setting.default) {
            (Some(found), _) => {
                let parsed = parse(found.text.expose(), found.folder);
                self.checked(parsed.map_err(|reason| format!("{}: {reason}", found.origin)))
            }
            (None, DefaultValue::Value(text)) => {
                let parsed = parse(text, Path::new("/"));
                self.checked(parsed.map_err(|reason| format!("default of {}: {reason}", setting.name())))
            }
            (None, DefaultValue::Rule(_)) => None,
        }
    }

    pub(super) fn flag(&mut self, setting: &Setting) -> Option<bool> {
        self.read(setting, |text, _| match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("`{text}` is neither yes nor no; write true or false")),
        })
    }

    /// An absolute path. Nobody expands a `~` here, and a folder of that name is not what was meant.
    pub(super) fn path(&mut self, setting: &Setting) -> Option<PathBuf> {
        self.read(setting, |text, folder| match text.starts_with('~') {
            true => Err(format!("`~` in `{text}` is not expanded; write the whole path")),
            false => Ok(folder.join(text)),
        })
    }

    /// A secret and the file it was read from.
    pub(super) fn secret(
        &mut self,
        setting: &Setting,
        check: impl FnOnce(&Secret) -> Result<(), String>,
    ) -> Option<(Secret, Option<PathBuf>)> {
        let found = self.text(setting)??;
        self.checked(check(&found.text).map_err(|reason| format!("{}: {reason}", found.origin)))?;
        Some((found.text, found.file))
    }

    /// The outer `None`: something is wrong and has been noted. The inner one: it is not set.
    fn text(&mut self, setting: &Setting) -> Option<Option<Text<'a>>> {
        let sources = self.sources;
        let Some(found) = self.checked(sources.find(setting))? else { return Some(None) };
        self.origins.insert(setting.name(), found.origin.clone());
        if found.text.trim().is_empty() {
            self.problems.push(format!("{} is empty; give it a value or remove it", found.origin));
            return None;
        }
        if !found.is_file {
            let text = Secret::from(found.text);
            return Some(Some(Text { text, origin: found.origin, folder: found.folder, file: None }));
        }
        let path = found.folder.join(found.text);
        let read = secret_file::read(&path).map_err(|reason| format!("{}: {reason}", found.origin));
        let content = self.checked(read)?;
        if content.is_shared {
            self.warnings.push(format!("{}: {}", found.origin, secret_file::shared(&path)));
        }
        Some(Some(Text {
            text: content.secret,
            origin: found.origin,
            folder: found.folder,
            file: Some(path),
        }))
    }
}

/// A whole number within bounds.
pub(super) fn whole_number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("`{text}` is not a whole number from {} to {}", range.start(), range.end()))
}

/// Text that is shown in place of a secret.
pub(super) fn set_or_unset(secret: Option<&Secret>) -> String {
    if secret.is_some() { "set" } else { "unset" }.to_owned()
}
