//! Section `audit`: how often the head of the audit chain goes to the log.

use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// The audit trail.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// Seconds between two records of the chain's head in the log; at least 1.
    pub head_interval_seconds: u64,
}

const HEAD_INTERVAL_SECONDS: Setting = Setting {
    section: "audit",
    key: "head_interval_seconds",
    variables: &["STRONGROOM_AUDIT_HEAD_INTERVAL_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("300"),
    sample: "head_interval_seconds = 300",
    doc: "How often the head of the audit chain is logged, so that a rolled-back database can be told.",
    show: |config| config.audit.head_interval_seconds.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[HEAD_INTERVAL_SECONDS];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<AuditConfig> {
    let seconds = reader.read(&HEAD_INTERVAL_SECONDS, |text, _| whole_number(text, 1..=86_400));
    Some(AuditConfig { head_interval_seconds: u64::from(seconds?) })
}
