//! `cargo xtask bench rotation`: what the gateway serves while the data key of 10,000 credentials is replaced, beside what it
//! serves before, in turns, on the same core.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::admin::Admin;
use super::gateway::{QUESTION, bearer, postgres};
use super::machine::{Asked, Served, measure};
use super::{nginx, strongroom};
use crate::dist;

const CREDENTIALS: usize = 10_000;
/// Rows that one request may bring.
const PORTION: usize = 500;
const CONNECTIONS: u32 = 32;
/// Number of measurements before and during, in turns.
const TURNS: u32 = 3;
/// The share of what it serves otherwise that the gateway has to serve during a rotation.
const BAR: f64 = 0.8;
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn run(seconds: u32) -> Result<bool> {
    nginx::install()?;
    let binary = dist::build(false)?;
    let folder = std::env::temp_dir().join(format!("strongroom-bench-{}", std::process::id()));
    let done = measure_both(&folder, &binary, seconds);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn measure_both(folder: &Path, binary: &Path, seconds: u32) -> Result<bool> {
    let provider = nginx::provider(folder)?;
    println!(
        "calls through the gateway at {CONNECTIONS} connections while the data key of {CREDENTIALS} credentials is replaced"
    );
    let sqlite = measure_one(folder, binary, ("SQLite", "sqlite", None), &provider, seconds)?;
    let cluster = match postgres() {
        Ok(cluster) => cluster,
        Err(error) => {
            println!("PostgreSQL was not measured: {error:#}");
            return Ok(sqlite);
        }
    };
    let url = cluster.url();
    let postgres = measure_one(folder, binary, ("PostgreSQL", "postgres", Some(&url)), &provider, seconds)?;
    Ok(sqlite && postgres)
}

/// Tells whether the gateway stays above the bar on this database.
fn measure_one(
    folder: &Path,
    binary: &Path,
    (name, part, database): (&str, &str, Option<&str>),
    provider: &Served,
    seconds: u32,
) -> Result<bool> {
    let place = folder.join(part);
    let made = strongroom::start(binary, &place, database, provider.port)?;
    let admin = Admin { port: made.served.port, token: made.admin.clone() };
    fill(&admin)?;
    let headers = bearer(&made.token);
    let asked = Asked { path: "/openai/v1/chat/completions", headers: &headers, body: Some(QUESTION) };
    let served = || -> Result<f64> {
        Ok(measure(folder, &made.served, &asked, CONNECTIONS, seconds.div_ceil(TURNS))?.per_second)
    };
    let (mut before, mut during, mut took) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        before.push(served()?);
        let (stop, ended) = (AtomicBool::new(false), AtomicUsize::new(0));
        let rotations = std::thread::scope(|scope| -> Result<Vec<f64>> {
            let rotating = scope.spawn(|| rotate_until(&admin, &stop, &ended));
            let mut measure_them = || -> Result<()> {
                // At least until one has ended, so that all of it is measured.
                while !rotating.is_finished() && ended.load(Ordering::SeqCst) == 0 {
                    during.push(served()?);
                }
                Ok(())
            };
            let measured = measure_them();
            stop.store(true, Ordering::SeqCst);
            let rotations = rotating.join().map_err(|_| anyhow::anyhow!("the rotating thread ended"))?;
            measured.and(rotations)
        })?;
        took.extend(rotations);
    }
    let ratio = median(&mut during) / median(&mut before);
    println!(
        "{name:<12} before {:>8.0} req/s   during {:>8.0} req/s   ratio {ratio:.3} (bar {BAR})   a rotation took {:.1} s \
         under load (median of {})",
        median(&mut before),
        median(&mut during),
        median(&mut took),
        took.len()
    );
    Ok(ratio > BAR)
}

/// Replaces the data key again and again; tells how many seconds each rotation took that ended before the stop.
fn rotate_until(admin: &Admin, stop: &AtomicBool, ended: &AtomicUsize) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let began = Instant::now();
        admin.ask("POST", "/api/admin/encryption-keys/rotate", "")?;
        while is_rotating(admin)? {
            sleep(LOOK);
        }
        if !stop.load(Ordering::SeqCst) {
            took.push(began.elapsed().as_secs_f64());
            ended.fetch_add(1, Ordering::SeqCst);
        }
    }
    Ok(took)
}

fn is_rotating(admin: &Admin) -> Result<bool> {
    Ok(admin.ask("GET", "/api/admin/encryption-keys", "")?.contains("\"isOpen\":true"))
}

pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Credentials of a provider that the calls do not go to, with a key of a usual length each.
fn fill(admin: &Admin) -> Result<()> {
    for first in (0..CREDENTIALS).step_by(PORTION) {
        let rows: Vec<String> = (first..first + PORTION)
            .map(|number| {
                format!(
                    r#"{{"name":"filled-{number}","provider":"anthropic","apiKey":"sk-ant-{number:0>90}","isActive":true,"isGlobal":true}}"#
                )
            })
            .collect();
        let body = format!(r#"{{"source":"env","rows":[{}]}}"#, rows.join(","));
        let said = admin.ask("POST", "/api/admin/credentials/import", &body)?;
        ensure!(said.contains(&format!("\"migrated\":{PORTION}")), "not all were taken: {said:.300}");
    }
    Ok(())
}
