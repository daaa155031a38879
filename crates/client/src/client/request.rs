//! Requests of typed calls, and typed values of answers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, ClientError};
use crate::transport::{Call, Pieces, whole};

/// For calls that touch a few rows.
const TIMEOUT: Duration = Duration::from_secs(60);
/// For calls that read or write a great many.
pub(super) const LONG_TIMEOUT: Duration = Duration::from_secs(3600);

/// Percent-encodes all but the unreserved characters of RFC 3986, 2.3: names that were moved in may hold anything.
#[must_use]
pub fn encode(segment: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A request that is being put together.
pub(super) struct Draft<'a> {
    client: &'a Client,
    call: Call,
}

impl Client {
    pub(super) fn draft(&self, method: Method, path: impl Into<String>) -> Draft<'_> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        let call = Call { method, target: path.into(), headers, body: Bytes::new(), timeout: TIMEOUT };
        Draft { client: self, call }
    }
}

impl Draft<'_> {
    /// Adds the fields of `query` that are set.
    pub(super) fn query(mut self, query: &impl Serialize) -> Result<Self, ClientError> {
        let fields = serde_json::to_value(query).map_err(unsendable)?;
        let mut separator = '?';
        for (key, value) in fields.as_object().into_iter().flatten() {
            let text = match value {
                serde_json::Value::Null => continue,
                serde_json::Value::String(text) => encode(text),
                other => encode(&other.to_string()),
            };
            self.call.target.push(separator);
            self.call.target.push_str(&format!("{key}={text}"));
            separator = '&';
        }
        Ok(self)
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Result<Self, ClientError> {
        self.call.body = Bytes::from(serde_json::to_vec(body).map_err(unsendable)?);
        self.call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    pub(super) fn header(mut self, name: &'static str, value: Option<String>) -> Result<Self, ClientError> {
        if let Some(value) = value {
            let value = HeaderValue::from_str(&value).map_err(|_| {
                ClientError::usage(format!("{name} holds characters that no header can carry"))
            })?;
            self.call.headers.insert(name, value);
        }
        Ok(self)
    }

    /// Adds `If-Match: "<revision>"`.
    pub(super) fn if_match(self, revision: Option<i64>) -> Result<Self, ClientError> {
        self.header("if-match", revision.map(|revision| format!("\"{revision}\"")))
    }

    pub(super) fn within(mut self, timeout: Duration) -> Self {
        self.call.timeout = timeout;
        self
    }

    /// Sends it; any status but a success is an error.
    pub(super) async fn send(self) -> Result<Response<Bytes>, ClientError> {
        let answer = self.send_any().await?;
        if answer.status().is_success() { Ok(answer) } else { Err(ClientError::refused(&answer)) }
    }

    /// Sends it; of a success only the head has come then.
    pub(super) async fn begin(self) -> Result<Response<Pieces>, ClientError> {
        let answer = self.client.transport.begin(self.call).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(ClientError::refused(&whole(answer).await?))
    }

    /// Sends it; any status is an answer.
    pub(super) async fn send_any(self) -> Result<Response<Bytes>, ClientError> {
        self.client.transport.send(self.call).await
    }

    /// Sends it and reads the answer.
    pub(super) async fn fetch<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        decode(&self.send().await?)
    }
}

fn unsendable(error: serde_json::Error) -> ClientError {
    ClientError { source: Some(error.into()), ..ClientError::usage("the request cannot be written as JSON") }
}

/// Reads a body. What could not be read is not repeated: it may hold a secret, and so may serde's own message.
pub(super) fn decode<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, ClientError> {
    serde_json::from_slice(answer.body()).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = format!(
            "the server's answer is not what this version understands (line {line}, column {column}); \
             are client and server of the same version?"
        );
        ClientError { status: Some(answer.status().as_u16()), ..ClientError::protocol(message) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay() {
        assert_eq!(encode("Az09-._~"), "Az09-._~");
        assert_eq!(encode("a/b c%\0é🔑"), "a%2Fb%20c%25%00%C3%A9%F0%9F%94%91");
    }

    #[test]
    fn what_could_not_be_read_is_not_repeated() {
        let answer = Response::new(Bytes::from_static(br#"{"apiKey": 1, "x": "sk-canary"}"#));
        let error = decode::<Vec<String>>(&answer).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
