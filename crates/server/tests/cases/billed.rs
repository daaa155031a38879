//! Calls that end in any way, and what they are billed: operations of all providers, clients that leave at any moment, and
//! the limits beside the fake provider's own bill.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::{Bill, FakeUpstream, Mode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stage::Stage;
use crate::support::server::{STEP, STEPS, Server};

/// A call that is billed by tokens.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    provider: &'static str,
    path: &'static str,
    body: Value,
    /// Stands in what comes with the last figures and in nothing before.
    marker: &'static str,
    /// Braces that the answer leaves open when it ends behind the last figures.
    open: usize,
    /// Billionths of a dollar for a token: of the prompt, read from a cache, written to one, of the answer.
    rates: [i64; 4],
}

impl Operation {
    /// What a bill comes to, in billionths of a dollar.
    pub(crate) fn cost(&self, bill: Bill) -> i64 {
        let tokens = [bill.input, bill.cached_input, bill.cache_write, bill.output];
        tokens.iter().zip(self.rates).map(|(tokens, rate)| tokens * rate).sum()
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.open == 0
    }
}

/// One of each kind, answered at once and as a stream.
pub(crate) fn operations() -> Vec<Operation> {
    const OPENAI: [i64; 4] = [150, 75, 150, 600];
    const CLAUDE: [i64; 4] = [1000, 100, 1250, 5000];
    const GEMINI: [i64; 4] = [300, 30, 300, 2500];
    let chat = json!({ "model": "gpt-4o-mini", "max_tokens": 5000, "messages": [{ "role": "user", "content": "Hello?" }] });
    let response = json!({ "model": "gpt-4o-mini", "max_output_tokens": 5000, "input": "Hello?" });
    let message = json!({ "model": "claude-haiku-4-5", "max_tokens": 5000, "messages": [{ "role": "user", "content": "Hello?" }] });
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Hello?" }] }],
        "generationConfig": { "maxOutputTokens": 5000 } });
    let embeddings = json!({ "model": "text-embedding-3-small", "input": "x".repeat(6000) });
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let streamed = with(&chat, "stream", json!(true));
    let asked = with(&streamed, "stream_options", json!({ "include_usage": true }));
    let one = |name, provider, path, body: &Value, marker, open, rates| Operation {
        name,
        provider,
        path,
        body: body.clone(),
        marker,
        open,
        rates,
    };
    let chats = "/openai/v1/chat/completions";
    let messages = "/anthropic/v1/messages";
    vec![
        one("chat", "openai", chats, &chat, "completion_tokens", 1, OPENAI),
        one("chat-stream", "openai", chats, &asked, "completion_tokens", 0, OPENAI),
        one("chat-stream-unasked", "openai", chats, &streamed, "", 0, OPENAI),
        one("responses", "openai", "/openai/v1/responses", &response, "input_tokens", 1, OPENAI),
        one(
            "responses-stream",
            "openai",
            "/openai/v1/responses",
            &with(&response, "stream", json!(true)),
            "response.completed",
            0,
            OPENAI,
        ),
        one("messages", "anthropic", messages, &message, "input_tokens", 1, CLAUDE),
        one(
            "messages-stream",
            "anthropic",
            messages,
            &with(&message, "stream", json!(true)),
            "message_delta",
            0,
            CLAUDE,
        ),
        one(
            "generate",
            "gemini",
            "/gemini/v1beta/models/gemini-2.5-flash:generateContent",
            &gemini,
            "TokenCount",
            1,
            GEMINI,
        ),
        one(
            "generate-events",
            "gemini",
            "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            &gemini,
            "finishReason",
            0,
            GEMINI,
        ),
        one(
            "generate-array",
            "gemini",
            "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent",
            &gemini,
            "finishReason",
            0,
            GEMINI,
        ),
        one(
            "embeddings",
            "openai",
            "/openai/v1/embeddings",
            &embeddings,
            "prompt_tokens",
            1,
            [20, 20, 20, 0],
        ),
    ]
}

/// How long a client stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    /// Up to the end.
    Stays,
    /// Until its request has arrived at the provider.
    LeavesBeforeTheHead,
    LeavesAtTheHead,
    /// When the first of the body is there.
    LeavesInTheBody,
    /// When the last figures are there.
    LeavesAtTheFigures,
}

/// Makes a call with these headers, and leaves when the client does. Tells the status, as far as one came.
pub(crate) async fn call(
    address: &str,
    token: &str,
    (operation, headers): (&Operation, &[(&str, &str)]),
    client: Client,
    has_arrived: impl Fn() -> bool,
) -> std::io::Result<Option<u16>> {
    let mut stream = TcpStream::connect(address).await?;
    let body = operation.body.to_string();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\nconnection: close\r\n{more}content-length: {}\r\n\r\n",
        operation.path,
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut seen = Vec::new();
    if client == Client::LeavesBeforeTheHead {
        for _ in 0..STEPS {
            if has_arrived() {
                return Ok(None);
            }
            tokio::time::sleep(STEP).await;
        }
        // A refusal of ours: what comes says so.
    }
    loop {
        let text = String::from_utf8_lossy(&seen);
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let is_served = status.is_some_and(|status: u16| status < 300);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && is_served
        {
            let count = |brace| body.matches(brace).count();
            let has_figures = !operation.marker.is_empty() && body.contains(operation.marker);
            let leaves = match client {
                Client::Stays | Client::LeavesBeforeTheHead => false,
                Client::LeavesAtTheHead => true,
                Client::LeavesInTheBody => body.contains('{'),
                Client::LeavesAtTheFigures => has_figures && count('{') == count('}') + operation.open,
            };
            if leaves {
                return Ok(status);
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return Ok(status),
            Ok(length) => seen.extend_from_slice(&piece[..length]),
        }
    }
}

/// What limits of one unit and kind of scope count: used and held.
pub(crate) type Counted = std::collections::BTreeMap<(String, String), (i64, i64)>;

/// Whoever calls, with limits in tokens and dollars on credential, token and user.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Of the credential.
    pub(crate) key: String,
    pub(crate) token: String,
    pub(crate) actor: String,
    name: String,
    user: String,
}

