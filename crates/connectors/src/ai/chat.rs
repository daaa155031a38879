//! One question to a model, in the dialect of its provider, and the text of its answer.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use strongroom_model::provider::BoundField;
use strongroom_model::{Amount, Problem, ProblemKind, Provider};
use url::Url;

use super::gateway::{
    AnswerForm, Dialect, Meter, RefusalBill, Refused, Report, UsageReader, refusal_bill, refused,
};
use super::{Account, ProviderApi};
use crate::endpoint_guard::GuardedClient;

/// From the start of the request to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longest body of an answer, decoded.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Question to a model.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Model, as its provider names it.
    pub model: &'a str,
    /// Instruction to the model.
    pub system: &'a str,
    /// Material that the instruction is about.
    pub user: &'a str,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
}

/// Answer of a model.
#[derive(Debug, Clone)]
pub struct ChatAnswer {
    /// Its text.
    pub text: String,
    /// Usage, as the answer states it.
    pub report: Report,
}

/// Failure to get an answer. Never holds the provider's own words: they may repeat the key or the question.
#[derive(Debug)]
pub enum ChatError {
    /// The request was not sent.
    NotSent(Problem),
    /// It was sent, and no answer came.
    NoAnswer,
    /// The provider refused it.
    Refused {
        /// The status of its answer.
        status: u16,
        /// Meaning for the key; `None` when the refusal is about the question.
        refused: Option<Refused>,
        /// What it may have billed all the same.
        bill: RefusalBill,
    },
    /// Its answer has no text, or is not JSON.
    Unreadable,
}

/// Operation's name in usage records, by which usage is priced again later.
#[must_use]
pub fn operation(provider: &Provider) -> &'static str {
    match provider.api().dialect {
        Dialect::Anthropic => "messages",
        Dialect::Gemini => "generate_content",
        Dialect::OpenAi => "chat.completions",
    }
}

/// Asks a model. The guard checks the address before anything is sent, and again at every connection.
///
/// # Errors
/// [`ChatError`].
pub async fn ask(
    client: &GuardedClient,
    account: Account<'_>,
    question: &Question<'_>,
) -> Result<ChatAnswer, ChatError> {
    let Account { provider, endpoint, key } = account;
    let base = endpoint.or_else(|| provider.base_url()).ok_or_else(|| {
        ChatError::NotSent(Problem::invalid("endpoint", format!("no address is known for {provider}")))
    })?;
    let base = client.guard().check(base).map_err(ChatError::NotSent)?;
    let api = ProviderApi::of(provider);
    let (name, value) = api.key_header.with(key).map_err(|_| {
        let message = "the key has characters that cannot be sent; store it again without them";
        ChatError::NotSent(Problem::new(ProblemKind::Unprocessable, message))
    })?;
    let client = client.clone().with_timeout(TIMEOUT);
    let request = client.post(chat_url(base, provider, question.model)).map_err(ChatError::NotSent)?;
    let request =
        api.fixed_headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.header(name, value).json(&body(provider, question));
    let mut response = request.send().await.map_err(|error| not_answered(provider, error))?;

    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| ChatError::NoAnswer)? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(ChatError::Unreadable);
        }
        bytes.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        return Err(refusal(provider, status, &headers, &bytes));
    }
    let text = serde_json::from_slice(&bytes).ok().and_then(|answer| text_of(provider, &answer));
    let text = text.ok_or(ChatError::Unreadable)?;
    let mut reader = UsageReader::new(meter(provider), provider, AnswerForm::Whole, Amount::ONE);
    reader.feed(&bytes);
    Ok(ChatAnswer { text, report: reader.finish() })
}

fn meter(provider: &Provider) -> Meter {
    match provider.api().dialect {
        Dialect::Anthropic => Meter::Messages,
        Dialect::Gemini => Meter::GenerateContent,
        Dialect::OpenAi => Meter::Chat,
    }
}

