//! The configuration: command-line flags over the environment over `.env` over `strongroom.toml` over defaults.

mod ai;
mod alerts;
mod audit;
mod auth;
mod credentials;
mod data_dir;
mod database;
mod database_url;
mod dotenv_file;
mod encryption;
mod endpoints;
mod environment;
mod error;
mod fallback;
mod gateway;
mod http;
mod log;
mod reader;
mod reference;
mod report;
mod secret_file;
pub mod setting;
mod sources;
mod toml_file;
mod unknown;
mod usage;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strongroom_model::Secret;

pub use ai::AiConfig;
pub use alerts::AlertsConfig;
pub use audit::AuditConfig;
pub use auth::AuthConfig;
pub use credentials::CredentialsConfig;
pub use database::DatabaseConfig;
pub use database_url::{DatabaseKind, DatabaseUrl};
pub use encryption::EncryptionConfig;
pub use endpoints::EndpointsConfig;
pub use environment::Environment;
pub use error::ConfigError;
pub use fallback::FallbackConfig;
pub use gateway::GatewayConfig;
pub use http::HttpConfig;
pub use log::{LogConfig, LogFormat, parse_filter};
pub use reference::{REFERENCE_MARKS, example_file, reference_markdown};
pub use report::{CheckReport, SettingReport, check, describe};
pub use usage::UsageConfig;

use reader::Reader;
use setting::{CLIENT_VARIABLES, CONFIG_VARIABLE, Section, Setting};
use sources::Sources;

/// Configuration of a server. Secrets in it cannot be printed.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder of the SQLite database, the master key file, the socket and the lock; absolute.
    pub data_dir: PathBuf,
    /// The database.
    pub database: DatabaseConfig,
    /// The master key.
    pub encryption: EncryptionConfig,
    /// The address and its TLS.
    pub http: HttpConfig,
    /// Authentication.
    pub auth: AuthConfig,
    /// Addresses that provider keys may be sent to.
    pub endpoints: EndpointsConfig,
    /// Where alerts may be sent.
    pub alerts: AlertsConfig,
    /// Calls to the providers.
    pub gateway: GatewayConfig,
    /// Models that the AI service asks.
    pub ai: AiConfig,
    /// Prices of calls, and the time for which the record of each is kept.
    pub usage: UsageConfig,
    /// Number of versions that are kept, and the time for which a deleted credential is.
    pub credentials: CredentialsConfig,
    /// Keys that stand in the environment.
    pub fallback: FallbackConfig,
    /// Level and format of the log.
    pub log: LogConfig,
    /// The audit trail.
    pub audit: AuditConfig,
}

/// Everything that can be set.
pub const SECTIONS: &[Section] = &[
    Section { name: "", doc: "Where everything is kept.", settings: data_dir::SETTINGS },
    Section { name: "database", doc: "The database.", settings: database::SETTINGS },
    Section {
        name: "encryption",
        doc: "The master key, and the age of the key that seals.",
        settings: encryption::SETTINGS,
    },
    Section { name: "http", doc: "The address and its TLS.", settings: http::SETTINGS },
    Section { name: "auth", doc: "Who may come in.", settings: auth::SETTINGS },
    Section { name: "endpoints", doc: "Where provider keys may be sent.", settings: endpoints::SETTINGS },
    Section { name: "alerts", doc: "Where alerts may be sent.", settings: alerts::SETTINGS },
    Section { name: "gateway", doc: "How calls go on to the providers.", settings: gateway::SETTINGS },
    Section { name: "ai", doc: "Which models the AI service asks.", settings: ai::SETTINGS },
    Section {
        name: "usage",
        doc: "What calls cost, and how long the record of each is kept.",
        settings: usage::SETTINGS,
    },
    Section {
        name: "credentials",
        doc: "How many versions are kept, and for how long a deleted credential is.",
        settings: credentials::SETTINGS,
    },
    Section { name: "fallback", doc: "Keys that stand in the environment.", settings: fallback::SETTINGS },
    Section { name: "log", doc: "What is logged, and how.", settings: log::SETTINGS },
    Section { name: "audit", doc: "The audit trail.", settings: audit::SETTINGS },
];

