//! One HTTP call and its answer.

use std::future::IntoFuture;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A call on its way; awaiting it sends it.
#[derive(Clone)]
pub(crate) struct Call {
    method: String,
    url: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    is_http2: bool,
}

impl Call {
    pub(crate) fn new(base: &str, method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: format!("{base}{path}"),
            token: None,
            headers: Vec::new(),
            body: None,
            is_http2: false,
        }
    }

    /// Shows this token.
    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Shows no token.
    pub(crate) fn anonymous(mut self) -> Self {
        self.token = None;
        self
    }

    /// With this header. What is for the fake of the providers goes under a name that the gateway lets through.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let for_the_fake = name.strip_prefix("x-fake-").map(|name| format!("x-stainless-fake-{name}"));
        self.headers.push((for_the_fake.unwrap_or_else(|| name.to_owned()), value.to_owned()));
        self
    }

    /// Speaks HTTP/2 from the start.
    pub(crate) fn http2(mut self) -> Self {
        self.is_http2 = true;
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.body(body.to_string(), "application/json")
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>, content_type: &str) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }
}

impl Call {
    /// Sends it to a server that may be gone before it has answered.
    pub(crate) async fn attempt(self) -> reqwest::Result<Answer> {
        let what = format!("{} {}", self.method, self.url);
        let method = self.method.parse().expect("a method");
        let mut request = client(self.is_http2).request(method, &self.url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { what, status, headers, text: response.text().await? })
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = BoxFuture<'static, Answer>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.attempt().await.unwrap_or_else(|error| panic!("{error:?}")) })
    }
}

/// A client without a pool: each test has a runtime of its own, and a connection does not outlive its runtime.
fn client(is_http2: bool) -> &'static reqwest::Client {
    static HTTP1: OnceLock<reqwest::Client> = OnceLock::new();
    static HTTP2: OnceLock<reqwest::Client> = OnceLock::new();
    let client = if is_http2 { &HTTP2 } else { &HTTP1 };
    client.get_or_init(|| {
        // An error means that another test was first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let builder = reqwest::Client::builder();
        let builder = if is_http2 { builder.http2_prior_knowledge() } else { builder.http1_only() };
        builder
            .pool_max_idle_per_host(0)
            .no_proxy()
            // Only for what a test has set up itself on loopback.
            .tls_danger_accept_invalid_certs(true)
            .build()
            .expect("a client")
    })
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Fails the test when the status is another.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text);
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.what, self.text))
    }

    /// A member of the JSON body.
    #[track_caller]
    pub(crate) fn at(&self, name: &str) -> Value {
        self.json()[name].clone()
    }

    /// The number of the thing that the body shows.
    #[track_caller]
    pub(crate) fn id(&self) -> i64 {
        self.at("id").as_i64().unwrap_or_else(|| panic!("{}: no id in {}", self.what, self.text))
    }

    /// The sentence in `error`.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        self.at("error").as_str().unwrap_or_else(|| panic!("{}: {}", self.what, self.text)).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a readable header"))
    }
}

/// Sends bytes as they are, for paths and heads that a proper client would mend, and reads to the end: the status and
/// everything that came.
pub(crate) fn send_raw(address: &str, bytes: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    // The server may have answered and closed before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

/// A GET of a path as it stands.
pub(crate) fn get_raw(address: &str, path: &str, token: &str) -> (u16, String) {
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    );
    send_raw(address, head.as_bytes())
}
