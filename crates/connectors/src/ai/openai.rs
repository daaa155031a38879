//! OpenAI. Sources: <https://platform.openai.com/docs/api-reference/models/list>,
//! <https://developers.openai.com/docs/guides/error-codes> and
//! <https://help.openai.com/en/articles/6614457-troubleshooting-api-usage-and-spend-limits>.

use super::ProbeOutcome;
use super::answer::{Answer, Verdict};
use super::provider_api::{KeyHeader, ProviderApi};

pub(super) static API: ProviderApi = ProviderApi {
    key_header: KeyHeader::Bearer,
    fixed_headers: &[],
    probe_path: &["models"],
    probe_query: None,
    accepted: "The provider accepts the key. Listing models is free, so that this does not show whether the account has credit.",
    read,
};

/// Values of `error.code` with status 429 that waiting does not help with; `error.type` is `insufficient_quota` then.
const NOTHING_LEFT: &[&str] = &[
    "insufficient_quota",
    "billing_hard_limit_reached",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
];

/// Also for the providers that speak this format.
pub(super) fn read(answer: &Answer) -> Option<Verdict> {
    let code = answer.text("/error/code").unwrap_or_default();
    match answer.status.as_u16() {
        429 if NOTHING_LEFT.contains(&code) || answer.text("/error/type") == Some("insufficient_quota") => {
            Some(Verdict::new(
                ProbeOutcome::EmptyAccount,
                "The account has no credit left or has reached its spend limit: add credit, or raise the limit.",
            ))
        }
        // A restricted key may do other things. The status is 403; it has been seen as 401.
        401 | 403 if answer.says("missing scopes") => Some(Verdict::new(
            ProbeOutcome::Unexpected,
            "The provider knows the key, which may not list models: give it read permission for models to test it.",
        )),
        // Some servers that speak this format say 400 or 403 with the same code.
        400 | 403 if code == "invalid_api_key" => Some(Verdict::new(
            ProbeOutcome::BadKey,
            "The provider does not accept the key: it is wrong, revoked or expired. Store a new one.",
        )),
        _ => None,
    }
}