impl Subject {
    /// One with a credential for this operation, and limits of so many tokens and so many billionths of a dollar.
    pub(crate) async fn new(stage: &Stage, operation: &Operation, name: &str, most: (i64, i64)) -> Self {
        let key = stage.credential(name, operation.provider, Mode::Ok, json!({ "priority": 1 })).await;
        Self::of(stage, name, key, &[name], most).await
    }

    /// The same beside a spare credential, which serves when the first does not, and whose limits are not looked at.
    pub(crate) async fn with_spare(
        stage: &Stage,
        operation: &Operation,
        name: &str,
        most: (i64, i64),
    ) -> (Self, String) {
        let key = stage.credential(name, operation.provider, Mode::Ok, json!({ "priority": 1 })).await;
        let spare = format!("spare-of-{name}");
        let spare_key =
            stage.credential(&spare, operation.provider, Mode::Ok, json!({ "priority": 2 })).await;
        (Self::of(stage, name, key, &[name, &spare], most).await, spare_key)
    }

    async fn of(stage: &Stage, name: &str, key: String, reaches: &[&str], most: (i64, i64)) -> Self {
        let server = &stage.server;
        let user = server.user_of(name, Role::Gateway).await;
        let token =
            json!({ "name": name, "role": "gateway", "userId": user, "scope": { "credentials": reaches } });
        let token = server.token(token).await;
        let id = token.split('_').nth(1).expect("an id").to_owned();
        for (unit, amount) in [("tokens", most.0), ("nano_usd", most.1)] {
            for (scope, whom) in [("credential", json!(name)), ("token", json!(id)), ("userId", json!(user))]
            {
                let limit = json!({ scope: whom, "unit": unit, "window": "prepaid", "amount": amount });
                server.post("/api/admin/limits", limit).await.expect(200);
            }
        }
        let actor = format!("token:{id}");
        Self { key, token, actor, name: name.to_owned(), user: user.to_string() }
    }

    /// What its limits count.
    pub(crate) async fn counted(&self, server: &Server) -> Counted {
        let all = server.get("/api/admin/limits").await.expect(200).json();
        let id = self.actor.split_once(':').expect("a token").1;
        let text = |limit: &Value, outer: &str, inner: &str| {
            limit[outer][inner].as_str().expect("a text").to_owned()
        };
        let is_its = |limit: &&Value| match &*text(limit, "scope", "kind") {
            "credential" => text(limit, "scope", "name") == self.name,
            "token" => text(limit, "scope", "id") == id,
            _ => text(limit, "scope", "id") == self.user,
        };
        let number = |limit: &Value, field: &str| limit[field].as_i64().expect("a number");
        let one = |limit: &Value| {
            let unit = limit["unit"].as_str().expect("a unit").to_owned();
            let (used, held) = (number(limit, "used"), number(limit, "held"));
            ((unit, text(limit, "scope", "kind")), (used, held))
        };
        all.as_array().expect("a list").iter().filter(is_its).map(one).collect()
    }

    /// The columns of its records, the last one first, once there are so many of calls. Attempts come on top: what gets
    /// nothing over a connection that was kept is tried again.
    pub(crate) async fn records(
        &self,
        server: &Server,
        count: usize,
        columns: &str,
    ) -> Vec<Vec<Option<String>>> {
        let sql = format!(
            "SELECT {columns}, kind FROM usage_records WHERE actor = '{}' ORDER BY uid DESC",
            self.actor
        );
        for _ in 0..STEPS {
            let mut rows = server.installation.database.query_text(&sql).await;
            let calls = rows.iter().filter(|row| row.last() == Some(&Some("call".to_owned()))).count();
            if calls >= count {
                assert_eq!(calls, count, "{rows:?}");
                rows.iter_mut().for_each(|row| drop(row.pop()));
                return rows;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("{}: not {count} records", self.name);
    }

    /// Nothing that was billed is uncounted, on none of the scopes.
    pub(crate) fn assert_billed(
        &self,
        fake: &FakeUpstream,
        operation: &Operation,
        counted: &Counted,
        what: &str,
    ) {
        let bill = fake.bill(&self.key);
        for ((unit, scope), (used, held)) in counted {
            let billed = if unit == "tokens" { bill.tokens() } else { operation.cost(bill) };
            assert!(
                billed <= used + held,
                "{what}, {}: {billed} {unit} are billed, {used} + {held} are counted on the {scope}",
                operation.name
            );
        }
    }
}
