//! Section `log`: what is logged, and in which form.

use tracing_subscriber::filter::Targets;

use super::reader::Reader;
use super::setting::{DefaultValue, Setting, ValueKind};

/// Level and format of the log.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The form, when one was asked for; see [`LogConfig::format_for`].
    pub format: Option<LogFormat>,
    /// Levels, for all or by module, as [`parse_filter`] reads them; it parses.
    pub level: String,
}

/// The form of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For reading on a terminal.
    Pretty,
}

impl LogFormat {
    /// The name by which it is asked for.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Pretty => "pretty",
        }
    }
}

impl LogConfig {
    /// The form to log in: the one asked for, else `pretty` on a terminal and `json` anywhere else.
    #[must_use]
    pub fn format_for(&self, is_terminal: bool) -> LogFormat {
        self.format.unwrap_or(if is_terminal { LogFormat::Pretty } else { LogFormat::Json })
    }
}

const FORMAT: Setting = Setting {
    section: "log",
    key: "format",
    variables: &["STRONGROOM_LOG_FORMAT"],
    flag: Some("--log-format"),
    kind: ValueKind::Text,
    default: DefaultValue::Rule("`pretty` on a terminal, `json` otherwise"),
    sample: r#"format = "json""#,
    doc: "`json` or `pretty`.",
    show: |config| {
        config
            .log
            .format
            .map_or_else(|| "pretty on a terminal, json otherwise".into(), |it| it.as_str().into())
    },
};

const LEVEL: Setting = Setting {
    section: "log",
    key: "level",
    variables: &["STRONGROOM_LOG"],
    flag: None,
    kind: ValueKind::Text,
    default: DefaultValue::Value("info"),
    sample: r#"level = "info""#,
    doc: "`error`, `warn`, `info`, `debug` or `trace`, also by module: `info,strongroom_store=debug`.",
    show: |config| config.log.level.clone(),
};

pub(super) const SETTINGS: &[Setting] = &[FORMAT, LEVEL];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<LogConfig> {
    let format = reader.read(&FORMAT, |text, _| match text {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err(format!("`{text}` is not a log format; write json or pretty")),
    });
    let level = reader.read(&LEVEL, |text, _| match parse_filter(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!(
            "`{text}` is not a log filter; write a level such as info, or info,strongroom_store=debug"
        )),
    });
    Some(LogConfig { format, level: level? })
}

/// Reads levels such as `info` or `info,strongroom_store=debug`; `None` for anything else.
#[must_use]
pub fn parse_filter(text: &str) -> Option<Targets> {
    // A single word that is no level would be taken for the name of a module, of which nothing is ever logged.
    let is_level = |part: &str| {
        ["error", "warn", "info", "debug", "trace", "off"]
            .iter()
            .any(|level| part.eq_ignore_ascii_case(level))
    };
    let parts: Vec<&str> = text.split(',').map(str::trim).collect();
    let is_meant =
        |part: &&str| is_level(part) || part.contains(['=', ':', '_']) && !part.contains(['[', ' ']);
    if !parts.iter().all(is_meant) {
        return None;
    }
    parts.join(",").parse().ok()
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    #[test]
    fn levels_are_read_for_all_and_by_module() {
        let shown = |text| parse_filter(text).map(|filter| filter.to_string());
        assert_eq!(shown("WARN"), Some("warn".to_owned()));
        let by_module = parse_filter("info, strongroom_store=debug").expect("a filter");
        assert_eq!(by_module.default_level(), Some(LevelFilter::INFO));
        assert!(by_module.would_enable("strongroom_store::usage", &tracing::Level::DEBUG));
        assert!(!by_module.would_enable("strongroom", &tracing::Level::DEBUG));
        for wrong in
            ["loud", "strongroom=loud", "=x=", "[span]=debug", "a[{b}]=info", "info,,debug", "a b=info", ""]
        {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
    }
}
