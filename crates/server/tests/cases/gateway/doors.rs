//! What is let through, and where a model is found.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question};
use crate::support::call::get_raw;

#[tokio::test]
async fn what_is_not_a_call_to_a_model_is_refused_and_noted() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "gemini", Mode::Ok, json!({})).await;
    let closed = [
        ("GET", "/openai/v1/organization/admin_api_keys"),
        ("POST", "/openai/v1/batches"),
        ("POST", "/openai/v1/files"),
        ("GET", "/openai/v1/responses/resp_1"),
        ("POST", "/openai/v1/realtime/client_secrets"),
        ("POST", "/anthropic/v1/messages/batches"),
        ("POST", "/anthropic/v1/organizations/api_keys"),
        ("POST", "/gemini/v1beta/cachedContents"),
        ("GET", "/openrouter/api/v1/keys"),
        ("DELETE", "/openai/v1/models/gpt-4o"),
        ("POST", "/v1/files"),
    ];
    for (method, path) in closed {
        let answer = stage.server.call(method, path).token(&stage.token).await.expect(403);
        assert!(answer.at("error")["message"].as_str().unwrap().contains("strongroom:"), "{}", answer.text);
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    for path in [
        "/openai/v1/../v1/models",
        "/openai/v1//models",
        "/openai/v1/models/%2e%2e/files",
        "/openai/v1/models/..",
        "/openai/v1/m%6fdels",
        "/openai/v1/models/a%2fb",
    ] {
        let (status, text) = get_raw(stage.server.address(), path, &stage.token);
        assert!(matches!(status, 403 | 404), "{path}: {text}");
    }
    assert_eq!(stage.fake.count_all(), 0);
    let denied =
        stage.server.get("/api/admin/audit-logs?action=gateway.call&limit=50").await.expect(200).json();
    assert!(denied.as_array().unwrap().len() >= closed.len().min(64), "{denied}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_come_through_wherever_clients_put_the_version() {
    let stage = Stage::new().await;
    for provider in ["openai", "anthropic", "gemini", "openrouter", "groq"] {
        stage.credential(&format!("of-{provider}"), provider, Mode::Ok, json!({})).await;
    }
    let contents = json!({ "contents": [] });
    for (path, body, arrives) in [
        ("/anthropic/messages", question("claude-x"), "/anthropic/v1/messages"),
        ("/anthropic/v1/v1/messages", question("claude-x"), "/anthropic/v1/messages"),
        ("/gemini/models/g:generateContent", contents.clone(), "/gemini/v1beta/models/g:generateContent"),
        ("/gemini/v1/models/g:generateContent", contents.clone(), "/gemini/v1/models/g:generateContent"),
        (
            "/gemini/v1/models/g:batchEmbedContents",
            contents.clone(),
            "/gemini/v1/models/g:batchEmbedContents",
        ),
        (
            "/v1/models/gemini-x:generateContent",
            contents.clone(),
            "/gemini/v1/models/gemini-x:generateContent",
        ),
        ("/v1/models/gemini-x:batchEmbedContents", contents, "/gemini/v1/models/gemini-x:batchEmbedContents"),
        ("/groq/chat/completions", question("m"), "/groq/openai/v1/chat/completions"),
        ("/openai/chat/completions", question("m"), "/openai/v1/chat/completions"),
        ("/openai/v1/v1/chat/completions", question("m"), "/openai/v1/chat/completions"),
        ("/openrouter/chat/completions", question("m"), "/openrouter/api/v1/chat/completions"),
        ("/v1/v1/chat/completions", question("groq/m"), "/groq/openai/v1/chat/completions"),
        ("/chat/completions", question("groq/m"), "/groq/openai/v1/chat/completions"),
    ] {
        let answer = stage.call(path, body).await;
        assert_eq!(stage.fake.last().path, arrives, "{path}: {}", answer.text);
    }
    let body = question("m").to_string();
    for path in ["//openai/v1/chat/completions", "/openai/v1//chat/completions"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            stage.token,
            body.len()
        );
        let (status, text) = crate::support::call::send_raw(stage.server.address(), head.as_bytes());
        assert_eq!(status, 200, "{path}: {text}");
        assert_eq!(stage.fake.last().path, "/openai/v1/chat/completions");
    }
}

