//! Figures of usage over HTTP: hours, statuses, times, forecasts, the dearest, the history of limits; proved, and made again.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use strongroom_model::figure;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};
use crate::support::server::{STEP, STEPS};

async fn usage(stage: &Stage, query: &str) -> Value {
    stage.server.get(&format!("/api/admin/usage?{query}")).await.expect(200).json()
}

/// Waits for rows.
async fn rows_of(stage: &Stage, sql: &str) -> Vec<Vec<Option<String>>> {
    for _ in 0..STEPS {
        let rows = stage.server.installation.database.query_text(sql).await;
        if !rows.is_empty() {
            return rows;
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("no row of {sql}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_statuses_and_times_are_told_and_equal_the_days() {
    let stage = Stage::new().await;
    stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    for _ in 0..2 {
        stage.chat().await.expect(200);
    }
    let by_status = usage(&stage, "groupBy=status").await;
    let shown: Vec<_> = by_status["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (row["key"].as_str().unwrap(), row["keyUses"].as_i64().unwrap(), row["errors"].as_i64().unwrap())
        })
        .collect();
    assert_eq!((shown[0], shown[1].0), (("2xx", 2, 0), "4xx"));
    let by_hour = usage(&stage, "groupBy=hour&splitBy=provider").await;
    let hour = &by_hour["rows"][0];
    assert!(hour["key"].as_str().unwrap().ends_with(":00:00Z"), "{hour}");
    assert_eq!((&hour["splitKey"], &hour["requests"]), (&json!("openai"), &json!(2)));
    let by_provider = usage(&stage, "groupBy=provider").await;
    let row = &by_provider["rows"][0];
    assert!(row["latency"]["firstByteP95Ms"].is_i64() && row["latency"]["totalP50Ms"].is_i64(), "{row}");
    assert_eq!(
        row["costNanoUsd"],
        by_hour["rows"].as_array().unwrap().iter().map(|it| it["costNanoUsd"].as_i64().unwrap()).sum::<i64>()
    );
    let by_credential = usage(&stage, "groupBy=credential").await;
    assert!(
        by_credential["rows"][0].get("latency").is_none(),
        "of single credentials there are no percentiles"
    );
    let forecast = usage(&stage, "groupBy=day&forecast=true").await["forecast"].clone();
    assert_eq!((&forecast["spentNanoUsd"], &forecast["expectedNanoUsd"]), (&json!(2 * 4650), &Value::Null));
    let refused = stage.server.get("/api/admin/usage?groupBy=hour&credential=good").await.expect(400);
    assert_eq!(refused.at("field"), "groupBy");
    let refused = stage.server.get("/api/me/usage?groupBy=hour").token(&stage.token).await.expect(400);
    assert_eq!(refused.at("field"), "groupBy");
    let (code, out, error) = stage.cli(&["usage", "--by", "status", "--forecast"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("4xx") && error.contains("less than 24 hours"), "{out}{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roll_ups_are_proved_and_made_again() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    for _ in 0..3 {
        stage.chat().await.expect(200);
    }
    // The server's own job makes them.
    rows_of(&stage, "SELECT subject FROM usage_subject_days WHERE dim = 'token' AND requests = 3").await;
    let verify = async || {
        let told = stage.server.get("/api/admin/usage/verify").await.expect(200).json();
        (told["valid"].as_bool().unwrap(), told["discrepancies"].clone())
    };
    assert_eq!(verify().await, (true, json!([])));
    let database = &stage.server.installation.database;
    database.execute("UPDATE usage_5m SET output_tokens = output_tokens + 1").await;
    database.execute("DELETE FROM usage_subject_days WHERE dim = 'credential'").await;
    let (valid, found) = verify().await;
    assert!(
        !valid
            && found.to_string().contains("usage_hours")
            && found.to_string().contains("usage_subject_days"),
        "{found}"
    );
    let (code, out, error) = stage.cli(&["usage", "rebuild"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("days from their records  1"), "{out}");
    assert_eq!(verify().await, (true, json!([])));
    let reprice = stage.server.post("/api/admin/usage/reprice", json!({})).await.expect(200).json();
    assert_eq!(reprice["records"], 3);
    assert_eq!(verify().await, (true, json!([])));
    let top = stage.server.get("/api/admin/usage/top?by=token&period=24h").await.expect(200).json();
    assert!(top.as_array().unwrap().len() <= 1, "{top}");
    for (query, field) in [("by=planet", "by"), ("period=9d", "period")] {
        let refused = stage.server.get(&format!("/api/admin/usage/top?{query}")).await.expect(400);
        assert_eq!(refused.at("field"), field);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_limits_refuse_and_providers_say_of_keys_is_written_down() {
    let stage = Stage::new().await;
    stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    stage.chat().await.expect(200);
    let public = stage.token.split('_').nth(1).unwrap();
    let limit = json!({ "token": public, "unit": "requests", "window": "day", "amount": 1 });
    let id =
        stage.server.post("/api/admin/limits", limit).await.expect(200).at("id").as_str().unwrap().to_owned();
    stage.call("/openai/v1/chat/completions", question("gpt-4o-mini")).await;
    for _ in 0..3 {
        stage.chat().await.expect(429);
    }
    // Written every few seconds.
    rows_of(&stage, "SELECT refused FROM limit_refusals WHERE refused >= 3").await;
    let history = stage.server.get(&format!("/api/admin/limits/{id}/history")).await.expect(200).json();
    let refused: i64 =
        history["refusals"].as_array().unwrap().iter().map(|slot| slot["refused"].as_i64().unwrap()).sum();
    assert!(refused >= 3, "{history}");
    assert_eq!(history["limit"]["id"], id);
    stage.server.get("/api/admin/limits/00000000000000000000000000000000/history").await.expect(404);
    let changed = rows_of(&stage, "SELECT before, state FROM credential_transitions").await;
    assert_eq!(changed, [[Some("healthy".to_owned()), Some("bad_key".to_owned())]]);
    rows_of(&stage, "SELECT state FROM credential_health WHERE state = 'bad_key'").await;
    let bad = stage.server.get("/api/admin/credentials?name=bad").await.expect(200).json();
    let bad = bad[0]["id"].as_i64().unwrap();
    let changes = stage.server.get(&format!("/api/admin/credentials/{bad}/health")).await.expect(200).json();
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
    let first = &changes[0];
    assert_eq!((&first["before"], &first["state"]), (&json!("healthy"), &json!("bad_key")));
    assert_eq!(first["version"], 1);
    let later = format!("/api/admin/credentials/{bad}/health?from=2999-01-01T00:00:00Z");
    assert_eq!(stage.server.get(&later).await.expect(200).json(), json!([]));
    stage.server.get("/api/admin/credentials/999999/health").await.expect(404);
}

#[test]
fn the_description_of_the_api_has_the_definitions_of_figures() {
    let description = serde_json::to_value(strongroom_server::api::openapi()).unwrap();
    let spend = figure::find("spend").unwrap();
    let told = description["components"]["schemas"]["UsageRow"]["properties"]["costNanoUsd"]["description"]
        .as_str()
        .unwrap();
    assert!(told.contains(spend.words), "{told}");
    let mut fields = BTreeSet::new();
    for schema in description["components"]["schemas"].as_object().unwrap().values() {
        fields.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    }
    for field in figure::FIGURES.iter().flat_map(|figure| figure.fields) {
        assert!(fields.contains(*field), "{field} is a field of nothing");
    }
}

/// The names of metrics in a text.
fn metric_names(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .filter(|word| word.starts_with("strongroom_"))
        .map(ToOwned::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_keep_to_the_conventions_and_dashboards_name_only_what_there_is() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.chat().await.expect(200);
    stage.call("/openai/v1/no-such-operation", question("x")).await.expect(404);
    stage.server.get("/api/admin/credentials").token("nonsense").await.expect(401);
    let text = stage.server.get("/metrics").await.expect(200).text;
    let mut told = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(name.starts_with("strongroom_"), "{line}");
        told.insert(name.to_owned());
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        let ends_well = match kind {
            "counter" => {
                told.contains(&format!("{name}_total")) || !told.iter().any(|it| it.starts_with(name))
            }
            "histogram" => name.ends_with("_seconds"),
            "gauge" => !name.ends_with("_total"),
            other => panic!("{other}"),
        };
        assert!(ends_well, "{line}");
    }
    let known = |name: &String| {
        told.contains(name) || text.contains(&format!("# TYPE {} ", name.trim_end_matches("_total")))
    };
    for file in ["strongroom.json", "alerts.yml"] {
        let path = format!("{}/../../docs/grafana/{file}", env!("CARGO_MANIFEST_DIR"));
        let names = metric_names(&std::fs::read_to_string(path).unwrap());
        let unknown: Vec<_> = names.iter().filter(|name| !known(name)).collect();
        assert!(names.len() > 5 && unknown.is_empty(), "{file} names {unknown:?}");
    }
}
