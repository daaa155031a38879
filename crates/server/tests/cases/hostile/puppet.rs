//! A provider on loopback that says whatever it is told to, byte by byte.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The server. Dropping it stops it.
pub(crate) struct Puppet {
    address: SocketAddr,
    answer: Arc<Mutex<Vec<u8>>>,
    /// Whether it says anything, and how many requests have arrived.
    speaks: watch::Sender<bool>,
    arrived: watch::Receiver<u64>,
    _server: JoinSet<()>,
}

impl Puppet {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(Vec::new()));
        let mut server = JoinSet::new();
        let answers = answer.clone();
        let (speaks, may_speak) = watch::channel(true);
        let (arrivals, arrived) = watch::channel(0);
        let arrivals = Arc::new(arrivals);
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, arrivals, may_speak) = (answers.clone(), arrivals.clone(), may_speak.clone());
                connections.spawn(async move {
                    // Who hangs up has heard enough.
                    let _ = serve(stream, &answers, &arrivals, may_speak).await;
                });
            }
        });
        Self { address, answer, speaks, arrived, _server: server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything from now on is answered with these bytes.
    pub(crate) fn answers(&self, bytes: &[u8]) {
        *self.answer.lock().unwrap() = bytes.to_vec();
    }

    /// Requests that arrive from now on wait for [`Puppet::speak`].
    pub(super) fn hold_back(&self) {
        self.speaks.send_replace(false);
    }

    pub(super) fn speak(&self) {
        self.speaks.send_replace(true);
    }

    /// How many requests have arrived.
    pub(crate) fn arrived(&self) -> u64 {
        *self.arrived.borrow()
    }

    /// Waits until so many have arrived in all.
    pub(super) async fn until_arrived(&self, count: u64) {
        self.arrived.clone().wait_for(|arrived| *arrived >= count).await.unwrap();
    }
}

/// Reads one request, says its line, and closes.
async fn serve(
    mut stream: TcpStream,
    answer: &Mutex<Vec<u8>>,
    arrivals: &watch::Sender<u64>,
    mut may_speak: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut read = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    let head = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            length => read.extend_from_slice(&piece[..length]),
        }
    };
    let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let length = length.unwrap_or(0);
    let mut rest = length.saturating_sub(read.len() - head);
    while rest > 0 {
        match stream.read(&mut piece).await? {
            0 => return Ok(()),
            more => rest = rest.saturating_sub(more),
        }
    }
    arrivals.send_modify(|arrived| *arrived += 1);
    // The puppet is gone: so is everybody who waited.
    let _ = may_speak.wait_for(|speaks| *speaks).await;
    let answer = answer.lock().unwrap().clone();
    stream.write_all(&answer).await?;
    stream.shutdown().await
}
