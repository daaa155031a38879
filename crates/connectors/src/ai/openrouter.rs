//! OpenRouter. Sources: <https://openrouter.ai/docs/api-reference/limits> and <https://openrouter.ai/docs/errors>.

use super::ProbeOutcome;
use super::answer::{Answer, Verdict};
use super::provider_api::{KeyHeader, ProviderApi};

pub(super) static API: ProviderApi = ProviderApi {
    key_header: KeyHeader::Bearer,
    fixed_headers: &[],
    // The list of models is public: it would call every key right.
    probe_path: &["key"],
    probe_query: None,
    accepted: "The provider accepts the key, and the key's own credit limit is not used up.",
    read,
};

fn read(answer: &Answer) -> Option<Verdict> {
    match answer.status.as_u16() {
        // `null` is a key without a limit of its own.
        200 if answer.value("/data/limit_remaining")?.as_f64()? <= 0.0 => Some(Verdict::new(
            ProbeOutcome::EmptyAccount,
            "The key is right, and its credit limit is used up: raise the limit, or wait for its reset.",
        )),
        402 if answer.text("/error/metadata/limit_source") == Some("openrouter_in_flight_budget") => {
            Some(Verdict::new(
                ProbeOutcome::RateLimited,
                "The key is right, and the calls that are running fill its budget: try again later.",
            ))
        }
        _ => None,
    }
}