/// Every setting, in the order of the reference.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// Every environment variable that means something to us, provider keys excepted. A child process of
/// `strongroom run` gets none of those that are ours alone.
pub fn variables() -> impl Iterator<Item = String> {
    settings()
        .flat_map(Setting::all_variables)
        .chain([CONFIG_VARIABLE.to_owned()])
        .chain(CLIENT_VARIABLES.iter().map(|variable| variable.name.to_owned()))
}

/// Settings of the command line; stronger than every other source.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: the configuration file, instead of `strongroom.toml` in the working directory.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
    /// `--no-migrate`.
    pub no_migrate: bool,
    /// True for a command that sends secrets somewhere: a file that lies in the working directory does not tell it
    /// where. Whoever can put a file there must not be handed a key.
    pub is_command: bool,
}

/// A configuration that can be used, and what was seen on the way to it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Oddities that should be told once, on stderr.
    pub warnings: Vec<String>,
    /// Variables that usually hold keys of providers, with their values, from the environment or else from `.env`;
    /// those that are empty left out.
    pub provider_environment: Vec<(String, Secret)>,
    origins: BTreeMap<String, String>,
}

/// Loads the configuration from these sources and no others; files are read, nothing is written.
///
/// # Errors
/// All that is wrong, together.
pub fn load(
    overrides: &Overrides,
    environment: &Environment,
    working_directory: &Path,
) -> Result<Loaded, ConfigError> {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let sources = Sources::read(overrides, environment, working_directory, &mut problems, &mut warnings);
    let mut reader = Reader::new(&sources, problems, warnings);
    let config = read(&mut reader);
    let outcome = reader.finish();
    match config {
        Some(config) if outcome.problems.is_empty() => Ok(Loaded {
            config,
            warnings: outcome.warnings,
            provider_environment: sources.provider_environment(),
            origins: outcome.origins,
        }),
        _ => Err(ConfigError { problems: outcome.problems, warnings: outcome.warnings }),
    }
}

/// Loads the configuration of a process that was started here and now.
///
/// # Errors
/// All that is wrong, together.
pub fn load_from_process(overrides: &Overrides) -> Result<Loaded, ConfigError> {
    load(overrides, &Environment::from_process(), &working_directory()?)
}

fn working_directory() -> Result<PathBuf, ConfigError> {
    std::env::current_dir().map_err(|error| ConfigError {
        problems: vec![format!("the working directory cannot be found: {error}; start from another folder")],
        warnings: Vec::new(),
    })
}

/// `None` only when a problem has been noted. Every section is read before the first missing value ends it.
fn read(reader: &mut Reader<'_>) -> Option<Config> {
    let data_dir = data_dir::read(reader);
    let database = database::read(reader, data_dir.as_deref());
    let encryption = encryption::read(reader, data_dir.as_deref());
    let http = http::read(reader);
    let auth = auth::read(reader);
    let endpoints = endpoints::read(reader);
    let alerts = alerts::read(reader);
    let gateway = gateway::read(reader);
    let ai = ai::read(reader);
    let usage = usage::read(reader);
    let credentials = credentials::read(reader);
    let fallback = fallback::read(reader);
    let log = log::read(reader);
    let audit = audit::read(reader);
    Some(Config {
        data_dir: data_dir?,
        database: database?,
        encryption: encryption?,
        http: http?,
        auth,
        endpoints: endpoints?,
        alerts: alerts?,
        gateway: gateway?,
        ai: ai?,
        usage: usage?,
        credentials: credentials?,
        fallback: fallback?,
        log: log?,
        audit: audit?,
    })
}
