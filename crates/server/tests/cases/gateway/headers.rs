//! Tokens in every usual place and never passed on; keys where the provider wants them and nowhere else.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question};
use crate::support::call::send_raw;

#[tokio::test]
async fn a_token_is_taken_from_every_usual_place_and_goes_no_further() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let gemini = stage.credential("two", "gemini", Mode::Ok, json!({})).await;
    let chat = || stage.chat().anonymous();
    let places = [
        chat().header("authorization", &format!("Bearer {}", stage.token)),
        chat().header("x-api-key", &stage.token),
        chat().header("api-key", &stage.token),
        chat().header("x-goog-api-key", &stage.token),
        // A library that insists on a key of its own.
        chat().header("authorization", "Bearer sk-placeholder").header("x-api-key", &stage.token),
    ];
    let count = places.len() as u64;
    for call in places {
        call.await.expect(200);
    }
    assert_eq!(stage.fake.count(&key), count);
    let path = format!("/gemini/v1beta/models/g:generateContent?key={}&alt=json", stage.token);
    stage.call(&path, json!({ "contents": [] })).anonymous().await.expect(200);
    assert_eq!(stage.fake.count(&gemini), 1);
    assert_eq!(stage.fake.last().query.as_deref(), Some("alt=json"));
    for arrived in stage.fake.arrived() {
        assert!(!format!("{arrived:?}").contains(&stage.token), "{arrived:?}");
    }
    assert!(!stage.server.said().contains(&stage.token));
    assert!(!stage.server.said().contains(&key));

    for call in
        [chat(), chat().token("sr_abcdefghijkl_nothing"), chat().token(&stage.server.revoked_token().await)]
    {
        let answer = call.await.expect(401);
        assert_eq!(answer.at("error")["code"], "unauthenticated");
        assert_eq!(answer.header("x-strongroom-denied-by"), Some("strongroom"));
    }
    let auditor = stage.server.token_of(Role::Auditor).await;
    chat().token(&auditor).await.expect(403);
    let reader = stage.server.token_of(Role::Reader).await;
    chat().token(&reader).await.expect(200);
}

