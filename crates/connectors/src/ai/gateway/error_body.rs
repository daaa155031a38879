//! Errors of our own in the shapes that the providers' clients know.

use serde_json::{Value, json};

use super::operation::Dialect;

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// The HTTP status.
    pub status: u16,
    /// The fault and its remedy.
    pub message: String,
    /// Our stable name of it.
    pub code: &'static str,
}

impl ErrorBody {
    /// The JSON body, as a client of this provider reads it.
    #[must_use]
    pub fn to_json(&self, dialect: Dialect) -> Value {
        let Self { status, message, code } = self;
        match dialect {
            // <https://platform.openai.com/docs/guides/error-codes>
            Dialect::OpenAi => {
                let kind = match status {
                    401 => "authentication_error",
                    403 => "permission_error",
                    429 => "rate_limit_error",
                    400..=499 => "invalid_request_error",
                    _ => "server_error",
                };
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
            // <https://platform.claude.com/docs/en/api/errors>
            Dialect::Anthropic => {
                let kind = match status {
                    401 => "authentication_error",
                    403 => "permission_error",
                    404 => "not_found_error",
                    413 => "request_too_large",
                    429 => "rate_limit_error",
                    503 => "overloaded_error",
                    400..=499 => "invalid_request_error",
                    _ => "api_error",
                };
                json!({ "type": "error", "error": { "type": kind, "message": message } })
            }
            // <https://cloud.google.com/apis/design/errors#handling_errors>
            Dialect::Gemini => {
                let name = match status {
                    401 => "UNAUTHENTICATED",
                    403 => "PERMISSION_DENIED",
                    404 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    503 => "UNAVAILABLE",
                    504 => "DEADLINE_EXCEEDED",
                    400..=499 => "INVALID_ARGUMENT",
                    _ => "INTERNAL",
                };
                json!({ "error": { "code": status, "message": message, "status": name } })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_the_same_in_its_own_shape() {
        let error = ErrorBody { status: 429, message: "no more".to_owned(), code: "limit_reached" };
        let openai = error.to_json(Dialect::OpenAi);
        assert_eq!(openai["error"]["code"], "limit_reached");
        assert_eq!(openai["error"]["type"], "rate_limit_error");
        let anthropic = error.to_json(Dialect::Anthropic);
        assert_eq!(
            (&anthropic["type"], &anthropic["error"]["type"]),
            (&json!("error"), &json!("rate_limit_error"))
        );
        let gemini = error.to_json(Dialect::Gemini);
        assert_eq!(
            (&gemini["error"]["code"], &gemini["error"]["status"]),
            (&json!(429), &json!("RESOURCE_EXHAUSTED"))
        );
        for body in [openai, anthropic, gemini] {
            assert_eq!(body["error"]["message"], "no more");
        }
    }
}
