//! Keys of well-known services that are no providers of models, by their beginnings: none of them is a provider's key, whatever
//! the variable is called that holds it. Sources: the services' own references, and what gitleaks looks for.

/// Beginnings that no provider's key has, and whose keys begin so.
const BEGINNINGS: [(&str, &str); 62] = [
    ("github_pat_", "GitHub"),
    ("ghp_", "GitHub"),
    ("gho_", "GitHub"),
    ("ghu_", "GitHub"),
    ("ghs_", "GitHub"),
    ("ghr_", "GitHub"),
    ("glpat-", "GitLab"),
    ("gldt-", "GitLab"),
    ("glrt-", "GitLab"),
    ("glptt-", "GitLab"),
    ("ATATT3", "Atlassian"),
    ("ATBB", "Bitbucket"),
    ("xoxa-", "Slack"),
    ("xoxb-", "Slack"),
    ("xoxe-", "Slack"),
    ("xoxe.", "Slack"),
    ("xoxp-", "Slack"),
    ("xoxr-", "Slack"),
    ("xoxs-", "Slack"),
    ("xapp-", "Slack"),
    ("sk_live_", "Stripe"),
    ("sk_test_", "Stripe"),
    ("rk_live_", "Stripe"),
    ("rk_test_", "Stripe"),
    ("pk_live_", "Stripe"),
    ("pk_test_", "Stripe"),
    ("whsec_", "Stripe"),
    ("SG.", "SendGrid"),
    ("npm_", "npm"),
    ("pypi-", "PyPI"),
    ("rubygems_", "RubyGems"),
    ("dckr_pat_", "Docker"),
    ("dop_v1_", "DigitalOcean"),
    ("doo_v1_", "DigitalOcean"),
    ("dor_v1_", "DigitalOcean"),
    ("ya29.", "Google"),
    ("GOCSPX-", "Google"),
    ("shpat_", "Shopify"),
    ("shpss_", "Shopify"),
    ("sq0atp-", "Square"),
    ("sq0csp-", "Square"),
    ("lin_api_", "Linear"),
    ("figd_", "Figma"),
    ("ntn_", "Notion"),
    ("PMAK-", "Postman"),
    ("sntrys_", "Sentry"),
    ("sbp_", "Supabase"),
    ("hvs.", "Vault"),
    ("dp.pt.", "Doppler"),
    ("tskey-", "Tailscale"),
    ("glsa_", "Grafana"),
    ("glc_", "Grafana"),
    ("NRAK-", "New Relic"),
    ("phc_", "PostHog"),
    ("phx_", "PostHog"),
    ("pcsk_", "Pinecone"),
    ("tvly-", "Tavily"),
    ("lsv2_", "LangSmith"),
    ("pk-lf-", "Langfuse"),
    ("sk-lf-", "Langfuse"),
    ("jina_", "Jina"),
    ("AGE-SECRET-KEY-", "age"),
];

/// Beginnings of Amazon's access keys, behind which letters and digits make twenty.
const AMAZON: [&str; 4] = ["AKIA", "ASIA", "AROA", "AIDA"];
const AMAZON_BYTES: usize = 20;

/// The service that a whole text is a key of by its form, where that is none of a provider's.
#[must_use]
pub fn foreign_service(key: &str) -> Option<&'static str> {
    let is_amazon = key.len() == AMAZON_BYTES
        && AMAZON.iter().any(|begins| key.starts_with(begins))
        && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_amazon {
        return Some("AWS");
    }
    BEGINNINGS.iter().find(|(begins, _)| key.starts_with(begins)).map(|(_, service)| *service)
}

/// The beginning of a foreign key that a text has here, in bytes.
pub(super) fn beginning(text: &[u8]) -> Option<usize> {
    let begins = BEGINNINGS.iter().map(|(begins, _)| *begins).chain(AMAZON);
    begins.map(str::as_bytes).find(|begins| text.starts_with(begins)).map(<[u8]>::len)
}

/// Tells whether a whole text is a JSON Web Token (RFC 7519): of a login, and no provider's key.
#[must_use]
pub fn is_web_token(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    let is_part =
        |part: &&str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    // `{"` in base64.
    text.starts_with("eyJ") && matches!(parts.len(), 3 | 5) && parts.iter().all(is_part)
}

#[cfg(test)]
mod tests {
    use strongroom_model::provider::{KNOWN, MARKED_KEYS};

    use super::*;

    #[test]
    fn no_key_of_a_provider_begins_like_a_foreign_one() {
        for (begins, service) in BEGINNINGS {
            assert_eq!(foreign_service(&format!("{begins}0123456789abcdef")), Some(service));
            for key in MARKED_KEYS {
                // OpenAI's older keys begin with `sk-` alone, and have a long run behind it.
                assert!(!key.prefix.starts_with(begins), "{begins} {}", key.prefix);
                assert!(!begins.starts_with(key.prefix) || key.prefix == "sk-", "{begins} {}", key.prefix);
            }
        }
        assert_eq!(foreign_service("AKIAIOSFODNN7EXAMPLE"), Some("AWS"));
        for known in KNOWN {
            assert_eq!(foreign_service("AKIAabcdef"), None, "{}", known.name);
        }
        assert!(is_web_token("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl_-"));
        assert!(!is_web_token("eyJhbGciOiJIUzI1NiJ9") && !is_web_token("a.b.c"));
    }
}