#[tokio::test]
async fn a_path_that_there_is_not_is_told_with_the_nearest_in_the_providers_shape() {
    let stage = Stage::new().await;
    for (path, shape, nearest) in [
        ("/openai/v1/chat/completion", "/error/type", "/openai/v1/chat/completions"),
        ("/anthropic/v1/mesages", "/type", "/anthropic/v1/messages"),
        ("/gemini/v1beta/models/g:generate", "/error/status", ":generateContent"),
        ("/groq/complete", "/error/type", "/groq/openai/v1/"),
    ] {
        let answer = stage.call(path, json!({})).await.expect(404);
        let body = answer.json();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(path) && message.contains(nearest), "{message}");
        assert!(body.pointer(shape).is_some(), "{body}");
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    let long = stage.call(&format!("/openai/v1/{}", "x".repeat(4000)), json!({})).await.expect(404);
    assert!(long.text.len() < 1000, "{}", long.text);
}

#[tokio::test]
async fn a_websocket_is_refused_so_that_clients_fall_back_at_once() {
    let stage = Stage::new().await;
    let ask = |token: &str, path: &str| {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let head = head.replace("connection: Upgrade", "connection: Upgrade, close");
        crate::support::call::send_raw(stage.server.address(), head.as_bytes())
    };
    for path in ["/openai/v1/responses", "/v1/responses", "/openai/responses", "/v1/realtime"] {
        let (status, text) = ask(&stage.token, path);
        assert_eq!(status, 426, "{path}: {text}");
        assert!(!text.to_ascii_lowercase().contains("\r\nupgrade:"), "{text}");
        assert!(text.contains("over HTTP") && text.contains("invalid_request_error"), "{text}");
    }
    assert_eq!(ask("sr_000000000000_nobody", "/openai/v1/responses").0, 401);
    assert_eq!(stage.fake.count_all(), 0);
}

#[tokio::test]
async fn calls_in_the_background_are_refused() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let body = json!({ "model": "m", "input": "x", "background": true });
    let answer = stage.call("/openai/v1/responses", body).await.expect(403);
    assert!(answer.text.contains("background"), "{}", answer.text);
    for body in ["[]", "{\"model\":", "{\"model\":\"a\",\"model\":\"b\"}", "7"] {
        let call = stage.server.call("POST", "/openai/v1/chat/completions").token(&stage.token);
        call.body(body, "application/json").await.expect(400);
    }
    assert_eq!(stage.fake.count_all(), 0);
}

