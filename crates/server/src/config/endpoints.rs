//! Section `endpoints`: where provider keys may be sent.

use strongroom_connectors::{EndpointGuard, Proxy};

use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

/// Addresses that provider keys may be sent to.
#[derive(Debug, Clone)]
pub struct EndpointsConfig {
    /// True when loopback, private and link-local addresses are allowed. Cloud metadata addresses never are.
    pub allow_private: bool,
    /// The proxy by way of which providers are called.
    pub proxy: Option<Proxy>,
}

impl EndpointsConfig {
    /// Returns the guard that decides what may be called, and by which way.
    #[must_use]
    pub fn guard(&self) -> EndpointGuard {
        EndpointGuard::new(self.allow_private).by_way_of(self.proxy.clone())
    }
}

const ALLOW_PRIVATE: Setting = Setting {
    section: "endpoints",
    key: "allow_private",
    variables: &["STRONGROOM_ALLOW_PRIVATE_ENDPOINTS"],
    flag: None,
    kind: ValueKind::Flag,
    default: DefaultValue::Value("false"),
    sample: "allow_private = false",
    doc: "Allow endpoints on loopback, private and link-local addresses; cloud metadata addresses never are.",
    show: |config| config.endpoints.allow_private.to_string(),
};

const PROXY: Setting = Setting {
    section: "endpoints",
    key: "proxy",
    variables: &["STRONGROOM_PROXY"],
    flag: None,
    kind: ValueKind::Secret,
    default: DefaultValue::Rule("unset: providers are called directly, whatever `HTTPS_PROXY` says"),
    sample: r#"proxy = "http://proxy.internal:3128""#,
    doc: "An HTTP proxy by way of which providers are called (`CONNECT`): it sees their hosts and no keys, looks their names up \
          itself, and so has to guard where these lead to.",
    show: |config| config.endpoints.proxy.as_ref().map_or_else(|| "unset".to_owned(), Proxy::shown),
};

const NO_PROXY: Setting = Setting {
    section: "endpoints",
    key: "no_proxy",
    variables: &["STRONGROOM_NO_PROXY"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Rule("none"),
    sample: r#"no_proxy = "llm.internal, .corp.example""#,
    doc: "Hosts that are called past the proxy, and those below them, with commas between; private addresses are so in any case.",
    show: |config| {
        config.endpoints.proxy.as_ref().map_or_else(String::new, |proxy| proxy.exceptions().join(", "))
    },
};

pub(super) const SETTINGS: &[Setting] = &[ALLOW_PRIVATE, PROXY, NO_PROXY];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<EndpointsConfig> {
    let allow_private = reader.flag(&ALLOW_PRIVATE);
    let except = reader.read(&NO_PROXY, |text, _| Ok(text.split(',').map(str::to_owned).collect::<Vec<_>>()));
    let except = except.unwrap_or_default();
    let mut proxy = None;
    reader.secret(&PROXY, |text| {
        proxy = Some(Proxy::parse(text.expose(), &except)?);
        Ok(())
    });
    Some(EndpointsConfig { allow_private: allow_private?, proxy })
}
