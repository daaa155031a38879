//! A session: the way to the API that the options and the environment lead to, and how to speak to the person.
//!
//! Address and token are taken from the options and the process's own environment only, never from a `.env` or a
//! `strongroom.toml` in the working directory: whoever can put a file there must not be handed a token.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use strongroom_client::transport::HttpOptions;
use strongroom_client::{Client, Transport};
use strongroom_model::Secret;

use super::confirm;
use super::exit::{CliError, CliResult, Exit};
use super::global::{GlobalOptions, variable};
use super::output::Output;
use super::secret_input::read_secret_file;
use super::settings;
use crate::config::{self, Config};
use crate::wiring::{self, InProcess};

/// The behaviour of a command where there is no installation yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bootstrap {
    /// It makes one.
    Makes,
    /// It says so and makes nothing.
    Refuses,
}

/// Ways in which a session reaches the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionMode {
    /// To this address.
    Network(String),
    /// Through this socket file of a server on this machine.
    Socket(PathBuf),
    /// Into a router in this process, over the data directory itself.
    InProcess,
}

/// The API, the person and the choices that a command works with.
pub struct Session {
    /// The API.
    pub client: Client,
    /// The person.
    pub output: Output,
    /// True when every question is answered with yes.
    pub yes: bool,
    /// The way to the API.
    pub mode: ConnectionMode,
    in_process: Option<InProcess>,
}

impl Session {
    /// A session over a client that is there already.
    #[must_use]
    pub fn new(client: Client, output: Output, yes: bool, mode: ConnectionMode) -> Self {
        Self { client, output, yes, mode, in_process: None }
    }

    /// Opens the way to what is there; see [`Session::open_for`].
    ///
    /// # Errors
    /// When the options contradict each other, or there is no way.
    pub async fn open(options: &GlobalOptions, output: Output) -> CliResult<Self> {
        Self::open_for(Bootstrap::Refuses, options, output).await
    }

    /// Opens the way: the address that was given, else the socket file of the server on this machine, else the data
    /// directory itself.
    ///
    /// # Errors
    /// When the options contradict each other, or there is no way.
    pub async fn open_for(bootstrap: Bootstrap, options: &GlobalOptions, output: Output) -> CliResult<Self> {
        Self::look(bootstrap, options, output).await?
    }

    /// The inner error says that there is nothing, where nothing may be made.
    async fn look(
        bootstrap: Bootstrap,
        options: &GlobalOptions,
        output: Output,
    ) -> CliResult<CliResult<Self>> {
        let token = token(options)?;
        if let Some(url) = options.url()? {
            let Some(token) = token else {
                return Err(CliError::usage("a server's URL is set, but no token for it").hint(
                    "set STRONGROOM_TOKEN, or STRONGROOM_TOKEN_FILE (--token-file) to a file that holds it",
                ));
            };
            let (ca_file, allow_plaintext) = (options.ca_file(), options.allow_plaintext);
            let http = HttpOptions { url: url.clone(), token, ca_file, allow_plaintext };
            let client = Client::new(Transport::http(http)?);
            return Ok(Ok(Self::new(client, output, options.yes, ConnectionMode::Network(url))));
        }
        if token.is_some() {
            output.warn(
                "a token is set but no STRONGROOM_URL: using this machine's own data, which needs no token",
            );
        }
        let loaded = settings::load(&settings::command_overrides(options), &output)?;
        let socket = settings::socket_file(&loaded.config);
        if answers(&socket).await {
            let client = Client::new(Transport::socket(&socket)?);
            return Ok(Ok(Self::new(client, output, options.yes, ConnectionMode::Socket(socket))));
        }
        if bootstrap == Bootstrap::Refuses && !wiring::is_begun(&loaded.config).await? {
            return Ok(Err(nothing_there(&loaded.config)));
        }
        let in_process = wiring::in_process(&loaded).await?;
        if let Some(path) = &in_process.new_key_file {
            output.note(&format!(
                "a master key was made, {}: keep a copy elsewhere; without it nothing can be opened",
                path.display()
            ));
        }
        let client = Client::new(Transport::InProcess(in_process.caller.clone()));
        let session = Self::new(client, output, options.yes, ConnectionMode::InProcess);
        Ok(Ok(Self { in_process: Some(in_process), ..session }))
    }

