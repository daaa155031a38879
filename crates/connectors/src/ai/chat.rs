//! One question to a model of whichever provider, through a client library that speaks all their languages.

use std::time::Duration;

use genai::adapter::AdapterKind;
use genai::chat::{ChatOptions, ChatRequest};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, Error, ModelIden, ServiceTarget, webc};
use http::{HeaderMap, StatusCode};
use strongroom_model::{Amount, Problem, Provider};

use super::Account;
use super::gateway::{AnswerForm, Dialect, Meter, Refused, Report, UsageReader, may_be_billed, refused};
use crate::endpoint_guard::GuardedClient;

/// From the start of the request to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Which model.
    pub model: &'a str,
    /// What the model is to do.
    pub system: &'a str,
    /// What it is to do it with.
    pub user: &'a str,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
}

/// What a model answered.
#[derive(Debug, Clone)]
pub struct ChatAnswer {
    /// Its words.
    pub text: String,
    /// What the answer says of what it used.
    pub report: Report,
}

/// Why there is no answer. Never holds what the provider said: that may repeat the key or the question.
#[derive(Debug)]
pub enum ChatError {
    /// Nothing was sent.
    NotSent(Problem),
    /// It was sent, and no answer came.
    NoAnswer,
    /// The provider said no.
    Refused {
        /// The status of its answer.
        status: u16,
        /// What that says about the key; `None` when it is about the question.
        refused: Option<Refused>,
        /// Whether it may be billed all the same.
        may_be_billed: bool,
    },
    /// It answered with something that is no answer; what it used, when that could be read.
    Unreadable,
}

/// The client library's name of a provider's language, and what it wants behind the base URL.
fn language(provider: &Provider) -> (AdapterKind, &'static str, Meter) {
    match provider.api().dialect {
        Dialect::Anthropic => (AdapterKind::Anthropic, "v1/", Meter::Messages),
        Dialect::Gemini => (AdapterKind::Gemini, "v1beta/", Meter::GenerateContent),
        Dialect::OpenAi => (AdapterKind::OpenAI, "", Meter::Chat),
    }
}

/// The operation's name in usage records, so that what it used can be priced anew.
#[must_use]
pub fn operation(provider: &Provider) -> &'static str {
    match language(provider).2 {
        Meter::Messages => "messages",
        Meter::GenerateContent => "generate_content",
        _ => "chat.completions",
    }
}

/// Asks. The guard is asked before anything is sent, and at every connection.
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
    let http = client.http(&base).map_err(ChatError::NotSent)?;
    let (adapter, suffix, meter) = language(provider);
    let url = format!("{}/{suffix}", base.as_str().trim_end_matches('/'));
    let target = ServiceTarget {
        endpoint: Endpoint::from_owned(url),
        auth: AuthData::from_single(key.expose()),
        model: ModelIden::new(adapter, question.model),
    };
    let request = ChatRequest::from_user(question.user).with_system(question.system);
    let options = ChatOptions::default().with_max_tokens(question.max_tokens).with_capture_raw_body(true);
    let library = Client::builder().with_reqwest(http).build();
    let library =
        library.map_err(|_| ChatError::NotSent(Problem::internal("the client library cannot be set up")))?;
    let asked = tokio::time::timeout(TIMEOUT, library.exec_chat(target, request, Some(&options))).await;
    let answer = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(reason(provider, error)),
        Err(_) => return Err(ChatError::NoAnswer),
    };
    let mut reader = UsageReader::new(meter, provider, AnswerForm::Whole, Amount::ONE);
    if let Some(body) = &answer.captured_raw_body {
        reader.feed(body.to_string().as_bytes());
    }
    let report = reader.finish();
    let text = answer.into_first_text().ok_or(ChatError::Unreadable)?;
    Ok(ChatAnswer { text, report })
}

fn refusal(provider: &Provider, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ChatError {
    let refused = refused(provider, status, headers, body);
    ChatError::Refused { status: status.as_u16(), refused, may_be_billed: may_be_billed(status, body) }
}

fn reason(provider: &Provider, error: Error) -> ChatError {
    let of_web = match error {
        Error::WebModelCall { webc_error, .. } | Error::WebAdapterCall { webc_error, .. } => webc_error,
        Error::HttpError { status, body, headers, .. } => {
            return refusal(provider, status, &headers, body.as_bytes());
        }
        _ => return ChatError::Unreadable,
    };
    match of_web {
        webc::Error::ResponseFailedStatus { status, body, headers } => {
            refusal(provider, status, &headers, body.as_bytes())
        }
        webc::Error::Reqwest(error) if error.is_connect() || error.is_builder() => {
            let problem = Problem::new(
                strongroom_model::ProblemKind::BadGateway,
                format!("{provider} cannot be connected to"),
            );
            // Its address may hold what nobody is to see.
            ChatError::NotSent(problem.caused_by(error.without_url()))
        }
        webc::Error::Reqwest(_) => ChatError::NoAnswer,
        _ => ChatError::Unreadable,
    }
}
