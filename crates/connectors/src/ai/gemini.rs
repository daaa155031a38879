//! Gemini. Sources: <https://ai.google.dev/api/models#method:-models.list>,
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://ai.google.dev/gemini-api/docs/billing>, and for the
//! reasons <https://cloud.google.com/service-infrastructure/docs/service-management/reference/rpc/google.api#errorreason>.

use super::ProbeOutcome;
use super::answer::{Answer, Verdict};
use super::provider_api::{KeyHeader, ProviderApi};

pub(super) static API: ProviderApi = ProviderApi {
    // The reference shows `?key=` as well: URLs stand in logs, headers do not.
    key_header: KeyHeader::Named("x-goog-api-key"),
    fixed_headers: &[],
    probe_path: &["v1beta", "models"],
    probe_query: Some("pageSize=1"),
    accepted: "The provider accepts the key. Listing models is free, so that this does not show whether quota is left.",
    read,
};

fn read(answer: &Answer) -> Option<Verdict> {
    let reason = |wanted: &str| {
        answer.details().any(|detail| detail.get("reason").and_then(|reason| reason.as_str()) == Some(wanted))
    };
    let may_be_retried = || {
        answer.details().any(|detail| {
            detail.get("@type").and_then(|kind| kind.as_str())
                == Some("type.googleapis.com/google.rpc.RetryInfo")
        })
    };
    let bad_key = |words| Some(Verdict::new(ProbeOutcome::BadKey, words));
    let empty = |words| Some(Verdict::new(ProbeOutcome::EmptyAccount, words));
    match answer.status.as_u16() {
        // A wrong key is a malformed argument here, not a 401.
        400 if reason("API_KEY_INVALID") => {
            bad_key("The provider does not accept the key: it is wrong, deleted or expired. Store a new one.")
        }
        400 if answer.text("/error/status") == Some("FAILED_PRECONDITION") => {
            empty("There is no free use from this country: turn on billing for the key's project.")
        }
        403 if reason("BILLING_DISABLED") => empty("Billing is off: turn it on for the key's project."),
        403 if reason("SERVICE_DISABLED") => Some(Verdict::new(
            ProbeOutcome::Unexpected,
            "The provider knows the key, whose project has the Gemini API turned off: turn it on.",
        )),
        403 if answer.says("reported as leaked") => {
            bad_key("The provider has blocked the key, which was found in public: make a new one.")
        }
        403 if answer.text("/error/status") == Some("PERMISSION_DENIED") => bad_key(
            "The key may not use the Gemini API: check its restrictions (services, addresses, referrers) and its project.",
        ),
        429 if answer.says("credits are depleted") => empty("The prepaid credit is used up: add credit."),
        429 if !may_be_retried() && answer.says("billing") => {
            empty("The quota of the key's project is used up: check its plan and billing.")
        }
        _ => None,
    }
}
