//! Pages of alerts: what fires is seen, answered, silenced and told elsewhere, by forms alone and by those who may.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use strongroom_model::Role;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::page_change::Hand;
use crate::BACKEND;
use crate::support::server::{Installation, Server};
use crate::support::visitor::Visitor;

const INBOX: &str = "/dashboard/alerts";
const PAGES: [&str; 5] = [
    INBOX,
    "/dashboard/alerts/rules",
    "/dashboard/alerts/channels",
    "/dashboard/alerts/silences",
    "/dashboard/alerts/deliveries",
];

async fn server() -> Server {
    Installation::new(BACKEND).await.set("STRONGROOM_ALERT_ALLOW", "127.0.0.1").start()
}

/// A credential with that name whose limit is used up, and the alert of its 100 percent.
async fn used_up(server: &Server, name: &str) -> String {
    server.credential(name, json!({ "rateLimit": 1 })).await;
    server.get(&format!("/api/credentials/{name}")).await.expect(200);
    let alerts = server.get("/api/admin/alerts?firing=true&rule=limit_threshold").await.expect(200).json();
    let of_name = |it: &&serde_json::Value| it["subject"]["name"] == json!(name) && it["mark"] == json!(100);
    alerts.as_array().unwrap().iter().find(of_name).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_alert_is_seen_answered_and_ended_and_no_link_changes_it() {
    let server = server().await;
    let id = used_up(&server, "runs-out").await;
    let mut hand = Hand::of(&server, &server.admin).await;
    let overview = hand.visitor.get("/dashboard").await.expect(200).text;
    assert!(overview.contains("3 firing") && overview.contains(&format!("{INBOX}/{id}")), "{overview}");
    let own = format!("{INBOX}/{id}");
    for path in [INBOX, &format!("{INBOX}?state=firing"), &own] {
        let page = hand.visitor.get(path).await.expect(200).text;
        assert!(page.contains("has used up its limit of 1 requests per month"), "{path}: {page}");
    }
    // Where links in messages lead, and what people might try.
    for path in [format!("{own}?acknowledge=yes"), format!("{own}/acknowledge"), format!("{own}/resolve")] {
        let status = hand.visitor.get(&path).await.status;
        assert!([200, 403, 404, 405].contains(&status), "{path}: {status}");
    }
    let shown = server.get(&format!("/api/admin/alerts/{id}")).await.expect(200).json();
    assert_eq!(shown["alert"]["state"], "firing");
    let told = hand.done(&format!("{own}/acknowledge"), &[("note", "I raise it")]).await;
    assert!(told.text.contains("Acknowledged.") && told.text.contains("I raise it"), "{}", told.text);
    let listed = hand.visitor.get(&format!("{INBOX}?state=acknowledged")).await.expect(200).text;
    assert!(listed.contains(&id) && listed.contains("Acknowledged 1"), "{listed}");
    assert!(!hand.visitor.get(&format!("{INBOX}?state=firing")).await.expect(200).text.contains(&id));
    let over = hand.done(&format!("{own}/resolve"), &[]).await;
    assert!(over.text.contains("somebody ended it"), "{}", over.text);
    hand.send(&format!("{own}/acknowledge"), &[("note", "late")]).await.expect(409);
    assert!(hand.visitor.get(&format!("{INBOX}?state=resolved")).await.expect(200).text.contains(&id));
    hand.visitor.get(&format!("{INBOX}/00000000000000000000000000000000")).await.expect(404);
    // The passed ones lead to the one that told of them.
    let all = server.get("/api/admin/alerts?rule=limit_threshold").await.expect(200).json();
    let passed = all.as_array().unwrap().iter().find(|it| it["mark"] == 80).unwrap();
    let page = hand.visitor.get(&format!("{INBOX}/{}", passed["id"].as_str().unwrap())).await.expect(200);
    assert!(page.text.contains(&format!("href=\"{own}\"")), "{}", page.text);
    server.verified_entries().await;
}

#[tokio::test]
async fn what_is_silenced_has_a_reason_and_ends_by_a_form() {
    let server = server().await;
    used_up(&server, "noisy").await;
    let mut hand = Hand::of(&server, &server.admin).await;
    let path = "/dashboard/alerts/silences";
    hand.send(path, &[("rule", "limit_threshold"), ("duration", "4"), ("once", "1")]).await.expect(400);
    let fields =
        [("rule", "limit_threshold"), ("credential", "noisy"), ("duration", "4"), ("reason", "load test")];
    let page = hand.done(path, &[&fields[..], &[("once", "2")]].concat()).await;
    for said in ["load test", "limit_threshold", "noisy", "holds"] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    hand.send(path, &[&fields[..], &[("once", "2")]].concat()).await.expect(303);
    let silences = server.get("/api/admin/alerts/silences").await.expect(200).json();
    assert_eq!(silences.as_array().unwrap().len(), 1, "a form that is sent twice silences once");
    let id = silences[0]["id"].as_str().unwrap();
    let ended = hand.done(&format!("{path}/{id}/end"), &[]).await;
    assert!(ended.text.contains("Ended.") && !ended.text.contains("holds"), "{}", ended.text);
    hand.send(&format!("{path}/{id}/end"), &[]).await.expect(404);
}

#[tokio::test]
async fn channels_are_added_tested_turned_off_and_removed_and_routes_with_them() {
    let receiver = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200).set_body_string("<b>fine</b>"))
        .mount(&receiver)
        .await;
    let server = server().await;
    let mut hand = Hand::of(&server, &server.admin).await;
    let path = "/dashboard/alerts/channels";
    let url = format!("{}/planted-path", receiver.uri());
    let new = [("name", "ops"), ("kind", "webhook"), ("address", &*url), ("once", "1")];
    let made = hand.send(path, &new).await.expect(200);
    let (_, rest) = made.text.split_once("whsec_").expect("a secret, this once");
    let secret = format!("whsec_{}", rest.split('<').next().unwrap());
    let again = hand.done(path, &new).await;
    assert!(!again.text.contains(&secret) && again.text.contains("was sent before"), "{}", again.text);
    let id = server.get("/api/admin/alerts/channels").await.expect(200).json()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let own = format!("{path}/{id}");
    let tested = hand.send(&format!("{own}/test"), &[]).await.expect(200);
    assert!(
        tested.text.contains("took the test: HTTP 200") && !tested.text.contains("<b>fine"),
        "{}",
        tested.text
    );
    receiver.reset().await;
    let tested = hand.send(&format!("{own}/test"), &[]).await.expect(200);
    assert!(tested.text.contains("did not take the test: HTTP 404"), "{}", tested.text);
    let off = hand.done(&format!("{own}/activity"), &[("state", "no")]).await;
    assert!(off.text.contains("turned off by hand"), "{}", off.text);
    hand.done(&format!("{own}/activity"), &[("state", "yes")]).await;
    let rotated = hand.send(&format!("{own}/rotate-secret"), &[]).await.expect(200);
    assert!(rotated.text.contains("whsec_") && !rotated.text.contains(&secret), "{}", rotated.text);
    // Routes.
    let routes = "/dashboard/alerts/routes";
    hand.send(routes, &[("channels", "nobody"), ("once", "2")]).await.expect(400);
    hand.send(routes, &[("once", "3")]).await.expect(400);
    let route = [
        ("channels", "ops"),
        ("from_level", "high"),
        ("quiet", "22:00-07:00"),
        ("goes_on", "yes"),
        ("once", "4"),
    ];
    let page = hand.done(routes, &route).await;
    assert!(page.text.contains("22:00-07:00") && page.text.contains("high or more urgent"), "{}", page.text);
    let old = page.field("revision");
    hand.done(routes, &[("channels", "ops"), ("rule", "unused_key"), ("once", "5")]).await;
    hand.send(&format!("{routes}/remove"), &[("place", "0"), ("revision", &old)]).await.expect(409);
    let now = hand.visitor.get(path).await.expect(200).field("revision");
    let page = hand.done(&format!("{routes}/remove"), &[("place", "0"), ("revision", &now)]).await;
    assert!(
        page.text.contains("<code>unused_key</code></th>") && !page.text.contains("22:00-07:00</td>"),
        "{}",
        page.text
    );
    let set = server.get("/api/admin/alerts/routes").await.expect(200).json();
    assert_eq!(
        (set["routes"].as_array().unwrap().len(), &set["routes"][0]["rule"]),
        (1, &json!("unused_key"))
    );
    for path in PAGES {
        let page = hand.visitor.get(path).await.expect(200).text;
        assert!(!page.contains("planted-path") && !page.contains("whsec_"), "{path}: {page}");
    }
    hand.send(&format!("{own}/remove"), &[("confirm", "op")]).await.expect(400);
    let gone = hand.done(&format!("{own}/remove"), &[("confirm", "ops")]).await;
    assert!(gone.text.contains("Removed."), "{}", gone.text);
    server.verified_entries().await;
}

