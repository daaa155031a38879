//! Logs: structured records on stderr. Secrets are of types that print as stars.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::UtcTime;

use crate::config::LogFormat;

/// Starts logging. Called twice in one process, the first call counts.
pub fn start(format: LogFormat, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A record that cannot be written (a full disk, nobody who reads) is lost. Said on stderr, which is what failed, it
        // would be a panic in whoever logs.
        .log_internal_errors(false)
        .with_timer(UtcTime::rfc_3339());
    // An error here means that logging has been started already.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Pretty => {
            let is_wanted = std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
            builder.with_ansi(is_wanted && std::io::stderr().is_terminal()).try_init()
        }
    };
}
