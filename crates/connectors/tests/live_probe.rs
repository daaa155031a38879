//! Live tests of keys against a fake of the providers' APIs on loopback.
#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they do")]

use std::time::Duration;

use strongroom_connectors::{EndpointGuard, GuardedClient, ProbeOutcome, ProbeReport, probe};
use strongroom_model::{Provider, Secret};
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider, TAIL};
use tokio::net::TcpListener;

fn client() -> GuardedClient {
    EndpointGuard::new(true).client().unwrap()
}

async fn probed(client: &GuardedClient, provider: &str, endpoint: Option<&str>, key: &str) -> ProbeReport {
    let report = probe(client, &Provider::parse(provider).unwrap(), endpoint, &Secret::from(key)).await;
    // The parts that a provider may have repeated: the start, the end, any run between them.
    for start in 0..key.len().saturating_sub(5) {
        assert!(!report.detail.contains(&key[start..start + 6]), "{report:?} repeats the key");
    }
    assert!(!report.detail.contains(&TAIL[TAIL.len() - 4..]), "{report:?} repeats the end of the key");
    report
}

async fn probed_as(api: Api, behaviour: Behaviour) -> (ProbeReport, FakeProvider) {
    let fake = FakeProvider::start().await.unwrap();
    let report = probed(&client(), api.provider(), Some(&fake.endpoint(api)), &behaviour.key()).await;
    (report, fake)
}

