//! Section `fallback`: whether keys that stand in the environment may serve a provider that has no credential.

use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

/// Keys that stand in the environment.
#[derive(Debug, Clone)]
pub struct FallbackConfig {
    /// True when they may stand in.
    pub environment: bool,
}

const ENVIRONMENT: Setting = Setting {
    section: "fallback",
    key: "environment",
    variables: &["STRONGROOM_ENVIRONMENT_FALLBACK"],
    flag: None,
    kind: ValueKind::Flag,
    default: DefaultValue::Value("true"),
    sample: "environment = true",
    doc: "Serve a provider without any credential from its variable, such as OPENAI_API_KEY.",
    show: |config| config.fallback.environment.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[ENVIRONMENT];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<FallbackConfig> {
    Some(FallbackConfig { environment: reader.flag(&ENVIRONMENT)? })
}
