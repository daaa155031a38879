//! `cargo xtask verify`: promises shown at length, on a release build: what the tests show with a few rounds.

use anyhow::{Context, Result};
use clap::ValueEnum;
use strongroom_testkit::postgres_cluster::{PostgresCluster, URL_VARIABLE};

use crate::workspace;

/// What the command takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to show
    #[arg(value_enum)]
    what: What,

    /// Rounds of parallel calls
    #[arg(long, default_value_t = 200)]
    rounds: u32,

    /// How often a server is killed
    #[arg(long, default_value_t = 100)]
    kills: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Limits hold through parallel calls, kills and a database that is away, on SQLite and PostgreSQL
    Limits,
}

/// Runs it; whether the promise was kept.
pub(crate) fn run(options: &Options) -> Result<bool> {
    match options.what {
        What::Limits => limits(options),
    }
}

fn limits(options: &Options) -> Result<bool> {
    let cluster = match std::env::var_os(URL_VARIABLE) {
        None => Some(PostgresCluster::start()?),
        Some(_) => None,
    };
    let mut is_kept = true;
    for database in ["sqlite", "postgres"] {
        let mut command = workspace::cargo();
        command.args([
            "test",
            "--release",
            "--package",
            "strongroom-server",
            "--all-features",
            "--test",
            database,
        ]);
        // One after the other: each has the machine to itself.
        command.args(["--", "exactness", "outage", "--nocapture", "--test-threads", "1"]);
        command.env("STRONGROOM_VERIFY_ROUNDS", options.rounds.to_string());
        command.env("STRONGROOM_VERIFY_KILLS", options.kills.to_string());
        command.envs(cluster.as_ref().map(|cluster| (URL_VARIABLE, cluster.url())));
        is_kept &= command.status().context("`cargo test`")?.success();
    }
    Ok(is_kept)
}
