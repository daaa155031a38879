//! A server on loopback that serves calls to models as the providers do, by the key that it is shown, and counts
//! what reaches it: the judge of what was spent.
//!
//! A key is `fake-<mode>-<anything>`; see [`Mode`]. A request can say itself how it is to end (`fake_upstream/ending.rs`). Bodies follow the providers' published API references:
//! <https://platform.openai.com/docs/api-reference>, <https://platform.claude.com/docs/en/api/messages>,
//! <https://ai.google.dev/api/generate-content>, <https://openrouter.ai/docs/api-reference>, <https://console.groq.com/docs>;
//! of the others, those that their files in `crates/model/providers/` name.

mod anthropic;
mod ending;
mod gemini;
mod openai;
mod reply;
mod wire;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use ending::{Ending, Point, Then};

/// Requests that are remembered with all they held; of others only the count is known.
const REMEMBERED: usize = 2000;

/// What becomes of a call with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is served.
    Ok,
    /// Served, with half a second before the answer begins.
    Late,
    /// Streams one piece every 20 ms, without an end.
    Endless,
    /// Streams one piece every second, without an end.
    Slow,
    /// Accepts the request and never answers.
    Silent,
    /// Closes the connection in the middle of the answer.
    BreaksOff,
    /// The key is not accepted.
    Wrong,
    /// Nothing is left to spend.
    Empty,
    /// Too many requests; come back in 7 seconds.
    Limited,
    /// The provider is in trouble.
    Down,
    /// Too many requests, with the figures of the answer, which are billed.
    Told,
    /// Redirects to another host.
    Redirect,
    /// Served, with headers for a browser and the key repeated in one; an error repeats it in its body too.
    Echoes,
}

impl Mode {
    const NAMES: [(Self, &'static str); 13] = [
        (Self::Ok, "ok"),
        (Self::Late, "late"),
        (Self::Endless, "endless"),
        (Self::Slow, "slow"),
        (Self::Silent, "silent"),
        (Self::BreaksOff, "breaks"),
        (Self::Wrong, "wrong"),
        (Self::Empty, "empty"),
        (Self::Limited, "limited"),
        (Self::Down, "down"),
        (Self::Told, "told"),
        (Self::Redirect, "redirect"),
        (Self::Echoes, "echoes"),
    ];

    /// A key that is treated so. Every `name` is counted by itself.
    #[must_use]
    pub fn key(self, name: &str) -> String {
        let mode = Self::NAMES.iter().find(|(mode, _)| *mode == self).map_or("ok", |(_, name)| name);
        format!("fake-{mode}-{name}")
    }

    fn of(key: &str) -> Option<Self> {
        let mode = key.strip_prefix("fake-")?.split('-').next()?;
        Self::NAMES.iter().find(|(_, name)| *name == mode).map(|(mode, _)| *mode)
    }
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// `GET`, `POST` …
    pub method: String,
    /// The path.
    pub path: String,
    /// What stands behind the `?`.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body, when it is JSON; else null.
    pub body: Value,
    /// The length of the body.
    pub bytes: u64,
    /// The key in the provider's own header.
    pub key: String,
}

impl Arrived {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a key is billed: for every call that was taken, all that the model did for it, whatever of that arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bill {
    /// Calls.
    pub calls: i64,
    /// Tokens of prompts that were neither read from nor written to a cache.
    pub input: i64,
    /// Tokens of prompts that were read from a cache.
    pub cached_input: i64,
    /// Tokens of prompts that were written to one.
    pub cache_write: i64,
    /// Tokens of answers, hidden ones included.
    pub output: i64,
}

impl Bill {
    /// All tokens.
    #[must_use]
    pub fn tokens(&self) -> i64 {
        self.input + self.cached_input + self.cache_write + self.output
    }

    fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.input += more.input;
        self.cached_input += more.cached_input;
        self.cache_write += more.cache_write;
        self.output += more.output;
    }
}

#[derive(Debug, Default)]
struct Log {
    bills: Mutex<BTreeMap<String, Bill>>,
    remembered: Mutex<Vec<Arrived>>,
    by_key: Mutex<BTreeMap<String, u64>>,
    cancelled: AtomicU64,
    open: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server. Dropping it stops it.
#[derive(Debug)]
pub struct FakeUpstream {
    address: SocketAddr,
    log: Arc<Log>,
    _server: JoinSet<()>,
}

impl FakeUpstream {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        Self::start_at(0).await
    }

