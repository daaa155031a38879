//! The original's encryption key: 64 hex digits, or the `.env` that has them.

use std::path::Path;

use strongroom_connectors::dotenv;
use strongroom_crypto::MasterKey;
use strongroom_model::Secret;

use crate::cli::exit::{CliError, CliResult};
use crate::cli::secret_input::read_secret_file;

const VARIABLE: &str = "ENCRYPTION_KEY";

/// Reads the key from a file.
pub(super) fn read(file: &Path) -> CliResult<MasterKey> {
    let text = read_secret_file(file)?;
    parse(&text).map_err(|why| {
        CliError::usage(format!("{} holds no key of the original: {why}", file.display())).hint(format!(
            "it is to hold the 64 hex digits of the original's {VARIABLE}, or a line {VARIABLE}=…"
        ))
    })
}

fn parse(text: &Secret) -> Result<MasterKey, String> {
    let text = text.expose();
    if !text.contains('=') {
        return MasterKey::parse(text).map_err(|error| error.to_string());
    }
    let document = dotenv::parse(text);
    let entry = document.entries.iter().find(|entry| entry.name == VARIABLE);
    let entry = entry.ok_or_else(|| format!("it has lines, but none that says {VARIABLE}="))?;
    MasterKey::parse(entry.value.expose()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

    #[test]
    fn a_key_is_read_from_its_digits_or_from_a_dotenv() {
        let texts = [
            KEY.to_owned(),
            format!(" {KEY}\r\n"),
            format!("A=1\nexport ENCRYPTION_KEY=\"{KEY}\" # old\nB=2\n"),
        ];
        let expected = MasterKey::parse(KEY).unwrap().fingerprint();
        for text in texts {
            assert_eq!(parse(&Secret::new(text)).unwrap().fingerprint(), expected);
        }
    }

    #[test]
    fn what_is_no_key_says_why_and_is_not_repeated() {
        let cut = format!("ENCRYPTION_KEY={}", &KEY[..63]);
        for (text, expected) in
            [("canary", "hex digit"), (cut.as_str(), "63 characters"), ("OTHER=canary", "none that says")]
        {
            let why = parse(&Secret::from(text)).unwrap_err();
            assert!(why.contains(expected) && !why.contains("canary"), "{why}");
        }
    }
}
