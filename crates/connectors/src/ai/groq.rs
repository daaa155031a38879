//! Groq. Sources: <https://console.groq.com/docs/api-reference#models-list>, <https://console.groq.com/docs/errors>,
//! <https://console.groq.com/docs/rate-limits> and <https://console.groq.com/docs/spend-limits>.

use super::ProbeOutcome;
use super::answer::{Answer, Verdict};
use super::openai;
use super::provider_api::{KeyHeader, ProviderApi};

pub(super) static API: ProviderApi = ProviderApi {
    key_header: KeyHeader::Bearer,
    fixed_headers: &[],
    probe_path: &["models"],
    probe_query: None,
    accepted: "The provider accepts the key.",
    read,
};

fn read(answer: &Answer) -> Option<Verdict> {
    match (answer.status.as_u16(), answer.text("/error/code")) {
        (400, Some("blocked_api_access")) => Some(Verdict::new(
            ProbeOutcome::EmptyAccount,
            "The organisation has reached its spend limit: raise the limit, or wait for the next month.",
        )),
        (_, Some("organization_restricted")) => Some(Verdict::new(
            ProbeOutcome::Unexpected,
            "The provider has restricted the organisation of this key: ask its support.",
        )),
        _ => openai::read(answer),
    }
}
