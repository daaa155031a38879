//! Calls through the gateway: keys that providers refuse, serve and break off with, tokens in odd places, and what people
//! ask models.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::{FakeUpstream, Mode};

use super::garden::Garden;
use crate::support::server::Server;

pub(super) async fn through_the_gateway(garden: &mut Garden, server: &Server) {
    let fake = FakeUpstream::start().await.unwrap();
    let modes = [
        (Mode::Wrong, "openai", 401),
        (Mode::Redirect, "openai", 502),
        (Mode::BreaksOff, "openai", 200),
        (Mode::Ok, "openai", 200),
        (Mode::Limited, "openai", 429),
        (Mode::Ok, "anthropic", 200),
        (Mode::Ok, "gemini", 200),
    ];
    let token = server.token_of(Role::Gateway).await;
    garden.plant_existing("token of the gateway", token.rsplit('_').next().unwrap());
    for (index, (mode, provider, status)) in modes.into_iter().enumerate() {
        let name = format!("call-{index}");
        let key = garden.plant_with(&format!("key of {name}"), &mode.key(""));
        let narrow = json!({ "name": name, "role": "gateway", "scope": { "credentials": [&name] } });
        let more = json!({ "provider": provider, "endpoint": fake.endpoint(provider), "apiKey": key });
        server.credential(&name, more).await;
        let narrow = server.token(narrow).await;
        garden.plant_existing("narrow token", narrow.rsplit('_').next().unwrap());
        let prompt = garden.plant_with(&format!("prompt of {name}"), "");
        let question = json!({ "model": "m", "max_tokens": 5, "stream": mode == Mode::BreaksOff,
            "messages": [{ "role": "user", "content": prompt }], "contents": [{ "parts": [{ "text": prompt }] }] });
        let path = match provider {
            "anthropic" => "/anthropic/v1/messages".to_owned(),
            "gemini" => format!("/gemini/v1beta/models/m:generateContent?key={narrow}"),
            _ => "/openai/v1/chat/completions".to_owned(),
        };
        let call = server.post(&path, question).token(&narrow);
        match call.attempt().await {
            Ok(answer) => garden.hear(&name, &answer.expect(status)),
            Err(error) => assert_eq!(mode, Mode::BreaksOff, "{error:?}"),
        }
        assert!(fake.count(&key) > 0, "{name}");
    }
    let odd = garden.plant("token in the query");
    let path = format!("/gemini/v1beta/models/m:generateContent?key={odd}");
    garden.fail("a wrong token in the query", server.post(&path, json!({})).anonymous()).await;
    let model = garden.plant("model");
    let question = json!({ "model": format!("{model}{model}"), "messages": [] });
    garden.fail("a key as the model", server.post("/v1/chat/completions", question).token(&token)).await;
}