    /// Opens the way for an import, which may make an installation; `None` in a dry run where there is none, as then
    /// everything would be new.
    ///
    /// # Errors
    /// As [`Session::open_for`].
    pub async fn open_to_import(
        dry_run: bool,
        options: &GlobalOptions,
        output: Output,
    ) -> CliResult<Option<Self>> {
        if !dry_run {
            return Self::open_for(Bootstrap::Makes, options, output).await.map(Some);
        }
        Ok(Self::look(Bootstrap::Refuses, options, output).await?.ok())
    }

    /// Asks before something is done that cannot be undone; goes on only after a yes.
    ///
    /// # Errors
    /// When the answer is no, or there is nobody to ask and no `--yes`.
    pub fn confirm(&self, question: &str) -> CliResult<()> {
        confirm::unless(self.yes, question)
    }

    /// Ends the session; what an in-process router still has to write is written.
    ///
    /// # Errors
    /// When that could not be written.
    pub async fn close(self) -> CliResult<()> {
        match self.in_process {
            Some(in_process) => Ok(in_process.close().await?),
            None => Ok(()),
        }
    }
}

fn nothing_there(config: &Config) -> CliError {
    // The directory of another user may hold an installation that cannot be seen.
    if let Some(error) = config.database.url.sqlite_path().and_then(|path| std::fs::metadata(path).err())
        && error.kind() == io::ErrorKind::PermissionDenied
    {
        return CliError::new(
            Exit::Denied,
            format!("the data directory {} cannot be read: {error}", config.data_dir.display()),
        )
        .hint(
            "it is another user's: run this as the user that the server runs as, or name the server with --url \
             (STRONGROOM_URL) and show it a token (STRONGROOM_TOKEN)",
        );
    }
    let place = match config.database.url.sqlite_path() {
        Some(path) => format!("{} is not there or empty", path.display()),
        None => format!("the database {} is empty", config.database.url),
    };
    CliError::not_found(format!("there is no strongroom here: {place}, and no server runs on this machine"))
        .hint(format!(
            "the data directory is {}: name another one with --data-dir (STRONGROOM_DATA_DIR), or a server with --url \
             (STRONGROOM_URL)",
            config.data_dir.display()
        ))
        .hint("to begin here, run `strongroom serve`, or store a first key with `strongroom credential add`")
}

/// The API of the server that runs, as the options and the environment name it; `None` where none does, or where it cannot be
/// told. Nothing is said, made or opened.
pub(super) async fn running_server(options: &GlobalOptions) -> Option<Client> {
    if let Some(url) = options.url().ok()? {
        let token = token(options).ok()??;
        let (ca_file, allow_plaintext) = (options.ca_file(), options.allow_plaintext);
        return Some(Client::new(
            Transport::http(HttpOptions { url, token, ca_file, allow_plaintext }).ok()?,
        ));
    }
    let loaded = config::load_from_process(&settings::command_overrides(options)).ok()?;
    let socket = settings::socket_file(&loaded.config);
    if !answers(&socket).await {
        return None;
    }
    Some(Client::new(Transport::socket(&socket).ok()?))
}

/// The token that is to be shown, from the environment or from a file, never from the command line.
fn token(options: &GlobalOptions) -> CliResult<Option<Secret>> {
    match (variable("STRONGROOM_TOKEN")?, options.token_file()) {
        (Some(_), Some(_)) => Err(CliError::usage(
            "STRONGROOM_TOKEN and STRONGROOM_TOKEN_FILE (--token-file) are both set; leave one of them out",
        )),
        (Some(text), None) => Ok(Some(Secret::new(text))),
        (None, Some(file)) => read_secret_file(&file).map(Some),
        (None, None) => Ok(None),
    }
}

/// Tells whether a server answers at this socket file. A file that belongs to somebody else is no server of ours.
async fn answers(socket: &Path) -> bool {
    let Ok(metadata) = std::fs::symlink_metadata(socket) else { return false };
    let owner = metadata.uid();
    let is_ours = owner == 0 || owner == nix::unistd::geteuid().as_raw();
    metadata.file_type().is_socket() && is_ours && tokio::net::UnixStream::connect(socket).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_file_that_somebody_listens_on_answers() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("strongroom.sock");
        assert!(!answers(&socket).await);
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        assert!(answers(&socket).await);
        drop(listener);
        // A program that another test is just starting has a copy of every descriptor until it is its own.
        for _ in 0..1000 {
            if !answers(&socket).await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert!(!answers(&socket).await, "a server that was killed leaves its file behind");
        let file = directory.path().join("plain");
        std::fs::write(&file, "").unwrap();
        assert!(!answers(&file).await);
    }
}