    /// Starts it on this port of loopback.
    ///
    /// # Errors
    /// When it is taken.
    pub async fn start_at(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let log = Arc::new(Log::default());
        let mut server = JoinSet::new();
        // Ends only when it is aborted.
        server.spawn(wire::serve(listener, Arc::clone(&log)));
        Ok(Self { address, log, _server: server })
    }

    /// The base URL at which it answers like this provider: what a credential's `endpoint` is set to.
    ///
    /// # Panics
    /// When there is no fake of this provider.
    #[must_use]
    pub fn endpoint(&self, provider: &str) -> String {
        let base = BASES.iter().find(|(name, _)| *name == provider);
        let (_, path) = base.unwrap_or_else(|| panic!("no fake of {provider}"));
        format!("http://{}{}", self.address, path.trim_end_matches('/'))
    }

    /// The requests that have arrived, the first `REMEMBERED` of them.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arrived> {
        locked(&self.log.remembered).clone()
    }

    /// The last request that arrived.
    ///
    /// # Panics
    /// When none has.
    #[must_use]
    pub fn last(&self) -> Arrived {
        locked(&self.log.remembered).last().cloned().expect("a request has arrived")
    }

    /// How many requests arrived with this key.
    #[must_use]
    pub fn count(&self, key: &str) -> u64 {
        locked(&self.log.by_key).get(key).copied().unwrap_or(0)
    }

    /// What this key is billed so far.
    #[must_use]
    pub fn bill(&self, key: &str) -> Bill {
        locked(&self.log.bills).get(key).copied().unwrap_or_default()
    }

    /// How many requests arrived in all.
    #[must_use]
    pub fn count_all(&self) -> u64 {
        locked(&self.log.by_key).values().sum()
    }

    /// Answers whose connection was closed before their end.
    #[must_use]
    pub fn cancelled(&self) -> u64 {
        self.log.cancelled.load(Ordering::SeqCst)
    }

    /// Answers that are being given.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.log.open.load(Ordering::SeqCst)
    }
}

/// Notices whether an answer comes to its end.
#[derive(Debug)]
pub(crate) struct Watch {
    log: Arc<Log>,
    is_whole: bool,
}

impl Watch {
    fn new(log: Arc<Log>) -> Self {
        log.open.fetch_add(1, Ordering::SeqCst);
        Self { log, is_whole: false }
    }

