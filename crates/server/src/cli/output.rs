//! Output of commands: data on stdout in the format that was asked for, everything else on stderr.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;
use strongroom_client::wire::SecretText;
use strongroom_model::Secret;

use super::exit::{CliError, CliResult};
use super::printable::{escaped, printable, steers};
pub use super::table::Table;

/// Formats of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Columns for people; of `export`, lines of a .env file.
    #[default]
    #[value(alias = "dotenv")]
    Table,
    /// JSON; a list is an array.
    Json,
    /// YAML; a list is a sequence.
    Yaml,
}

/// The narrowest terminal that tables are fitted to: a narrower one breaks the lines itself.
const MIN_TERMINAL_COLUMNS: usize = 80;

/// Stdout and stderr, and how they are written.
#[derive(Debug, Clone)]
pub struct Output {
    format: Format,
    colour_stderr: bool,
    progress: bool,
    /// The width of the terminal behind stdout; `None` where there is none, and nothing is to be left out.
    terminal_columns: Option<usize>,
}

impl Output {
    /// Writes in this format; colours and progress bars only for a terminal, and no colours under `NO_COLOR`.
    #[must_use]
    pub fn new(format: Format) -> Self {
        // https://no-color.org: set and not empty.
        let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            format,
            colour_stderr: colour && io::stderr().is_terminal(),
            progress: io::stderr().is_terminal(),
            terminal_columns: terminal_size::terminal_size_of(io::stdout())
                .map(|(terminal_size::Width(columns), _)| usize::from(columns).max(MIN_TERMINAL_COLUMNS)),
        }
    }

    /// The format that was asked for.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// How wide what is drawn may be: as wide as the terminal, or as a narrow one where there is none.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.terminal_columns.unwrap_or(MIN_TERMINAL_COLUMNS)
    }

    /// Tells whether progress bars may be drawn on stderr.
    #[must_use]
    pub fn draws_progress(&self) -> bool {
        self.progress
    }

    /// Writes `value` as JSON or YAML, or the table that is made of it.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn data<T: Serialize + ?Sized>(&self, value: &T, table: impl FnOnce(&T) -> Table) -> CliResult<()> {
        let text = match self.format {
            Format::Table => self.fitted(&table(value)),
            Format::Json => escaped(&serde_json::to_string_pretty(value).map_err(unwritable)?),
            Format::Yaml => {
                let yaml = serde_norway::to_string(value).map_err(unwritable)?;
                // YAML's plain texts have no escapes; JSON is YAML, too.
                if yaml.contains(steers) {
                    escaped(&serde_json::to_string_pretty(value).map_err(unwritable)?)
                } else {
                    yaml
                }
            }
        };
        self.text(text.trim_end_matches('\n'))
    }

    /// The text of a table, fitted to the terminal that stdout is.
    #[must_use]
    pub fn fitted(&self, table: &Table) -> String {
        table.fitted(self.terminal_columns)
    }

    /// Writes a list as [`Self::data`] does; of an empty one in columns it says so on stderr.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn list<T: Serialize>(&self, list: &[T], table: impl FnOnce(&[T]) -> Table) -> CliResult<()> {
        if list.is_empty() && self.format == Format::Table {
            self.note("there is nothing to list");
        }
        self.data(list, table)
    }

    /// Writes text and a line break to stdout as it is.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn text(&self, text: &str) -> CliResult<()> {
        let mut stdout = io::stdout().lock();
        let mut write = || {
            if !text.is_empty() {
                stdout.write_all(text.as_bytes())?;
                stdout.write_all(b"\n")?;
            }
            stdout.flush()
        };
        write().map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => error.into(),
            _ => CliError::failure(format!("the answer cannot be written to stdout: {error}")),
        })
    }

    /// Says something on stderr.
    pub fn note(&self, text: &str) {
        say(&printable(text));
    }

    /// Warns on stderr.
    pub fn warn(&self, text: &str) {
        let head = if self.colour_stderr { "\x1b[1;33mwarning:\x1b[0m" } else { "warning:" };
        say(&format!("{head} {}", printable(text)));
    }

    /// Says on stderr that something is wrong.
    pub fn problem(&self, text: &str) {
        let head = if self.colour_stderr { "\x1b[1;31merror:\x1b[0m" } else { "error:" };
        say(&format!("{head} {}", printable(text)));
    }

    /// Says on stderr why a command stops, and what to do.
    pub fn error(&self, error: &CliError) {
        if error.message.is_empty() {
            return;
        }
        self.problem(&error.message);
        for hint in &error.hints {
            say(&format!("hint: {}", printable(hint)));
        }
    }
}

/// Writes to stderr. Messages to a closed stderr are dropped: that is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn unwritable(error: impl std::fmt::Display) -> CliError {
    CliError::failure(format!("the answer cannot be written in this format: {error}"))
}

/// A thing and its properties, one per line.
#[must_use]
pub fn properties<const N: usize>(rows: [(&str, String); N]) -> Table {
    let mut table = Table::of_properties();
    for (name, value) in rows {
        table.row([name.to_owned(), value]);
    }
    table
}

/// A value, or a dash.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `yes` or `no`.
#[must_use]
pub fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// A stand-in that can be written anywhere: it shows at most a quarter of the secret.
#[must_use]
pub fn masked(secret: &SecretText) -> SecretText {
    SecretText(Secret::new(secret.0.masked()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_secret_can_be_serialised_without_showing_it() {
        let secret = SecretText(Secret::from("sk-proj-0123456789abcdefghijklmnopqrstuvwxyz"));
        let shown = serde_json::to_string(&masked(&secret)).unwrap();
        assert!(shown.contains('…') && !shown.contains("0123456789"), "{shown}");
    }
}
