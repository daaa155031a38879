//! Dates and times as people write them, by the options that take them.

#![expect(clippy::unwrap_used, reason = "a case whose harness breaks has failed, and the line says where")]

use serde_json::{Value, json};
use strongroom_model::{Clock, Millis};

use crate::harness::{Place, credential};

const TOKENS: &str = "/api/admin/tokens";

async fn place() -> Place {
    let place = Place::with_server().await;
    let token = json!({
        "token": "sr_AbCdEf012345_made-up", "id": "AbCdEf012345", "name": "x", "role": "reader",
        "scope": { "credentials": [], "providers": [] }, "createdAt": "2026-01-01T00:00:00Z",
    });
    place.answers("POST", TOKENS, 201, token.to_string()).await;
    place.answers("GET", "/api/admin/audit-logs", 200, "[]").await;
    place.answers("GET", "/api/admin/credentials", 200, format!("[{}]", credential(1, "a", "openai"))).await;
    place.answers("PATCH", "/api/admin/credentials/1", 200, credential(1, "a", "openai")).await;
    place
}

async fn last_body(place: &Place) -> Value {
    let last = place.server.received_requests().await.unwrap().pop().unwrap();
    serde_json::from_slice(&last.body).unwrap()
}

#[tokio::test]
async fn an_expiry_is_a_date_a_time_a_distance_or_a_word() {
    let place = place().await;
    for (option, written, sent) in [
        ("--expires", "2027-01-31", "2027-01-31T00:00:00Z"),
        ("--expires", "2027-01-31T10:00", "2027-01-31T10:00:00Z"),
        ("--expires", "2027-01-31 10:00", "2027-01-31T10:00:00Z"),
        ("--expires", "2027-01-31T10:00+02:00", "2027-01-31T08:00:00Z"),
        ("--expires-at", "2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
    ] {
        let done = place.run(&["token", "create", "x", "--role", "reader", option, written]).await;
        assert_eq!(done.code, 0, "{written}: {done:?}");
        assert_eq!(last_body(&place).await["expiresAt"], sent, "{written}");
        let done = place.run(&["credential", "update", "a", option, written]).await;
        assert_eq!(done.code, 0, "{written}: {done:?}");
        assert_eq!(last_body(&place).await, json!({ "expiresAt": sent }), "{written}");
    }
    // An error speaks of the option that was typed.
    for option in ["--expires", "--expires-at"] {
        let done = place.run(&["token", "create", "x", "--role", "reader", option, "soon"]).await;
        assert!(done.code == 2 && done.stderr.contains(&format!("'{option} <WHEN>'")), "{done:?}");
    }
    let day = 86_400;
    for (option, written, seconds) in [
        ("--expires", "30d", 30 * day),
        ("--expires", "in 2 weeks", 14 * day),
        ("--expires-in", "12h", day / 2),
    ] {
        let before = Clock::default().local_now();
        let done = place.run(&["token", "create", "x", "--role", "reader", option, written]).await;
        let after = Clock::default().local_now();
        assert_eq!(done.code, 0, "{written}: {done:?}");
        let sent = Millis::parse(last_body(&place).await["expiresAt"].as_str().unwrap()).unwrap();
        assert!(
            sent >= before.plus_seconds(seconds) && sent <= after.plus_seconds(seconds),
            "{written}: {sent}"
        );
    }
    // Whatever the day is today, these begin at midnight and lie ahead.
    for written in ["tomorrow", "end-of-month", "end of year"] {
        let before = Clock::default().local_now();
        let done = place.run(&["token", "create", "x", "--role", "reader", "--expires", written]).await;
        assert_eq!(done.code, 0, "{written}: {done:?}");
        let sent = last_body(&place).await["expiresAt"].as_str().unwrap().to_owned();
        assert!(sent.ends_with("T00:00:00Z") && Millis::parse(&sent).unwrap() > before, "{written}: {sent}");
    }
}

#[tokio::test]
async fn what_is_no_time_is_refused_with_the_forms_that_are_and_nothing_is_sent() {
    let place = place().await;
    for arguments in [
        &["token", "create", "x", "--role", "reader", "--expires", "soon"][..],
        &["credential", "update", "a", "--expires", "31.12.2026"],
        &["audit", "list", "--from", "12/31/2026"],
        &["leak", "respond", "a", "--yes", "--since", "2026-02-30"],
        &["usage", "--by", "model", "--from", "the beginning"],
    ] {
        let done = place.run(arguments).await;
        assert_eq!((done.code, done.stdout.as_str()), (2, ""), "{arguments:?}: {done:?}");
        for form in ["30d", "2026-12-31T10:00", "UTC", "tomorrow", "end-of-month"] {
            assert!(done.stderr.replace('\n', " ").contains(form), "{arguments:?}: {}", done.stderr);
        }
    }
    let both = ["token", "create", "x", "--role", "reader", "--expires", "30d", "--expires-in", "12h"];
    assert_eq!(place.run(&both).await.code, 2);
    assert!(place.calls().await.is_empty());
}

#[tokio::test]
async fn the_beginning_of_a_list_lies_back() {
    let place = place().await;
    let before = Clock::default().local_now();
    assert_eq!(place.run(&["audit", "list", "--since", "24h", "--to", "now"]).await.code, 0);
    let after = Clock::default().local_now();
    let last = place.server.received_requests().await.unwrap().pop().unwrap();
    let sent = |name: &str| {
        let (_, text) = last.url.query_pairs().find(|(key, _)| key == name).unwrap();
        Millis::parse(&text).unwrap()
    };
    assert!(sent("from") >= before.plus_seconds(-86_400) && sent("from") <= after.plus_seconds(-86_400));
    assert!(sent("to") >= before && sent("to") <= after);
}
