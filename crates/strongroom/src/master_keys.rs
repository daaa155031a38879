//! The master keys that a process is given: read, and compared with those that a database needs.

mod key_file;

use std::path::PathBuf;

use strongroom_crypto::MasterKey;
use strongroom_model::{Problem, Secret};

pub(crate) use key_file::remove;

use crate::options::{KeySource, Options};

fn parsed(text: &Secret, place: &str, needed: &[String]) -> Result<MasterKey, Problem> {
    MasterKey::parse_strong(text.expose()).map_err(|error| {
        let needed = if needed.is_empty() { String::new() } else { format!("; {}", wanted(needed)) };
        Problem::internal(format!("{place}: {error}{needed}"))
    })
}

pub(crate) fn master_key(
    source: &KeySource,
    needed: &[String],
) -> Result<(MasterKey, Option<PathBuf>), Problem> {
    match source {
        KeySource::Given(text) => Ok((parsed(text, "ENCRYPTION_KEY", needed)?, None)),
        KeySource::FileOrNew(path) => match key_file::read(path)? {
            Some(text) => Ok((parsed(&text, &path.display().to_string(), needed)?, None)),
            None if needed.is_empty() => {
                let key = MasterKey::generate();
                key_file::write(path, &key.to_hex())?;
                Ok((key, Some(path.clone())))
            }
            None => Err(Problem::internal(format!(
                "there is no encryption key: ENCRYPTION_KEY and ENCRYPTION_KEY_FILE are unset and {} does not exist; {}",
                path.display(),
                wanted(needed)
            ))),
        },
    }
}

/// Checks the form of the master keys, without making one and without looking whether they are a database's.
///
/// # Errors
/// [`Problem`] naming the key that is none, or the file that cannot be read.
pub fn check_keys(options: &Options) -> Result<(), Problem> {
    let is_there = match &options.key {
        KeySource::Given(_) => true,
        KeySource::FileOrNew(path) => key_file::read(path)?.is_some(),
    };
    if is_there {
        master_key(&options.key, &[])?;
    }
    previous_key(options, &[]).map(drop)
}

/// The key that the master key replaces, where one is given.
pub(crate) fn previous_key(options: &Options, needed: &[String]) -> Result<Option<MasterKey>, Problem> {
    options.previous_key.as_ref().map(|text| parsed(text, "ENCRYPTION_KEY_PREVIOUS", needed)).transpose()
}

/// The key, then the one that it replaces.
pub(crate) fn with_previous(master: MasterKey, previous: Option<MasterKey>) -> Vec<MasterKey> {
    let previous = previous.filter(|it| it.fingerprint() != master.fingerprint());
    std::iter::once(master).chain(previous).collect()
}

/// Keys that are there already: none is made.
///
/// # Errors
/// [`Problem`] naming the key that is needed.
pub(crate) fn existing_masters(options: &Options, needed: &[String]) -> Result<Vec<MasterKey>, Problem> {
    match &options.key {
        KeySource::FileOrNew(path) if key_file::read(path)?.is_none() => Err(Problem::invalid(
            "encryption.key",
            format!(
                "there is no encryption key: ENCRYPTION_KEY and ENCRYPTION_KEY_FILE are unset and {} does not exist; this \
                 backup needs the key with fingerprint {}",
                path.display(),
                needed.join(" or ")
            ),
        )),
        source => {
            let (master, _) = master_key(source, &[])?;
            Ok(with_previous(master, previous_key(options, &[])?))
        }
    }
}

fn wanted(needed: &[String]) -> String {
    format!("this database needs the key with fingerprint {}", needed.join(" or "))
}

/// One of the masters has to be the database's: every key is wrapped under each that is.
pub(crate) fn check_masters(masters: &[MasterKey], needed: &[String]) -> Result<(), Problem> {
    let fingerprints: Vec<String> = masters.iter().map(MasterKey::fingerprint).collect();
    if needed.is_empty() || fingerprints.iter().any(|held| needed.contains(held)) {
        return Ok(());
    }
    let has = match fingerprints.as_slice() {
        [one] => format!("the encryption key has fingerprint {one}, which is not this database's"),
        several => format!(
            "the encryption key and the one before have fingerprints {}, which are not this database's",
            several.join(" and ")
        ),
    };
    Err(Problem::internal(format!(
        "{has}; {}: set ENCRYPTION_KEY or ENCRYPTION_KEY_FILE to that key, or STRONGROOM_DATABASE_URL to the database of \
         this one; to replace the master key, give the one that is needed as ENCRYPTION_KEY_PREVIOUS beside the new one",
        wanted(needed)
    )))
}
