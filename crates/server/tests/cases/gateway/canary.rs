//! A staged key with a share of the calls: exactly that share, no failed call when it is refused, and back by itself.

use serde_json::{Value, json};
use strongroom_testkit::fake_upstream::Mode;

use crate::cases::stage::{Stage, question, texts};
use crate::support::server::{STEP, STEPS};

/// Stages a key that is treated so and gives it a share; tells the key and the credential's path.
async fn staged(stage: &Stage, mode: Mode, percent: i64) -> (String, String) {
    let found = stage.server.get("/api/admin/credentials?name=one").await.expect(200).json();
    let own = format!("/api/admin/credentials/{}", found[0]["id"]);
    let key = mode.key("staged");
    stage.server.post(&format!("{own}/versions"), json!({ "apiKey": key })).await.expect(200);
    let share = json!({ "percent": percent, "skipTest": true });
    stage.server.post(&format!("{own}/canary"), share).await.expect(200);
    (key, own)
}

#[tokio::test]
async fn a_staged_key_gets_its_share_and_every_call_is_counted_at_its_version() {
    let stage = Stage::new().await;
    let old = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let (new, own) = staged(&stage, Mode::Ok, 25).await;
    for _ in 0..20 {
        let answer = stage.chat().await.expect(200);
        assert_eq!(answer.header("x-strongroom-credential"), Some("one"));
    }
    assert_eq!((stage.fake.count(&old), stage.fake.count(&new)), (15, 5));
    stage.record("call", 20, "status").await;
    let usage = stage.server.get("/api/admin/usage?groupBy=version").await.expect(200).at("rows");
    let counted: Vec<(&Value, &Value)> =
        usage.as_array().unwrap().iter().map(|row| (&row["key"], &row["requests"])).collect();
    assert_eq!(counted, [(&json!("one v1"), &json!(15)), (&json!("one v2"), &json!(5))]);
    stage.server.call("POST", &format!("{own}/promote?skipTest=true")).await.expect(200);
    stage.chat().await.expect(200);
    assert_eq!((stage.fake.count(&old), stage.fake.count(&new)), (15, 6));
}

#[tokio::test]
async fn a_stream_under_way_ends_with_the_key_that_it_began_with() {
    let stage = Stage::new().await;
    let old = stage.credential("one", "openai", Mode::Late, json!({})).await;
    let (new, own) = staged(&stage, Mode::Ok, 0).await;
    let mut body = question("gpt-4o-mini");
    body["stream"] = json!(true);
    let under_way = std::future::IntoFuture::into_future(stage.call("/openai/v1/chat/completions", body));
    let meanwhile = async {
        for _ in 0..STEPS {
            if stage.fake.count(&old) == 1 {
                break;
            }
            tokio::time::sleep(STEP).await;
        }
        stage.server.call("POST", &format!("{own}/promote?skipTest=true")).await.expect(200);
        stage.chat().await.expect(200);
    };
    let (answer, ()) = tokio::join!(under_way, meanwhile);
    let answer = answer.expect(200);
    assert!(answer.text.contains("[DONE]"), "{}", answer.text);
    assert_eq!((stage.fake.count(&old), stage.fake.count(&new)), (1, 1));
    let versions =
        "SELECT v.number FROM usage_records r JOIN credential_versions v ON v.uid = r.version_uid ORDER BY 1";
    stage.record("call", 2, "status").await;
    let rows = stage.server.installation.database.query_text(versions).await;
    assert_eq!(rows.iter().map(|row| texts(row).join("")).collect::<Vec<_>>(), ["1", "2"]);
}

#[tokio::test]
async fn a_staged_key_that_is_refused_goes_by_itself_and_no_call_fails() {
    let stage = Stage::new().await;
    let old = stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let (new, own) = staged(&stage, Mode::Wrong, 50).await;
    for _ in 0..20 {
        stage.chat().await.expect(200);
    }
    assert_eq!((stage.fake.count(&old), stage.fake.count(&new)), (20, 3));
    let mut list = Value::Null;
    for _ in 0..STEPS {
        list = stage.server.get(&format!("{own}/versions")).await.expect(200).json();
        if list[0]["state"] == "refused" {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert_eq!(list[0]["state"], "refused", "{list}");
    assert!(list[0]["reason"].as_str().unwrap().contains("3 of its last 3 calls"), "{list}");
    assert_eq!(list[1]["state"], "current");
    let path = "/api/admin/audit-logs?action=credential.canary_refused";
    let entries = stage.server.get(path).await.expect(200).json();
    assert!(entries.to_string().contains("\"actor\":\"system\""), "{entries}");
    assert!(stage.server.get(&own).await.expect(200).at("staged").is_null());
    assert!(stage.server.said().contains("took back a staged version"));
    stage.server.verified_entries().await;
}