    fn whole(&mut self) {
        self.is_whole = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.log.open.fetch_sub(1, Ordering::SeqCst);
        if !self.is_whole {
            self.log.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Where each provider's API is on the fake; it ends as the real one does.
const BASES: [(&str, &str); 11] = [
    ("openai", "/openai/v1/"),
    ("anthropic", "/anthropic/"),
    ("gemini", "/gemini/"),
    ("openrouter", "/openrouter/api/v1/"),
    ("groq", "/groq/openai/v1/"),
    ("grok", "/grok/v1/"),
    ("deepseek", "/deepseek/v1/"),
    ("together", "/together/v1/"),
    ("perplexity", "/perplexity/"),
    ("mistral", "/mistral/v1/"),
    ("cohere", "/cohere/compatibility/v1/"),
];

/// Whose API a path belongs to, and the rest of it.
fn provider_of(path: &str) -> Option<(&'static str, &str)> {
    BASES.iter().find_map(|(provider, base)| Some((*provider, path.strip_prefix(base)?)))
}

/// The key, if it stands in the header where this provider wants it, and nowhere else.
fn key_of(provider: &str, path: &str, request: &Request) -> Option<String> {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let speaks_openai = path.contains("openai/") || path.ends_with("chat/completions");
    let (own, others) = match provider {
        "anthropic" if !speaks_openai => ("x-api-key", ["authorization", "x-goog-api-key"]),
        "gemini" if !speaks_openai => ("x-goog-api-key", ["authorization", "x-api-key"]),
        _ => ("authorization", ["x-api-key", "x-goog-api-key"]),
    };
    if others.iter().any(|name| headers.contains_key(*name))
        || request.uri().query().is_some_and(|it| it.contains("key="))
    {
        return None;
    }
    if own == "x-api-key" && text("anthropic-version").is_none() {
        return None;
    }
    let shown = text(own)?;
    Some(if own == "authorization" { shown.strip_prefix("Bearer ")?.to_owned() } else { shown.to_owned() })
}

/// The connection is closed without an answer.
#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the fake hangs up")
    }
}

impl std::error::Error for HungUp {}

async fn respond(
    log: Arc<Log>,
    request: Request,
    rest_of_connection: &wire::Rest,
) -> Result<Response, HungUp> {
    let mut watch = Watch::new(Arc::clone(&log));
    let path = request.uri().path().to_owned();
    let Some((provider, rest)) = provider_of(&path) else {
        watch.whole();
        return Ok(reply::json(404, &serde_json::json!({ "error": { "message": "Not found" } })));
    };
    let key = key_of(provider, rest, &request).unwrap_or_default();
    let (parts, body) = request.into_parts();
    let is_json = parts
        .headers
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let mut bytes = 0_u64;
    let mut text = Vec::with_capacity(body.size_hint().lower().min(1024 * 1024) as usize);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // Half a request is none.
        let piece = piece.map_err(|_| HungUp)?;
        bytes += piece.len() as u64;
        if is_json {
            text.extend_from_slice(&piece);
        }
    }
    let arrived = Arrived {
        method: parts.method.to_string(),
        path: path.clone(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: serde_json::from_slice(&text).unwrap_or(Value::Null),
        bytes,
        key: key.clone(),
    };
    *locked(&log.by_key).entry(key.clone()).or_default() += 1;
    {
        let mut remembered = locked(&log.remembered);
        if remembered.len() < REMEMBERED {
            remembered.push(arrived.clone());
        }
    }
    let Some(mode) = Mode::of(&key) else {
        watch.whole();
        return Ok(refusal(provider, Mode::Wrong));
    };
    let ending = Ending::of(&arrived).or_else(|| (mode == Mode::Told).then_some(Ending::Told(429)));
    let is_taken = !matches!(mode, Mode::Wrong | Mode::Empty | Mode::Limited | Mode::Down | Mode::Redirect);
    if is_taken && ending.is_none_or(Ending::is_billed) {
        let bill = match provider {
            "anthropic" if !rest.ends_with("chat/completions") => anthropic::bill(rest, &arrived),
            "gemini" if !rest.contains("openai/") => gemini::bill(rest, &arrived),
            _ => openai::bill(provider, rest, &arrived),
        };
        locked(&log.bills).entry(key.clone()).or_default().add(bill);
    }
    if let Some(answer) = ending.and_then(|ending| ending.answer(provider, &arrived)) {
        watch.whole();
        return Ok(answer);
    }
    match mode {
        Mode::Wrong | Mode::Empty | Mode::Limited | Mode::Down => {
            watch.whole();
            return Ok(refusal(provider, mode));
        }
        Mode::Redirect => {
            watch.whole();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            response
                .headers_mut()
                .insert("location", axum::http::HeaderValue::from_static("https://elsewhere.invalid/"));
            return Ok(response);
        }
        Mode::Silent => {
            std::future::pending::<()>().await;
        }
        Mode::Late => tokio::time::sleep(Duration::from_millis(500)).await,
        Mode::Ok | Mode::Told | Mode::Endless | Mode::Slow | Mode::BreaksOff | Mode::Echoes => {}
    }
    if mode == Mode::Echoes && arrived.body["model"].as_str().is_some_and(|it| it.contains("no-such-model")) {
        watch.whole();
        let message = format!("{key} may not use this model (Authorization: Bearer {key})");
        let model = arrived.body["model"].as_str().unwrap_or_default();
        return Ok(for_a_browser(repeated(model, &message), &key));
    }
    let answer = match provider {
        "anthropic" if !rest.ends_with("chat/completions") => anthropic::answer(rest, &arrived),
        "gemini" if !rest.contains("openai/") => gemini::answer(rest, &arrived),
        _ => openai::answer(provider, rest, &arrived),
    };
    if let (Some(Ending::Told(status)), reply::Reply::Whole(_, body)) = (ending, &answer) {
        let mut body = body.clone();
        body["error"] = serde_json::json!({ "code": status, "message": "refused behind the work" });
        watch.whole();
        return Ok(reply::json(status, &body));
    }
    let Some(Ending::Cut(point, then)) = ending else {
        let answer = answer.respond(mode, watch);
        return Ok(if mode == Mode::Echoes { for_a_browser(answer, &key) } else { answer });
    };
    match (point, then) {
        (Point::Nothing, Then::Breaks) => return Err(HungUp),
        (Point::Nothing, Then::Silent) => std::future::pending::<()>().await,
        (Point::InHead, then) => rest_of_connection.cut(then),
        _ => {}
    }
    let (kind, pieces) = point.cut(answer);
    Ok(reply::cut(kind, pieces, then, watch))
}

/// An error that repeats the key, in the way that the model's name says.
fn repeated(model: &str, message: &str) -> Response {
    let error = serde_json::json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let mut answer = reply::json(404, &error);
    let body = match model.rsplit('-').next() {
        Some("gzip") => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let _ = std::io::Write::write_all(&mut encoder, error.to_string().as_bytes());
            answer.headers_mut().insert("content-encoding", axum::http::HeaderValue::from_static("gzip"));
            encoder.finish().unwrap_or_default()
        }
        Some("escaped") => error.to_string().replace('-', "\\u002d").into_bytes(),
        // The first 64 KiB end within the key.
        Some("long") => format!("{}{message}", " ".repeat(64 * 1024 - 20)).into_bytes(),
        _ => return answer,
    };
    *answer.body_mut() = Body::from(body);
    answer
}

