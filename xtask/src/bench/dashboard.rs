//! `cargo xtask bench dashboard`: how long the server takes for each page, at 100,000 credentials, 10 million lines of the ledger
//! and 1.7 million sums of days, on both databases.

mod fill;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use self::fill::Database;
use super::admin::Admin;
use super::gateway::postgres;
use super::rotation::median;
use super::{nginx, strongroom};
use crate::dist;
use crate::test::Installer;

/// Times that each page is asked for.
const TIMES: usize = 40;
/// Milliseconds in which 95 of 100 answers are to be there, of a page, and of a ranking over a range of anybody's choice.
const PAGE_BAR: f64 = 100.0;
const RANKING_BAR: f64 = 1000.0;
/// For how long it is watched while nobody asks.
const IDLE: Duration = Duration::from_secs(60);
/// How long it may take until the sums of a month are there.
const REBUILD: Duration = Duration::from_secs(1800);

/// How much there is.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) credentials: u64,
    /// Of the ledger.
    pub(super) lines: u64,
}

/// Measures the shipped build, or `binary` when it is given.
pub(super) fn run(binary: Option<PathBuf>, size: Size) -> Result<bool> {
    Installer::default().programs(
        "sqlite3 and psql",
        &["sqlite3", "psql"],
        &["sqlite3", "postgresql-client"],
    )?;
    nginx::install()?;
    let binary = match binary {
        Some(binary) => binary.canonicalize().with_context(|| binary.display().to_string())?,
        None => dist::build(false)?,
    };
    let folder = std::env::temp_dir().join(format!("strongroom-dashboard-{}", std::process::id()));
    let done = measure_both(&folder, &binary, size);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done
}

fn measure_both(folder: &Path, binary: &Path, size: Size) -> Result<bool> {
    let provider = nginx::provider(folder)?;
    println!("milliseconds of the server for each page, of {TIMES} times");
    let is_sqlite_within = measure_one(folder, binary, ("SQLite", None), (provider.port, size))?;
    let cluster = postgres()?;
    let url = cluster.url();
    Ok(measure_one(folder, binary, ("PostgreSQL", Some(&url)), (provider.port, size))? && is_sqlite_within)
}

/// Whether every page stays within its bar on this database.
fn measure_one(
    folder: &Path,
    binary: &Path,
    (name, url): (&str, Option<&str>),
    (provider, size): (u16, Size),
) -> Result<bool> {
    let place = folder.join(name);
    let began = Instant::now();
    let made = strongroom::start(binary, &place, url, provider)?;
    let token = made.admin;
    fill::credentials(&Admin { port: made.served.port, token: token.clone() }, size.credentials)?;
    made.served.end()?;
    let file = place.join("data").join("strongroom.db");
    let database = match url {
        Some(url) => Database::Postgres(url.to_owned()),
        None => Database::Sqlite(file.clone()),
    };
    fill::usage(&database, size)?;
    let served = strongroom::serve(binary, &place, url)?;
    let admin = Admin { port: served.port, token };
    let filled = began.elapsed();
    let began = Instant::now();
    admin.ask_within(REBUILD, "POST", "/api/admin/usage/rebuild", "")?;
    println!(
        "{name}: filled in {:.0} s, sums made in {:.0} s; {} MB",
        filled.as_secs_f64(),
        began.elapsed().as_secs_f64(),
        fill::megabytes(&file)
    );
    let used = served.cpu_seconds();
    sleep(IDLE);
    println!(
        "idle it takes {:.1} % of a core, over {} s",
        (served.cpu_seconds() - used) * 100.0 / IDLE.as_secs_f64(),
        IDLE.as_secs()
    );
    println!("{:<66} {:>8} {:>8} {:>8} {:>9}", "page", "median", "p95", "bar", "bytes");
    let visitor = Visitor::signed_in(&admin)?;
    let mut is_within = true;
    for (page, bar) in pages(&admin)? {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..TIMES {
            let began = Instant::now();
            bytes = visitor.get(&page)?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let median = median(&mut times);
        let late = times.get(TIMES * 95 / 100).copied().unwrap_or(f64::NAN);
        let verdict = if late <= bar { "" } else { "  too slow" };
        is_within &= late <= bar;
        println!("{page:<66} {median:>8.1} {late:>8.1} {bar:>8.0} {bytes:>9}{verdict}");
    }
    Ok(is_within)
}

/// The pages, and the bar of each.
fn pages(admin: &Admin) -> Result<Vec<(String, f64)>> {
    let found = admin.ask("GET", "/api/admin/credentials?limit=1&q=team-0001-key-000050", "")?;
    let id = |said: &str| -> Result<String> {
        let (_, rest) = said.split_once("\"id\":").with_context(|| format!("no id in {said:.300}"))?;
        Ok(rest.trim_start_matches('"').chars().take_while(char::is_ascii_alphanumeric).collect())
    };
    let credential = id(&found)?;
    let limit = id(&admin.ask("GET", &format!("/api/admin/limits?credential={credential}&limit=1"), "")?)?;
    let page = |path: &str| (format!("/dashboard{path}"), PAGE_BAR);
    let mut pages: Vec<_> = [
        "",
        "/credentials",
        "/credentials?q=key-0500",
        "/credentials?provider=groq",
        "/credentials?cursor=60000",
        "/credentials/deleted",
        "/usage",
        "/usage?range=90d&by=model",
        "/usage?range=30d&by=provider&measure=calls",
        "/usage?range=30d&by=source&provider=groq",
        "/limits",
        "/limits/test",
        "/tokens",
        "/users",
        "/audit",
        "/keys",
        "/settings",
        "/mine",
        "/start",
        "/sessions",
        "/find?q=key-05",
    ]
    .into_iter()
    .map(page)
    .collect();
    for tab in ["", "?tab=versions", "?tab=limits", "?tab=access", "?tab=audit"] {
        pages.push(page(&format!("/credentials/{credential}{tab}")));
    }
    pages.push(page(&format!("/limits/{limit}")));
    for by in ["credential", "actor", "user"] {
        pages.push((format!("/dashboard/usage?range=30d&by={by}"), RANKING_BAR));
    }
    Ok(pages)
}

/// Somebody with a browser, signed in as administrator.
struct Visitor {
    port: u16,
    cookie: String,
}

impl Visitor {
    fn signed_in(admin: &Admin) -> Result<Self> {
        let mut visitor = Self { port: admin.port, cookie: String::new() };
        let form = format!("token={}", admin.token);
        let answer = visitor.send(&format!(
            "POST /login HTTP/1.1\r\norigin: {}\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n{}\r\n\r\n{form}",
            format_args!("http://{}", visitor.host()),
            form.len(),
            visitor.common()
        ))?;
        let (_, rest) = answer.split_once("set-cookie: ").with_context(|| format!("{answer:.300}"))?;
        visitor.cookie = rest.split(';').next().context("a cookie")?.to_owned();
        Ok(visitor)
    }

    fn host(&self) -> String {
        format!("strongroom.localhost:{}", self.port)
    }

    fn common(&self) -> String {
        format!("host: {}\r\nuser-agent: a browser\r\nconnection: close", self.host())
    }

    /// The bytes of a page.
    fn get(&self, path: &str) -> Result<usize> {
        let common = self.common();
        let answer =
            self.send(&format!("GET {path} HTTP/1.1\r\ncookie: {}\r\n{common}\r\n\r\n", self.cookie))?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer:.300}");
        Ok(answer.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len()))
    }

    fn send(&self, request: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}
