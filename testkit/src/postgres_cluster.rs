//! A throw-away PostgreSQL server on 127.0.0.1, from the installed binaries, gone with the process that started it.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::unistd::{User, geteuid};

/// The variable that names a running server: a URL of a superuser's database on it.
pub const URL_VARIABLE: &str = "STRONGROOM_TEST_POSTGRES_URL";

/// Where Debian puts `PgBouncer`.
pub const POOLER: &str = "/usr/sbin/pgbouncer";

/// Where Debian puts every major version, as `<major>/bin`.
const INSTALLATIONS: &str = "/usr/lib/postgresql";

/// How often a start is tried again when another process took the port in between.
const ATTEMPTS: u32 = 5;

/// What the server says then.
const PORT_TAKEN: &str = "Address already in use";

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Runs the server, and stops it and removes its files once our end of standard input is closed: by dropping the
/// cluster, or by the death of this process, however it came.
///
/// `$1` is the folder of the binaries, `$2` the cluster's folder, `$3` the port.
const SUPERVISOR: &str = r#"
exec 4<&0
"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$2" \
    -c fsync="$4" -c synchronous_commit="$4" -c full_page_writes="$4" \
    -c max_connections=300 -c shared_buffers=64MB >"$2/log" 2>&1 </dev/null 4<&- &
server=$!
{ read -r _ <&4; kill -INT "$server" 2>/dev/null; } &
exec 4<&-
wait "$server" || tail -n 20 "$2/log" >&2
cd /
rm -rf "$2"
"#;

/// Why there is no PostgreSQL to test with.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No binaries are installed.
    #[error(
        "no PostgreSQL server is installed under {INSTALLATIONS}/*/bin; `cargo xtask test --only postgres` installs and \
         starts one, or set {URL_VARIABLE} to a superuser's URL of a running server"
    )]
    NotInstalled,
    /// The server refuses to run as root, and there is no other account.
    #[error("PostgreSQL does not run as root, and there is neither a user `postgres` nor a user `nobody`")]
    NoUnprivilegedUser,
    /// `initdb` or the server itself failed; with what it said last.
    #[error("PostgreSQL could not be started: {0}")]
    Failed(String),
    /// A file or process operation failed.
    #[error("PostgreSQL could not be started: {0}")]
    Io(#[from] std::io::Error),
}

/// A running server with trust authentication for the superuser `postgres`.
///
/// Durability is switched off unless it is asked for: it is for tests of behaviour, not for tests of crashes of the
/// database itself.
#[derive(Debug)]
pub struct PostgresCluster {
    supervisor: Child,
    directory: PathBuf,
    port: u16,
}

impl PostgresCluster {
    /// Creates a cluster in the temporary directory and waits until it accepts connections.
    ///
    /// # Errors
    /// When no PostgreSQL is installed, or when it does not start within a minute.
    pub fn start() -> Result<Self, ClusterError> {
        Self::start_with("off")
    }

    /// The same with durability on, as a database that is relied on has it: for measurements.
    ///
    /// # Errors
    /// As [`PostgresCluster::start`].
    pub fn start_durable() -> Result<Self, ClusterError> {
        Self::start_with("on")
    }

    fn start_with(durability: &str) -> Result<Self, ClusterError> {
        let binaries = installed_binaries().ok_or(ClusterError::NotInstalled)?;
        let account = unprivileged_account()?;
        let mut attempt = 1;
        loop {
            match Self::start_on_a_free_port(&binaries, account.as_ref(), durability) {
                Err(ClusterError::Failed(why)) if attempt < ATTEMPTS && why.contains(PORT_TAKEN) => {
                    attempt += 1
                }
                outcome => return outcome,
            }
        }
    }

    fn start_on_a_free_port(
        binaries: &Path,
        account: Option<&User>,
        durability: &str,
    ) -> Result<Self, ClusterError> {
        let directory = tempfile::Builder::new()
            .prefix("strongroom-postgres-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()?;
        if let Some(account) = account {
            chown(directory.path(), Some(account.uid.as_raw()), Some(account.gid.as_raw()))?;
        }
        create_cluster(binaries, directory.path(), account)?;

        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let supervisor = unprivileged_command("/bin/sh", directory.path(), account)
            .args(["-c", SUPERVISOR, "postgres-supervisor"])
            .arg(binaries)
            .arg(directory.path())
            .arg(port.to_string())
            .arg(durability)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Its own process group: ctrl-c at the terminal reaches us, and our end reaches the supervisor.
            .process_group(0)
            .spawn()?;
        let mut cluster = Self { supervisor, directory: directory.keep(), port };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Waits for the status line that the server itself writes once it accepts connections.
    fn wait_until_ready(&mut self) -> Result<(), ClusterError> {
        let status_file = self.directory.join("data/postmaster.pid");
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = self.supervisor.try_wait()? {
                let mut said = String::new();
                if let Some(mut stderr) = self.supervisor.stderr.take() {
                    stderr.read_to_string(&mut said)?;
                }
                return Err(ClusterError::Failed(format!("the server ended with {status}: {said}")));
            }
            let status = fs::read_to_string(&status_file).unwrap_or_default();
            if status.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        Err(ClusterError::Failed(format!("it did not accept connections within {START_TIMEOUT:?}: {log}")))
    }

    /// The URL of the database `postgres` of this server, as its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The folder that holds the server's data files (`data`) and its log (`log`).
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for PostgresCluster {
    /// Stops the server and waits until its files are gone.
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            panic!(
                "the supervisor of the PostgreSQL server in {} was lost: {error}",
                self.directory.display()
            );
        }
    }
}

/// The folder of the newest installed major version's server binaries.
#[must_use]
pub fn installed_binaries() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLATIONS).ok()?.flatten();
    versions
        .filter_map(|entry| {
            let major: u32 = entry.file_name().to_str()?.parse().ok()?;
            let binaries = entry.path().join("bin");
            binaries.join("postgres").is_file().then_some((major, binaries))
        })
        .max()
        .map(|(_, binaries)| binaries)
}

/// The account that the server runs as: our own, unless we are root, whom it refuses.
pub(crate) fn unprivileged_account() -> Result<Option<User>, ClusterError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(Some)
        .ok_or(ClusterError::NoUnprivilegedUser)
}

/// A command that runs as `account` in `directory` and sees none of our settings for PostgreSQL clients.
pub(crate) fn unprivileged_command(
    program: impl AsRef<OsStr>,
    directory: &Path,
    account: Option<&User>,
) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear().env("LC_ALL", "C").env("TZ", "UTC");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

fn create_cluster(binaries: &Path, directory: &Path, account: Option<&User>) -> Result<(), ClusterError> {
    let output = unprivileged_command(binaries.join("initdb"), directory, account)
        .arg("-D")
        .arg(directory.join("data"))
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(ClusterError::Failed(format!("initdb ended with {}: {said}", output.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_server_names_the_command_that_installs_one() {
        assert!(ClusterError::NotInstalled.to_string().contains("cargo xtask test --only postgres"));
    }
}
