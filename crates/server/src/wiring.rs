//! The wiring: from a configuration to a running product. The only place that names the store.

mod data_dir;
mod dispatcher;
mod frame_guard;
pub mod hardening;
mod jobs;
mod listen;
mod local;
mod router;
mod serve;
pub(crate) mod socket_file;

use std::io::{Read, Seek};
use std::sync::Arc;
use std::time::Duration;

use strongroom::alert::AlertOptions;
use strongroom::backup::{OpenWindows, Restored, Watcher};
use strongroom::{Clock, Environment, KeySource, Opened, Options, Strongroom};
use strongroom_model::{Actor, ActorKind, Problem, Role, Secret};
use strongroom_store::{Store, StoreOptions, schema};

use crate::config::{self, Config, Loaded, LogFormat};
use crate::gateway::{self, Gateway};
use crate::http::authentication::Authenticator;
use crate::http::jwt::JwtVerifier;
use crate::http::metrics::Metrics;
use crate::http::peer::LocalPeer;
use crate::state::{AppState, Services};
use crate::telemetry;

pub(crate) use jobs::AUDIT_HEAD;
pub use local::{InProcess, in_process};
pub use serve::serve;

/// Opens the strongroom that a configuration names.
async fn open(loaded: &Loaded) -> Result<Opened, Problem> {
    Strongroom::open_or_make(options(loaded)?).await
}

/// Puts a backup into the configured database, which must be empty.
///
/// # Errors
/// [`Problem`].
pub async fn restore(
    loaded: &Loaded,
    file: &mut (impl Read + Seek),
    windows: OpenWindows,
    watch: Watcher<'_>,
) -> Result<Restored, Problem> {
    telemetry::start(LogFormat::Pretty, "warn,sqlx=error");
    let _lock = data_dir::hold(&loaded.config)?;
    let LocalPeer(name) = LocalPeer::of_this_process();
    let actor = Actor::new(ActorKind::Local(name), Role::Admin);
    strongroom::backup::restore(file, &options(loaded)?, windows, &actor, watch).await
}

fn options(loaded: &Loaded) -> Result<Options, Problem> {
    let config = &loaded.config;
    let key = match &config.encryption.key {
        Some(key) => KeySource::Given(key.clone()),
        None => KeySource::FileOrNew(key_file(config)),
    };
    let environment = if config.fallback.environment {
        Environment::of(loaded.provider_environment.clone())
    } else {
        Environment::disabled()
    };
    Ok(Options {
        database_url: Secret::from(config.database.url.expose()),
        max_connections: config.database.max_connections,
        migrate: config.database.migrate,
        key,
        previous_key: config.encryption.previous.clone(),
        environment,
        guard: config.endpoints.guard(),
        alerts: AlertOptions {
            allowed: config.alerts.allow.clone(),
            public_url: config.http.public_url.clone(),
        },
        prices: prices(config)?,
        versions_kept: config.credentials.versions_kept,
        tag_keys: config.usage.tag_keys.clone(),
        recovery_days: config.credentials.recovery_days,
        clock: Clock::Database,
    })
}

/// Lists what keeps a server from starting with such a configuration, as far as that shows without touching anything: keys, the
/// first token, the TLS files and the prices.
pub fn faults(loaded: &Loaded) -> Vec<String> {
    let config = &loaded.config;
    let checks = [
        options(loaded).and_then(|options| strongroom::open::check_keys(&options)),
        config
            .auth
            .admin_token
            .clone()
            .map_or(Ok(()), |token| strongroom::token::read_first_token(token).map(drop)),
        listen::tls(&config.http).map(drop),
    ];
    checks.into_iter().filter_map(|check| Some(check.err()?.message)).collect()
}

