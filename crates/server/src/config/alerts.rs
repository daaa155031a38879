//! Section `alerts`: where alerts may be sent beside public addresses.

use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

/// Addresses that alerts may be sent to.
#[derive(Debug, Clone)]
pub struct AlertsConfig {
    /// Hosts, or hosts with ports, of channels that may be private or be spoken to without TLS.
    pub allow: Vec<String>,
}

const ALLOW: Setting = Setting {
    section: "alerts",
    key: "allow",
    variables: &["STRONGROOM_ALERT_ALLOW"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Rule("none"),
    sample: r#"allow = "mail.internal:25, chat.corp.example""#,
    doc: "Hosts of alert channels that may have private addresses, or be spoken to without TLS, with commas between; with a port for \
          that port alone. Cloud metadata addresses never are called.",
    show: |config| config.alerts.allow.join(", "),
};

pub(super) const SETTINGS: &[Setting] = &[ALLOW];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<AlertsConfig> {
    let allow = reader.read(&ALLOW, |text, _| {
        let hosts = text.split(',').map(str::trim).filter(|host| !host.is_empty());
        Ok(hosts.map(str::to_owned).collect::<Vec<_>>())
    });
    Some(AlertsConfig { allow: allow.unwrap_or_default() })
}
