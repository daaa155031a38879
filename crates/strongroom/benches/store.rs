//! How the time of reads and of a start grows with the number of credentials, on both databases.
//!
//! Run by `cargo xtask bench store`. Everything is measured through the library, as a program that embeds it would see it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program of its own: what it measured is its output, how far it is goes beside it"
)]

#[path = "store/fill.rs"]
mod fill;
#[path = "store/measure.rs"]
mod measure;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use strongroom_testkit::{Backend, TestDatabase};

use measure::Medians;

/// Numbers of credentials that are compared.
const FEW: u64 = 100;
const MANY: u64 = 100_000;

/// What repeated runs of the same measurement differ by on a machine that does other things too.
const NOISE: f64 = 1.25;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let allowed = growth_of_the_logarithm() * NOISE;
    println!(
        "medians; growth is {MANY} against {FEW} credentials. log(rows) grows by {:.2}, {:.0} % of noise are allowed: \
         {allowed:.2}\n",
        growth_of_the_logarithm(),
        (NOISE - 1.0) * 100.0
    );
    println!("{:<44} {:>12} {:>12} {:>8}", "", FEW, MANY, "growth");
    let mut is_within = true;
    for (backend, name) in [(Backend::Sqlite, "SQLite"), (Backend::Postgres, "PostgreSQL")] {
        let few = medians(backend, FEW).await?;
        let many = medians(backend, MANY).await?;
        println!("{name}");
        for ((what, few), (_, many)) in few.iter().zip(&many) {
            let growth = many.as_secs_f64() / few.as_secs_f64();
            let verdict = if growth <= allowed { "" } else { "  faster than log(rows)" };
            is_within &= growth <= allowed;
            println!("  {what:<42} {:>12} {:>12} {growth:>8.2}{verdict}", shown(*few), shown(*many));
        }
    }
    println!(
        "\n{}",
        if is_within {
            "nothing grows faster than log(rows)"
        } else {
            "something grows faster than log(rows)"
        }
    );
    Ok(if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn growth_of_the_logarithm() -> f64 {
    (MANY as f64).ln() / (FEW as f64).ln()
}

fn shown(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

async fn medians(backend: Backend, rows: u64) -> Result<Medians, Box<dyn Error>> {
    let database = TestDatabase::new(backend).await;
    let begun = Instant::now();
    let key = fill::fill(database.url(), rows).await?;
    if backend == Backend::Postgres {
        // What autovacuum does by itself a minute later.
        database.execute("VACUUM ANALYZE").await;
    }
    eprintln!("filled {backend:?} with {rows} credentials in {:.1} s", begun.elapsed().as_secs_f64());
    measure::all(database.url(), &key, rows).await
}