#[tokio::test]
async fn what_was_given_up_is_listed_with_its_reason_and_sent_once_more() {
    let receiver = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(200)).mount(&receiver).await;
    let server = server().await;
    let body = json!({ "name": "ops", "kind": "webhook", "address": format!("{}/x", receiver.uri()) });
    server.post("/api/admin/alerts/channels", body).await.expect(201);
    used_up(&server, "one").await;
    let database = &server.installation.database;
    let sent = "SELECT CAST(COUNT(*) AS TEXT) FROM alert_deliveries WHERE level = 'critical' AND channel_uid <> 'log' \
                AND delivered_at_ms IS NOT NULL";
    for _ in 0..300 {
        if database.query_text(sent).await[0][0].as_deref() == Some("1") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    database
        .execute(
            "UPDATE alert_deliveries SET delivered_at_ms = NULL, dead_at_ms = 1, last_error = 'HTTP 500: <i>no</i>' \
             WHERE level = 'critical' AND channel_uid <> 'log'",
        )
        .await;
    let before = receiver.received_requests().await.unwrap().len();
    let mut hand = Hand::of(&server, &server.admin).await;
    let page = hand.visitor.get("/dashboard/alerts/deliveries?dead=yes").await.expect(200).text;
    assert!(page.contains("given up") && page.contains("&lt;i&gt;no") && page.contains("ops"), "{page}");
    let (_, rest) = page.split_once("action=\"/dashboard/alerts/deliveries/").expect("a form that retries");
    let retry = format!("/dashboard/alerts/deliveries/{}", rest.split('"').next().unwrap());
    let page = hand.done(&retry, &[]).await;
    assert!(page.text.contains("sent within seconds"), "{}", page.text);
    for _ in 0..300 {
        if receiver.received_requests().await.unwrap().len() > before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(receiver.received_requests().await.unwrap().len(), before + 1);
}

#[tokio::test]
async fn thresholds_are_set_tried_against_the_past_and_removed() {
    let server = server().await;
    server.credential("one", json!({ "rateLimit": 10 })).await;
    for _ in 0..6 {
        server.get("/api/credentials/one").await.expect(200);
    }
    let mut hand = Hand::of(&server, &server.admin).await;
    let test = "/dashboard/alerts/rules/test?credential=one&at=25,+50&days=30&token=&user=";
    let tested = hand.visitor.get(test).await.expect(200).text;
    assert!(tested.contains("<b>2</b> times") && tested.contains("25 %"), "{tested}");
    let odd = hand.visitor.get("/dashboard/alerts/rules/test?at=%3Cb%3E&days=x").await.expect(200).text;
    assert!(odd.contains("role=\"alert\"") && !odd.contains("<b>"), "{odd}");
    let path = "/dashboard/alerts/rules";
    hand.send(path, &[("at", "150"), ("once", "1")]).await.expect(400);
    let set = hand.done(path, &[("credential", "one"), ("at", "50, 90 %"), ("once", "2")]).await;
    assert!(set.text.contains("50 %, 90 %"), "{}", set.text);
    let firing = server.get("/api/admin/alerts?firing=true").await.expect(200).json();
    assert_eq!(firing[0]["mark"], 50, "what is over it already is told");
    let id =
        server.get("/api/admin/alerts/rules").await.expect(200).json()[0]["id"].as_str().unwrap().to_owned();
    let settings = format!("{path}/settings");
    hand.send(&settings, &[("rule", "spend_spike"), ("figures", "usd"), ("once", "3")]).await.expect(400);
    hand.send(&settings, &[("rule", "leak"), ("once", "4")]).await.expect(400);
    let figures = [("rule", "spend_spike"), ("figures", "usd=50, times=5"), ("once", "5")];
    let figures = hand.done(&settings, &figures).await;
    assert!(figures.text.contains("times 5, usd 50"), "{}", figures.text);
    let off = [("rule", "no_credential"), ("is_off", "yes"), ("once", "6")];
    let off = hand.done(&settings, &off).await;
    assert!(off.text.contains("nobody is told"), "{}", off.text);
    let removed = hand.done(&format!("{path}/{id}/remove"), &[]).await;
    assert!(removed.text.contains("Removed.") && !removed.text.contains("50 %, 90 %"), "{}", removed.text);
}

#[tokio::test]
async fn an_auditor_sees_alerts_and_changes_nothing_and_others_see_none() {
    let server = server().await;
    let id = used_up(&server, "one").await;
    let auditor = Hand::of(&server, &server.token_of(Role::Auditor).await).await;
    for path in PAGES.into_iter().chain([&*format!("{INBOX}/{id}")]) {
        let page = auditor.visitor.get(path).await.expect(200).text;
        assert!(!page.contains("method=\"post\" action=\"/dashboard/alerts"), "{path}: {page}");
    }
    for role in [Role::Reader, Role::Gateway] {
        let visitor = Visitor::at_own_name(&server).signed_in(&server.token_of(role).await).await;
        assert!(!visitor.get("/dashboard/mine").await.expect(200).text.contains(INBOX));
        visitor.get(INBOX).await.expect(403);
        let (there, missing) = (
            visitor.get(&format!("{INBOX}/{id}")).await.expect(403),
            visitor.get(&format!("{INBOX}/{}", "0".repeat(32))).await.expect(403),
        );
        let said = |text: &str| text.split("Request").next().unwrap().to_owned();
        assert_eq!(said(&there.text), said(&missing.text));
    }
}

#[tokio::test]
async fn markup_in_names_notes_and_reasons_is_text_on_every_page() {
    const NAME: &str = "<script>alert(1)</script>\"'\u{202e}gpj";
    let server = server().await;
    let token = server.post("/api/admin/tokens", json!({ "name": NAME, "role": "admin" })).await.expect(201);
    let id = token.at("id").as_str().unwrap().to_owned();
    let limit = json!({ "token": id, "unit": "requests", "window": "day", "amount": 1 });
    server.post("/api/admin/limits", limit).await.expect(200);
    server.credential("one", json!({})).await;
    let alert = used_up(&server, "two").await;
    let mut hand = Hand::of(&server, &server.admin).await;
    hand.done(&format!("{INBOX}/{alert}/acknowledge"), &[("note", "<b>note</b>")]).await;
    let silence = [("token", &*id), ("duration", "1"), ("reason", "<b>why</b>"), ("once", "1")];
    hand.done("/dashboard/alerts/silences", &silence).await;
    hand.done("/dashboard/alerts/rules", &[("token", &*id), ("at", "50"), ("once", "2")]).await;
    let events = server.get("/api/admin/alerts?rule=authority_changed").await.expect(200).json();
    let event = events.as_array().unwrap().iter().find(|it| it["subject"]["kind"] == "token").unwrap();
    let event = format!("{INBOX}/{}", event["id"].as_str().unwrap());
    let mut named = 0;
    for path in PAGES
        .into_iter()
        .chain([&*format!("{INBOX}/{alert}"), &*event, "/dashboard", "/dashboard/alerts?state=resolved"])
        .chain(["/dashboard/alerts?state=acknowledged", "/dashboard/alerts?state=%3Cb%3E&rule=%22%3E%3Cb%3E"])
    {
        let page = hand.visitor.get(path).await.expect(200).text;
        assert!(
            !page.contains("<script>alert") && !page.contains("<b>note") && !page.contains("<b>why"),
            "{path}"
        );
        assert!(!page.contains('\u{202e}'), "{path}");
        named += usize::from(page.contains("&lt;script&gt;alert"));
    }
    assert!(named >= 3, "the name is on {named} pages");
}

#[tokio::test]
async fn an_open_page_is_told_that_an_alert_fired() {
    let server = server().await;
    server.credential("one", json!({ "rateLimit": 1 })).await;
    let visitor = Visitor::at_own_name(&server).signed_in(&server.admin).await;
    let mut stream = visitor.stream("/dashboard/events").await.expect("a stream");
    server.get("/api/credentials/one").await.expect(200);
    let mut told = String::new();
    while !told.contains("alerts") {
        let part = tokio::time::timeout(Duration::from_secs(30), stream.next()).await.expect("it is told");
        told.push_str(&String::from_utf8_lossy(&part.expect("a part").expect("it goes on")));
    }
    assert!(!told.contains("one") && !told.contains("limit_threshold"), "names of kinds alone: {told}");
}
