//! Section `usage`: what calls cost, and how long the record of each is kept.

use std::path::PathBuf;

use strongroom_model::tag::TagKeys;

use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// Prices of calls, and the time for which the record of each is kept.
#[derive(Debug, Clone)]
pub struct UsageConfig {
    /// A price table whose models come before those of the built-in one.
    pub prices_file: Option<PathBuf>,
    /// Days until the record of a call is deleted. The sums of its day stay.
    pub retention_days: u32,
    /// Keys of tags that calls are booked to.
    pub tag_keys: TagKeys,
}

const PRICES_FILE: Setting = Setting {
    section: "usage",
    key: "prices_file",
    variables: &["STRONGROOM_PRICES_FILE"],
    flag: None,
    kind: ValueKind::Path,
    default: DefaultValue::Rule("the built-in table alone"),
    sample: r#"prices_file = "/etc/strongroom/prices.toml""#,
    doc: "A price table in the form of `crates/strongroom/prices.toml`; its models come before the built-in ones.",
    show: |config| {
        config.usage.prices_file.as_ref().map(|path| path.display().to_string()).unwrap_or_default()
    },
};

const RETENTION_DAYS: Setting = Setting {
    section: "usage",
    key: "retention_days",
    variables: &["STRONGROOM_USAGE_RETENTION_DAYS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("400"),
    sample: "retention_days = 400",
    doc: "How long the record of each call is kept. The sums of each day are kept for ever.",
    show: |config| config.usage.retention_days.to_string(),
};

const TAG_KEYS: Setting = Setting {
    section: "usage",
    key: "tag_keys",
    variables: &["STRONGROOM_TAG_KEYS"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Value("project,env,team"),
    sample: r#"tag_keys = "project,env,team""#,
    doc: "Keys of the tags that calls are booked to, in the header `x-strongroom-tags` or on their token; at most 8. Other keys are \
          left out.",
    show: |config| config.usage.tag_keys.to_string(),
};

pub(super) const SETTINGS: &[Setting] = &[PRICES_FILE, RETENTION_DAYS, TAG_KEYS];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<UsageConfig> {
    let prices_file = if reader.is_set(&PRICES_FILE) { Some(reader.path(&PRICES_FILE)?) } else { None };
    let retention_days = reader.read(&RETENTION_DAYS, |text, _| whole_number(text, 1..=36_500))?;
    let tag_keys = reader.read(&TAG_KEYS, |text, _| TagKeys::parse(text))?;
    Some(UsageConfig { prices_file, retention_days, tag_keys })
}
