//! Section `encryption`: the master key, which only wraps other keys.

use std::path::PathBuf;

use strongroom_model::Secret;

use super::reader::{Reader, set_or_unset};
use super::setting::{Form, Setting, Standard};

/// The master key as it was given; its form is for the crypto crate to check.
#[derive(Debug, Clone)]
pub struct EncryptionConfig {
    /// The key's text, read from the file already when it stands in one. `None`: the one in the data directory.
    pub key: Option<Secret>,
    /// The file that the key was read from, for messages.
    pub key_file: Option<PathBuf>,
}

const KEY: Setting = Setting {
    section: "encryption",
    key: "key",
    variables: &["ENCRYPTION_KEY"],
    flag: None,
    form: Form::Secret,
    default: Standard::Rule("the file `master.key` in the data directory, created at the first start"),
    sample: r#"key_file = "/etc/strongroom/master-key""#,
    doc: "The master key, 64 hexadecimal digits. Whoever has it and the database can open every secret; lost, none.",
    show: |config| set_or_unset(config.encryption.key.as_ref()),
};

pub(super) const SETTINGS: &[Setting] = &[KEY];

pub(super) fn read(reader: &mut Reader<'_>) -> EncryptionConfig {
    let (key, key_file) = reader.secret(&KEY, |_| Ok(())).unzip();
    EncryptionConfig { key, key_file: key_file.flatten() }
}