/// Adds headers that are for the provider's own pages, and one that repeats the key, as the reason phrase does.
fn for_a_browser(mut answer: Response, key: &str) -> Response {
    use axum::http::HeaderValue;
    if let Ok(reason) = hyper::ext::ReasonPhrase::try_from(key.as_bytes()) {
        answer.extensions_mut().insert(reason);
    }
    let headers = answer.headers_mut();
    for (name, value) in [
        ("location", "https://elsewhere.invalid/"),
        ("access-control-allow-origin", "*"),
        ("content-security-policy", "default-src 'none'"),
        ("set-cookie", "session=1"),
        ("server-timing", "app;dur=1"),
        ("openai-organization", "org-of-the-team"),
        ("x-ratelimit-remaining-requests", "7"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&format!("req-{key}-1")) {
        headers.insert("x-request-id", id);
    }
    answer
}

/// What each provider says to a key that it does not serve.
fn refusal(provider: &str, mode: Mode) -> Response {
    use serde_json::json;
    let (status, name) = match mode {
        Mode::Wrong => (401, "invalid_api_key"),
        Mode::Empty => (429, "insufficient_quota"),
        Mode::Limited => (429, "rate_limit_exceeded"),
        _ => (503, "server_error"),
    };
    let (status, body) = match (provider, mode) {
        ("anthropic", Mode::Wrong) => (
            401,
            json!({ "type": "error", "error": { "type": "authentication_error", "message": "invalid x-api-key" } }),
        ),
        ("anthropic", Mode::Empty) => (
            400,
            json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "Your credit balance is too low" } }),
        ),
        ("anthropic", Mode::Limited) => {
            (429, json!({ "type": "error", "error": { "type": "rate_limit_error", "message": "too fast" } }))
        }
        ("anthropic", _) => (
            529,
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } }),
        ),
        ("gemini", Mode::Wrong) => (
            400,
            json!({ "error": { "code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT",
                "details": [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID" }] } }),
        ),
        ("gemini", Mode::Limited | Mode::Empty) => (
            429,
            json!({ "error": { "code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED",
                "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s" }] } }),
        ),
        ("openrouter", Mode::Empty) => {
            (402, json!({ "error": { "code": 402, "message": "Insufficient credits" } }))
        }
        _ => (status, json!({ "error": { "message": "no", "type": name, "param": null, "code": name } })),
    };
    let mut response = reply::json(status, &body);
    if mode == Mode::Limited {
        response.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("7"));
    }
    response
}
