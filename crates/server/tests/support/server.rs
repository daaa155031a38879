//! The real binary serving on a free port of loopback, with a home, a data directory and a database of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use strongroom_testkit::{Backend, TestDatabase};
use tempfile::TempDir;

use super::call::Call;

/// Steps of waiting for something another process does, and how many of them before the test gives up.
pub(crate) const STEP: Duration = Duration::from_millis(20);
pub(crate) const STEPS: u32 = 1500;

/// Where a server lives: it can be started, stopped and started again here.
pub(crate) struct Installation {
    home: TempDir,
    pub(crate) database: Arc<TestDatabase>,
    data_dir: PathBuf,
    variables: Vec<(String, String)>,
    /// Whether a file that would become too large is an error to it, and not its end.
    is_heedless: bool,
    admin: OnceLock<String>,
}

impl Installation {
    /// Nothing there yet but an empty database.
    pub(crate) async fn new(backend: Backend) -> Self {
        let database = Arc::new(TestDatabase::new(backend).await);
        let home = tempfile::tempdir().expect("a home directory");
        let mut variables = Vec::new();
        let data_dir = match backend {
            // The file stands where a server would make it by itself, so that the whole directory is the server's.
            Backend::Sqlite => {
                let file = database.url().trim_start_matches("sqlite:");
                Path::new(file).parent().expect("a file in a folder").to_owned()
            }
            Backend::Postgres => {
                variables.push(("STRONGROOM_DATABASE_URL".to_owned(), database.url().to_owned()));
                home.path().join("data")
            }
        };
        variables.push(("STRONGROOM_DATA_DIR".to_owned(), data_dir.display().to_string()));
        Self { home, database, data_dir, variables, is_heedless: false, admin: OnceLock::new() }
    }

    /// Another home over the same database, with the same key and the same tokens.
    pub(crate) fn second_node(&self) -> Self {
        let home = tempfile::tempdir().expect("a home directory");
        let data_dir = home.path().join("data");
        let variables = vec![
            ("STRONGROOM_DATABASE_URL".to_owned(), self.database.url().to_owned()),
            ("STRONGROOM_DATA_DIR".to_owned(), data_dir.display().to_string()),
            ("ENCRYPTION_KEY_FILE".to_owned(), self.data_dir.join("master.key").display().to_string()),
        ];
        let database = self.database.clone();
        Self { home, database, data_dir, variables, is_heedless: false, admin: self.admin.clone() }
    }

    /// Sets a variable of the server's environment.
    pub(crate) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Its servers get an error when a file becomes too large, as they do on a full disk, and not a signal.
    pub(crate) fn heedless_of_file_sizes(mut self) -> Self {
        self.is_heedless = true;
        self
    }

    /// The first admin token is not printed, for it is given.
    pub(crate) fn admin_is(&self, token: &str) {
        self.admin.set(token.to_owned()).expect("there is no other yet");
    }

    /// The working directory and home of every command.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A command of the binary that sees nothing but this installation's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_strongroom");
        let mut command = Command::new(if self.is_heedless { "/bin/sh" } else { binary });
        if self.is_heedless {
            // An ignored signal stays ignored in the program that follows.
            command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", binary]);
        }
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Starts a server that is expected to serve.
    pub(crate) fn start(self) -> Server {
        Arc::new(self).start_again()
    }

    /// Starts a server that listens elsewhere than on loopback.
    pub(crate) fn start_on(self, address: &str) -> Server {
        match Arc::new(self).try_start_on(address) {
            Ok(server) => server,
            Err((status, said)) => panic!("the server ended with {status}:\n{said}"),
        }
    }

    /// Starts one in the same place as one before, or beside it.
    pub(crate) fn start_again(self: &Arc<Self>) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err((status, said)) => panic!("the server ended with {status}:\n{said}"),
        }
    }

    /// Starts a server: it serves, or it ends with a status and what it said.
    pub(crate) fn try_start(self: &Arc<Self>) -> Result<Server, (ExitStatus, String)> {
        self.try_start_on("127.0.0.1:0")
    }

    fn try_start_on(self: &Arc<Self>, address: &str) -> Result<Server, (ExitStatus, String)> {
        let mut child = self
            .command(&["serve", "--listen", address, "--log-format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let output = Output::default();
        let pipes = [
            output.keep(child.stdout.take().expect("a pipe")),
            output.keep(child.stderr.take().expect("a pipe")),
        ];
        for _ in 0..STEPS {
            let said = output.text();
            // The first record after the greeting.
            if said.contains("\"serving\"") {
                let url = greeted(&said, "listening").expect("the greeting names the address");
                if let Some(file) = greeted(&said, "admin token") {
                    // A restarted server makes none.
                    let token = std::fs::read_to_string(&file).expect("the file with the token");
                    let _ = self.admin.set(token.trim_end().to_owned());
                }
                let admin = self.admin.get().cloned().unwrap_or_default();
                let installation = self.clone();
                return Ok(Server { child, url, admin, installation, output, pipes: Vec::from(pipes) });
            }
            if let Some(status) = child.try_wait().expect("our own child") {
                pipes.into_iter().for_each(|pipe| pipe.join().expect("the pipe is read"));
                return Err((status, output.text()));
            }
            std::thread::sleep(STEP);
        }
        let said = output.text();
        child.kill().expect("our own child");
        panic!("the server neither served nor ended:\n{said}");
    }
}

/// The value of a line of the greeting, without the remark behind it.
fn greeted(said: &str, name: &str) -> Option<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("  ")?.strip_prefix(name))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// What a process writes, as it is written.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    fn keep(&self, pipe: impl std::io::Read + Send + 'static) -> JoinHandle<()> {
        let kept = self.0.clone();
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).append(&mut line);
            }
        })
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

/// A server that runs. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    /// The first admin token.
    pub(crate) admin: String,
    /// Where it lives.
    pub(crate) installation: Arc<Installation>,
    output: Output,
    pipes: Vec<JoinHandle<()>>,
}

impl Server {
    /// Everything on its stdout and stderr so far.
    pub(crate) fn said(&self) -> String {
        self.output.text()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").expect("a URL").1
    }

    /// A call with the admin's token; see [`Call`] for others.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(&self.url, method, path).token(&self.admin)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: serde_json::Value) -> Call {
        self.call("POST", path).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: serde_json::Value) -> Call {
        self.call("PATCH", path).json(body)
    }

    /// Asks for a credential, which may not be made.
    pub(crate) fn credential_request(&self, name: &str) -> Call {
        let body = serde_json::json!({ "name": name, "provider": "groq", "apiKey": format!("sk-of-{name}") });
        self.post("/api/admin/credentials", body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(pid, signal).expect("our own child");
        for _ in 0..STEPS {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                self.pipes.drain(..).for_each(|pipe| pipe.join().expect("the pipe is read"));
                return (status, self.output.text());
            }
            std::thread::sleep(STEP);
        }
        panic!("the server went on after {signal}:\n{}", self.output.text());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.said();
            let end: Vec<&str> = said.lines().rev().take(20).collect();
            let state = self.child.try_wait();
            #[expect(clippy::print_stderr, reason = "it belongs to the report of the failed test")]
            end.iter().rev().chain([&&*format!("{state:?}")]).for_each(|line| eprintln!("server: {line}"));
        }
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
