//! Headers that are forwarded, by name, in each direction; all others are dropped.
//!
//! To providers go the headers that their API references and official libraries name. What tells where a call comes from,
//! who made it or which calls belong together stays here, and so does what a server behind the provider's front may take for
//! the address or the method that is meant (`x-original-url`, `x-http-method-override`). Sources:
//! <https://developers.openai.com/api/reference/overview>, <https://platform.claude.com/docs/en/api/overview>,
//! <https://platform.claude.com/docs/en/api/rate-limits>, <https://ai.google.dev/api>,
//! <https://openrouter.ai/docs/api-reference/overview>, <https://console.groq.com/docs/rate-limits>.

/// Names that pass to a provider.
pub(super) const TO_PROVIDER: &[&str] = &[
    "accept",
    "content-encoding",
    "content-type",
    "user-agent",
    // Sent by the libraries of OpenAI and Anthropic, so that a request is not carried out twice.
    "idempotency-key",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "x-client-request-id",
    "anthropic-beta",
    "anthropic-version",
    // What Google's libraries say of themselves, and whose quota is used. Not all of `x-goog-`: others hold signed identities,
    // and a field mask chooses which figures the answer tells
    // (<https://cloud.google.com/apis/docs/system-parameters>).
    "x-goog-api-client",
    "x-goog-user-project",
    "x-server-timeout",
    // The name that an app gives itself on OpenRouter.
    "http-referer",
    "x-openrouter-categories",
    "x-openrouter-title",
    "x-title",
];

/// Beginnings of names that pass to a provider: what libraries made by Stainless say of themselves.
const TO_PROVIDER_BEGINNINGS: &[&str] = &["x-stainless-"];

/// Names that pass to a client.
pub(super) const FROM_PROVIDER: &[&str] = &[
    "content-encoding",
    "content-length",
    "content-type",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "ratelimit",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-gemini-service-tier",
    "x-generation-id",
    "x-request-id",
    "x-should-retry",
];

/// Beginnings of names that pass to a client.
const FROM_PROVIDER_BEGINNINGS: &[&str] =
    &["anthropic-fast-", "anthropic-priority-", "anthropic-ratelimit-", "x-ratelimit-"];

/// Tells whether a header of this name, in lower case, passes to a provider.
pub(super) fn to_provider(name: &str) -> bool {
    is_listed(name, TO_PROVIDER, TO_PROVIDER_BEGINNINGS)
}

/// Tells whether a header of this name, in lower case, passes to a client.
pub(super) fn from_provider(name: &str) -> bool {
    is_listed(name, FROM_PROVIDER, FROM_PROVIDER_BEGINNINGS)
}

/// Tells whether a header of this name, in lower case, passes to a client by its whole name.
pub(super) fn is_named_from_provider(name: &str) -> bool {
    FROM_PROVIDER.contains(&name)
}

fn is_listed(name: &str, names: &[&str], beginnings: &[&str]) -> bool {
    names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_identifies_or_leads_elsewhere_is_listed() {
        for name in [
            "authorization",
            "baggage",
            "cf-connecting-ip",
            "cf-ray",
            "cookie",
            "fastly-client-ip",
            "forwarded",
            "from",
            "host",
            "origin",
            "proxy-authorization",
            "referer",
            "sec-websocket-key",
            "traceparent",
            "tracestate",
            "true-client-ip",
            "via",
            "x-amzn-trace-id",
            "x-api-key",
            "x-b3-traceid",
            "x-cluster-client-ip",
            "x-correlation-id",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-goog-api-key",
            "x-goog-authenticated-user-email",
            "x-goog-iap-jwt-assertion",
            "x-host",
            "x-http-method-override",
            "x-method-override",
            "x-original-host",
            "x-original-url",
            "x-real-ip",
            "x-request-id",
            "x-rewrite-url",
            "x-strongroom-anything",
        ] {
            assert!(!to_provider(name), "{name}");
        }
        for name in [
            "access-control-allow-origin",
            "alt-svc",
            "anthropic-organization-id",
            "cache-control",
            "cf-ray",
            "clear-site-data",
            "content-location",
            "content-security-policy",
            "link",
            "location",
            "nel",
            "openai-organization",
            "openai-project",
            "refresh",
            "report-to",
            "server",
            "server-timing",
            "set-cookie",
            "strict-transport-security",
            "via",
            "www-authenticate",
            "x-frame-options",
            "x-strongroom-credential",
        ] {
            assert!(!from_provider(name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_name_that_was_made_up_does_not_pass(name in "[a-z][a-z0-9-]{0,40}") {
            let is = |names: &[&str], beginnings: &[&str]| {
                names.iter().any(|listed| *listed == name) || beginnings.iter().any(|it| name.starts_with(*it))
            };
            assert_eq!(to_provider(&name), is(TO_PROVIDER, &["x-stainless-"]));
            let beginnings = ["anthropic-fast-", "anthropic-priority-", "anthropic-ratelimit-", "x-ratelimit-"];
            assert_eq!(from_provider(&name), is(FROM_PROVIDER, &beginnings));
        }

        #[test]
        fn a_listed_name_with_anything_added_does_not_pass(
            index in 0..TO_PROVIDER.len(), before in "[a-z-]{0,3}", after in "[a-z0-9-]{0,3}",
        ) {
            let name = format!("{before}{}{after}", TO_PROVIDER[index]);
            assert_eq!(to_provider(&name), TO_PROVIDER.contains(&name.as_str()));
        }
    }
}
