//! Taking a server's database away and giving it back: connections to PostgreSQL are cut, and nothing is written to the
//! disk that an SQLite file lies on.

use std::process::Command;

use strongroom_testkit::Backend;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::server::{Installation, Server};

/// What becomes of connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// They are passed on.
    Pass,
    /// They are ended.
    End,
    /// They are ended, and those that come are taken and never answered.
    Hold,
}

/// Passes connections on until it is told that there is nobody.
struct Cut {
    port: u16,
    told: mpsc::Sender<(Order, oneshot::Sender<()>)>,
    _task: JoinSet<()>,
}

impl Cut {
    async fn before(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (told, mut orders) = mpsc::channel::<(Order, oneshot::Sender<()>)>(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let (mut passing, mut now, mut held) = (JoinSet::new(), Order::Pass, Vec::new());
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let (mut near, _) = accepted.expect("a connection");
                        match now {
                            Order::Pass => {}
                            Order::End => continue,
                            Order::Hold => {
                                held.push(near);
                                continue;
                            }
                        }
                        let address = address.clone();
                        passing.spawn(async move {
                            let mut far = TcpStream::connect(address).await.expect("a database");
                            // It ends when either side does.
                            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                        });
                    }
                    Some((order, done)) = orders.recv() => {
                        now = order;
                        held.clear();
                        if now != Order::Pass {
                            passing.shutdown().await;
                        }
                        done.send(()).expect("who told it waits");
                    }
                }
            }
        });
        Self { port, told, _task: task }
    }

    /// Returns when it is so: nothing more passes, or whoever comes does.
    async fn tell(&self, order: Order) {
        let (done, when_done) = oneshot::channel();
        self.told.send((order, done)).await.expect("it listens");
        when_done.await.expect("it does so");
    }
}

/// What is between a server and its database.
pub(crate) struct Way {
    cut: Option<Cut>,
}

impl Way {
    /// An installation whose database can be taken away.
    pub(crate) async fn to(installation: Installation) -> (Installation, Self) {
        if installation.database.backend() == Backend::Sqlite {
            return (installation.heedless_of_file_sizes(), Self { cut: None });
        }
        let url = installation.database.url().to_owned();
        let (before, rest) = url.split_once("127.0.0.1:").expect("a port");
        let (port, after) = rest.split_once('/').expect("a database");
        let cut = Cut::before(format!("127.0.0.1:{port}")).await;
        let through = format!("{before}127.0.0.1:{}/{after}", cut.port);
        (installation.set("STRONGROOM_DATABASE_URL", through), Self { cut: Some(cut) })
    }

    pub(crate) async fn close(&self, server: &Server) {
        self.close_so(server, false).await;
    }

    /// Silently: whoever connects to a PostgreSQL is not refused but waits for an answer.
    pub(crate) async fn close_so(&self, server: &Server, is_silent: bool) {
        match &self.cut {
            Some(cut) => cut.tell(if is_silent { Order::Hold } else { Order::End }).await,
            None => limit_files(server, "1"),
        }
    }

    pub(crate) async fn open(&self, server: &Server) {
        match &self.cut {
            Some(cut) => cut.tell(Order::Pass).await,
            None => limit_files(server, "unlimited"),
        }
    }
}

/// No file of a running server grows beyond so many bytes: to SQLite that is a failing disk. The limit can be raised again.
fn limit_files(server: &Server, bytes: &str) {
    let mut command = Command::new("prlimit");
    let done =
        command.args(["--pid", &server.pid().to_string(), &format!("--fsize={bytes}:unlimited")]).status();
    assert!(done.expect("prlimit of util-linux").success());
}

/// The tables that PostgreSQL has no room for any more: those that are written to late in a transaction.
const LATE: [&str; 3] = ["audit_logs", "usage_lines", "node_holds"];

/// Lets a server write a little more, and then nothing. PostgreSQL answers as it does on a full disk.
pub(crate) async fn fill_disk(server: &Server) {
    let database = &server.installation.database;
    if database.backend() == Backend::Sqlite {
        let log = format!("{}-wal", database.url().trim_start_matches("sqlite:"));
        let written = std::fs::metadata(log).map_or(0, |file| file.len());
        return limit_files(server, &(written + 10_000).to_string());
    }
    let function = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'could not \
                    extend file: No space left on device' USING ERRCODE = '53100'; END $$";
    database.execute(function).await;
    // One table in each transaction: one that waits for a second would meet the server's in a deadlock.
    for table in LATE {
        let each = "FOR EACH STATEMENT EXECUTE FUNCTION full_disk()";
        database
            .execute(&format!("CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} {each}"))
            .await;
    }
}

/// There is room again.
pub(crate) async fn free_disk(server: &Server) {
    let database = &server.installation.database;
    if database.backend() == Backend::Sqlite {
        return limit_files(server, "unlimited");
    }
    for table in LATE {
        database.execute(&format!("DROP TRIGGER full_disk ON {table}")).await;
    }
    database.execute("DROP FUNCTION full_disk()").await;
}
