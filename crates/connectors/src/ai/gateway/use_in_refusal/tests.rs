//! Refusals that tell of use, in whatever form, and the plain ones of providers.

use super::*;

/// Ways to write an error with something in it.
fn forms(told: &str) -> Vec<String> {
    let json = format!("{{\"error\":{{\"message\":\"x\"}},{told}}}");
    let text = serde_json::Value::from(json.as_str()).to_string();
    let nested = |depth: usize| {
        (0..depth).fold(json.clone(), |inner, _| serde_json::json!({ "a": inner }).to_string())
    };
    vec![
        format!("Error [500]: {json}"),
        format!("Error {{x}}: {json}"),
        format!("[1] [2] {{\"a\":1}} {json}"),
        format!("{{not json {json}"),
        text,
        nested(1),
        nested(5),
        nested(12),
        format!("data: {json}\n\n"),
        json,
    ]
}

#[test]
fn use_is_found_wherever_its_json_begins() {
    for told in [
        r#""usage":{"output_tokens":9000}"#,
        r#""usage":true"#,
        r#""text":"what a model wrote""#,
        r#""parts":[{"text":"x"}]"#,
        r#""completion":"x""#,
        r#""reasoning_content":"x""#,
        r#""generated_text":"x""#,
        r#""Content":"x""#,
        r#""message":{"role":"assistant","text":"x"}"#,
        r#""partialResponse":"x""#,
        r#""executed_tools":[{"type":"search"}]"#,
        r#""amount_usd":3.5"#,
        r#""billed":3.5"#,
        r#""credits_used":5"#,
        r#""type_tokens":9000"#,
    ] {
        for form in forms(told) {
            assert!(tells_of_use(form.as_bytes()), "{form}");
        }
    }
    let sentence = r#"{"error":{"message":"messages[0] failed: {\"usage\":{\"output_tokens\":9000}}"}}"#;
    assert!(tells_of_use(sentence.as_bytes()));
}

#[test]
fn use_is_found_in_other_languages_than_json() {
    for told in [
        "<e><usage><output_tokens>9000</output_tokens></usage></e>",
        "<?xml version=\"1.0\"?>\n<ns:error><ns:outputTokens n=\"1\"> 9000 </ns:outputTokens></ns:error>",
        "<error><content>what a model wrote</content></error>",
        "error: x\nusage:\n  output_tokens: 9000\n",
        "error: x\n- output_text: what a model wrote\n",
        "error=x\rtotal_cost = 0.5",
    ] {
        assert!(tells_of_use(told.as_bytes()), "{told}");
    }
    for free in [
        "<html><head><style>\ncontent: \"x\";\n</style></head><body><p class=\"text\">Bad Request</p></body></html>",
        "<!DOCTYPE html><html><body>This model takes 4096 tokens: fewer than 5000</body></html>",
        "<error><code>InvalidKey</code><message>x</message></error>",
        "error: x\noutput_tokens: 0\nmax_tokens: 4096\n",
        "Requested tokens: 0",
        "Bad Request: the prompt is too long",
        "upstream connect error or disconnect/reset before headers",
    ] {
        assert!(!tells_of_use(free.as_bytes()), "{free}");
    }
}

/// As the providers' references and users' reports print them.
#[test]
fn plain_refusals_tell_of_no_use() {
    for free in [
        r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
        r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
        r#"{"error":{"message":"Invalid 'tools[0].function.arguments': {\"content\": \"x\"}","param":"tools[0]"}}"#,
        r#"{"error":{"message":"Invalid type for 'messages[0].content': expected one of a string or array of objects","param":"messages[0].content"}}"#,
        r#"{"error":{"message":"The response was filtered","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"},"request_id":"req_x"}"#,
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"x"}}}"#,
        r#"{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_input_token_count","quotaId":"GenerateContentInputTokensPerModelPerMinute","quotaValue":"250000"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12s"}]}}"#,
        r#"{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 500.","metadata":{"provider_name":null}}}"#,
        r#"{"error":{"message":"Rate limit exceeded: free-models-per-day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1"}}}}"#,
        r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"],"flagged_input":"{\"content\":\"x\"}","model_slug":"x"}}}"#,
        r#"{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'x'), 'input': {'usage': 5}}]","code":400}"#,
        r#"{"detail":[{"type":"missing","loc":["body","messages",0,"content"],"msg":"Field required","input":{"content":"x"},"ctx":{"content":"x"}}]}"#,
        r#"{"error":{"message":"[{\"loc\":[\"body\",\"messages\",0,\"content\"],\"msg\":\"x\",\"input\":{\"usage\":{\"total\":5}}}]"}}"#,
        r#"{"error":{"message":"Budget has been exceeded! Current cost: 0.5, Max budget: 0.3","type":"budget_exceeded","code":"400"}}"#,
        r#"{"statusCode":401,"message":"Access denied","statusText":"Unauthorized","contentType":false}"#,
        r#"{"message":"too many tokens: total number of tokens in the prompt cannot exceed 128000"}"#,
    ] {
        assert!(!tells_of_use(free.as_bytes()), "{free}");
    }
}

#[test]
fn a_text_that_takes_too_long_to_read_may_say_anything() {
    for (hostile, is_read) in [
        ("[".repeat(65_536), false),
        ("[0,".repeat(21_000), false),
        ("{\"a\":[1,".repeat(8000), false),
        ("[1]{x".repeat(13_000), true),
        (format!("{{\"error\":{{\"message\":\"{}\"}}}}", "[".repeat(60_000)), false),
    ] {
        assert_eq!(tells_of_use(hostile.as_bytes()), !is_read, "{}", &hostile[..20]);
    }
}
