//! `cargo xtask bench`: measurements that a promise depends on, always of a release build.

mod admin;
mod churn;
mod cost;
mod dashboard;
mod exercise;
mod gateway;
mod machine;
mod nginx;
mod rotation;
mod secret_read;
mod strongroom;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;
use strongroom_testkit::postgres_cluster::{PostgresCluster, URL_VARIABLE};

pub(crate) use self::exercise::exercise;
use crate::workspace;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Measurement to make
    #[arg(value_enum)]
    what: What,

    /// For how many seconds each system is asked, at each number of connections
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// Another build of the server to compare with (cost)
    #[arg(long, value_name = "BINARY")]
    beside: Option<PathBuf>,

    /// The build to measure, in place of the shipped one (cost, churn, dashboard)
    #[arg(long, value_name = "BINARY")]
    binary: Option<PathBuf>,

    /// How many credentials there are (dashboard)
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(100..))]
    credentials: u64,

    /// How many lines the ledger has (dashboard)
    #[arg(long, default_value_t = 10_000_000)]
    lines: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Reads, list pages and a start at 100 and at 100,000 credentials, on SQLite and PostgreSQL
    Store,
    /// Calls through the gateway, beside nginx, Portkey and LiteLLM
    Gateway,
    /// CPU time and commits per gateway call, beside another build (`--beside`)
    Cost,
    /// Calls through the gateway while 20 tokens a second are made and revoked, on SQLite and PostgreSQL
    Churn,
    /// Calls through the gateway while the data key of 10,000 credentials is replaced, on SQLite and PostgreSQL
    Rotation,
    /// Reading a key, beside OpenBao
    SecretRead,
    /// Every page of the dashboard at 100,000 credentials and 10 million lines, on SQLite and PostgreSQL
    Dashboard,
}

/// Runs it; whether what it measured keeps its promise.
pub(crate) fn run(options: &Options) -> Result<bool> {
    match options.what {
        What::Store => store(),
        What::Gateway => gateway::run(options.seconds),
        What::Cost => {
            let beside =
                options.beside.as_deref().context("name the build to compare with: --beside BINARY")?;
            cost::run(beside, options.binary.clone(), options.seconds)
        }
        What::Churn => churn::run(options.binary.clone(), options.seconds),
        What::Rotation => rotation::run(options.seconds),
        What::SecretRead => secret_read::run(options.seconds),
        What::Dashboard => {
            let size = dashboard::Size { credentials: options.credentials, lines: options.lines };
            dashboard::run(options.binary.clone(), size)
        }
    }
}

fn store() -> Result<bool> {
    // Started before the build: a missing PostgreSQL is said at once.
    let cluster = match std::env::var_os(URL_VARIABLE) {
        None => Some(PostgresCluster::start()?),
        Some(_) => None,
    };
    let mut command = workspace::cargo();
    command.args(["bench", "--package", "strongroom", "--bench", "store"]);
    command.envs(cluster.as_ref().map(|cluster| (URL_VARIABLE, cluster.url())));
    let status = command.status().context("`cargo bench`")?;
    Ok(status.success())
}
