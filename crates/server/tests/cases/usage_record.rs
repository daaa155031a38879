//! Single usage records over HTTP and on the command line: by admins all of them, by everybody their own.

use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::fake_upstream::Mode;

use super::stage::{Stage, question};

const CHAT: &str = "/openai/v1/chat/completions";

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_looked_up_by_the_id_in_its_answer() {
    let stage = Stage::new().await;
    stage.credential("bad", "openai", Mode::Wrong, json!({ "priority": 1 })).await;
    stage.credential("good", "openai", Mode::Ok, json!({ "priority": 2 })).await;
    let answer = stage.chat().await.expect(200);
    let id = answer.header("x-strongroom-request-id").expect("a request id").to_owned();
    let records = stage.server.get(&format!("/api/admin/usage/records/{id}")).await.expect(200).json();
    let of = |field: &str| -> Vec<Value> {
        records.as_array().unwrap().iter().map(|record| record[field].clone()).collect()
    };
    assert_eq!(of("credential"), [json!("bad"), json!("good")]);
    assert_eq!(of("kind"), [json!("attempt"), json!("call")]);
    assert_eq!(of("status"), [json!(401), json!(200)]);
    assert_eq!(of("requestId"), [json!(id), json!(id)]);
    let last = &records[1];
    assert_eq!((&last["inputTokens"], &last["outputTokens"]), (&json!(12), &json!(5)));
    assert_eq!(
        (&last["model"], &last["version"], &last["source"]),
        (&json!("gpt-4o-mini"), &json!(1), &json!("database"))
    );
    assert_eq!(last["costNanoUsd"], 1500 + 150 + 3000);
    assert!(last["totalMs"].is_i64() && last["reportedUsage"].is_object(), "{last}");
    // By the id of one of its records as well, and the text of the question is nowhere.
    let by_record = format!("/api/admin/usage/records/{}", records[0]["id"].as_str().unwrap());
    let same = stage.server.get(&by_record).await.expect(200);
    assert_eq!(same.json(), records);
    assert!(!same.text.contains("Hello?"), "{}", same.text);

    let (code, out, error) = stage.cli(&["usage", "show", &id]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("good") && out.contains("401 (next)"), "{out}");
    let (code, out, error) = stage.cli(&["usage", "records", "--credential", "good", "--status", "2xx"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains(&id) && !out.contains("bad"), "{out}");
    for unknown in ["019c1111f3ff7000800102030405060a", "nonsense"] {
        stage.server.get(&format!("/api/admin/usage/records/{unknown}")).await.expect(404);
    }
    // A key that is handed out has a record as well, by the request's own id.
    let read = stage.server.get("/api/credentials/good").await.expect(200);
    let path = format!("/api/admin/usage/records/{}", read.header("x-request-id").unwrap());
    assert_eq!(stage.server.get(&path).await.expect(200).json()[0]["kind"], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_come_by_pages_and_by_what_is_asked_for() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "groq", Mode::Ok, json!({})).await;
    for _ in 0..3 {
        stage.chat().await.expect(200);
    }
    stage.call("/groq/openai/v1/chat/completions", question("unheard-of")).await.expect(200);
    let list = async |query: &str| {
        let answer = stage.server.get(&format!("/api/admin/usage/records{query}")).await.expect(200);
        (answer.json(), answer.header("link").map(ToOwned::to_owned))
    };
    let (first, link) = list("?limit=3").await;
    assert_eq!(first["records"].as_array().unwrap().len(), 3);
    assert_eq!(first["records"][0]["provider"], "groq", "the newest first");
    let next = first["next"].as_str().expect("a next page").to_owned();
    assert!(link.expect("a link").contains(&next));
    let (rest, link) = list(&format!("?limit=3&cursor={next}")).await;
    assert_eq!((rest["records"].as_array().unwrap().len(), &rest["next"], link), (1, &Value::Null, None));
    for (query, count) in [
        ("?provider=groq", 1),
        ("?model=gpt-4o-mini", 3),
        ("?credential=one", 3),
        ("?credential=one&provider=groq", 0),
        ("?source=environment", 0),
        ("?kind=call&status=200", 4),
        ("?status=failed", 0),
        ("?user=77", 0),
        ("?from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z", 0),
    ] {
        assert_eq!(list(query).await.0["records"].as_array().unwrap().len(), count, "{query}");
    }
    for (query, field) in [
        ("?credential=nobody", "credential"),
        ("?status=good", "status"),
        ("?kind=x", "kind"),
        ("?source=x", "source"),
        ("?cursor=x", "cursor"),
        ("?limit=0", "limit"),
        ("?planet=x", "planet"),
    ] {
        let refused = stage.server.get(&format!("/api/admin/usage/records{query}")).await.expect(400);
        assert_eq!(refused.at("field"), field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_their_own_and_nobody_elses() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    let other = stage.server.token_of(Role::Gateway).await;
    let mine = stage.chat().await.expect(200);
    let theirs = stage.call(CHAT, question("gpt-4o-mini")).token(&other).await.expect(200);
    let id =
        |answer: &crate::support::call::Answer| answer.header("x-strongroom-request-id").unwrap().to_owned();
    let get = |path: &str| stage.server.get(path).token(&stage.token);

    let me = get("/api/me").await.expect(200).json();
    let public = stage.token.split('_').nth(1).unwrap();
    assert_eq!((&me["actor"], &me["role"]), (&json!(format!("token:{public}")), &json!("gateway")));
    let usage = get("/api/me/usage").await.expect(200).json();
    assert_eq!((&usage["groupBy"], usage["rows"].as_array().unwrap().len()), (&json!("provider"), 1));
    assert_eq!((&usage["rows"][0]["key"], &usage["rows"][0]["requests"]), (&json!("openai"), &json!(1)));
    let by_model = get("/api/me/usage?groupBy=model&splitBy=day").await.expect(200).json();
    assert_eq!(by_model["rows"][0]["key"], "gpt-4o-mini");

    let records = get("/api/me/usage/records").await.expect(200).json();
    assert_eq!(records["records"].as_array().unwrap().len(), 1);
    assert_eq!(records["records"][0]["requestId"], id(&mine));
    let asked = format!("/api/me/usage/records?token={}", other.split('_').nth(1).unwrap());
    assert_eq!(get(&asked).await.expect(200).json()["records"], json!([]), "a filter widens nothing");
    get(&format!("/api/me/usage/records/{}", id(&mine))).await.expect(200);
    get(&format!("/api/me/usage/records/{}", id(&theirs))).await.expect(404);
    get("/api/admin/usage/records").await.expect(403);

    assert_eq!(get("/api/me/limits").await.expect(200).json(), json!([]));
    let limit = |token: &str| json!({ "token": token, "unit": "tokens", "window": "day", "amount": 5000 });
    for token in [public, other.split('_').nth(1).unwrap()] {
        stage.server.post("/api/admin/limits", limit(token)).await.expect(200);
    }
    let limits = get("/api/me/limits").await.expect(200).json();
    assert_eq!(limits.as_array().unwrap().len(), 1);
    assert_eq!((&limits[0]["scope"]["id"], &limits[0]["amount"]), (&json!(public), &json!(5000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_split_compared_and_written_as_csv() {
    let stage = Stage::new().await;
    stage.credential("one", "openai", Mode::Ok, json!({})).await;
    stage.credential("two", "groq", Mode::Ok, json!({})).await;
    for _ in 0..2 {
        stage.chat().await.expect(200);
    }
    stage.call("/groq/openai/v1/chat/completions", question("unheard-of")).await.expect(200);
    let usage =
        async |query: &str| stage.server.get(&format!("/api/admin/usage?{query}")).await.expect(200).json();
    let split = usage("groupBy=provider&splitBy=credential").await;
    let pairs: Vec<_> = split["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["key"].as_str().unwrap(),
                row["splitKey"].as_str().unwrap(),
                row["requests"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(pairs, [("groq", "two", 1), ("openai", "one", 2)]);
    for (query, requests) in [
        ("groupBy=model&provider=openai", 2),
        ("groupBy=day&credential=two", 1),
        ("groupBy=source&source=database", 3),
        ("groupBy=operation", 3),
    ] {
        let rows = usage(query).await;
        assert_eq!(
            (rows["rows"].as_array().unwrap().len(), &rows["rows"][0]["requests"]),
            (1, &json!(requests)),
            "{query}"
        );
    }
    let compared = usage("groupBy=provider&compare=previous").await;
    assert_eq!(compared["previous"]["rows"], json!([]));
    assert!(compared["previous"]["to"].as_str().unwrap() < compared["from"].as_str().unwrap(), "{compared}");
    let csv = stage.server.get("/api/admin/usage?groupBy=provider&format=csv").await.expect(200);
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert!(
        csv.text.starts_with("provider,requests,") && csv.text.contains("\r\nopenai,2,2,0,0,24,"),
        "{}",
        csv.text
    );
    for (query, field) in [
        ("splitBy=credential", "splitBy"),
        ("compare=x", "compare"),
        ("format=x", "format"),
        ("tag=x", "tag"),
    ] {
        let refused = stage.server.get(&format!("/api/admin/usage?{query}")).await.expect(400);
        assert_eq!(refused.at("field"), field, "{query}");
    }
    let (code, out, error) = stage.cli(&["usage", "--by", "provider", "--split", "model", "--compare"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains("COST BEFORE") && out.contains("gpt-4o-mini"), "{out}");
    let (code, out, error) = stage.cli(&["usage", "--by", "provider", "--csv"]);
    assert_eq!((code, out.lines().count()), (0, 3), "{out}{error}");
    let (code, out, error) = stage.cli(&["usage", "--by", "model", "--chart"]);
    assert_eq!(code, 0, "{error}");
    assert!(out.contains('█') && out.contains("cost by model"), "{out}");
}
