//! First steps: from a key in the environment to the first call, each step found out by the page itself.

use serde_json::json;
use strongroom_model::Role;
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider};
use strongroom_testkit::fake_upstream::Mode;

use super::page_change::Hand;
use super::stage::{Stage, question};
use crate::BACKEND;
use crate::support::server::Installation;
use crate::support::visitor::Page;

/// How many steps are done.
fn done(page: &Page) -> usize {
    page.text.matches("</span> done</span>").count()
}

#[tokio::test]
async fn a_key_of_the_environment_is_sealed_by_one_click_and_only_by_an_admin() {
    let key = "sk-proj-planted0in1the2environment3456789";
    let server = Installation::new(BACKEND).await.set("OPENAI_API_KEY", key).start();
    let mut hand = Hand::of(&server, &server.admin).await;
    let page = hand.visitor.get("/dashboard/start").await.expect(200);
    assert!(
        done(&page) == 0 && page.text.contains("OPENAI_API_KEY") && !page.text.contains(key),
        "{}",
        page.text
    );
    let empty = hand.visitor.get("/dashboard").await.expect(200);
    assert!(empty.text.contains("Begin with the first key"), "{}", empty.text);
    let (variable, name, once) = (page.field("variable"), page.field("name"), page.field("once"));
    assert_eq!((variable.as_str(), name.as_str()), ("OPENAI_API_KEY", "openai"));
    let fields = [("variable", &*variable), ("name", &*name), ("once", &*once)];
    let mut auditor = Hand::of(&server, &server.token_of(Role::Auditor).await).await;
    auditor.send("/dashboard/start/environment", &fields).await.expect(403);
    let other = [("variable", "PATH"), ("name", "path")];
    hand.send("/dashboard/start/environment", &other).await.expect(400);
    let page = hand.done("/dashboard/start/environment", &fields).await;
    assert!(
        done(&page) == 1 && page.text.contains("Stored. Now ask its provider") && !page.text.contains(key),
        "{}",
        page.text
    );
    hand.done("/dashboard/start/environment", &fields).await;
    let all = server.get("/api/admin/credentials").await.expect(200).json();
    assert_eq!(all.as_array().unwrap().len(), 1, "a form that is sent twice does it once");
    assert_eq!((&all[0]["name"], &all[0]["provider"]), (&json!("openai"), &json!("openai")));
    let reveal = format!("/dashboard/credentials/{}/reveal", all[0]["id"]);
    let shown = hand.send(&reveal, &[("reason", "to see that it is the one")]).await.expect(200);
    assert!(shown.text.contains(key));
}

#[tokio::test]
async fn a_typed_key_is_tested_and_comes_back_to_the_steps() {
    let fake = FakeProvider::start().await.unwrap();
    let server = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let mut hand = Hand::of(&server, &server.admin).await;
    let (endpoint, key) = (fake.endpoint(Api::OpenAi), Behaviour::Ok.key());
    let new = [
        ("name", "first"),
        ("provider", "openai"),
        ("api_key", &*key),
        ("endpoint", &*endpoint),
        ("next", "/dashboard/start"),
        ("once", "1"),
    ];
    let page = hand.done("/dashboard/credentials", &new).await;
    assert!(done(&page) == 1 && page.text.contains("<h1><bdi class=\"name\">First steps"), "{}", page.text);
    let (_, rest) = page.text.split_once("action=\"/dashboard/credentials/").expect("a form that tests it");
    let test = format!("/dashboard/credentials/{}", rest.split('"').next().expect("an end"));
    let page = hand.done(&test, &[("next", &page.field("next"))]).await;
    assert!(done(&page) == 2 && page.text.contains("Its provider accepts"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_shown_with_what_a_program_sets_and_the_first_call_is_seen() {
    let stage = Stage::new().await;
    let mut hand = Hand::of(&stage.server, &stage.server.admin).await;
    stage.credential("first", "openai", Mode::Ok, json!({})).await;
    let new = [("name", "first-program"), ("role", "gateway"), ("next", "/dashboard/start"), ("once", "9")];
    let page = hand.send("/dashboard/tokens", &new).await.expect(200);
    let (_, rest) = page.text.split_once("export OPENAI_API_KEY=").expect("what a program sets");
    let token = rest.split('<').next().expect("an end").to_owned();
    assert!(
        token.starts_with("sr_") && page.text.contains(&format!("{}/openai/v1", stage.server.url)),
        "{}",
        page.text
    );
    assert!(page.text.contains("Nothing was called yet") && page.text.contains("data-keep"), "{}", page.text);
    let again = hand.done("/dashboard/tokens", &new).await;
    assert!(again.text.contains("First steps") && !again.text.contains(&token), "{}", again.text);
    stage.server.post("/openai/v1/chat/completions", question("gpt-4o-mini")).token(&token).await.expect(200);
    let page = hand.visitor.get("/dashboard/start").await.expect(200);
    assert!(page.text.contains("gpt-4o-mini") && page.text.contains("Go to the overview"), "{}", page.text);
    assert!(!page.text.contains(&token));
    assert_eq!(done(&page), 3, "all but the test: {}", page.text);
}
