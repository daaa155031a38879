//! Secrets on their way in: a hidden prompt, stdin, a file, and last the command line, with a warning.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_client::wire::SecretText;
use strongroom_model::Secret;
use strongroom_model::credential::MAX_SECRET;
use zeroize::Zeroizing;

use super::exit::{CliError, CliResult};
use super::output::Output;

/// Where a credential's secrets come from.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Secrets")]
pub struct SecretOptions {
    /// Read the key from stdin; from a hidden prompt when that is a terminal
    #[arg(long, conflicts_with_all = ["api_key_file", "api_key", "api_secret_stdin"])]
    pub api_key_stdin: bool,

    /// Read the key from a file
    #[arg(long, value_name = "FILE", conflicts_with = "api_key")]
    pub api_key_file: Option<PathBuf>,

    /// The key itself; visible in the process list and in the shell's history
    #[arg(long, value_name = "KEY", value_parser = secret)]
    pub api_key: Option<Secret>,

    /// Read the second secret from stdin; from a hidden prompt when that is a terminal
    #[arg(long, conflicts_with_all = ["api_secret_file", "api_secret"])]
    pub api_secret_stdin: bool,

    /// Read the second secret from a file
    #[arg(long, value_name = "FILE", conflicts_with = "api_secret")]
    pub api_secret_file: Option<PathBuf>,

    /// The second secret itself; visible in the process list and in the shell's history
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub api_secret: Option<Secret>,
}

fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::from(text))
}

impl SecretOptions {
    /// The key, when one of the options says where it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn api_key(&self, output: &Output) -> CliResult<Option<SecretText>> {
        read("--api-key", "API key: ", &self.api_key, &self.api_key_file, self.api_key_stdin, output)
    }

    /// The second secret, when one of the options says where it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn api_secret(&self, output: &Output) -> CliResult<Option<SecretText>> {
        let (value, file) = (&self.api_secret, &self.api_secret_file);
        read("--api-secret", "API secret: ", value, file, self.api_secret_stdin, output)
    }
}

fn read(
    option: &str,
    prompt: &str,
    value: &Option<Secret>,
    file: &Option<PathBuf>,
    stdin: bool,
    output: &Output,
) -> CliResult<Option<SecretText>> {
    let secret = if let Some(value) = value {
        output.warn(&format!(
            "{option} is visible in the process list and in the shell's history; prefer {option}-stdin or {option}-file"
        ));
        value.clone()
    } else if let Some(file) = file {
        read_secret_file(file)?
    } else if stdin {
        read_secret_stdin(prompt)?
    } else {
        return Ok(None);
    };
    Ok(Some(SecretText(secret)))
}

/// Asks for the key with a hidden prompt.
///
/// # Errors
/// When there is no terminal: names the options that do without one, and this further way where the command has one.
pub fn prompt_api_key(further: &str) -> CliResult<SecretText> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("no key was given, and there is no terminal to ask on")
            .hint(format!("give it by --api-key-stdin or --api-key-file FILE{further}")));
    }
    prompt_hidden("API key: ").map(SecretText)
}

fn prompt_hidden(prompt: &str) -> CliResult<Secret> {
    let text = rpassword::prompt_password(prompt)
        .map_err(|error| CliError::failure(format!("the hidden prompt failed: {error}")))?;
    if text.is_empty() {
        return Err(CliError::usage("nothing was entered"));
    }
    Ok(Secret::new(text))
}

/// Reads a file that holds one secret, less the line break at its end.
///
/// # Errors
/// When it cannot be read, is empty, too long or no text; the error names the file.
pub fn read_secret_file(file: &Path) -> CliResult<Secret> {
    let name = file.display().to_string();
    let opened = std::fs::File::open(file)
        .map_err(|error| CliError::usage(format!("{name} cannot be read: {error}")))?;
    read_limited(opened, &name)
}

/// Reads a secret from stdin, from a hidden prompt when that is a terminal.
///
/// # Errors
/// When nothing, too much or no text is there.
pub fn read_secret_stdin(prompt: &str) -> CliResult<Secret> {
    if io::stdin().is_terminal() { prompt_hidden(prompt) } else { read_limited(io::stdin().lock(), "stdin") }
}

fn read_limited(source: impl Read, name: &str) -> CliResult<Secret> {
    // Reserved in full, so that growing leaves no copy of the secret behind.
    let limit = MAX_SECRET + 2;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::usage(format!("{name} cannot be read: {error}")))?;
    if bytes.len() > limit {
        return Err(CliError::usage(format!("{name} is longer than {MAX_SECRET} bytes, which no key is")));
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| CliError::usage(format!("{name} is not UTF-8 text")))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(CliError::usage(format!("{name} is empty")));
    }
    Ok(Secret::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_break_at_the_end_goes_and_nothing_else() {
        for (given, read) in [("k", "k"), ("k\n", "k"), ("k\r\n", "k"), ("k\n\n", "k\n"), (" k ", " k ")] {
            assert_eq!(read_limited(given.as_bytes(), "x").unwrap().expose(), read, "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
        let long = "canary".repeat(MAX_SECRET);
        for bad in [b"".as_slice(), b"\n", b"canary\xff", long.as_bytes()] {
            let error = read_limited(bad, "key.txt").unwrap_err();
            assert!(error.message.starts_with("key.txt") && !error.message.contains("canary"), "{error}");
        }
    }
}
