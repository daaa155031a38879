//! Logs: structured records on stderr. Secrets are of types that print as stars.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::time::UtcTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, parse_filter};

/// Starts logging. Called twice in one process, the first call counts.
pub fn start(format: LogFormat, level: &str) {
    let filter = parse_filter(level).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let records = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // A record that cannot be written (a full disk, nobody who reads) is lost. Said on stderr, which is what failed, it
        // would be a panic in whoever logs.
        .log_internal_errors(false)
        .with_timer(UtcTime::rfc_3339());
    let registry = tracing_subscriber::registry().with(filter);
    // An error here means that logging has been started already.
    let _ = match format {
        LogFormat::Json => registry.with(records.json().flatten_event(true)).try_init(),
        LogFormat::Pretty => {
            let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
            registry.with(records.with_ansi(is_wanted && std::io::stderr().is_terminal())).try_init()
        }
    };
}
