//! Section `endpoints`: where provider keys may be sent.

use super::reader::Reader;
use super::setting::{Form, Setting, Standard};

/// Where provider keys may be sent.
#[derive(Debug, Clone)]
pub struct EndpointsConfig {
    /// Whether loopback, private and link-local addresses are allowed. Cloud metadata addresses never are.
    pub allow_private: bool,
}

const ALLOW_PRIVATE: Setting = Setting {
    section: "endpoints",
    key: "allow_private",
    variables: &["STRONGROOM_ALLOW_PRIVATE_ENDPOINTS"],
    flag: None,
    form: Form::Flag,
    default: Standard::Value("false"),
    sample: "allow_private = false",
    doc: "Allow endpoints on loopback, private and link-local addresses; cloud metadata addresses never are.",
    show: |config| config.endpoints.allow_private.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[ALLOW_PRIVATE];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<EndpointsConfig> {
    Some(EndpointsConfig { allow_private: reader.flag(&ALLOW_PRIVATE)? })
}
