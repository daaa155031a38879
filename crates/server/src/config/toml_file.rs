//! `strongroom.toml`: its fields by full name, each known and of the right form.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use strongroom_model::Secret;
use toml::Value;
use zeroize::Zeroizing;

use super::setting::{CLIENT_VARIABLES, CONFIG_FILE, ValueKind};
use super::{SECTIONS, settings, unknown};

/// The fields of a configuration file.
#[derive(Debug)]
pub(super) struct TomlFile {
    /// The file as it was named.
    pub(super) label: String,
    /// Folder in which relative paths in it start.
    pub(super) folder: PathBuf,
    /// Values as text, by `section.key`.
    fields: BTreeMap<String, Secret>,
}

impl TomlFile {
    /// Reads `named` (a path, and who named it), or `strongroom.toml` in the working directory when there is one.
    pub(super) fn read(
        named: Option<(&Path, &str)>,
        working_directory: &Path,
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) -> Option<Self> {
        if let Some((path, origin)) = named
            && path.as_os_str().is_empty()
        {
            problems.push(format!("{origin} is empty; give it a path or remove it"));
            return None;
        }
        let relative = named.map_or(Path::new(CONFIG_FILE), |(path, _)| path);
        let path = working_directory.join(relative);
        let label = relative.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if named.is_none() && error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                let by = named.map(|(_, origin)| format!(", named by {origin},")).unwrap_or_default();
                problems.push(format!("{label}{by} cannot be read: {error}"));
                return None;
            }
        };
        let table = match text.parse::<toml::Table>() {
            Ok(table) => table,
            Err(error) => {
                problems.push(syntax_problem(&label, &text, &error));
                return None;
            }
        };
        let folder = path.parent().unwrap_or(working_directory).to_path_buf();
        let mut file = Self { label, folder, fields: BTreeMap::new() };
        file.take(table, problems, warnings);
        Some(file)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(Secret::expose)
    }

    fn take(&mut self, table: toml::Table, problems: &mut Vec<String>, warnings: &mut Vec<String>) {
        for (key, value) in table {
            match value {
                Value::Table(section) if section.is_empty() => {
                    let known = SECTIONS.iter().any(|section| section.name == key);
                    if !known && key != "client" {
                        problems.push(unknown::section(&key, &self.label));
                    }
                }
                Value::Table(section) => {
                    for (inner, value) in section {
                        self.take_field(format!("{key}.{inner}"), value, problems, warnings);
                    }
                }
                value => self.take_field(key, value, problems, warnings),
            }
        }
    }

    fn take_field(
        &mut self,
        name: String,
        value: Value,
        problems: &mut Vec<String>,
        warnings: &mut Vec<String>,
    ) {
        if let Some(variable) = client_variable(&name) {
            warnings.push(format!(
                "`{name}` in {} is ignored: the command line reads {variable} from the real environment only",
                self.label
            ));
            return;
        }
        let setting = settings()
            .find(|setting| setting.name() == name || setting.file_name().as_deref() == Some(&name));
        let Some(setting) = setting else {
            problems.push(unknown::field(&name, &self.label));
            return;
        };
        match (setting.kind, value) {
            (ValueKind::Flag, Value::Boolean(flag)) => {
                self.fields.insert(name, Secret::new(flag.to_string()))
            }
            (ValueKind::Number, Value::Integer(number)) => {
                self.fields.insert(name, Secret::new(number.to_string()))
            }
            (ValueKind::Text | ValueKind::Path | ValueKind::Secret, Value::String(text)) => {
                self.fields.insert(name, Secret::new(text))
            }
            (kind, _) => {
                let wanted = match kind {
                    ValueKind::Flag => "true or false, without quotes",
                    ValueKind::Number => "a whole number, without quotes",
                    ValueKind::Text | ValueKind::Path | ValueKind::Secret => "a text in quotes",
                };
                problems.push(format!("`{name}` in {} must be {wanted}", self.label));
                None
            }
        };
    }
}

/// The variable of the command line that a field stands for, if it does.
fn client_variable(name: &str) -> Option<&'static str> {
    let key = name.strip_prefix("client.");
    CLIENT_VARIABLES
        .iter()
        .find(|variable| key == Some(variable.key) || variable.name.eq_ignore_ascii_case(name))
        .map(|variable| variable.name)
}

/// Says where it is wrong and how, without the line itself: it may hold a secret.
fn syntax_problem(label: &str, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{label} is not valid TOML at line {line}, column {column}: {}", error.message())
}
