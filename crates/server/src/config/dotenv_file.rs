//! The `.env` of the working directory, read beside the process environment and never put into it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use strongroom_connectors::{dotenv, key_pattern};
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
        let text = match read(&working_directory.join(NAME)) {
            Ok(text) => text,
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

/// Its text, which programs on Windows write in UTF-16.
fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let bytes = Zeroizing::new(std::fs::read(path)?);
    let narrow = Zeroizing::new(key_pattern::in_eight_bits(&bytes).into_owned());
    match std::str::from_utf8(&narrow) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(std::io::Error::new(ErrorKind::InvalidData, "it is not text in UTF-8 or UTF-16")),
    }
}

/// Tells whether a line that cannot be read has this name as one of its words.
fn names(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_every_width_and_one_that_is_no_text_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let text = "STRONGROOM_PORT=8421\r\nOPENAI_API_KEY=k\r\n";
        let wide = |unit: fn(u16) -> [u8; 2], mark: &[u8]| {
            [mark, &text.encode_utf16().flat_map(unit).collect::<Vec<_>>()].concat()
        };
        for (bytes, is_read) in [
            (text.as_bytes().to_vec(), true),
            (["\u{feff}".as_bytes(), text.as_bytes()].concat(), true),
            (wide(u16::to_le_bytes, &[0xff, 0xfe]), true),
            (wide(u16::to_be_bytes, &[0xfe, 0xff]), true),
            (wide(u16::to_le_bytes, &[]), true),
            (b"OPENAI_API_KEY=k\xff\n".to_vec(), false),
        ] {
            std::fs::write(folder.path().join(NAME), &bytes).unwrap();
            let (mut problems, mut warnings) = (Vec::new(), Vec::new());
            let read = DotenvFile::read(folder.path(), &mut problems, &mut warnings);
            assert_eq!(read.get("STRONGROOM_PORT"), is_read.then_some("8421"), "{bytes:?}");
            assert_eq!((problems.len(), warnings.len()), (usize::from(!is_read), 0), "{bytes:?}");
        }
    }
}
