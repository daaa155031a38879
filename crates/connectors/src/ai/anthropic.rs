//! Anthropic. Sources: <https://platform.claude.com/docs/en/api/models/list>,
//! <https://platform.claude.com/docs/en/api/errors> and <https://platform.claude.com/docs/en/api/rate-limits>.

use super::ProbeOutcome;
use super::answer::{Answer, Verdict};
use super::provider_api::{KeyHeader, ProviderApi};

pub(super) static API: ProviderApi = ProviderApi {
    key_header: KeyHeader::Named("x-api-key"),
    // <https://platform.claude.com/docs/en/api/versioning>
    fixed_headers: &[("anthropic-version", "2023-06-01")],
    probe_path: &["v1", "models"],
    probe_query: Some("limit=1"),
    accepted: "The provider accepts the key. Listing models is free, so that this does not show whether the account has credit.",
    read,
};

fn read(answer: &Answer) -> Option<Verdict> {
    let nothing_left = Verdict::new(
        ProbeOutcome::EmptyAccount,
        "The account has no credit left or has reached its spend limit: add credit, or raise the limit.",
    );
    match answer.status.as_u16() {
        // There is no code for these two: an ordinary `invalid_request_error`, told apart by its message only.
        400 if answer.says("credit balance is too low") => Some(nothing_left),
        400 if answer.says("you have reached your specified") => Some(nothing_left),
        // The monthly cap of a usage tier: a 429 that waiting does not help with.
        429 if answer.text("/error/details/error_code") == Some("enforced_spend_limit_reached") => {
            Some(nothing_left)
        }
        529 => Some(Verdict::new(
            ProbeOutcome::RateLimited,
            "The provider is overloaded and takes no calls just now: try again later.",
        )),
        _ => None,
    }
}
