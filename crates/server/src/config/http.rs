//! Section `http`: the address, and whether what passes over it can be read on the way.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::reader::{Reader, whole_number};
use super::setting::{DefaultValue, Setting, ValueKind};

/// Address of the server and its TLS. Either both TLS files are set or neither.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The address to listen on; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// The certificate chain, PEM.
    pub tls_cert_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    pub tls_key_file: Option<PathBuf>,
    /// True when an address without TLS may be reached by other machines, as behind a proxy that terminates TLS.
    pub allow_plaintext: bool,
    /// The address that people open in a browser: scheme, host and port.
    pub public_url: Option<String>,
    /// Seconds between the signal to stop, from which `/readyz` says so, and the end of listening.
    pub stop_delay_seconds: u32,
    /// Seconds that requests under way may go on after that.
    pub drain_seconds: u32,
}

const LISTEN: Setting = Setting {
    section: "http",
    key: "listen",
    variables: &["STRONGROOM_LISTEN"],
    flag: Some("--listen"),
    kind: ValueKind::Text,
    default: DefaultValue::Value("127.0.0.1:8420"),
    sample: r#"listen = "127.0.0.1:8420""#,
    doc: "The address and port to listen on. Other than loopback it needs TLS, or `allow_plaintext`.",
    show: |config| config.http.listen.to_string(),
};

const TLS_CERT_FILE: Setting = Setting {
    section: "http",
    key: "tls_cert_file",
    variables: &["STRONGROOM_TLS_CERT_FILE"],
    flag: None,
    kind: ValueKind::Path,
    default: DefaultValue::Rule("no TLS"),
    sample: r#"tls_cert_file = "/etc/strongroom/tls.crt""#,
    doc: "The certificate and its chain (PEM). Goes with `tls_key_file`.",
    show: |config| shown(config.http.tls_cert_file.as_ref()),
};

const TLS_KEY_FILE: Setting = Setting {
    section: "http",
    key: "tls_key_file",
    variables: &["STRONGROOM_TLS_KEY_FILE"],
    flag: None,
    kind: ValueKind::Path,
    default: DefaultValue::Rule("no TLS"),
    sample: r#"tls_key_file = "/etc/strongroom/tls.key""#,
    doc: "The certificate's private key (PEM). Goes with `tls_cert_file`.",
    show: |config| shown(config.http.tls_key_file.as_ref()),
};

const ALLOW_PLAINTEXT: Setting = Setting {
    section: "http",
    key: "allow_plaintext",
    variables: &["STRONGROOM_ALLOW_PLAINTEXT"],
    flag: None,
    kind: ValueKind::Flag,
    default: DefaultValue::Value("false"),
    sample: "allow_plaintext = false",
    doc: "Listen without TLS where other machines can connect; only behind a proxy that does TLS.",
    show: |config| config.http.allow_plaintext.to_string(),
};

const PUBLIC_URL: Setting = Setting {
    section: "http",
    key: "public_url",
    variables: &["STRONGROOM_PUBLIC_URL"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Rule("none: the dashboard opens on the machine of the server alone"),
    sample: r#"public_url = "https://strongroom.example.com""#,
    doc: "The address at which people open the dashboard, `https://` with host and port. Requests for pages under any other name \
          than this and the machine's own are refused.",
    show: |config| config.http.public_url.clone().unwrap_or_else(|| "unset".to_owned()),
};

const STOP_DELAY: Setting = Setting {
    section: "http",
    key: "stop_delay_seconds",
    variables: &["STRONGROOM_STOP_DELAY_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("0"),
    sample: "stop_delay_seconds = 0",
    doc: "How long a server that is told to stop goes on taking connections, while `/readyz` answers 503: as long as a load \
          balancer needs to notice.",
    show: |config| config.http.stop_delay_seconds.to_string(),
};

const DRAIN: Setting = Setting {
    section: "http",
    key: "drain_seconds",
    variables: &["STRONGROOM_DRAIN_SECONDS"],
    flag: None,
    kind: ValueKind::Number,
    default: DefaultValue::Value("600"),
    sample: "drain_seconds = 600",
    doc: "How long requests under way may go on after that; a second signal ends them at once. What starts and stops the \
          server must wait longer than both together (`TimeoutStopSec`, `terminationGracePeriodSeconds`).",
    show: |config| config.http.drain_seconds.to_string(),
};

pub(super) const SETTINGS: &[Setting] =
    &[LISTEN, TLS_CERT_FILE, TLS_KEY_FILE, ALLOW_PLAINTEXT, PUBLIC_URL, STOP_DELAY, DRAIN];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<HttpConfig> {
    let listen = reader.read(&LISTEN, |text, _| {
        text.parse::<SocketAddr>().map_err(|_| {
            format!("`{text}` is not an IP address with a port; write it as 127.0.0.1:8420 or [::1]:8420")
        })
    });
    let tls_cert_file = reader.path(&TLS_CERT_FILE);
    let tls_key_file = reader.path(&TLS_KEY_FILE);
    let allow_plaintext = reader.flag(&ALLOW_PLAINTEXT);
    let public_url = reader.read(&PUBLIC_URL, |text, _| origin(text));
    let stop_delay = reader.read(&STOP_DELAY, |text, _| whole_number(text, 0..=3600));
    let drain = reader.read(&DRAIN, |text, _| whole_number(text, 0..=86_400));
    let tls = reader.is_set(&TLS_CERT_FILE);
    if tls != reader.is_set(&TLS_KEY_FILE) {
        let (there, missing) =
            if tls { (&TLS_CERT_FILE, &TLS_KEY_FILE) } else { (&TLS_KEY_FILE, &TLS_CERT_FILE) };
        reader.problem(format!(
            "{} is set and {} is not; TLS needs both, set {} too",
            there.name(),
            missing.name(),
            missing.variables[0],
        ));
        return None;
    }
    let config = HttpConfig {
        listen: listen?,
        tls_cert_file,
        tls_key_file,
        allow_plaintext: allow_plaintext?,
        public_url,
        stop_delay_seconds: stop_delay?,
        drain_seconds: drain?,
    };
    if !tls && !config.allow_plaintext && !config.listen.ip().to_canonical().is_loopback() {
        reader.problem(format!(
            "http.listen is {}, where other machines can connect, and there is no TLS: tokens and keys would travel in \
             the clear. Set STRONGROOM_TLS_CERT_FILE and STRONGROOM_TLS_KEY_FILE, or listen on 127.0.0.1, or set \
             STRONGROOM_ALLOW_PLAINTEXT=true when a proxy in front does TLS",
            config.listen,
        ));
    }
    Some(config)
}

/// Scheme, host and port of an address, as browsers write them in `Origin`.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || {
        format!(
            "`{text}` is not the https:// address of a host, without a path, such as https://strongroom.example.com"
        )
    };
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if url.scheme() != "https" || !is_bare || !url.username().is_empty() || url.password().is_some() {
        return Err(wrong());
    }
    Ok(url.origin().ascii_serialization())
}

fn shown(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| "unset".to_owned(), |path| path.display().to_string())
}
