//! `cargo xtask bench cost --beside BINARY`: what a gateway call costs this build beside another one, in turns on the same
//! core: microseconds of CPU of the server (user and system), and on PostgreSQL commits per 1,000 calls.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::gateway::{QUESTION, bearer, postgres};
use super::machine::{Asked, CONNECTIONS, Served, measure};
use super::{nginx, strongroom};
use crate::dist;

/// Between a commit and its appearance in the statistics of PostgreSQL.
const STATISTICS_DELAY: Duration = Duration::from_secs(3);

/// One of the two builds, serving.
struct Side {
    served: Served,
    headers: Vec<(String, String)>,
    database: Option<String>,
    cpu_micros: Vec<f64>,
    calls: f64,
    commits: i64,
}

/// Measures this build, or `binary` when it is given, beside another.
pub(super) fn run(beside: &Path, binary: Option<PathBuf>, seconds: u32) -> Result<bool> {
    nginx::install()?;
    let binary = match binary {
        Some(binary) => binary,
        None => dist::build(false)?,
    };
    // They are started in folders of their own.
    let whole = |path: &Path| path.canonicalize().with_context(|| path.display().to_string());
    let (beside, binary) = (whole(beside)?, whole(&binary)?);
    let folder = std::env::temp_dir().join(format!("strongroom-cost-{}", std::process::id()));
    let done = compare([&beside, &binary], &folder, seconds);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done.map(|()| true)
}

fn compare(binaries: [&Path; 2], folder: &Path, seconds: u32) -> Result<()> {
    let provider = nginx::provider(folder)?;
    println!("microseconds of the server's CPU per call, medians of {seconds} turns of a second");
    println!(
        "{:<12} {:>5} {:>8} {:>8} {:>7} {:>22}",
        "database", "conns", "before", "now", "ratio", "commits per 1000 calls"
    );
    for is_postgres in [false, true] {
        // Each has a cluster of its own: the statistics count by database, and vacuum is nobody else's.
        let clusters = match is_postgres {
            true => Some([postgres()?, postgres()?]),
            false => None,
        };
        let urls = clusters.as_ref().map(|clusters| [clusters[0].url(), clusters[1].url()]);
        let mut sides = Vec::new();
        for (place, binary) in binaries.into_iter().enumerate() {
            let database = urls.as_ref().map(|urls| urls[place].clone());
            let folder = folder.join(format!("{place}-{is_postgres}"));
            let made = strongroom::start(binary, &folder, database.as_deref(), provider.port)?;
            sides.push(Side {
                served: made.served,
                headers: bearer(&made.token),
                database,
                cpu_micros: Vec::new(),
                calls: 0.0,
                commits: 0,
            });
        }
        for connections in CONNECTIONS {
            for side in &mut sides {
                (side.cpu_micros, side.calls, side.commits) = (Vec::new(), 0.0, side.commits()?);
            }
            for _ in 0..seconds {
                for side in &mut sides {
                    side.turn(folder, connections)?;
                }
            }
            line(is_postgres, connections, &mut sides)?;
        }
    }
    Ok(())
}

fn line(is_postgres: bool, connections: u32, sides: &mut [Side]) -> Result<()> {
    let [before, now] = sides else { return Ok(()) };
    let mut ratios: Vec<f64> =
        before.cpu_micros.iter().zip(&now.cpu_micros).map(|(before, now)| now / before).collect();
    let mut commits = String::new();
    if is_postgres {
        sleep(STATISTICS_DELAY);
        let per_thousand = |side: &Side| -> Result<f64> {
            Ok((side.commits()? - side.commits) as f64 * 1000.0 / side.calls)
        };
        commits = format!("{:.1} -> {:.1}", per_thousand(before)?, per_thousand(now)?);
    }
    println!(
        "{:<12} {connections:>5} {:>8.1} {:>8.1} {:>7.3} {commits:>22}",
        if is_postgres { "PostgreSQL" } else { "SQLite" },
        median(&mut before.cpu_micros),
        median(&mut now.cpu_micros),
        median(&mut ratios),
    );
    Ok(())
}

impl Side {
    /// Asks for a second.
    fn turn(&mut self, folder: &Path, connections: u32) -> Result<()> {
        let asked =
            Asked { path: "/openai/v1/chat/completions", headers: &self.headers, body: Some(QUESTION) };
        let measured = measure(folder, &self.served, &asked, connections, 1)?;
        self.cpu_micros.push(measured.cpu_micros);
        self.calls += measured.per_second;
        Ok(())
    }

    /// Transactions that its database has committed so far; 0 on SQLite, which does not tell.
    fn commits(&self) -> Result<i64> {
        let Some(url) = &self.database else { return Ok(0) };
        let sql = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let output = Command::new("psql").args([url, "-Atc", sql]).output().context("psql")?;
        ensure!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
