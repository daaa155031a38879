//! Starts the binary in an empty home directory with nothing in its environment but what the case gives it.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A token of the right shape; it opens nothing.
pub(crate) const TOKEN: &str = "sr_000000000000_canarytoken";

/// A key that must be seen nowhere but where it is asked for.
pub(crate) const KEY: &str = "sk-proj-canary0123456789abcdefghijklmnopqrstuvwxyz";

/// An empty home directory, and possibly a server.
pub(crate) struct Place {
    pub(crate) home: TempDir,
    pub(crate) server: MockServer,
    variables: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    /// A server is known and so is a token for it.
    pub(crate) async fn with_server() -> Self {
        let mut place = Self::without_server().await;
        place.set("STRONGROOM_URL", &place.server.uri());
        place.set("STRONGROOM_TOKEN", TOKEN);
        place
    }

    /// There is a server, but nobody says so.
    pub(crate) async fn without_server() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home, server: MockServer::start().await, variables: Vec::new() }
    }

    /// Sets a variable of the command's environment.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable out of the command's environment.
    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.retain(|(known, _)| known != name);
    }

    /// The server answers this call like this.
    pub(crate) async fn answers(&self, verb: &str, route: &str, status: u16, body: impl Into<String>) {
        let answer = ResponseTemplate::new(status).set_body_raw(body.into(), "application/json");
        Mock::given(method(verb)).and(path(route)).respond_with(answer).mount(&self.server).await;
    }

    /// The calls that the server has seen, as `VERB path`.
    pub(crate) async fn calls(&self) -> Vec<String> {
        let seen = self.server.received_requests().await.unwrap();
        seen.iter().map(|call| format!("{} {}", call.method, call.url.path())).collect()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments);
        self.prepared(command)
    }

    fn prepared(&self, mut command: Command) -> Command {
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a script of the shell that has the binary and these arguments as `$0` and `$@`.
    pub(crate) async fn run_in_shell(&self, script: &str, arguments: &[&str]) -> Done {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_strongroom")]).args(arguments);
        Done::of(self.prepared(shell).output().await.unwrap())
    }

    /// Runs the binary on a terminal of so many columns; its stdout has all that the terminal shows.
    pub(crate) async fn run_on_terminal(&self, columns: usize, arguments: &str) -> Done {
        let line =
            format!("stty cols {columns} rows 24; exec {} {arguments}", env!("CARGO_BIN_EXE_strongroom"));
        let mut terminal = Command::new("script");
        terminal.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
        Done::of(self.prepared(terminal).output().await.unwrap())
    }

    /// Runs the binary to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Done {
        Done::of(self.command(arguments).output().await.unwrap())
    }

    /// Runs the binary to its end with this on its stdin.
    pub(crate) async fn run_with_stdin(&self, arguments: &[&str], stdin: &str) -> Done {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(stdin.as_bytes()).await.unwrap();
        drop(pipe);
        Done::of(child.wait_with_output().await.unwrap())
    }
}

impl Done {
    fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Neither stream shows what must not be shown.
    pub(crate) fn shows_no_canary(&self) -> &Self {
        for stream in [&self.stdout, &self.stderr] {
            assert!(!stream.contains("canary"), "{stream}");
        }
        self
    }
}

/// A credential as the API shows it.
pub(crate) fn credential(id: i64, name: &str, provider: &str) -> String {
    format!(
        r#"{{"id":{id},"uid":"00000000000000000000000000000001","name":"{name}","provider":"{provider}","endpoint":null,
        "priority":{priority},"isActive":true,"isGlobal":true,"userId":null,"usageCount":1250,"currentMonthUsage":45,
        "rateLimit":50,"lastUsed":"2024-01-15T10:30:00Z","createdAt":"2024-01-01T00:00:00Z",
        "updatedAt":"2024-01-15T10:30:00Z","revision":3,"version":1}}"#,
        priority = 100 - id
    )
}

/// A credential's key as the API shows it.
pub(crate) fn revealed(id: i64, provider: &str, key: &str) -> String {
    format!(
        r#"{{"id":{id},"name":"{provider}-primary","provider":"{provider}","endpoint":null,"apiKey":"{key}",
        "apiSecret":"second-{key}","source":"database","version":1,"usageCount":2,"currentMonthUsage":2,"rateLimit":null}}"#
    )
}

/// An error as the API shows it.
pub(crate) fn problem(code: &str) -> String {
    format!(r#"{{"error":"what went wrong","code":"{code}","requestId":"request-1"}}"#)
}
