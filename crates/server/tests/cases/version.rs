//! Versions, staged keys and deleted credentials over HTTP and on the command line.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_minter::{FakeMinter, MINTING_KEY};
use strongroom_testkit::fake_provider::{Api, Behaviour, FakeProvider};
use strongroom_testkit::fake_upstream::Mode;

use super::stage::Stage;
use crate::BACKEND;
use crate::support::server::{Installation, Server};

const ALL: &str = "/api/admin/credentials";

async fn read(server: &Server, name: &str) -> String {
    let answer = server.get(&format!("/api/credentials/{name}")).await.expect(200);
    answer.at("apiKey").as_str().expect("a key").to_owned()
}

#[tokio::test]
async fn versions_are_listed_compared_rolled_back_to_and_destroyed() {
    let server = Installation::new(BACKEND).await.set("STRONGROOM_VERSIONS_KEPT", "3").start();
    let id = server.credential("one", json!({ "apiKey": "sk-first-canary" })).await;
    let own = format!("{ALL}/{id}");
    server
        .patch(&own, json!({ "apiKey": "sk-second-canary", "apiSecret": "sk-more-canary" }))
        .await
        .expect(200);
    let versions = server.get(&format!("{own}/versions")).await.expect(200);
    assert!(!versions.text.contains("canary"), "{}", versions.text);
    let list = versions.json();
    assert_eq!(
        (&list[0]["number"], &list[0]["state"], &list[0]["origin"]),
        (&json!(2), &json!("current"), &json!("new"))
    );
    assert!(list[0]["createdBy"].as_str().unwrap().starts_with("token:"));
    let diff = server.get(&format!("{own}/versions/diff?from=1&to=2")).await.expect(200);
    assert!(!diff.text.contains("canary"), "{}", diff.text);
    assert_eq!(
        diff.at("fields"),
        json!([{ "field": "apiKey", "difference": "changed" }, { "field": "apiSecret", "difference": "added" }])
    );
    for wrong in ["versions/diff?from=1&to=9", "versions/diff?from=0&to=1"] {
        server.get(&format!("{own}/{wrong}")).await.expect(404);
    }
    server.get(&format!("{own}/versions/diff?from=one&to=2")).await.expect(400);

    let path = format!("{own}/versions/1/rollback");
    server.call("POST", &path).header("if-match", "\"1\"").await.expect(412);
    let back = server.call("POST", &path).header("if-match", "\"2\"").await.expect(200);
    assert_eq!((back.at("version"), back.header("etag")), (json!(3), Some("\"3\"")));
    assert_eq!(read(&server, "one").await, "sk-first-canary");
    server.delete(&format!("{own}/versions/3")).await.expect(409);
    server.delete(&format!("{own}/versions/x")).await.expect(404);
    server.delete(&format!("{own}/versions/1")).header("if-match", "\"2\"").await.expect(412);
    server.delete(&format!("{own}/versions/1")).header("if-match", "\"3\"").await.expect(200);
    server.call("POST", &path).await.expect(409);
    server.patch(&own, json!({ "apiKey": "sk-fourth-canary" })).await.expect(200);
    server.patch(&own, json!({ "apiKey": "sk-fifth-canary" })).await.expect(200);
    let states: Vec<Value> = server
        .get(&format!("{own}/versions"))
        .await
        .expect(200)
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["state"].clone())
        .collect();
    assert_eq!(states, ["current", "draining", "draining", "pruned", "destroyed"]);
    let auditor = server.token_of(Role::Auditor).await;
    server.get(&format!("{own}/versions")).token(&auditor).await.expect(200);
    server.call("POST", &format!("{own}/versions/3/rollback")).token(&auditor).await.expect(403);
    assert!(!server.said().contains("canary"));
}

#[tokio::test]
async fn a_deleted_credential_is_taken_back_or_purged() {
    let server = Installation::new(BACKEND).await.set("STRONGROOM_RECOVERY_DAYS", "7").start();
    let id = server.credential("one", json!({ "apiKey": "sk-first" })).await;
    let own = format!("{ALL}/{id}");
    server.delete(&own).await.expect(200);
    server.get(&own).await.expect(404);
    let deleted = server.get(&format!("{ALL}/deleted")).await.expect(200).json();
    assert_eq!((&deleted[0]["id"], &deleted[0]["name"]), (&json!(id), &json!("one")));
    let at = |name: &str| strongroom_model::Millis::parse(deleted[0][name].as_str().unwrap()).unwrap();
    assert_eq!(at("purgeAt").0 - at("deletedAt").0, 7 * 86_400_000);
    let other = server.credential("one", json!({})).await;
    server.call("POST", &format!("{own}/undelete")).await.expect(409);
    server.delete(&format!("{ALL}/{other}")).await.expect(200);
    server.call("POST", &format!("{own}/undelete")).header("if-match", "\"1\"").await.expect(412);
    server.call("POST", &format!("{own}/undelete")).header("if-match", "\"2\"").await.expect(200);
    assert_eq!(read(&server, "one").await, "sk-first");
    server.call("POST", &format!("{own}/purge")).await.expect(404);
    server.call("POST", &format!("{ALL}/{other}/purge")).await.expect(200);
    server.call("POST", &format!("{ALL}/{other}/undelete")).await.expect(404);
    assert_eq!(server.get(&format!("{ALL}/deleted")).await.expect(200).text, "[]");
    let left = "SELECT count(*) FROM credential_values WHERE kind = 'sealed'";
    assert_eq!(server.installation.database.query_text(left).await[0][0].as_deref(), Some("1"));
}

