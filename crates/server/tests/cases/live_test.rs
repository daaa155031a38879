//! Live tests against a server that answers as the providers do.

use serde_json::json;
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider, TAIL};

use crate::BACKEND;
use crate::support::server::Installation;

#[tokio::test]
async fn a_live_test_tells_what_the_provider_said_and_counts_no_use() {
    let fake = FakeProvider::start().await.unwrap();
    let server = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let mut cases = Vec::new();
    for api in Api::ALL {
        for (behaviour, outcome) in [
            (Behaviour::Ok, "ok"),
            (Behaviour::WrongKey, "bad_key"),
            (Behaviour::EmptyAccount, "empty_account"),
            (Behaviour::RateLimited, "rate_limited"),
        ] {
            // Groq has no empty accounts: nothing is documented for them.
            if (api, behaviour) != (Api::Groq, Behaviour::EmptyAccount) {
                cases.push((api, behaviour, outcome));
            }
        }
    }
    for behaviour in [Behaviour::Redirect, Behaviour::WebPage, Behaviour::Echo] {
        cases.push((Api::OpenAi, behaviour, "unexpected"));
    }
    for (index, (api, behaviour, outcome)) in cases.into_iter().enumerate() {
        let more =
            json!({ "provider": api.provider(), "endpoint": fake.endpoint(api), "apiKey": behaviour.key() });
        let id = server.credential(&format!("live-{index}"), more).await;
        let path = format!("/api/admin/credentials/{id}");
        let answer = server.call("POST", &format!("{path}/test?live=true")).await.expect(200);
        let found = answer.json();
        assert_eq!(found["live"]["outcome"], outcome, "{api:?} {behaviour:?}: {found}");
        assert_eq!(found["message"] == "Credential is valid and within rate limits", outcome == "ok");
        assert!(!answer.text.contains(TAIL), "{found}");
        assert_eq!(server.get(&path).await.expect(200).at("usageCount"), 0);
        let entries = server.entries_of(answer.header("x-request-id").unwrap()).await;
        assert_eq!(entries.len(), 1, "{entries:?}");
        let detail = &entries[0]["detail"];
        assert_eq!(
            [&detail["live"], &detail["endpoint"]],
            [&json!(true), &json!(fake.endpoint(api))],
            "{entries:?}"
        );
    }
    assert!(
        fake.seen().iter().all(|request| request.path != "/elsewhere"),
        "no redirect is followed with a key"
    );

    let gone = fake.endpoint(Api::OpenAi);
    drop(fake);
    let id = server.credential("gone", json!({ "endpoint": gone })).await;
    let found = server.call("POST", &format!("/api/admin/credentials/{id}/test?live=true")).await.expect(200);
    assert_eq!(found.at("live")["outcome"], "unreachable");
    assert!(!server.said().contains(TAIL));
}

#[tokio::test]
async fn private_endpoints_are_refused_unless_the_setting_allows_them() {
    let fake = FakeProvider::start().await.unwrap();
    let allowing = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let endpoint = fake.endpoint(Api::OpenAi);
    let more = json!({ "endpoint": endpoint, "apiKey": Behaviour::Ok.key() });
    let id = allowing.credential("private", more.clone()).await;
    let tested = format!("/api/admin/credentials/{id}/test?live=true");
    for metadata in
        ["http://169.254.169.254/latest", "https://[fd00:ec2::254]/", "https://metadata.google.internal/"]
    {
        let body = json!({ "name": "meta", "provider": "my-llm", "endpoint": metadata });
        let answer = allowing.post("/api/admin/credentials", body).await.expect(400);
        assert_eq!(answer.at("field"), "endpoint", "{metadata}");
    }
    let installation = allowing.installation.clone();
    drop(allowing);

    // The row is there already, as if it had been moved in: it is not called either.
    let installation = std::sync::Arc::try_unwrap(installation).ok().expect("nobody else holds it");
    let refusing = installation.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "false").start();
    let answer = refusing.call("POST", &tested).await;
    let is_refused = answer.status == 400 || answer.at("live")["outcome"] == "unreachable";
    assert!(is_refused, "{}", answer.text);
    assert!(fake.seen().is_empty());
    for endpoint in
        [endpoint.as_str(), "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/", "https://localhost/"]
    {
        let body = json!({ "name": "another", "provider": "openai", "endpoint": endpoint, "apiKey": "sk-x" });
        let answer = refusing.post("/api/admin/credentials", body).await.expect(400);
        assert_eq!(answer.at("field"), "endpoint", "{endpoint}");
    }
}