#[tokio::test]
async fn one_door_serves_all_providers_by_the_models_name() {
    let aliases = "fast=groq/llama-x,openai/gpt-x; solo=claude-y";
    let stage = Stage::with(|it| it.set("STRONGROOM_MODEL_ALIASES", aliases)).await;
    for provider in ["openai", "anthropic", "gemini", "openrouter"] {
        stage.credential(&format!("of-{provider}"), provider, Mode::Ok, json!({})).await;
    }
    let asked = [
        ("openai/gpt-x", "/openai/v1/chat/completions", "gpt-x"),
        ("gpt-x", "/openai/v1/chat/completions", "gpt-x"),
        ("anthropic/claude-x", "/anthropic/v1/chat/completions", "claude-x"),
        ("claude-x", "/anthropic/v1/chat/completions", "claude-x"),
        ("gemini/gemini-x", "/gemini/v1beta/openai/chat/completions", "gemini-x"),
        ("openrouter/meta/llama:free", "/openrouter/api/v1/chat/completions", "meta/llama:free"),
        ("solo", "/anthropic/v1/chat/completions", "claude-y"),
        // Nobody has a key of Groq: the next in the chain serves.
        ("fast", "/openai/v1/chat/completions", "gpt-x"),
    ];
    for (model, path, upstream_model) in asked {
        stage.call("/v1/chat/completions", question(model)).await.expect(200);
        let arrived = stage.fake.last();
        assert_eq!((&*arrived.path, &arrived.body["model"]), (path, &json!(upstream_model)), "{model}");
        assert_eq!(arrived.body["messages"], question("m")["messages"], "the rest is as it was");
    }
    let embedding = json!({ "model": "openai/e", "input": "x" });
    stage.call("/v1/embeddings", embedding).await.expect(200);
    stage.call("/v1/responses", json!({ "model": "openai/r", "input": "x" })).await.expect(200);
    assert_eq!(stage.fake.last().path, "/openai/v1/responses");
    stage.call("/v1/messages", question("claude-x")).await.expect(200);
    assert_eq!(stage.fake.last().path, "/anthropic/v1/messages");
    assert_eq!(stage.fake.last().header("anthropic-version"), Some("2023-06-01"));
    stage.call("/v1/messages/count_tokens", question("claude-x")).await.expect(200);
    stage.call("/v1beta/models/gemini-x:generateContent", json!({ "contents": [] })).await.expect(200);
    assert_eq!(stage.fake.last().path, "/gemini/v1beta/models/gemini-x:generateContent");

    let unknown = stage.call("/v1/chat/completions", question("unheard-of")).await.expect(400);
    assert!(unknown.text.contains("provider/model"), "{}", unknown.text);
    let nobody = stage.call("/v1/chat/completions", question("groq/x")).await.expect(404);
    assert!(nobody.text.contains("groq"), "{}", nobody.text);
    let listed = stage.server.get("/v1/models").token(&stage.token).await.expect(200).json();
    let ids: Vec<&str> =
        listed["data"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
    assert!(ids.contains(&"fast") && ids.contains(&"solo"), "{ids:?}");
    assert!(!ids.iter().any(|id| id.starts_with("groq/")), "{ids:?}");
}

#[tokio::test]
async fn a_prompt_goes_to_the_provider_that_its_name_says_and_never_by_a_default() {
    for (catches_all, others) in [(false, None), (true, Some("meta-llama/llama-3:free"))] {
        let stage = Stage::with(|it| match catches_all {
            true => it.set("STRONGROOM_MODEL_ROUTES", "gpt-*=openai; */*=openrouter"),
            false => it,
        })
        .await;
        let elsewhere = stage.credential("of-openrouter", "openrouter", Mode::Ok, json!({})).await;
        let explained = async |model: &str| {
            let path = format!("/api/admin/routes/explain?model={model}");
            stage.server.get(&path).token(&stage.token).await.expect(200).json()
        };
        // Nobody has such a server: the prompt stays here.
        for model in ["vllm/llama-3", "ollama/llama3", "vllm/", "lm_studio/x", "hosted_vllm/x"] {
            let refused = stage.call("/v1/chat/completions", question(model)).await.expect(400);
            assert!(refused.text.contains("strongroom: "), "{}", refused.text);
            let told = explained(model).await;
            assert_eq!(told["places"], json!([]), "{told}");
            assert!(!told["refusal"].is_null(), "{told}");
        }
        let refused = stage.call("/v1/chat/completions", question("vllm/llama-3")).await.expect(400);
        assert!(refused.text.contains("strongroom credential add"), "{}", refused.text);
        assert_eq!(stage.fake.count_all(), 0);
        match others {
            None => {
                stage.call("/v1/chat/completions", question("meta-llama/llama-3:free")).await.expect(400);
            }
            Some(model) => {
                stage.call("/v1/chat/completions", question(model)).await.expect(200);
                assert_eq!(stage.fake.last().body["model"], model);
                assert_eq!(explained(model).await["places"][0]["because"], "route");
            }
        }
        let before = stage.fake.count(&elsewhere);

        // Somebody stores one: it serves, under the name that it has there.
        let key = Mode::Ok.key("own");
        let own = json!({ "provider": "vllm", "endpoint": stage.fake.endpoint("openai"), "apiKey": key });
        let id = stage.server.credential("own", own).await;
        for (model, there) in [("vllm/llama-3", "llama-3"), ("vLLM/meta/llama-3", "meta/llama-3")] {
            stage.call("/v1/chat/completions", question(model)).await.expect(200);
            assert_eq!((&stage.fake.last().key, &stage.fake.last().body["model"]), (&key, &json!(there)));
        }
        let told = explained("vllm/llama-3").await;
        assert_eq!(
            told["places"][0],
            json!({ "provider": "vllm", "model": "llama-3", "because": "credential", "isServed": true,
                "reason": told["places"][0]["reason"] }),
        );
        let (code, out, _) = stage.cli(&["route", "explain", "vllm/llama-3"]);
        assert!(code == 0 && out.contains("vllm"), "{code} {out}");
        let (code, _, err) = stage.cli(&["route", "explain", "ollama/x"]);
        assert!(code == 3 && err.contains("credential add"), "{code} {err}");
        // Anthropic's language is not spoken there.
        stage.call("/v1/messages", question("vllm/llama-3")).await.expect(400);

        // It is out of use, then gone: what was meant for it is refused all the same.
        stage
            .server
            .patch(&format!("/api/admin/credentials/{id}"), json!({ "isActive": false }))
            .await
            .expect(200);
        stage.call("/v1/chat/completions", question("vllm/llama-3")).await.expect(404);
        stage.server.delete(&format!("/api/admin/credentials/{id}")).await.expect(200);
        stage.call("/v1/chat/completions", question("vllm/llama-3")).await.expect(404);
        stage.server.post(&format!("/api/admin/credentials/{id}/purge"), json!({})).await.expect(200);
        stage.call("/v1/chat/completions", question("vllm/llama-3")).await.expect(404);
        assert_eq!(stage.fake.count(&elsewhere), before);
    }
}

#[tokio::test]
async fn a_route_to_an_own_provider_takes_its_name_off_and_the_list_tells() {
    let set_up = |it: crate::support::server::Installation| {
        it.set("STRONGROOM_MODEL_ROUTES", "gpt-*=openai; vllm/*=vllm; house-*=vllm")
            .set("STRONGROOM_MODEL_ALIASES", "fast=vllm/llama-3,openai/gpt-x")
    };
    let stage = Stage::with(set_up).await;
    let refused = stage.call("/v1/chat/completions", question("vllm/llama-3")).await.expect(404);
    assert!(refused.text.contains("vllm"), "{}", refused.text);
    let own = json!({ "provider": "vllm", "endpoint": stage.fake.endpoint("openai"), "apiKey": Mode::Ok.key("own") });
    stage.server.credential("own", own).await;
    for (model, there) in [("vllm/llama-3", "llama-3"), ("house-llama", "house-llama"), ("fast", "llama-3")] {
        stage.call("/v1/chat/completions", question(model)).await.expect(200);
        assert_eq!(stage.fake.last().body["model"], there, "{model}");
    }
    // The path is Gemini's, and the name is another's.
    stage.credential("of-gemini", "gemini", Mode::Ok, json!({})).await;
    let count = stage.fake.count_all();
    for model in ["fast", "gpt-x", "house-llama"] {
        let path = format!("/v1beta/models/{model}:generateContent");
        stage.call(&path, json!({ "contents": [] })).await.expect(400);
    }
    assert_eq!(stage.fake.count_all(), count);
    let listed = stage.server.get("/v1/models").token(&stage.token).await.expect(200).json();
    assert_eq!(listed["strongroom"]["routes"][1], json!({ "pattern": "vllm/*", "provider": "vllm" }));
    let fast = listed["data"].as_array().unwrap().iter().find(|model| model["id"] == "fast").unwrap();
    assert_eq!(fast["strongroom"]["goesTo"][0]["provider"], "vllm");
    assert_eq!(fast["strongroom"]["goesTo"][1]["model"], "gpt-x");
}

#[tokio::test]
async fn a_token_reaches_what_it_is_permitted() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "groq", Mode::Ok, json!({})).await;
    let request = json!({ "name": "narrow", "role": "gateway", "scope": { "providers": ["groq"] } });
    let narrow = stage.server.token(request).await;
    stage.chat().token(&narrow).await.expect(403);
    stage.call("/groq/openai/v1/chat/completions", question("m")).token(&narrow).await.expect(200);
    let by_name = json!({ "name": "one", "role": "gateway", "scope": { "credentials": ["one"] } });
    let by_name = stage.server.token(by_name).await;
    stage.chat().token(&by_name).await.expect(200);
    stage.call("/groq/openai/v1/chat/completions", question("m")).token(&by_name).await.expect(403);
}