#[tokio::test]
async fn a_key_is_staged_asked_about_promoted_or_taken_back() {
    let fake = FakeProvider::start().await.unwrap();
    let server = Installation::new(BACKEND).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true").start();
    let more = json!({ "endpoint": fake.endpoint(Api::OpenAi), "apiKey": Behaviour::Ok.key() });
    let id = server.credential("one", more).await;
    let own = format!("{ALL}/{id}");
    server.call("POST", &format!("{own}/promote")).await.expect(409);
    let bad = json!({ "apiKey": Behaviour::WrongKey.key() });
    let staged = server.post(&format!("{own}/versions"), bad.clone()).await.expect(200);
    assert_eq!(staged.at("staged"), json!({ "version": 2, "percent": 0 }));
    server.post(&format!("{own}/versions"), bad).await.expect(409);
    let probe = server.call("POST", &format!("{own}/versions/2/test")).await.expect(200);
    assert_eq!(probe.at("outcome"), "bad_key");
    let refused = server.post(&format!("{own}/canary"), json!({ "percent": 10 })).await.expect(422);
    assert!(
        refused.error().contains("version 2") && refused.error().contains("bad_key"),
        "{}",
        refused.error()
    );
    server.post(&format!("{own}/canary"), json!({ "percent": 101, "skipTest": true })).await.expect(400);
    server.call("POST", &format!("{own}/abort")).await.expect(200);
    let list = server.get(&format!("{own}/versions")).await.expect(200).json();
    assert_eq!((&list[0]["state"], &list[0]["probeOutcome"]), (&json!("aborted"), &json!("bad_key")));
    server.post(&format!("{own}/versions"), json!({ "apiKey": Behaviour::Ok.key() })).await.expect(200);
    let shared = server.post(&format!("{own}/canary"), json!({ "percent": 10 })).await.expect(200);
    assert_eq!(shared.at("staged"), json!({ "version": 3, "percent": 10 }));
    let promoted = server.call("POST", &format!("{own}/promote")).await.expect(200);
    assert_eq!((promoted.at("version"), promoted.at("staged")), (json!(3), Value::Null));
    server.verified_entries().await;
}

