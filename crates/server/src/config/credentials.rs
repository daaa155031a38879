//! Section `credentials`: how many versions are kept, and for how long a deleted credential is.

use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// Number of versions of a credential that are kept, and the time for which a deleted one is.
#[derive(Debug, Clone)]
pub struct CredentialsConfig {
    /// Versions of a credential that keep their values, the one in use among them; at least 1.
    pub versions_kept: u32,
    /// Days in which a deleted credential can be taken back.
    pub recovery_days: u32,
}

const VERSIONS_KEPT: Setting = Setting {
    section: "credentials",
    key: "versions_kept",
    variables: &["STRONGROOM_VERSIONS_KEPT"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("10"),
    sample: "versions_kept = 10",
    doc: "How many versions of a credential keep their values. What a new one makes too many is erased, the oldest first.",
    show: |config| config.credentials.versions_kept.to_string(),
};

const RECOVERY_DAYS: Setting = Setting {
    section: "credentials",
    key: "recovery_days",
    variables: &["STRONGROOM_RECOVERY_DAYS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("30"),
    sample: "recovery_days = 30",
    doc: "For how many days a deleted credential can be taken back, before its values are erased.",
    show: |config| config.credentials.recovery_days.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[VERSIONS_KEPT, RECOVERY_DAYS];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<CredentialsConfig> {
    let versions_kept = reader.read(&VERSIONS_KEPT, |text, _| whole_number(text, 1..=1000));
    let recovery_days = reader.read(&RECOVERY_DAYS, |text, _| whole_number(text, 0..=3660));
    Some(CredentialsConfig { versions_kept: versions_kept?, recovery_days: recovery_days? })
}
