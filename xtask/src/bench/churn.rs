//! `cargo xtask bench churn`: what the gateway serves while tokens are made and revoked beside it, and what it serves without, in
//! turns of a second, on the same core.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::admin::Admin;
use super::gateway::{QUESTION, bearer, postgres};
use super::machine::{Asked, CONNECTIONS, Served, measure};
use super::rotation::median;
use super::{nginx, strongroom};
use crate::dist;

/// Tokens that are made, and revoked, in a second.
const TOKENS_PER_SECOND: u32 = 20;
/// The share of that rate that has to be reached, or the measurement is of something else.
const RATE_BAR: f64 = 0.9;
/// The share of what it serves otherwise that the gateway has to serve beside it.
const BAR: f64 = 0.95;

/// Measures the shipped build, or `binary` when it is given.
pub(super) fn run(binary: Option<PathBuf>, seconds: u32) -> Result<bool> {
    nginx::install()?;
    let binary = match binary {
        Some(binary) => binary.canonicalize().with_context(|| binary.display().to_string())?,
        None => dist::build(false)?,
    };
    let folder = std::env::temp_dir().join(format!("strongroom-churn-{}", std::process::id()));
    let done = measure_both(&folder, &binary, seconds);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn measure_both(folder: &Path, binary: &Path, seconds: u32) -> Result<bool> {
    let provider = nginx::provider(folder)?;
    println!(
        "calls through the gateway per second, medians of {seconds} turns of a second each, without and beside \
         {TOKENS_PER_SECOND} tokens a second that are made and revoked"
    );
    println!(
        "{:<12} {:>5} {:>10} {:>10} {:>7} {:>6} {:>12}",
        "database", "conns", "without", "beside", "ratio", "bar", "tokens/s"
    );
    let sqlite = Side { name: "SQLite", place: folder.join("sqlite"), database: None };
    let is_sqlite_above = sqlite.measure(folder, binary, &provider, seconds)?;
    let cluster = match postgres() {
        Ok(cluster) => cluster,
        Err(error) => {
            println!("PostgreSQL was not measured: {error:#}");
            return Ok(is_sqlite_above);
        }
    };
    let postgres = Side { name: "PostgreSQL", place: folder.join("postgres"), database: Some(cluster.url()) };
    Ok(postgres.measure(folder, binary, &provider, seconds)? && is_sqlite_above)
}

/// One database to measure on.
struct Side {
    name: &'static str,
    place: PathBuf,
    database: Option<String>,
}

impl Side {
    /// Whether the gateway stays above the bar at every number of connections.
    fn measure(&self, folder: &Path, binary: &Path, provider: &Served, seconds: u32) -> Result<bool> {
        let database = self.database.as_deref();
        let made = strongroom::start(binary, &self.place, database, provider.port)?;
        let admin = Admin { port: made.served.port, token: made.admin.clone() };
        let headers = bearer(&made.token);
        let asked = Asked { path: "/openai/v1/chat/completions", headers: &headers, body: Some(QUESTION) };
        let mut is_above = true;
        for connections in CONNECTIONS {
            let served =
                || -> Result<f64> { Ok(measure(folder, &made.served, &asked, connections, 1)?.per_second) };
            // What is opened and prepared with the first calls is in neither figure.
            served()?;
            let (mut without, mut beside, mut rates) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..seconds {
                without.push(served()?);
                let (calls, rate) = while_churning(&admin, served)?;
                beside.push(calls);
                rates.push(rate);
            }
            let (without, beside, rate) = (median(&mut without), median(&mut beside), median(&mut rates));
            let ratio = beside / without;
            println!(
                "{:<12} {connections:>5} {without:>10.0} {beside:>10.0} {ratio:>7.3} {BAR:>6} {rate:>12.1}",
                self.name
            );
            // At a lower rate it shows nothing of this one.
            let is_measured = rate >= RATE_BAR * f64::from(TOKENS_PER_SECOND);
            is_above &= is_measured && ratio >= BAR;
        }
        Ok(is_above)
    }
}

/// Does something while tokens come and go; what it tells, and how many of them there were in a second.
fn while_churning<T>(admin: &Admin, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let churning = scope.spawn(|| churn_until(admin, &stop));
        let done = work();
        stop.store(true, Ordering::SeqCst);
        let rate = churning.join().map_err(|_| anyhow::anyhow!("the thread that makes tokens ended"))?;
        Ok((done?, rate?))
    })
}

/// Makes a token and revokes it, at the rate, until the stop; tells the rate that it came to.
fn churn_until(admin: &Admin, stop: &AtomicBool) -> Result<f64> {
    let began = Instant::now();
    let mut tokens: u32 = 0;
    while !stop.load(Ordering::SeqCst) {
        let made = admin.ask("POST", "/api/admin/tokens", r#"{"name":"churn","role":"gateway"}"#)?;
        let id = made.split_once("\"id\":\"").and_then(|(_, rest)| rest.split_once('"'));
        let (id, _) = id.with_context(|| format!("no id in {made:.300}"))?;
        admin.ask("DELETE", &format!("/api/admin/tokens/{id}"), "")?;
        tokens += 1;
        let due = began + Duration::from_secs(1) * tokens / TOKENS_PER_SECOND;
        sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(f64::from(tokens) / began.elapsed().as_secs_f64())
}