#[tokio::test]
async fn headers_that_providers_document_pass_and_no_others() {
    let stage = Stage::new().await;
    stage.credential("one", "anthropic", Mode::Ok, json!({})).await;
    let passed = [
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "prompt-caching-2024-07-31,context-1m-2025-08-07"),
        ("openai-organization", "org-1"),
        ("x-goog-user-project", "p"),
        ("x-stainless-lang", "python"),
        ("user-agent", "a-library/1.0"),
    ];
    let kept_back = [
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("proxy-authorization", "Basic eDp5"),
        ("cookie", "session=1"),
        ("x-forwarded-for", "10.1.2.3"),
        ("forwarded", "for=10.1.2.3"),
        ("x-real-ip", "10.1.2.3"),
        ("x-strongroom-anything", "1"),
        ("x-original-url", "/v1/files"),
        ("x-rewrite-url", "/v1/files"),
        ("x-http-method-override", "DELETE"),
        ("x-forwarded-host", "elsewhere.invalid"),
        ("referer", "https://house.invalid/page"),
        ("origin", "https://house.invalid"),
        ("cf-connecting-ip", "10.1.2.3"),
        ("true-client-ip", "10.1.2.3"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("baggage", "user=ada"),
        ("x-goog-fieldmask", "candidates"),
        ("x-goog-request-params", "model=m"),
        ("x-made-up-by-nobody", "1"),
    ];
    let mut call = stage.call("/anthropic/v1/messages", question("claude-fake"));
    for (name, value) in passed.iter().chain(&kept_back) {
        call = call.header(name, value);
    }
    call.await.expect(200);
    let arrived = stage.fake.last();
    for (name, value) in passed {
        assert_eq!(arrived.header(name), Some(value), "{name}");
    }
    for (name, _) in kept_back.iter().filter(|(name, _)| *name != "connection") {
        assert_eq!(arrived.header(name), None, "{name}");
    }
    assert_eq!(arrived.header("accept-encoding"), Some("identity"));
    assert_eq!(arrived.header("content-length").map(str::len), Some(2), "the body has one length, its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_to_browsers_stays_here_and_a_key_that_it_repeats_is_masked() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Echoes, json!({})).await;
    let streamed = json!({ "model": "gpt-x", "stream": true, "messages": [] });
    for (body, status) in [
        (question("gpt-x"), 200),
        (streamed, 200),
        (question("no-such-model"), 404),
        (question("no-such-model-gzip"), 404),
        (question("no-such-model-escaped"), 404),
        (question("no-such-model-long"), 404),
    ] {
        let answer = stage.call("/openai/v1/chat/completions", body).await.expect(status);
        let all = format!("{:?} {}", answer.headers, answer.text);
        assert!(!all.contains(&key[..8]), "{all}");
        assert_eq!(answer.header("x-request-id"), Some("req-****-1"));
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("7"));
        for name in [
            "location",
            "access-control-allow-origin",
            "content-security-policy",
            "set-cookie",
            "server-timing",
            "openai-organization",
        ] {
            assert_eq!(answer.header(name), None, "{name}");
        }
        if status == 404 && !answer.text.starts_with(' ') {
            assert!(answer.text.contains("**** may not use this model"), "{}", answer.text);
        }
    }
    let line = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 34\r\n\r\n{{\"model\":\"gpt-x\",\"messages\":[]   }}",
        stage.token
    );
    let (status, text) = send_raw(stage.server.address(), line.as_bytes());
    assert!(status == 200 && text.starts_with("HTTP/1.1 200 OK\r\n") && !text.contains(&key), "{text}");
}

#[tokio::test]
async fn two_lengths_of_one_body_are_refused_before_anything_else() {
    let stage = Stage::new().await;
    let key = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let head = |framing: &str| {
        format!(
            "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: application/json\r\n{framing}\r\n\r\n",
            stage.token
        )
    };
    for framing in [
        "content-length: 2\r\ncontent-length: 3",
        "content-length: 2, 3",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: xchunked",
    ] {
        let (status, text) = send_raw(stage.server.address(), format!("{}{{}}", head(framing)).as_bytes());
        assert!(status == 400, "{framing}: {text}");
    }
    assert_eq!(stage.fake.count(&key), 0);
}

#[tokio::test]
async fn the_clients_own_query_passes_without_what_carries_a_key() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let path = "/openai/v1/chat/completions?a=1&%6bey=sk-x&access_token=y&b=%20";
    stage.call(path, question("m")).await.expect(200);
    assert_eq!(stage.fake.last().query.as_deref(), Some("a=1&b=%20"));
}

/// A field mask would have an answer leave out what it is billed by.
#[tokio::test]
async fn the_caller_does_not_choose_which_figures_an_answer_tells() {
    let stage = Stage::new().await;
    stage.credential("one", "gemini", Mode::Ok, json!({})).await;
    let body = json!({ "contents": [{ "parts": [{ "text": "Hello?" }] }] });
    for mask in [
        "fields=candidates",
        "$fields=candidates",
        "%24Fields=x",
        "$httpMethod=PUT",
        "$.xgafv=1",
        "alt=proto",
    ] {
        let path = format!("/gemini/v1beta/models/gemini-2.5-flash:generateContent?{mask}&$alt=json");
        let call =
            stage.call(&path, body.clone()).header("x-goog-fieldmask", "usageMetadata.promptTokenCount");
        call.await.expect(200);
        let arrived = stage.fake.last();
        assert_eq!(
            (arrived.query.as_deref(), arrived.header("x-goog-fieldmask")),
            (Some("$alt=json"), None),
            "{mask}"
        );
    }
}
