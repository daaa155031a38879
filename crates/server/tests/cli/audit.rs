//! `strongroom audit`.

use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, ResponseTemplate};

use crate::harness::Place;

fn entry(seq: i64) -> Value {
    json!({
        "chainId": "main", "seq": seq, "uid": "00", "at": "2026-01-01T00:00:00Z", "action": "credential.create",
        "actor": "local:joe", "targetKind": "credential", "targetId": null, "targetName": "a", "outcome": "success",
        "detail": {}, "requestId": null, "remoteAddress": null, "keyId": "k", "link": format!("link-{seq}"),
    })
}

async fn two_pages(place: &Place) {
    let list =
        || Mock::given(method("GET")).and(path("/api/admin/audit-logs")).and(query_param("order", "asc"));
    let first = ResponseTemplate::new(200)
        .set_body_json(json!([entry(1), entry(2)]))
        .insert_header("link", r#"</api/admin/audit-logs?cursor=2>; rel="next""#);
    list().and(query_param_is_missing("cursor")).respond_with(first).mount(&place.server).await;
    let last = ResponseTemplate::new(200).set_body_json(json!([entry(3)]));
    list().and(query_param("cursor", "2")).respond_with(last).mount(&place.server).await;
}

#[tokio::test]
async fn an_export_has_every_entry_and_ends_in_the_heads() {
    let place = Place::with_server().await;
    two_pages(&place).await;
    let done = place.run(&["audit", "export"]).await;
    assert_eq!((done.code, done.stderr.as_str()), (0, "3 entries exported\n"));
    let lines: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let heads = json!([{"chainId": "main", "seq": 3, "link": "link-3"}]);
    assert_eq!(lines, [entry(1), entry(2), entry(3), json!({ "heads": heads })]);

    let (trail, anchors) = (place.home.path().join("trail"), place.home.path().join("anchors"));
    let files = ["--file", trail.to_str().unwrap(), "--anchor-file", anchors.to_str().unwrap()];
    let done = place.run(&[&["audit", "export"], &files[..]].concat()).await;
    assert_eq!((done.code, done.stdout.as_str()), (0, ""), "{}", done.stderr);
    assert_eq!(std::fs::read_to_string(trail).unwrap().lines().count(), 3);
    assert_eq!(serde_json::from_str::<Value>(&std::fs::read_to_string(anchors).unwrap()).unwrap(), heads);
}

#[tokio::test]
async fn an_export_that_breaks_off_leaves_no_file() {
    let place = Place::with_server().await;
    place.answers("GET", "/api/admin/audit-logs", 503, crate::harness::problem("unavailable")).await;
    let trail = place.home.path().join("trail");
    assert_eq!(place.run(&["audit", "export", "--file", trail.to_str().unwrap()]).await.code, 8);
    assert_eq!(std::fs::read_dir(place.home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn verifying_sends_the_anchors_and_a_fault_exits_with_6_and_names_the_entry() {
    let place = Place::with_server().await;
    let anchors = json!([{"chainId": "main", "seq": 3, "link": "link-3"}]);
    let answer = json!({
        "valid": false, "entries": 3, "heads": anchors,
        "faults": [{"chainId": "main", "seq": 2, "fault": "the entry was edited"}],
    });
    Mock::given(method("POST"))
        .and(path("/api/admin/audit-logs/verify"))
        .and(body_json(json!({ "anchors": anchors })))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&place.server)
        .await;
    let file = place.home.path().join("anchors");
    std::fs::write(&file, anchors.to_string()).unwrap();
    let done = place.run(&["audit", "verify", "--anchor", file.to_str().unwrap()]).await;
    assert_eq!(done.code, 6, "{done:?}");
    assert_eq!(done.stderr, "error: entry 2 of audit chain \"main\": the entry was edited\n");
    std::fs::write(&file, "[]").unwrap();
    let done = place.run(&["audit", "verify", "--anchor", file.to_str().unwrap()]).await;
    assert_eq!(done.code, 2, "verifying against nothing proves nothing");
}

#[tokio::test]
async fn a_list_stops_at_what_was_asked_for() {
    let place = Place::with_server().await;
    two_pages(&place).await;
    let list = ["audit", "list", "--oldest-first", "--format", "json", "--limit"];
    for (limit, entries) in [("1", 1), ("2", 2), ("3", 3), ("100", 3)] {
        let done = place.run(&[&list[..], &[limit]].concat()).await;
        let shown: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(shown.as_array().unwrap().len(), entries, "{limit}");
    }
}
