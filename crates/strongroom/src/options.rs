//! Options to open a strongroom with.

use std::path::PathBuf;

use strongroom_connectors::endpoint_guard::EndpointGuard;
use strongroom_model::price::PriceTable;
use strongroom_model::tag::TagKeys;
use strongroom_model::{Clock, Secret};

use crate::alert::AlertOptions;
use crate::environment::Environment;
use crate::prices;

/// Where the master key comes from.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// Given as 64 hex digits.
    Given(Secret),
    /// In this file, which is made with a fresh key when neither it nor the database exists.
    FileOrNew(PathBuf),
}

/// How to open a strongroom.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// Database connections at the most.
    pub max_connections: u32,
    /// True to bring the schema up to date; otherwise it is only checked.
    pub migrate: bool,
    /// The master key.
    pub key: KeySource,
    /// The master key that it replaces, as long as that is still needed.
    pub previous_key: Option<Secret>,
    /// Keys from the environment.
    pub environment: Environment,
    /// Which endpoints may be called.
    pub guard: EndpointGuard,
    /// Whom alerts may be sent to, beside what is public.
    pub alerts: AlertOptions,
    /// Prices of models.
    pub prices: PriceTable,
    /// Versions of a credential that keep their values; at least one does.
    pub versions_kept: u32,
    /// Days in which a deleted credential can be taken back.
    pub recovery_days: u32,
    /// Keys of tags that uses are booked to.
    pub tag_keys: TagKeys,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Options {
    /// The defaults: ten connections, migrations at start, no keys from the environment, public endpoints only.
    pub fn new(database_url: impl Into<Secret>, master_key: impl Into<Secret>) -> Self {
        Self {
            database_url: database_url.into(),
            max_connections: 10,
            migrate: true,
            key: KeySource::Given(master_key.into()),
            previous_key: None,
            environment: Environment::disabled(),
            guard: EndpointGuard::new(false),
            alerts: AlertOptions::default(),
            prices: prices::built_in(),
            versions_kept: 10,
            recovery_days: 30,
            tag_keys: TagKeys::default(),
            clock: Clock::Database,
        }
    }
}