#[tokio::test]
async fn a_users_own_key_comes_before_the_teams() {
    let stage = Stage::new().await;
    let user = stage.server.user_of("ada", Role::Gateway).await;
    let own = json!({ "isGlobal": false, "userId": user, "priority": 90 });
    stage.credential("own", "openai", Mode::Ok, own).await;
    stage.credential("team", "openai", Mode::Ok, json!({ "priority": 1 })).await;
    let request = json!({ "name": "ada's", "role": "gateway", "userId": user });
    let of_user = stage.server.token(request).await;
    let served = |answer: crate::support::call::Answer| {
        answer.expect(200).header("x-strongroom-credential").map(str::to_owned)
    };
    assert_eq!(served(stage.chat().token(&of_user).await).as_deref(), Some("own"));
    assert_eq!(served(stage.chat().await).as_deref(), Some("team"));
}

#[tokio::test]
async fn without_a_credential_the_environment_serves_and_says_so() {
    let fake_key = Mode::Ok.key("from-the-environment");
    let key = fake_key.clone();
    let stage = Stage::with(|it| it.set("OPENAI_API_KEY", key)).await;
    // The environment names no endpoint: it would go to the provider itself, so only that it was chosen can be seen.
    stage.credential("other", "groq", Mode::Ok, json!({})).await;
    let served = stage.server.get("/api/providers/openai/credential").await.expect(200).json();
    assert_eq!(
        (&served["source"], &served["apiKey"]),
        (&json!("environment"), &Value::String(fake_key.clone()))
    );
    // One row for the provider, and the environment stands in no more.
    stage.credential("mine", "openai", Mode::Ok, json!({ "isActive": false })).await;
    stage.chat().await.expect(404);
    assert_eq!(stage.fake.count(&fake_key), 0);
}