/// The built-in prices under those that the configuration names.
fn prices(config: &Config) -> Result<strongroom::PriceTable, Problem> {
    let mut table = strongroom::prices::built_in();
    if let Some(path) = &config.usage.prices_file {
        let named =
            |message: String| Problem::invalid("usage.prices_file", format!("{}: {message}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        table.override_with(strongroom::prices::parse(&text).map_err(|problem| named(problem.message))?);
    }
    Ok(table)
}

/// Path of the key that a first start makes.
fn key_file(config: &Config) -> std::path::PathBuf {
    config.data_dir.join("master.key")
}

/// The services of a process over an open strongroom.
fn app(room: &Strongroom, loaded: &Loaded, listening: Option<String>) -> AppState {
    let config = &loaded.config;
    let jwt = config.auth.jwt_secret.as_ref().map(JwtVerifier::new);
    let authenticator = Arc::new(Authenticator::new(room.clone(), jwt));
    let metrics = Arc::new(Metrics::default());
    let gateway = Gateway::new(
        room.clone(),
        Arc::clone(&authenticator),
        Arc::clone(&metrics),
        config.endpoints.guard(),
        gateway_options(config),
    );
    AppState::new(Services {
        room: room.clone(),
        authenticator,
        gateway: Arc::new(gateway),
        ai_models: config.ai.models(),
        usage_retention_days: config.usage.retention_days,
        listening,
        public_url: config.http.public_url.clone(),
        metrics,
        settings: config::describe(loaded),
        provider_variables: loaded.provider_environment.iter().map(|(name, _)| name.clone()).collect(),
    })
}

fn gateway_options(config: &Config) -> gateway::Options {
    let tag_keys = config.usage.tag_keys.clone();
    let config = &config.gateway;
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    gateway::Options {
        connect_timeout: seconds(config.connect_timeout_seconds),
        first_byte_timeout: seconds(config.first_byte_timeout_seconds),
        idle_timeout: seconds(config.idle_timeout_seconds),
        names: config.names.clone(),
        tag_keys,
    }
}

/// Tells whether the configured database is an installation, half restored ones among them, without opening or changing it. What
/// belongs to something else counts as one too: opening it says what is wrong.
///
/// # Errors
/// [`Problem`] when it cannot be read.
pub async fn is_begun(config: &Config) -> Result<bool, Problem> {
    Ok(match schema::glimpse(config.database.url.expose()).await? {
        schema::Glimpse::Empty => false,
        schema::Glimpse::Ours { master_fingerprints } => !master_fingerprints.is_empty(),
        schema::Glimpse::HalfRestored | schema::Glimpse::Foreign => true,
    })
}

/// Fingerprints of the master keys of the configured database, without opening or changing it; `None` when there is none
/// yet.
///
/// # Errors
/// [`Problem`] when it cannot be read, or belongs to something else.
pub async fn masters(config: &Config) -> Result<Option<Vec<String>>, Problem> {
    match schema::glimpse(config.database.url.expose()).await? {
        schema::Glimpse::Empty => Ok(None),
        schema::Glimpse::Ours { master_fingerprints } => {
            Ok(Some(master_fingerprints).filter(|masters| !masters.is_empty()))
        }
        schema::Glimpse::HalfRestored => Err(strongroom::backup::half_restored()),
        schema::Glimpse::Foreign => Err(Problem::internal(
            "the database has tables, but they are not strongroom's: set STRONGROOM_DATABASE_URL to strongroom's own",
        )),
    }
}

/// Brings the schema of the configured database up to date, and does nothing else: no key is needed.
///
/// # Errors
/// [`Problem`] when the database belongs to something else, is newer, or cannot be reached.
pub async fn migrate(config: &Config) -> Result<(), Problem> {
    telemetry::start(LogFormat::Pretty, "warn,sqlx=error");
    let url = config.database.url.expose();
    match schema::glimpse(url).await? {
        schema::Glimpse::Empty | schema::Glimpse::Ours { .. } => {}
        schema::Glimpse::HalfRestored => return Err(strongroom::backup::half_restored()),
        schema::Glimpse::Foreign => {
            return Err(Problem::internal(
                "the database has tables, but they are not strongroom's: use an empty database, and to move credentials \
                 of another application in from this one, run `strongroom import legacy`",
            ));
        }
    }
    let _lock = data_dir::hold(config)?;
    let options = StoreOptions { url: url.to_owned(), max_connections: 2, clock: Clock::Database };
    let store = Store::connect(&options).await?;
    let done = schema::migrate(&store).await;
    store.close().await;
    Ok(done?)
}
