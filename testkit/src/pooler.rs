//! A `PgBouncer` on 127.0.0.1 before a PostgreSQL server, from the installed binary, gone with the process that started it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use url::Url;

use crate::postgres_cluster::{POOLER, unprivileged_account, unprivileged_command};

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs it, and stops it once our end of standard input is closed.
const SUPERVISOR: &str = r#"
exec 4<&0
"$1" "$2/pgbouncer.ini" >"$2/log" 2>&1 </dev/null 4<&- &
pooler=$!
{ read -r _ <&4; kill -TERM "$pooler" 2>/dev/null; } &
exec 4<&-
wait "$pooler"
"#;

/// When a connection to the server goes back to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// When its client goes.
    Session,
    /// When a transaction ends.
    Transaction,
}

/// A pooler with a few connections to the server.
#[derive(Debug)]
pub struct Pooler {
    supervisor: Child,
    _directory: TempDir,
    port: u16,
}

impl Pooler {
    /// Starts one before the server of this URL. As installed: it refuses settings that a connection begins with.
    ///
    /// # Panics
    /// When it is not installed or does not start.
    #[must_use]
    pub fn start(server: &str, mode: PoolMode, connections: u32) -> Self {
        assert!(
            PathBuf::from(POOLER).is_file(),
            "{POOLER} is missing; `cargo xtask test --only postgres` installs it"
        );
        let server = Url::parse(server).expect("a URL");
        let account = unprivileged_account().expect("an account");
        let directory = tempfile::Builder::new()
            .prefix("strongroom-pooler-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .expect("a folder");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|it| it.local_addr())
            .expect("a port")
            .port();
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        let user = if server.username().is_empty() { "postgres" } else { server.username() };
        let settings = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = users\nauth_user = {user}\npool_mode = {mode}\ndefault_pool_size = {connections}\n\
             max_client_conn = 500\n",
            server.host_str().expect("a host"),
            server.port().unwrap_or(5432),
        );
        for (name, text) in [("pgbouncer.ini", settings), ("users", format!("\"{user}\" \"\"\n"))] {
            let path = directory.path().join(name);
            fs::write(&path, text).expect("a file");
            if let Some(account) = &account {
                chown(&path, Some(account.uid.as_raw()), Some(account.gid.as_raw())).expect("an owner");
            }
        }
        if let Some(account) = &account {
            chown(directory.path(), Some(account.uid.as_raw()), Some(account.gid.as_raw()))
                .expect("an owner");
        }
        let supervisor = unprivileged_command("/bin/sh", directory.path(), account.as_ref())
            .args(["-c", SUPERVISOR, "pooler-supervisor", POOLER])
            .arg(directory.path())
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("a process");
        let pooler = Self { supervisor, _directory: directory, port };
        pooler.wait_until_ready();
        pooler
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + START_TIMEOUT;
        while Instant::now() < deadline {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        let log = fs::read_to_string(self._directory.path().join("log")).unwrap_or_default();
        panic!("PgBouncer did not accept connections within {START_TIMEOUT:?}: {log}");
    }

    /// The URL of a database of the server by way of this.
    ///
    /// # Panics
    /// When it is no URL.
    #[must_use]
    pub fn url_of(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(self.port)).expect("a port");
        url.into()
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        if let Err(error) = self.supervisor.wait() {
            panic!("the supervisor of the pooler was lost: {error}");
        }
    }
}
