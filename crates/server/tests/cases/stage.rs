//! A server before a fake of all providers, and a program's token.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::{FakeUpstream, Mode};

use crate::BACKEND;
use crate::support::call::{Answer, Call};
use crate::support::server::{Installation, STEP, STEPS, Server};

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) fake: FakeUpstream,
    /// Of role `gateway`.
    pub(crate) token: String,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|installation| installation).await
    }

    /// One whose server is set up further.
    pub(crate) async fn with(set_up: impl FnOnce(Installation) -> Installation) -> Self {
        let fake = FakeUpstream::start().await.expect("a fake");
        let installation = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
        let server = set_up(installation).start();
        let token = server.token_of(Role::Gateway).await;
        Self { server, fake, token }
    }

    /// A credential of this provider at the fake, whose key is treated so; tells the key.
    pub(crate) async fn credential(&self, name: &str, provider: &str, mode: Mode, more: Value) -> String {
        let key = mode.key(name);
        let mut request =
            json!({ "provider": provider, "endpoint": self.fake.endpoint(provider), "apiKey": key });
        let more = more.as_object().expect("an object").clone();
        request.as_object_mut().expect("an object").extend(more);
        self.server.credential(name, request).await;
        key
    }

    /// A call with the program's token.
    pub(crate) fn call(&self, path: &str, body: Value) -> Call {
        self.server.post(path, body).token(&self.token)
    }

    /// A command of the real binary that speaks to this server: its exit code, what it said, and what it complained of.
    pub(crate) fn cli(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.server.installation.command(arguments);
        command.env("PATH", "/usr/bin:/bin");
        command.env("STRONGROOM_URL", &self.server.url).env("STRONGROOM_TOKEN", &self.server.admin);
        let done = command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (done.status.code().expect("a code"), text(done.stdout), text(done.stderr))
    }

    /// A small question on OpenAI's path.
    pub(crate) fn chat(&self) -> Call {
        self.call("/openai/v1/chat/completions", question("gpt-4o-mini"))
    }

    /// The columns of the last usage record of a kind, once there are so many of that kind.
    pub(crate) async fn record(&self, kind: &str, count: usize, columns: &str) -> Vec<Option<String>> {
        let sql = format!("SELECT {columns} FROM usage_records WHERE kind = '{kind}' ORDER BY uid DESC");
        for _ in 0..STEPS {
            let rows = self.server.installation.database.query_text(&sql).await;
            if rows.len() >= count {
                assert_eq!(rows.len(), count, "{rows:?}");
                return rows.into_iter().next().expect("a row");
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("not {count} records of kind {kind}");
    }
}

/// A chat of one question.
pub(crate) fn question(model: &str) -> Value {
    json!({ "model": model, "max_tokens": 50, "messages": [{ "role": "user", "content": "Hello?" }] })
}

/// The data of all events of a stream.
pub(crate) fn events(answer: &Answer) -> Vec<Value> {
    let data = answer.text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

/// Text columns as they are, nothing as the empty text.
pub(crate) fn texts(row: &[Option<String>]) -> Vec<&str> {
    row.iter().map(|text| text.as_deref().unwrap_or("")).collect()
}
