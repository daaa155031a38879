//! Section `encryption`: the master key, which only wraps other keys, and when the key that seals is replaced.

use std::path::{Path, PathBuf};

use strongroom_model::Secret;

use super::reader::{Reader, set_or_unset, whole_number};
use super::secret_file::{self, shared};
use super::setting::{DefaultValue, Setting, ValueKind};

/// The master key as it was given; its form is for the crypto crate to check.
#[derive(Debug, Clone)]
pub struct EncryptionConfig {
    /// The key's text, read from the file already when it stands in one. `None`: the one in the data directory.
    pub key: Option<Secret>,
    /// The file that the key was read from, for messages.
    pub key_file: Option<PathBuf>,
    /// The master key that it replaces.
    pub previous: Option<Secret>,
    /// The age in days at which the data key is replaced; 0: at none.
    pub rotate_after_days: u32,
    /// After so many sealed texts the data key is replaced.
    pub rotate_after_seals: u32,
}

const KEY: Setting = Setting {
    section: "encryption",
    key: "key",
    variables: &["ENCRYPTION_KEY"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule("the file `master.key` in the data directory, created at the first start"),
    sample: r#"key_file = "/etc/strongroom/master-key""#,
    doc: "The master key, 64 hexadecimal digits. Whoever has it and the database can open every secret; lost, none.",
    show: |config| set_or_unset(config.encryption.key.as_ref()),
};

const PREVIOUS: Setting = Setting {
    section: "encryption",
    key: "previous",
    variables: &["ENCRYPTION_KEY_PREVIOUS"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule("none"),
    sample: r#"previous_file = "/etc/strongroom/master-key-before""#,
    doc: "The master key that the present one replaces, until `strongroom key status` says that it is not needed any more.",
    show: |config| set_or_unset(config.encryption.previous.as_ref()),
};

const ROTATE_AFTER_DAYS: Setting = Setting {
    section: "encryption",
    key: "rotate_after_days",
    variables: &["STRONGROOM_ROTATE_KEY_AFTER_DAYS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("365"),
    sample: "rotate_after_days = 365",
    doc: "The age at which the data key is replaced and everything is resealed, in days; 0 switches that off.",
    show: |config| config.encryption.rotate_after_days.to_string(),
};

const ROTATE_AFTER_SEALS: Setting = Setting {
    section: "encryption",
    key: "rotate_after_seals",
    variables: &["STRONGROOM_ROTATE_KEY_AFTER_SEALS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("1000000000"),
    sample: "rotate_after_seals = 1000000000",
    doc: "After so many sealed texts the data key is replaced. A key may seal 4294967296 at the most.",
    show: |config| config.encryption.rotate_after_seals.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[KEY, PREVIOUS, ROTATE_AFTER_DAYS, ROTATE_AFTER_SEALS];

pub(super) fn read(reader: &mut Reader<'_>, data_dir: Option<&Path>) -> Option<EncryptionConfig> {
    let (key, key_file) = reader.secret(&KEY, |_| Ok(())).unzip();
    if !reader.is_set(&KEY)
        && let Some(own) = data_dir.map(|folder| folder.join("master.key"))
        && secret_file::others_may_read(&own)
    {
        reader.warning(shared(&own));
    }
    let previous = reader.secret(&PREVIOUS, |_| Ok(())).map(|(previous, _)| previous);
    let rotate_after_days = reader.read(&ROTATE_AFTER_DAYS, |text, _| whole_number(text, 0..=36_500));
    let rotate_after_seals =
        reader.read(&ROTATE_AFTER_SEALS, |text, _| whole_number(text, 1..=4_000_000_000));
    Some(EncryptionConfig {
        key,
        key_file: key_file.flatten(),
        previous,
        rotate_after_days: rotate_after_days?,
        rotate_after_seals: rotate_after_seals?,
    })
}