#[tokio::test]
async fn an_expiry_and_a_rotation_are_set_shown_and_heeded() {
    let server = Installation::new(BACKEND).await.start();
    let id =
        server.credential("one", json!({ "expiresAt": "2099-01-01T00:00:00Z", "rotateAfterDays": 30 })).await;
    let own = format!("{ALL}/{id}");
    let shown = server.get(&own).await.expect(200);
    assert_eq!(
        (shown.at("expiresAt"), shown.at("rotateAfterDays")),
        (json!("2099-01-01T00:00:00Z"), json!(30))
    );
    assert!(shown.at("rotationDue").is_string());
    for (body, field) in [
        (json!({ "expiresAt": "2001-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "rotateAfterDays": 0 }), "rotateAfterDays"),
    ] {
        assert_eq!(server.patch(&own, body).await.expect(400).at("field"), field);
    }
    let without = server.patch(&own, json!({ "expiresAt": null, "rotateAfterDays": null })).await.expect(200);
    assert_eq!((without.at("expiresAt"), without.at("rotationDue")), (Value::Null, Value::Null));
    assert_eq!(server.get(&format!("{ALL}/unused?days=1")).await.expect(200).text, "[]", "it is too young");
    assert_eq!(server.get(&format!("{ALL}/unused?days=0")).await.expect(400).at("field"), "days");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_walks_a_key_through_its_life() {
    let stage = Stage::new().await;
    let old = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let next = Mode::Ok.key("next");
    let file = stage.server.installation.home().join("next-key");
    std::fs::write(&file, &next).unwrap();
    let cli = |arguments: &[&str]| {
        let (code, out, err) = stage.cli(arguments);
        assert!(!out.contains("fake-ok") && !err.contains("fake-ok"), "{arguments:?}: {out}{err}");
        (code, out, err)
    };
    let good = |arguments: &[&str]| {
        let (code, out, err) = cli(arguments);
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        out
    };
    let shown = good(&["credential", "stage", "one", "--api-key-file", file.to_str().unwrap()]);
    assert!(shown.contains("version 2, 0% of the gateway's calls"), "{shown}");
    good(&["credential", "canary", "one", "--percent", "50", "--no-test"]);
    for _ in 0..4 {
        stage.chat().await.expect(200);
    }
    assert_eq!((stage.fake.count(&old), stage.fake.count(&next)), (2, 2));
    good(&["credential", "promote", "one", "--no-test"]);
    stage.chat().await.expect(200);
    assert_eq!(stage.fake.count(&next), 3);
    let usage = good(&["usage", "--by", "version"]);
    assert!(usage.contains("one v1") && usage.contains("one v2"), "{usage}");
    let diff = good(&["credential", "diff", "one", "--from", "1", "--to", "2"]);
    assert!(diff.contains("another one"), "{diff}");
    let versions = good(&["credential", "versions", "one"]);
    assert!(versions.lines().nth(1).unwrap().starts_with("2        current"), "{versions}");
    good(&["credential", "rollback", "one", "--to", "1"]);
    good(&["credential", "destroy", "one", "--version", "2", "--yes"]);
    let (code, _, err) = cli(&["credential", "rollback", "one", "--to", "2"]);
    assert!(code != 0 && err.contains("destroyed"), "{err}");
    good(&["credential", "update", "one", "--expires-in", "3d", "--rotate-after-days", "90"]);
    let list = good(&["credential", "list"]);
    assert!(list.contains("expires 20"), "{list}");
    let (_, doctor, _) = cli(&["doctor"]);
    assert!(doctor.contains("one: expires 20"), "{doctor}");
    assert!(!good(&["credential", "unused", "--days", "30"]).contains("one"));
    good(&["credential", "remove", "one", "--yes"]);
    assert!(good(&["credential", "list", "--deleted"]).contains("one"));
    good(&["credential", "undelete", "one"]);
    good(&["credential", "remove", "one", "--yes"]);
    good(&["credential", "purge", "one", "--yes"]);
    let third = stage.credential("two", "openai", Mode::Ok, json!({})).await;
    std::fs::write(&file, Mode::Wrong.key("mistyped")).unwrap();
    let rotate = ["credential", "rotate", "two", "--api-key-file", file.to_str().unwrap()];
    let (code, _, err) = cli(&rotate);
    assert!(
        code != 0 && err.contains("platform.openai.com") && err.contains("credential abort two"),
        "{err}"
    );
    good(&["credential", "abort", "two"]);
    std::fs::write(&file, Mode::Ok.key("fourth")).unwrap();
    let (code, _, err) = cli(&rotate);
    assert!(code == 0 && err.contains("version 1 as retired"), "{err}");
    stage.chat().await.expect(200);
    let asked_and_used = stage.fake.count(&Mode::Ok.key("fourth"));
    assert_eq!((stage.fake.count(&third), asked_and_used), (0, 2));
    let (code, _, err) = cli(&["credential", "undelete", "one"]);
    assert!(code != 0 && err.contains("no deleted credential"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_by_the_provider_on_command() {
    let stage = Stage::new().await;
    let fake = FakeMinter::start().await.unwrap();
    let at = |key: &str| json!({ "provider": "openrouter", "endpoint": fake.endpoint("openrouter"), "apiKey": key });
    let with = stage.server.credential("provisioning", at(MINTING_KEY)).await;
    let id = stage.server.credential("one", at("sk-by-hand")).await;
    let own = format!("{ALL}/{id}");
    stage.server.call("POST", &format!("{own}/rotate")).await.expect(409);
    let itself = json!({ "rotateWith": { "credentialId": id } });
    assert_eq!(stage.server.patch(&own, itself).await.expect(400).at("field"), "rotateWith");
    let (code, out, err) = stage.cli(&[
        "credential",
        "update",
        "one",
        "--rotate-with",
        "provisioning",
        "--rotate-after-days",
        "30",
    ]);
    assert!(code == 0 && out.contains(&format!("provisioning (id {with})")), "{out}{err}");
    let (code, out, err) = stage.cli(&["credential", "rotate", "one"]);
    assert_eq!(code, 0, "{out}{err}");
    let made = fake.good();
    assert_eq!(made, [read(&stage.server, "one").await]);
    assert!(!out.contains(&made[0]) && !err.contains(&made[0]) && !stage.server.said().contains(&made[0]));
    assert!(!stage.server.said().contains(MINTING_KEY));
    stage.server.call("POST", &format!("{own}/rotate")).header("if-match", "\"1\"").await.expect(412);
    let off = stage.server.patch(&own, json!({ "rotateWith": null })).await.expect(200);
    assert!(off.at("rotateWith").is_null());
    stage.server.verified_entries().await;
}
