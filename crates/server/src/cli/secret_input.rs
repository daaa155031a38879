//! Secrets on their way in: a hidden prompt, stdin, a file, and last the command line, with a warning.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_client::wire::SecretText;
use strongroom_connectors::key_pattern;
use strongroom_model::credential::MAX_SECRET;
use strongroom_model::secret_form::{Purpose, Wrapping, clean};
use strongroom_model::{Provider, Secret};
use zeroize::Zeroizing;

use super::exit::{CliError, CliResult};
use super::output::Output;

/// The section of help that these options stand in. It is set for each, as one that is set for all would hold for those after them.
const HEADING: &str = "Secrets";

/// Sources of a credential's secrets.
#[derive(Debug, Default, Args)]
pub struct SecretOptions {
    /// Read the key from stdin, or on a terminal from a hidden prompt
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["api_key_file", "api_key", "api_secret_stdin"])]
    pub api_key_stdin: bool,

    /// Read the key from a file
    #[arg(long, help_heading = HEADING, value_name = "FILE", conflicts_with = "api_key")]
    pub api_key_file: Option<PathBuf>,

    /// The key itself; it is visible in the process list and in the shell's history
    #[arg(long, help_heading = HEADING, value_name = "KEY", value_parser = secret)]
    pub api_key: Option<Secret>,

    /// Read the second secret from stdin, or on a terminal from a hidden prompt
    #[arg(long, help_heading = HEADING, conflicts_with_all = ["api_secret_file", "api_secret"])]
    pub api_secret_stdin: bool,

    /// Read the second secret from a file
    #[arg(long, help_heading = HEADING, value_name = "FILE", conflicts_with = "api_secret")]
    pub api_secret_file: Option<PathBuf>,

    /// The second secret itself; visible in the process list and in the shell's history
    #[arg(long, help_heading = HEADING, value_name = "SECRET", value_parser = secret)]
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
        let (value, file) = (&self.api_key, &self.api_key_file);
        let given = read("--api-key", "API key: ", value, file, self.api_key_stdin, output)?;
        given.map(|secret| checked(&secret, Purpose::ApiKey, output)).transpose()
    }

    /// The second secret, when one of the options says where it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn api_secret(&self, output: &Output) -> CliResult<Option<SecretText>> {
        let (value, file) = (&self.api_secret, &self.api_secret_file);
        let given = read("--api-secret", "API secret: ", value, file, self.api_secret_stdin, output)?;
        given.map(|secret| checked(&secret, Purpose::ApiSecret, output)).transpose()
    }
}

/// The secret without its wrapping, of which it is said on stderr that it was taken off.
fn checked(secret: &Secret, purpose: Purpose, output: &Output) -> CliResult<SecretText> {
    let name = if purpose == Purpose::ApiKey { "the API key" } else { "the API secret" };
    let cleaned =
        clean(secret.expose(), purpose).map_err(|fault| CliError::usage(format!("{name} {fault}")))?;
    if let Some(removed) = cleaned.removed_text() {
        output.note(&format!("{removed} around {name} {} left out", verb(&cleaned.removed)));
    }
    Ok(SecretText(cleaned.secret))
}

fn verb(removed: &[Wrapping]) -> &'static str {
    match removed {
        [Wrapping::LineBreak | Wrapping::ByteOrderMark] => "was",
        _ => "were",
    }
}

/// Warns when a key has the form of another provider's.
pub fn warn_of_another_provider(key: &Secret, provider: &str, output: &Output) {
    let Ok(provider) = Provider::parse(provider) else { return };
    if let Some(other) = key_pattern::other_provider(key.expose(), provider.as_str()) {
        output.warn(&format!(
            "this key has the form of a key of {other}, and the credential is for {provider}: \
             `strongroom credential test NAME --live` asks the provider about it"
        ));
    }
}

fn read(
    option: &str,
    prompt: &str,
    value: &Option<Secret>,
    file: &Option<PathBuf>,
    stdin: bool,
    output: &Output,
) -> CliResult<Option<Secret>> {
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
    Ok(Some(secret))
}

/// Asks for the key with a hidden prompt.
///
/// # Errors
/// When there is no terminal: names the options that do without one, and this further way where the command has one.
pub fn prompt_api_key(further: &str, output: &Output) -> CliResult<SecretText> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("no key was given, and there is no terminal to ask on")
            .hint(format!("give it by --api-key-stdin or --api-key-file FILE{further}")));
    }
    checked(&prompt_hidden("API key: ")?, Purpose::ApiKey, output)
}

/// Reads a provider's key from stdin, from a hidden prompt when that is a terminal, and takes certain wrapping off.
///
/// # Errors
/// When nothing, too much or no key is there.
pub fn read_api_key_stdin(output: &Output) -> CliResult<SecretText> {
    checked(&read_secret_stdin("API key: ")?, Purpose::ApiKey, output)
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
    let limit = 2 * MAX_SECRET + 4;
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::usage(format!("{name} cannot be read: {error}")))?;
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if bytes.len() > if is_wide { limit } else { MAX_SECRET + 2 } {
        return Err(CliError::usage(format!("{name} is longer than {MAX_SECRET} bytes, which no key is")));
    }
    let text = decode(&bytes).ok_or_else(|| CliError::usage(format!("{name} is not UTF-8 text")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(CliError::usage(format!("{name} is empty")));
    }
    Ok(Secret::from(text))
}

/// Text in UTF-8, or in UTF-16 with a byte order mark, as PowerShell's `>` writes it.
fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return std::str::from_utf8(bytes).ok().map(|text| Zeroizing::new(text.to_owned())),
    };
    if bytes.len() % 2 == 1 {
        return None;
    }
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for character in char::decode_utf16(units) {
        text.push(character.ok()?);
    }
    Some(text)
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
    fn text_in_sixteen_bits_is_read_by_its_byte_order_mark() {
        let wide =
            |order: fn(u16) -> [u8; 2]| "\u{feff}sk-1\r\n".encode_utf16().flat_map(order).collect::<Vec<_>>();
        for bytes in [wide(u16::to_le_bytes), wide(u16::to_be_bytes)] {
            assert_eq!(read_limited(bytes.as_slice(), "x").unwrap().expose(), "sk-1");
        }
        assert!(read_limited(b"\xff\xfea".as_slice(), "x").is_err());
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
