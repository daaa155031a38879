//! Checks on this machine that need no server: configuration, data directory, key file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::AccessFlags;
use strongroom_crypto::MasterKey;

use super::Checks;
use crate::cli::global::GlobalOptions;
use crate::cli::output::Output;
use crate::cli::secret_input::read_secret_file;
use crate::cli::settings;
use crate::config::Config;

/// Findings of these checks.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// True when there is something to open: opening what is not there yet would make it.
    pub(super) is_there: bool,
    /// The fingerprint of the master key here.
    pub(super) fingerprint: Option<String>,
}

pub(super) fn check(checks: &mut Checks, options: &GlobalOptions, output: &Output) -> Local {
    let config = match settings::load(&settings::command_overrides(options), output) {
        Ok(loaded) => loaded.config,
        Err(error) => {
            checks.fail("configuration", error.message);
            return Local::default();
        }
    };
    checks.ok("configuration", format!("database {}", config.database.url));
    data_directory(checks, &config.data_dir);
    let fingerprint = master_key(checks, &config);
    let database_exists = config.database.url.sqlite_path().is_none_or(Path::exists);
    if !database_exists {
        checks.warn("server", "there is no database yet; `strongroom serve` makes it");
    }
    let is_served = settings::socket_file(&config).exists();
    Local { is_there: is_served || (database_exists && fingerprint.is_some()), fingerprint }
}

fn data_directory(checks: &mut Checks, directory: &Path) {
    const NAME: &str = "data directory";
    let shown = directory.display();
    match fs::metadata(directory) {
        Ok(metadata) if !metadata.is_dir() => checks.fail(NAME, format!("{shown} is not a directory")),
        Ok(_) if !may_be_written(directory) => checks.fail(
            NAME,
            format!("{shown} cannot be written to by this user: a server needs it for its database, socket and lock"),
        ),
        Ok(metadata) => match others_may(&metadata) {
            Some(mode) => checks.warn(NAME, format!("{shown} has mode {mode}; chmod 700 keeps others out")),
            None => checks.ok(NAME, shown.to_string()),
        },
        Err(error) => checks.warn(NAME, format!("{shown}: {error}")),
    }
}

fn may_be_written(directory: &Path) -> bool {
    nix::unistd::access(directory, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

/// The mode in octal, when it lets group or others in.
fn others_may(metadata: &fs::Metadata) -> Option<String> {
    let mode = metadata.mode() & 0o777;
    (mode & 0o077 != 0).then(|| format!("{mode:03o}"))
}

fn master_key(checks: &mut Checks, config: &Config) -> Option<String> {
    const NAME: &str = "master key";
    let file = settings::master_key_file(config);
    let from_file = config.encryption.key.is_none() || config.encryption.key_file.is_some();
    let origin = if from_file { file.display().to_string() } else { "ENCRYPTION_KEY".to_owned() };
    if from_file && !file.exists() {
        let database_exists = config.database.url.sqlite_path().is_none_or(Path::exists);
        let detail = format!("{origin} is not there");
        if database_exists {
            checks.fail(NAME, format!("{detail}; put the key of this database back"))
        } else {
            checks.warn(NAME, detail)
        }
        return None;
    }
    let key = match &config.encryption.key {
        Some(key) => Ok(key.clone()),
        None => read_secret_file(&file),
    };
    let key = key
        .map_err(|error| error.message)
        .and_then(|text| MasterKey::parse(text.expose()).map_err(|error| format!("{origin}: {error}")));
    let key = match key {
        Ok(key) => key,
        Err(reason) => {
            checks.fail(NAME, reason);
            return None;
        }
    };
    let fingerprint = key.fingerprint();
    match fs::metadata(&file).ok().filter(|_| from_file).as_ref().and_then(others_may) {
        Some(mode) => {
            checks.fail(NAME, format!("{origin} has mode {mode}: others can read the key; chmod 600"))
        }
        None => checks.ok(NAME, format!("{origin}, fingerprint {fingerprint}")),
    }
    Some(fingerprint)
}