/// Address of a question, below a base URL without a version for Anthropic and Gemini, and with one for the others.
fn chat_url(base: Url, provider: &Provider, model: &str) -> Url {
    let mut url = base;
    let generate = format!("{model}:generateContent");
    let path: &[&str] = match provider.api().dialect {
        Dialect::Anthropic => &["v1", "messages"],
        Dialect::Gemini => &["v1beta", "models", &generate],
        Dialect::OpenAi => &["chat", "completions"],
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url.set_query(None);
    url
}

/// Body of a question.
fn body(provider: &Provider, question: &Question<'_>) -> Value {
    let Question { model, system, user, max_tokens } = *question;
    match provider.api().dialect {
        Dialect::Anthropic => json!({
            "model": model,
            "system": system,
            "messages": [{ "role": "user", "content": user }],
            "max_tokens": max_tokens,
        }),
        Dialect::Gemini => json!({
            "systemInstruction": { "parts": [{ "text": system }] },
            "contents": [{ "role": "user", "parts": [{ "text": user }] }],
            "generationConfig": { "maxOutputTokens": max_tokens },
        }),
        Dialect::OpenAi => {
            // Reasoning models refuse `max_tokens`; providers that do not document the newer name may ignore it.
            let limit = if provider.api().bounds.contains(&BoundField::CompletionTokens) {
                "max_completion_tokens"
            } else {
                "max_tokens"
            };
            json!({
                "model": model,
                "messages": [{ "role": "system", "content": system }, { "role": "user", "content": user }],
                limit: max_tokens,
            })
        }
    }
}

/// First text of an answer; thoughts that Gemini shows are none.
fn text_of(provider: &Provider, answer: &Value) -> Option<String> {
    let (content, is_text): (_, fn(&Value) -> bool) = match provider.api().dialect {
        Dialect::Anthropic => (answer.get("content"), |part| part["type"] == "text"),
        Dialect::Gemini => {
            (answer.pointer("/candidates/0/content/parts"), |part| part["thought"] != Value::Bool(true))
        }
        Dialect::OpenAi => (answer.pointer("/choices/0/message/content"), |part| part["type"] == "text"),
    };
    let text = match content? {
        Value::Array(parts) => {
            parts.iter().filter(|part| is_text(part)).find_map(|part| part["text"].as_str())
        }
        content => content.as_str(),
    };
    text.map(str::to_owned)
}

fn refusal(provider: &Provider, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ChatError {
    let refused = refused(provider, status, headers, body);
    let bill = refusal_bill(meter(provider), provider, status, body, false);
    ChatError::Refused { status: status.as_u16(), refused, bill }
}

fn not_answered(provider: &Provider, error: reqwest::Error) -> ChatError {
    if error.is_connect() || error.is_builder() {
        let problem = Problem::new(ProblemKind::BadGateway, format!("{provider} cannot be connected to"));
        // The URL of an endpoint may hold what nobody is to see.
        return ChatError::NotSent(problem.caused_by(error.without_url()));
    }
    ChatError::NoAnswer
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question<'_> =
        Question { model: "some-model", system: "Be brief.", user: "Hello?", max_tokens: 20 };

    fn provider(name: &str) -> Provider {
        Provider::parse(name).unwrap()
    }

    #[test]
    fn a_question_goes_to_the_path_of_its_dialect_below_any_base() {
        let place =
            |name, base: &str| chat_url(Url::parse(base).unwrap(), &provider(name), "some-model").to_string();
        assert_eq!(place("openai", "https://a.example/v1"), "https://a.example/v1/chat/completions");
        assert_eq!(
            place("groq", "https://a.example/openai/v1/"),
            "https://a.example/openai/v1/chat/completions"
        );
        assert_eq!(place("anthropic", "https://a.example"), "https://a.example/v1/messages");
        assert_eq!(
            place("gemini", "https://a.example/proxy?key=x"),
            "https://a.example/proxy/v1beta/models/some-model:generateContent"
        );
    }

    #[test]
    fn a_question_says_the_same_in_every_dialect() {
        let openai = json!({
            "model": "some-model",
            "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hello?" }],
            "max_completion_tokens": 20,
        });
        assert_eq!(body(&provider("openai"), &QUESTION), openai);
        assert_eq!(body(&provider("mistral"), &QUESTION)["max_tokens"], 20);
        assert_eq!(body(&provider("some-server-of-ours"), &QUESTION)["max_tokens"], 20);
        let anthropic = json!({
            "model": "some-model",
            "system": "Be brief.",
            "messages": [{ "role": "user", "content": "Hello?" }],
            "max_tokens": 20,
        });
        assert_eq!(body(&provider("anthropic"), &QUESTION), anthropic);
        let gemini = json!({
            "systemInstruction": { "parts": [{ "text": "Be brief." }] },
            "contents": [{ "role": "user", "parts": [{ "text": "Hello?" }] }],
            "generationConfig": { "maxOutputTokens": 20 },
        });
        assert_eq!(body(&provider("gemini"), &QUESTION), gemini);
    }

    #[test]
    fn the_first_text_of_an_answer_is_found_and_nothing_else() {
        let text = |name: &str, answer: Value| text_of(&provider(name), &answer);
        let said = Some("Hi".to_owned());
        assert_eq!(text("openai", json!({ "choices": [{ "message": { "content": "Hi" } }] })), said);
        let parts = json!([{ "type": "thinking", "text": "hm" }, { "type": "text", "text": "Hi" }]);
        assert_eq!(text("mistral", json!({ "choices": [{ "message": { "content": parts } }] })), said);
        assert_eq!(text("anthropic", json!({ "content": parts })), said);
        let parts = json!([{ "thought": true, "text": "hm" }, { "text": "Hi" }]);
        assert_eq!(text("gemini", json!({ "candidates": [{ "content": { "parts": parts } }] })), said);
        for name in ["openai", "anthropic", "gemini"] {
            for answer in
                [json!({}), json!([]), json!({ "content": null, "choices": [], "candidates": [{}] })]
            {
                assert_eq!(text(name, answer), None, "{name}");
            }
        }
    }
}
