//! The probe's address, and the answers that mean something else than their status says.

use serde_json::{Value, json};

use super::answer::Body;
use super::*;

#[test]
fn the_path_is_put_below_the_base_url_with_and_without_a_slash_at_its_end() {
    for (provider, base, expected) in [
        ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/models"),
        ("openai", "https://proxy.example/openai/", "https://proxy.example/openai/models"),
        ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/models?limit=1"),
        ("gemini", "https://g.example/", "https://g.example/v1beta/models?pageSize=1"),
        ("openrouter", "https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/key"),
        ("groq", "https://api.groq.com/openai/v1", "https://api.groq.com/openai/v1/models"),
        ("my-llm", "https://llm.example:8443/v1", "https://llm.example:8443/v1/models"),
    ] {
        let provider = Provider::parse(provider).unwrap();
        let url = probe_url(Url::parse(base).unwrap(), provider.api());
        assert_eq!(url.as_str(), expected);
    }
}

fn outcome(provider: &str, status: u16, body: Value) -> ProbeOutcome {
    let status = reqwest::StatusCode::from_u16(status).unwrap();
    let answer = Answer { status, body: Body::Json(body), retry_after: None };
    ProviderApi::of(&Provider::parse(provider).unwrap()).verdict(&answer).outcome
}

fn google(status: &str, message: &str, details: Value) -> Value {
    json!({"error": {"status": status, "message": message, "details": details}})
}

#[test]
fn answers_that_mean_something_else_than_their_status() {
    use ProbeOutcome::{BadKey, EmptyAccount, Ok, RateLimited, Unexpected};
    let retry = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22s"}]);
    let reason =
        |reason: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
    let check_billing = "You exceeded your current quota, please check your plan and billing details.";
    for (provider, status, body, expected) in [
        (
            "openai",
            429,
            json!({"error": {"type": "insufficient_quota", "code": "something_new"}}),
            EmptyAccount,
        ),
        (
            "openai",
            429,
            json!({"error": {"type": "x", "code": "project_spend_limit_exceeded"}}),
            EmptyAccount,
        ),
        ("openai", 429, json!({"error": {"type": "rate_limit_error", "code": "slow_down"}}), RateLimited),
        ("openai", 403, json!({"error": {"message": "… Missing scopes: api.model.read. …"}}), Unexpected),
        ("openai", 401, json!({"error": {"message": "… Missing scopes: api.model.read. …"}}), Unexpected),
        ("openai", 403, json!({"error": {"code": "unsupported_country_region_territory"}}), Unexpected),
        ("my-llm", 403, json!({"error": {"code": "invalid_api_key"}}), BadKey),
        ("my-llm", 402, json!({}), EmptyAccount),
        ("anthropic", 402, json!({"error": {"type": "billing_error"}}), EmptyAccount),
        (
            "anthropic",
            400,
            json!({"error": {"type": "invalid_request_error", "message": "You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."}}),
            EmptyAccount,
        ),
        (
            "anthropic",
            400,
            json!({"error": {"type": "invalid_request_error", "message": "limit: …"}}),
            Unexpected,
        ),
        (
            "anthropic",
            429,
            json!({"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}}),
            EmptyAccount,
        ),
        ("anthropic", 529, json!({"error": {"type": "overloaded_error"}}), RateLimited),
        ("gemini", 400, google("INVALID_ARGUMENT", "", reason("OTHER")), Unexpected),
        ("gemini", 400, google("FAILED_PRECONDITION", "", json!([])), EmptyAccount),
        ("gemini", 403, google("PERMISSION_DENIED", "", reason("BILLING_DISABLED")), EmptyAccount),
        ("gemini", 403, google("PERMISSION_DENIED", "", reason("SERVICE_DISABLED")), Unexpected),
        ("gemini", 403, google("PERMISSION_DENIED", "", reason("API_KEY_IP_ADDRESS_BLOCKED")), BadKey),
        (
            "gemini",
            403,
            google("PERMISSION_DENIED", "Your API key was reported as leaked.", json!([])),
            BadKey,
        ),
        ("gemini", 403, json!({}), Unexpected),
        ("gemini", 429, google("RESOURCE_EXHAUSTED", check_billing, retry), RateLimited),
        ("gemini", 429, google("RESOURCE_EXHAUSTED", check_billing, json!([])), EmptyAccount),
        (
            "gemini",
            429,
            google("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", json!([])),
            RateLimited,
        ),
        ("openrouter", 200, json!({"data": {"limit": 5, "limit_remaining": 0}}), EmptyAccount),
        ("openrouter", 200, json!({"data": {"limit": 5, "limit_remaining": -0.25}}), EmptyAccount),
        ("openrouter", 200, json!({"data": {"limit": null, "limit_remaining": null}}), Ok),
        (
            "openrouter",
            402,
            json!({"error": {"metadata": {"limit_source": "openrouter_key_limit"}}}),
            EmptyAccount,
        ),
        (
            "openrouter",
            402,
            json!({"error": {"metadata": {"limit_source": "openrouter_in_flight_budget"}}}),
            RateLimited,
        ),
        ("groq", 400, json!({"error": {"code": "organization_restricted"}}), Unexpected),
        ("groq", 400, json!({"error": {"code": "blocked_api_access"}}), EmptyAccount),
    ] {
        assert_eq!(outcome(provider, status, body.clone()), expected, "{provider} {status} {body}");
    }
}
