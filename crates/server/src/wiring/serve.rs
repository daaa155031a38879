//! `strongroom serve`: from a configuration to a product that answers, until it is told to stop.

use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use futures::FutureExt;
use nix::sys::signal::Signal;
use strongroom::key::Policy;
use strongroom::{Opened, Strongroom};
use strongroom_model::{Problem, Secret};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::dispatcher::Dispatcher;
use super::jobs::{self, JobOptions};
use super::{data_dir, listen, socket_file};
use crate::config::{Loaded, LogFormat};
use crate::telemetry;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// [`Problem`] naming what cannot be had.
pub async fn serve(loaded: Loaded) -> Result<(), Problem> {
    let config = &loaded.config;
    let format = config.log.format.unwrap_or(if std::io::stderr().is_terminal() {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    });
    telemetry::start(format, &config.log.level);
    let mut stop_signals = Stop::listen()?;
    if let Some(token) = &config.auth.admin_token {
        // Here, before anything is made: a first start that fails is to leave nothing behind.
        strongroom::token::read_first_token(token.clone())?;
    }
    // Whatever a server makes is its owner's alone, from the first moment on.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    let lock = data_dir::hold(config)?;
    let tls = listen::tls(&config.http)?;
    // Bound before the database is touched: a port that is taken leaves nothing behind.
    let listener = listen::bind(&config.http)?;
    let address = listener
        .local_addr()
        .map_err(|error| Problem::internal("the address is not known").caused_by(error))?;
    let opened = super::open(&loaded).await?;
    let room = opened.room.clone();
    // Before anybody is told that it serves: whoever comes to the socket file then finds it.
    let socket_path = socket_file::prepare(&config.data_dir)?;
    let socket = listen::bind_socket(&socket_path)?;
    // Said at the start, for it is easily forgotten: a change of the master key that was begun is to be ended.
    for next in room.keys().status().await?.next {
        tracing::warn!(next, "encryption keys need attention");
    }
    let url = format!("{}://{address}", if tls.is_some() { "https" } else { "http" });
    greet(&opened, &loaded, &url).await?;
    let dispatcher = Dispatcher::new(super::app(&room, &loaded, Some(url)));

    let stop = CancellationToken::new();
    let end = listen::Ending {
        stop: stop.clone(),
        drain: Duration::from_secs(u64::from(config.http.drain_seconds)),
        cut: CancellationToken::new(),
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(listen::serve_tcp(listener, tls, dispatcher.clone(), end.clone()));
    tasks.spawn(listen::serve_socket(socket, dispatcher, end.clone()));
    let key_policy =
        Policy { days: config.encryption.rotate_after_days, seals: config.encryption.rotate_after_seals };
    let options = JobOptions {
        audit_head_interval: Duration::from_secs(config.audit.head_interval_seconds),
        usage_days: config.usage.retention_days,
        key_policy,
    };
    for job in jobs::all(options) {
        tasks.spawn(job.work(room.clone(), stop.clone()).map(Ok));
    }

    let ended = tokio::select! {
        signal = stop_signals.next() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        ended = tasks.join_next() => Err(ended),
    };
    // First whoever asks is told, then nobody new is let in, then those who are in are waited for.
    room.begin_stopping();
    if ended.is_ok() {
        let delay = Duration::from_secs(u64::from(config.http.stop_delay_seconds));
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _ = stop_signals.next() => end.cut.cancel(),
        }
    }
    stop.cancel();
    let mut failure = ended.err().flatten().and_then(failed);
    loop {
        tokio::select! {
            biased;
            done = tasks.join_next() => match done {
                Some(done) => failure = failure.or_else(|| failed(done)),
                None => break,
            },
            signal = stop_signals.next() => {
                tracing::info!(signal, "stopping at once");
                end.cut.cancel();
            }
        }
    }
    remove(&socket_path);
    socket_file::forget(&config.data_dir);
    if let Err(problem) = room.release_jobs().await {
        tracing::warn!(
            code = problem.kind.code(),
            "failed to release jobs; other servers wait until they are due"
        );
    }
    let closed = room.close().await;
    drop(lock);
    if let Err(problem) = &closed {
        tracing::error!(%problem, "stopped, and lost usage records");
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    closed?;
    tracing::info!("stopped");
    Ok(())
}

fn failed(done: Result<std::io::Result<()>, tokio::task::JoinError>) -> Option<Problem> {
    match done {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Problem::internal("the server stopped listening").caused_by(error)),
        Err(error) => Some(Problem::internal("a part of the server ended unexpectedly").caused_by(error)),
    }
}

fn remove(socket: &Path) {
    if let Err(error) = std::fs::remove_file(socket) {
        tracing::warn!(path = %socket.display(), %error, "failed to remove the socket file");
    }
}

/// Mints the first token and tells the person who started this what is where: on stderr, as plain text and never as a
/// log record, for it may hold the token.
async fn greet(opened: &Opened, loaded: &Loaded, url: &str) -> Result<(), Problem> {
    let config = &loaded.config;
    let is_given = config.auth.admin_token.is_some();
    let minted = opened.room.mint_first_token(config.auth.admin_token.clone()).await?;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("  {name:<12} {value}\n"));
    };
    line("listening", url);
    line("API", &format!("{url}/docs"));
    line("data", &config.data_dir.display().to_string());
    line("database", &config.database.url.to_string());
    if let Some(path) = &opened.new_key_file {
        let advice = "new: keep a copy elsewhere; without it nothing can be opened";
        line("master key", &format!("{} ({advice})", path.display()));
    } else if config.encryption.key.is_none() {
        line("master key", &super::key_file(config).display().to_string());
    }
    line("fingerprint", opened.room.master_fingerprint());
    if let Some(minted) = minted.filter(|_| !is_given) {
        line("admin token", &first_token(&minted.text, &config.data_dir));
    }
    let greeting = format!("strongroom {}\n{text}", env!("CARGO_PKG_VERSION"));
    // Nobody reading stderr is no reason not to serve.
    let _ = std::io::stderr().lock().write_all(greeting.as_bytes());
    announce(&opened.room, url);
    Ok(())
}

/// Hands over the first token: on a terminal it is shown. Elsewhere stderr is a log, which others read and which is
/// kept, so it is written into a file of its owner.
fn first_token(token: &Secret, data_dir: &Path) -> String {
    if std::io::stderr().is_terminal() {
        return format!("{} (shown only now)", token.expose());
    }
    let path = data_dir.join("admin.token");
    match write_alone(&path, token) {
        Ok(()) => {
            format!("{} (new, readable by you only: take it from there and delete the file)", path.display())
        }
        Err(error) => format!(
            "- ({} cannot be written: {error}; make one with `strongroom token create NAME --role admin` on this machine)",
            path.display()
        ),
    }
}

/// A new file that its owner alone can read; one that is there already belonged to a database before.
fn write_alone(path: &Path, token: &Secret) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(token.expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn announce(room: &Strongroom, url: &str) {
    tracing::info!(url, database = room.database(), master = room.master_fingerprint(), "serving");
}

/// The signals that end a server.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// A file that becomes larger than this process may write is an error, as a full disk is, and not its end.
    _file_size: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, Problem> {
        let cannot =
            |error: std::io::Error| Problem::internal("signals cannot be listened to").caused_by(error);
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(cannot)?,
            interrupt: signal(SignalKind::interrupt()).map_err(cannot)?,
            _file_size: signal(SignalKind::from_raw(Signal::SIGXFSZ as i32)).map_err(cannot)?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
