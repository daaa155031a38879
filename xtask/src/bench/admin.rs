//! A server under measurement, as an administrator asks it beside the load.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The server, as an administrator asks it.
pub(super) struct Admin {
    pub(super) port: u16,
    pub(super) token: String,
}

impl Admin {
    /// The answer's body.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<String> {
        self.ask_within(Duration::from_secs(60), method, path, body)
    }

    /// The same, of what takes longer.
    pub(super) fn ask_within(
        &self,
        patience: Duration,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(patience))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).with_context(|| format!("{method} {path}"))?;
        ensure!(answer.starts_with("HTTP/1.1 20"), "{method} {path}: {answer:.300}");
        Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }
}