#[tokio::test]
async fn every_provider_tells_a_good_key_a_bad_key_an_empty_account_and_a_rate_limit_apart() {
    for (api, statuses) in [
        (Api::OpenAi, [200, 401, 429, 429]),
        (Api::Anthropic, [200, 401, 400, 429]),
        (Api::Gemini, [200, 400, 429, 429]),
        (Api::OpenRouter, [200, 401, 402, 429]),
        (Api::Groq, [200, 401, 400, 429]),
        (Api::Grok, [200, 400, 429, 429]),
        (Api::DeepSeek, [200, 401, 402, 429]),
        (Api::Together, [200, 401, 402, 429]),
        (Api::Perplexity, [200, 401, 429, 429]),
        (Api::Mistral, [200, 401, 429, 429]),
        (Api::Cohere, [200, 401, 402, 429]),
        (Api::Compatible, [200, 401, 429, 429]),
    ] {
        let cases = [
            (Behaviour::Ok, ProbeOutcome::Ok),
            (Behaviour::WrongKey, ProbeOutcome::BadKey),
            (Behaviour::EmptyAccount, ProbeOutcome::EmptyAccount),
            (Behaviour::RateLimited, ProbeOutcome::RateLimited),
        ];
        for ((behaviour, outcome), status) in cases.into_iter().zip(statuses) {
            let (report, _fake) = probed_as(api, behaviour).await;
            assert_eq!(
                (report.outcome, report.status),
                (outcome, Some(status)),
                "{api:?} {behaviour:?}: {report:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_probe_is_one_request_with_the_key_in_the_right_header_and_nowhere_else() {
    for (api, path, query, header) in [
        (Api::OpenAi, "/openai/v1/models", None, "authorization"),
        (Api::Anthropic, "/anthropic/v1/models", Some("limit=1"), "x-api-key"),
        (Api::Gemini, "/gemini/v1beta/models", Some("pageSize=1"), "x-goog-api-key"),
        (Api::OpenRouter, "/openrouter/api/v1/key", None, "authorization"),
        (Api::Groq, "/groq/openai/v1/models", None, "authorization"),
        (Api::Grok, "/grok/v1/models", None, "authorization"),
        (Api::DeepSeek, "/deepseek/v1/models", None, "authorization"),
        (Api::Together, "/together/v1/models", None, "authorization"),
        (Api::Perplexity, "/perplexity/v1/models", None, "authorization"),
        (Api::Mistral, "/mistral/v1/models", None, "authorization"),
        (Api::Cohere, "/cohere/v1/models", Some("page_size=1"), "authorization"),
        (Api::Compatible, "/compatible/v1/models", None, "authorization"),
    ] {
        let (_, fake) = probed_as(api, Behaviour::Ok).await;
        let seen = fake.seen();
        assert_eq!(seen.len(), 1, "{api:?}");
        assert_eq!(
            (seen[0].method.as_str(), seen[0].path.as_str(), seen[0].query.as_deref()),
            ("GET", path, query)
        );
        let holding: Vec<&str> = seen[0]
            .headers
            .iter()
            .filter(|(_, value)| value.contains(TAIL))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(holding, [header], "{api:?}");
    }
}

#[tokio::test]
async fn the_detail_names_the_providers_error_and_when_to_try_again() {
    let (report, _fake) = probed_as(Api::OpenAi, Behaviour::WrongKey).await;
    assert!(report.detail.contains("(HTTP 401, invalid_api_key; asked: GET http://"), "{report:?}");
    let (report, _fake) = probed_as(Api::Gemini, Behaviour::WrongKey).await;
    assert!(report.detail.contains("(HTTP 400, API_KEY_INVALID; asked: GET http://"), "{report:?}");
    let (report, _fake) = probed_as(Api::Anthropic, Behaviour::RateLimited).await;
    assert!(
        report.detail.contains("(HTTP 429, rate_limit_error, retry after 41 s; asked: GET http://"),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for api in Api::ALL {
        let (report, fake) = probed_as(api, Behaviour::Redirect).await;
        assert_eq!((report.outcome, report.status), (ProbeOutcome::Unexpected, Some(302)));
        assert!(report.detail.contains("redirect"), "{report:?}");
        assert_eq!(fake.seen().len(), 1, "{api:?} was followed to {:?}", fake.seen());
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_key_as_its_error_is_not_quoted() {
    for api in Api::ALL {
        let (report, _fake) = probed_as(api, Behaviour::Echo).await;
        assert_eq!((report.outcome, report.status), (ProbeOutcome::Unexpected, Some(500)));
        assert!(report.detail.contains("(HTTP 500; asked: GET http://"), "{report:?}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let (report, _fake) = probed_as(Api::OpenAi, Behaviour::Endless).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Ok, Some(200)), "{report:?}");
}

#[tokio::test]
async fn a_web_page_is_no_proof_of_a_key() {
    let (report, _fake) = probed_as(Api::Compatible, Behaviour::WebPage).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unexpected, Some(200)));
    assert!(report.detail.contains("base URL"), "{report:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_not_the_base_url_is_told_from_a_bad_key() {
    let fake = FakeProvider::start().await.unwrap();
    let report = probed(&client(), "openai", Some(&fake.url()), &Behaviour::Ok.key()).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unexpected, Some(404)));
    assert!(report.detail.contains("base URL"), "{report:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let fake = FakeProvider::start().await.unwrap();
    let client = client().with_timeout(Duration::from_millis(200));
    let report = probed(&client, "openai", Some(&fake.endpoint(Api::OpenAi)), &Behaviour::Silent.key()).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unreachable, None));
    assert!(report.detail.starts_with("Timeout") && report.detail.contains("0.2 s"), "{report:?}");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let report = probed(&client(), "openai", Some(&endpoint), &Behaviour::Ok.key()).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unreachable, None));
    assert!(report.detail.starts_with("Connection refused"), "{report:?}");
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1", listener.local_addr().unwrap());
    let hang_up = async {
        loop {
            drop(listener.accept().await.unwrap());
        }
    };
    let report = tokio::select! {
        report = async { probed(&client(), "openai", Some(&endpoint), &Behaviour::Ok.key()).await } => report,
        () = hang_up => unreachable!("it accepts for ever"),
    };
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unreachable, None));
    assert!(report.detail.contains("broke"), "{report:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_not_there() {
    let fake = FakeProvider::start().await.unwrap();
    let endpoint = fake.endpoint(Api::OpenAi).replace("http:", "https:");
    let report = probed(&client(), "openai", Some(&endpoint), &Behaviour::Ok.key()).await;
    assert_eq!((report.outcome, report.status), (ProbeOutcome::Unreachable, None));
    assert!(report.detail.contains("TLS"), "{report:?}");
}

#[tokio::test]
async fn what_the_guard_refuses_is_not_called() {
    let fake = FakeProvider::start().await.unwrap();
    let strict = EndpointGuard::new(false).client().unwrap();
    let https = fake.endpoint(Api::OpenAi).replace("http:", "https:");
    for endpoint in [fake.endpoint(Api::OpenAi), https] {
        let report = probed(&strict, "openai", Some(&endpoint), &Behaviour::Ok.key()).await;
        assert_eq!((report.outcome, report.status), (ProbeOutcome::Unreachable, None));
        assert!(report.detail.contains("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS"), "{report:?}");
    }
    assert_eq!(fake.seen(), []);
}

/// Whoever sets the environment would see the calls, and the guard would check the proxy's address instead of theirs.
/// The test runs itself in a process of its own, whose environment it may set.
#[tokio::test]
async fn a_proxy_in_the_environment_is_not_used() {
    const TARGET: &str = "LIVE_PROBE_TARGET";
    if let Ok(endpoint) = std::env::var(TARGET) {
        let report = probed(&client(), "openai", Some(&endpoint), &Behaviour::Ok.key()).await;
        assert_eq!(report.outcome, ProbeOutcome::Ok, "{report:?}");
        return;
    }
    let target = FakeProvider::start().await.unwrap();
    let proxy = FakeProvider::start().await.unwrap();
    let mut process = tokio::process::Command::new(std::env::current_exe().unwrap());
    process.args(["--exact", "a_proxy_in_the_environment_is_not_used"]);
    process.env(TARGET, target.endpoint(Api::OpenAi)).env_remove("NO_PROXY").env_remove("no_proxy");
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        process.env(variable, proxy.url());
    }
    let output = process.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((target.seen().len(), proxy.seen()), (1, Vec::new()));
}

#[tokio::test]
async fn a_provider_without_an_address_says_what_to_set() {
    let report = probed(&client(), "my-llm", None, &Behaviour::Ok.key()).await;
    assert_eq!(report.outcome, ProbeOutcome::Unreachable);
    assert!(report.detail.contains("endpoint") && report.detail.contains("my-llm"), "{report:?}");
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_sent() {
    let fake = FakeProvider::start().await.unwrap();
    for api in Api::ALL {
        let key = format!("{}\r\nx-evil: 1", Behaviour::Ok.key());
        let report = probed(&client(), api.provider(), Some(&fake.endpoint(api)), &key).await;
        assert_eq!((report.outcome, report.status), (ProbeOutcome::BadKey, None));
        assert!(report.detail.contains("line break"), "{report:?}");
    }
    assert_eq!(fake.seen(), []);
}
