//! `cargo xtask verify`: promises shown at length, on a release build: what the tests show with a few rounds.

use anyhow::{Context, Result};
use clap::ValueEnum;
use strongroom_testkit::postgres_cluster::{PostgresCluster, URL_VARIABLE};

use crate::workspace;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Property to verify
    #[arg(value_enum)]
    what: What,

    /// Rounds of parallel calls (limits)
    #[arg(long, default_value_t = 200)]
    rounds: u32,

    /// Number of kills of a server at random (limits; faults: in each operation)
    #[arg(long, default_value_t = 100)]
    kills: u32,

    /// Minutes of work on each database (soak)
    #[arg(long, default_value_t = 30)]
    minutes: u32,

    /// Lines of the ledger that is rebuilt (migration)
    #[arg(long, default_value_t = 10_000_000)]
    lines: u32,

    /// One database only
    #[arg(long, value_enum)]
    only: Option<Database>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    /// Limits hold through parallel calls, kills and a database that is away, on SQLite and PostgreSQL
    Limits,
    /// An operation that is killed, at every statement and at random, was not done or is done whole, and full disks, read-only and
    /// vanished databases, used-up connections and jumping clocks lose nothing
    Faults,
    /// Memory and descriptors of a server stay flat through mixed work and faults
    Soak,
    /// Behind a `PgBouncer`, in session and in transaction mode, everything works as it does without one
    Pooler,
    /// A ledger of the version before, spoilt and with very many lines, is rebuilt: how long it takes, how much disk, and that
    /// afterwards counters equal lines and a backup opens
    Migration,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs it; whether the promise was kept.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let server = ["strongroom-server"].as_slice();
    match options.what {
        What::Limits => {
            let rounds = [("ROUNDS", options.rounds), ("KILLS", options.kills)];
            tests(options, server, &["exactness", "outage"], &rounds)
        }
        What::Faults => {
            let names = ["faults::", "surroundings::", "outage"];
            tests(options, &["strongroom", "strongroom-server"], &names, &[("KILLS", options.kills)])
        }
        What::Migration => {
            tests(options, &["strongroom"], &["migration::a_ledger"], &[("LINES", options.lines)])
        }
        What::Pooler => pooler(),
        What::Soak => tests(options, server, &["soak::"], &[("MINUTES", options.minutes)]),
    }
}

/// Runs the suites on PostgreSQL behind a pooler, in each mode.
fn pooler() -> Result<bool> {
    let cluster = match std::env::var_os(URL_VARIABLE) {
        None => Some(PostgresCluster::start()?),
        Some(_) => None,
    };
    let mut is_kept = true;
    for mode in ["session", "transaction"] {
        let mut command = workspace::cargo();
        command.args(["test", "--no-fail-fast", "--all-features", "--test", "postgres"]);
        command.args(
            ["strongroom-store", "strongroom", "strongroom-server"].iter().flat_map(|it| ["--package", it]),
        );
        command.env("STRONGROOM_TEST_POOLER", mode);
        command.envs(cluster.as_ref().map(|cluster| (URL_VARIABLE, cluster.url())));
        is_kept &= command.status().context("`cargo test`")?.success();
    }
    Ok(is_kept)
}

/// Runs these tests at length, on each database.
fn tests(options: &Options, packages: &[&str], names: &[&str], lengths: &[(&str, u32)]) -> Result<bool> {
    let is_wanted = |database: &Database| options.only.is_none_or(|only| only == *database);
    let databases: Vec<Database> = Database::value_variants().iter().copied().filter(is_wanted).collect();
    let cluster = match std::env::var_os(URL_VARIABLE) {
        None if databases.contains(&Database::Postgres) => Some(PostgresCluster::start()?),
        _ => None,
    };
    let mut is_kept = true;
    for database in databases {
        let mut command = workspace::cargo();
        command.args(["test", "--release", "--no-fail-fast", "--all-features", "--test", &database.name()]);
        command.args(packages.iter().flat_map(|package| ["--package", package]));
        // One after the other: each has the machine to itself.
        command.arg("--").args(names).args(["--nocapture", "--test-threads", "1"]);
        for (name, length) in lengths {
            command.env(format!("STRONGROOM_VERIFY_{name}"), length.to_string());
        }
        command.envs(cluster.as_ref().map(|cluster| (URL_VARIABLE, cluster.url())));
        is_kept &= command.status().context("`cargo test`")?.success();
    }
    Ok(is_kept)
}
