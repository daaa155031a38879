//! The far side of a webhook, on this machine: it takes what it is sent, checks signatures, and answers as it is told.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use strongroom_crypto::alert_channel::webhook_signature;
use strongroom_model::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message as it came.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) id: String,
    pub(crate) is_signed: bool,
    pub(crate) body: Value,
}

#[derive(Debug, Default)]
struct State {
    got: Mutex<Vec<Got>>,
    came: Notify,
    status: AtomicU16,
    is_held: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    state: Arc<State>,
    port: u16,
    /// Ends when it is dropped.
    _task: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State { status: AtomicU16::new(200), ..State::default() });
        let shared = Arc::clone(&state);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { state, port, _task: task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook/secret-path", self.port)
    }

    pub(crate) const fn secret(&self) -> &'static str {
        SECRET
    }

    /// From now on every message is answered with this status.
    pub(crate) fn answer(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
        self.state.is_held.store(false, Ordering::SeqCst);
    }

    /// From now on no message is answered.
    pub(crate) fn hold(&self) {
        self.state.is_held.store(true, Ordering::SeqCst);
    }

    /// What has come.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.state.got.lock().expect("a lock"))
    }

    /// The next message, which is waited for.
    pub(crate) async fn next(&self) -> Got {
        loop {
            if let Some(got) = self.take().into_iter().next() {
                return got;
            }
            self.state.came.notified().await;
        }
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    loop {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.unwrap_or_default().trim().to_owned()
        };
        let length: usize = header("content-length").parse().expect("a length");
        while bytes.len() < end + length {
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            }
        }
        let body = String::from_utf8(bytes[end..end + length].to_vec()).expect("a text");
        let raw = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let signature =
            raw.lines().find_map(|line| line.strip_prefix("webhook-signature: ")).unwrap_or_default();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp").parse().expect("seconds"));
        let expected = webhook_signature([&Secret::from(SECRET)], &id, timestamp, &body);
        let is_signed = signature.split(' ').any(|one| one == expected);
        let body = serde_json::from_str(&body).expect("JSON");
        state.got.lock().expect("a lock").push(Got { id, is_signed, body });
        state.came.notify_one();
        while state.is_held.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let status = state.status.load(Ordering::SeqCst);
        let said = if status == 200 { "ok" } else { "no" };
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{said}", said.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A mail server that takes everything in the clear and keeps what it was given.
#[derive(Debug)]
pub(crate) struct MailServer {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<String>>>,
    /// Ends when it is dropped.
    _task: JoinSet<()>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&got);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(take_mail(stream, Arc::clone(&kept)));
            }
        });
        Self { port, got, _task: task }
    }

    /// Everything that clients said, one text per mail.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.got.lock().expect("a lock"))
    }
}

async fn take_mail(stream: TcpStream, got: Arc<Mutex<Vec<String>>>) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(reading));
    let (mut said, mut is_data) = (String::new(), false);
    if writing.write_all(b"220 here\r\n").await.is_err() {
        return;
    }
    while let Ok(Some(line)) = lines.next_line().await {
        said.push_str(&line);
        said.push('\n');
        let answer = match line.to_ascii_uppercase() {
            _ if is_data && line != "." => continue,
            _ if is_data => {
                is_data = false;
                got.lock().expect("a lock").push(std::mem::take(&mut said));
                "250 taken as 42"
            }
            command if command.starts_with("EHLO") => "250-here\r\n250 8BITMIME",
            command if command.starts_with("DATA") => {
                is_data = true;
                "354 go on"
            }
            command if command.starts_with("QUIT") => "221 bye",
            _ => "250 ok",
        };
        if writing.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
