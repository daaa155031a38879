//! The table of routes, held against the server: every route with every kind of caller, every effect in the audit trail.

use std::collections::BTreeSet;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_server::api::access::route::{Access, ROUTES, Route};
use strongroom_testkit::fake_minter::{FakeMinter, MINTING_KEY};

use crate::BACKEND;
use crate::support::call::Call;
use crate::support::principal::{FAR, jwt, jwt_secret};
use crate::support::server::{Installation, STEP, STEPS, Server};

/// Somebody who calls, and what may be expected.
struct Somebody {
    who: String,
    token: Option<String>,
    /// `None`: nobody that the server knows.
    role: Option<Role>,
}

/// The token with a last character that is not its own.
fn with_another_end(token: &str) -> String {
    let (body, last) = token.split_at(token.len() - 1);
    format!("{body}{}", if last == "x" { "y" } else { "x" })
}

async fn everybody(server: &Server, secret: &str) -> Vec<Somebody> {
    let nobody = |who: &str, token: Option<String>| Somebody { who: who.to_owned(), token, role: None };
    let mut callers = vec![
        nobody("no token", None),
        nobody("a text that is no token", Some("not-a-token".to_owned())),
        nobody("a token with a wrong checksum", Some(with_another_end(&server.admin))),
        nobody("an expired token", Some(server.expired_token().await)),
        nobody("a revoked token", Some(server.revoked_token().await)),
    ];
    for role in Role::ALL {
        let token = server.token_of(role).await;
        callers.push(Somebody {
            who: format!("the role {}", role.as_str()),
            token: Some(token),
            role: Some(role),
        });
        let user = server.user_of(&format!("matrix-{}", role.as_str()), role).await;
        let token = jwt(secret, Algorithm::HS256, &json!({ "userId": user, "exp": FAR }));
        callers.push(Somebody {
            who: format!("a user with a JWT and the role {}", role.as_str()),
            token: Some(token.clone()),
            role: Some(role),
        });
        if role == Role::Admin {
            let user = server.user_of("matrix-disabled", role).await;
            server.patch(&format!("/api/admin/users/{user}"), json!({ "isActive": false })).await.expect(200);
            let token = jwt(secret, Algorithm::HS256, &json!({ "userId": user, "exp": FAR }));
            callers.push(nobody("a disabled user with a JWT", Some(token)));
        }
    }
    callers
}

/// A path that leads to nothing, so that trying a route changes nothing.
pub(crate) fn to_nothing(route: &Route) -> String {
    let path = route.path.replace("{name}", "no-such-name").replace("{provider}", "cohere");
    let path = path.replace("{number}", "1");
    path.replace("tokens/{id}", "tokens/000000000000").replace("{id}", "999999")
}

#[tokio::test]
async fn every_route_lets_in_exactly_whom_the_table_names() {
    let secret = jwt_secret();
    let server = Installation::new(BACKEND).await.set("JWT_SECRET", &secret).start();
    let mut wrong = Vec::new();
    for caller in everybody(&server, &secret).await {
        for route in ROUTES {
            let mut call = Call::new(&server.url, route.method, &to_nothing(route));
            if let Some(token) = &caller.token {
                call = call.token(token);
            }
            let answer = call.await;
            let expected = match (route.access, caller.role) {
                (Access::Public, _) => None,
                (Access::Roles(_), None) => Some(401),
                (Access::Roles(roles), Some(role)) if roles.contains(&role) => None,
                (Access::Roles(_), Some(_)) => Some(403),
            };
            let is_right = match expected {
                Some(status) => answer.status == status,
                None => ![401, 403].contains(&answer.status) && answer.status < 500,
            };
            if !is_right {
                wrong.push(format!("{} {} for {}: {}", route.method, route.path, caller.who, answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_described_operation_is_in_the_table_and_every_route_is_described() {
    let description = serde_json::to_value(strongroom_server::api::openapi()).unwrap();
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Access::Roles(_) = ROUTES
                .iter()
                .find(|route| route.path == path && route.method.eq_ignore_ascii_case(method))
                .map_or(Access::Public, |route| route.access)
            else {
                described.insert((method.to_uppercase(), path.clone()));
                continue;
            };
            assert!(operation["security"].is_array(), "{method} {path} does not say that it takes a token");
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let table: BTreeSet<_> =
        ROUTES.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(described, table);
}

#[test]
fn every_operation_has_an_identity_of_its_own() {
    let description = serde_json::to_value(strongroom_server::api::openapi()).unwrap();
    let mut seen = BTreeSet::new();
    for operations in description["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(seen.insert(id.clone()), "{id} is there twice");
        }
    }
}

/// A request that succeeds on this route, on things of its own. A route that changes or reveals something and has none
/// here fails the test.
async fn sample(server: &Server, minter: &FakeMinter, route: &Route) -> Option<Call> {
    let on = |id: i64| route.path.replace("{id}", &id.to_string());
    Some(match (route.method, route.path) {
        ("POST", "/api/admin/credentials") => {
            server.post(route.path, json!({ "name": "made-1", "provider": "groq", "apiKey": "gsk_made" }))
        }
        ("POST", "/api/admin/credentials/reset-monthly-usage") => server.call("POST", route.path),
        ("POST", "/api/admin/credentials/import") => server.post(
            route.path,
            json!({ "source": "env", "rows": [
                { "name": "moved-1", "provider": "openai", "apiKey": "sk-moved", "isActive": true, "isGlobal": true },
            ] }),
        ),
        ("POST", "/api/admin/credentials/offboard") => {
            server.credential("to-offboard", json!({})).await;
            server.post(route.path, json!({ "credentials": ["to-offboard"] }))
        }
        ("PATCH", "/api/admin/credentials/{id}") => {
            server.patch(&on(server.credential("to-change", json!({})).await), json!({ "isActive": false }))
        }
        ("DELETE", "/api/admin/credentials/{id}") => {
            server.delete(&on(server.credential("to-delete", json!({})).await))
        }
        (_, path) if path.starts_with("/api/admin/credentials/{id}/") => return changed_version(server, minter, route).await,
        ("POST", "/api/admin/tokens") => server.post(route.path, json!({ "name": "made", "role": "reader" })),
        ("DELETE", "/api/admin/tokens/{id}") => {
            let made =
                server.post("/api/admin/tokens", json!({ "name": "goes", "role": "reader" })).await.expect(201);
            server.delete(&route.path.replace("{id}", made.at("id").as_str()?))
        }
        ("POST", "/api/admin/sessions/codes") => server.call("POST", route.path),
        ("POST", "/api/admin/users") => server.post(route.path, json!({ "name": "made", "role": "reader" })),
        ("PATCH", "/api/admin/users/{id}") => {
            server.patch(&on(server.user_of("to-change", Role::Reader).await), json!({ "role": "auditor" }))
        }
        ("DELETE", "/api/admin/users/{id}") => {
            server.delete(&on(server.user_of("to-delete", Role::Reader).await))
        }
        ("POST", "/api/admin/limits") => {
            server.credential("to-limit", json!({})).await;
            let limit = json!({ "credential": "to-limit", "unit": "tokens", "window": "day", "amount": 9 });
            server.post(route.path, limit)
        }
        ("PATCH" | "DELETE", "/api/admin/limits/{id}") => {
            let name = format!("to-{}", route.action.replace('.', "-"));
            server.credential(&name, json!({})).await;
            let limit = json!({ "credential": name, "unit": "requests", "window": "hour", "amount": 9 });
            let made = server.post("/api/admin/limits", limit).await.expect(200);
            let path = route.path.replace("{id}", made.at("id").as_str()?);
            if route.method == "PATCH" { server.patch(&path, json!({ "amount": 3 })) } else { server.delete(&path) }
        }
        (
            "POST",
            "/api/admin/encryption-keys/rotate"
            | "/api/admin/encryption-keys/rotate-master"
            | "/api/admin/encryption-keys/retire-master",
        ) => server.call("POST", route.path),
        (_, path) if path.starts_with("/api/admin/alerts") => return on_alerts(server, route).await,
        ("POST", "/api/admin/leaks/check") => server.post(route.path, json!({ "keys": ["sk-found-somewhere"] })),
        ("POST", "/api/admin/leaks/respond") => {
            server.credential("leaked", json!({})).await;
            server.post(route.path, json!({ "credential": "leaked" }))
        }
        ("POST", "/api/admin/backup") => server.call("POST", route.path),
        ("POST", "/api/admin/backup/proofs") => {
            server.post(route.path, json!({ "madeAt": "2026-01-01T00:00:00Z" }))
        }
        ("POST", "/api/admin/usage/rebuild") => server.call("POST", route.path),
        ("POST", "/api/admin/usage/reprice") => server.post(route.path, json!({})),
        ("GET", "/api/credentials/{name}") => {
            server.credential("to-read", json!({})).await;
            server.get("/api/credentials/to-read")
        }
        ("GET", "/api/providers/{provider}/credential") => {
            server.credential("to-read-too", json!({ "provider": "anthropic" })).await;
            server.get("/api/providers/anthropic/credential")
        }
        _ => return None,
    })
}

/// The same for alerts.
async fn on_alerts(server: &Server, route: &Route) -> Option<Call> {
    let name = route.action.replace(['.', '_'], "-");
    let hook = || json!({ "name": name, "kind": "webhook", "address": "http://127.0.0.1:9/x" });
    Some(match route.action {
        "alert.silence" => {
            server.post(route.path, json!({ "rule": "expires", "seconds": 60, "reason": "a test" }))
        }
        "alert.unsilence" => {
            let body = json!({ "rule": "expires", "seconds": 60, "reason": "a test" });
            let made = server.post("/api/admin/alerts/silences", body).await.expect(200);
            server.delete(&route.path.replace("{id}", made.at("id").as_str()?))
        }
        "alert.rule_set" => server.post(route.path, json!({ "at": [50, 100] })),
        "alert.rule_remove" => {
            let made = server.post("/api/admin/alerts/rules", json!({ "at": [50] })).await.expect(200);
            server.delete(&route.path.replace("{id}", made.at("id").as_str()?))
        }
        "alert.routes_set" => server.post(route.path, json!({ "routes": [] })),
        "channel.create" => server.post(route.path, hook()),
        "channel.update" | "channel.delete" | "channel.test" | "channel.rotate_secret" => {
            // Nobody listens there: what is told is that it could not be reached.
            server.post("/api/admin/alerts/channels", hook()).await.expect(201);
            let path = route.path.replace("{name}", &name);
            match route.action {
                "channel.update" => server.patch(&path, json!({ "isEnabled": false })),
                "channel.delete" => server.delete(&path),
                _ => server.call("POST", &path),
            }
        }
        "alert.acknowledge" | "alert.resolve" => {
            let id = fired(server, &name).await;
            let path = route.path.replace("{id}", &id);
            if route.action == "alert.resolve" {
                server.call("POST", &path)
            } else {
                server.post(&path, json!({}))
            }
        }
        "alert.retry" => {
            let made = server.post("/api/admin/alerts/channels", hook()).await.expect(201);
            fired(server, &name).await;
            let delivery = waiting(server, made.at("id").as_str()?).await;
            // What waits for a channel that is removed is given up.
            server.delete(&format!("/api/admin/alerts/channels/{name}")).await.expect(200);
            server.call("POST", &route.path.replace("{id}", &delivery))
        }
        _ => return None,
    })
}

/// An alert of a limit that is used up.
async fn fired(server: &Server, name: &str) -> String {
    server.credential(name, json!({ "rateLimit": 1 })).await;
    server.get(&format!("/api/credentials/{name}")).await.expect(200);
    let alerts = server.get("/api/admin/alerts?firing=true&rule=limit_threshold").await.expect(200).json();
    let of = |alert: &&Value| alert["subject"]["name"] == name;
    alerts.as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A notice that was not taken by its channel.
async fn waiting(server: &Server, channel: &str) -> String {
    for _ in 0..STEPS {
        let all = server.get("/api/admin/alerts/deliveries").await.expect(200).json();
        let waits = |it: &&Value| it["state"] == "waiting" && it["channel"] == channel;
        if let Some(found) = all.as_array().unwrap().iter().find(waits) {
            return found["id"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(STEP).await;
    }
    panic!("nothing waits for the channel");
}

/// The same for versions, staged keys and deleted credentials.
async fn changed_version(server: &Server, minter: &FakeMinter, route: &Route) -> Option<Call> {
    let id = server.credential(&format!("to-{}", route.action.replace(['.', '_'], "-")), json!({})).await;
    let own = format!("/api/admin/credentials/{id}");
    let new_key = || server.patch(&own, json!({ "apiKey": "sk-second" }));
    let stage = || server.post(&format!("{own}/versions"), json!({ "apiKey": "sk-staged" }));
    Some(match route.action {
        "credential.undelete" | "credential.purge" => {
            server.delete(&own).await.expect(200);
            server.call("POST", &route.path.replace("{id}", &id.to_string()))
        }
        "credential.stage" => stage(),
        "credential.canary" => {
            stage().await.expect(200);
            server.post(&format!("{own}/canary"), json!({ "percent": 5, "skipTest": true }))
        }
        "credential.promote" => {
            stage().await.expect(200);
            server.call("POST", &format!("{own}/promote?skipTest=true"))
        }
        "credential.rotate" => {
            let at = json!({ "provider": "openrouter", "endpoint": minter.endpoint("openrouter"), "apiKey": MINTING_KEY });
            let with = server.credential("to-rotate-with", at).await;
            let more = json!({ "provider": "openrouter", "endpoint": minter.endpoint("openrouter"),
                "rotateWith": { "credentialId": with } });
            server.patch(&own, more).await.expect(200);
            server.call("POST", &format!("{own}/rotate"))
        }
        "credential.freeze" | "credential.unfreeze" => {
            server.call("POST", &route.path.replace("{id}", &id.to_string()))
        }
        "credential.abort" => {
            stage().await.expect(200);
            server.call("POST", &format!("{own}/abort"))
        }
        "credential.rollback" => {
            new_key().await.expect(200);
            server.call("POST", &format!("{own}/versions/1/rollback"))
        }
        "credential.destroy" => {
            new_key().await.expect(200);
            server.delete(&format!("{own}/versions/1"))
        }
        _ => return None,
    })
}

#[tokio::test]
async fn whatever_changes_or_reveals_something_leaves_one_audit_entry_with_the_routes_action() {
    let installation = Installation::new(BACKEND)
        .await
        .set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
        .set("STRONGROOM_ALERT_ALLOW", "127.0.0.1");
    let (server, minter) = (installation.start(), FakeMinter::start().await.unwrap());
    for route in ROUTES.iter().filter(|route| route.effect.is_audited()) {
        let name = format!("{} {}", route.method, route.path);
        let call = sample(&server, &minter, route)
            .await
            .unwrap_or_else(|| panic!("{name} has no sample request here"));
        let answer = call.await;
        assert!((200..300).contains(&answer.status), "{name}: {}", answer.text);
        let request = answer.header("x-request-id").expect("a request id");
        let entries = server.entries_of(request).await;
        // A rotation goes through the steps of a staged key, and each has its own entry behind that of the whole.
        let steps = usize::from(route.action == "credential.rotate") * 3;
        assert_eq!(entries.len(), 1 + steps, "{name}: {entries:?}");
        let first = entries.last().expect("an entry");
        assert_eq!(first["action"], route.action, "{name}");
        assert_eq!(first["outcome"], "success", "{name}");
        assert!(entries[0]["actor"].as_str().unwrap().starts_with("token:"), "{name}: {}", entries[0]);
        assert_eq!(entries[0]["remoteAddress"], "127.0.0.1", "{name}");
    }
    server.verified_entries().await;
}

#[tokio::test]
async fn a_known_caller_who_is_denied_or_fails_leaves_an_entry_and_an_unknown_one_a_count() {
    let server = Installation::new(BACKEND).await.start();
    let reader = server.token_of(Role::Reader).await;
    for route in ROUTES {
        let Access::Roles(roles) = route.access else { continue };
        if roles.contains(&Role::Reader) {
            continue;
        }
        let call = Call::new(&server.url, route.method, &to_nothing(route)).token(&reader);
        let answer = call.await.expect(403);
        let entries = server.entries_of(answer.header("x-request-id").unwrap()).await;
        assert_eq!(entries.len(), 1, "{} {}", route.method, route.path);
        assert_eq!(entries[0]["action"], route.action);
        assert_eq!(entries[0]["outcome"], "denied");
        assert_eq!(entries[0]["detail"]["code"], "denied");
    }
    for (method, path, body, action, status) in [
        ("GET", "/api/admin/credentials/999999", Value::Null, "credential.show", 404),
        ("DELETE", "/api/admin/credentials/999999", Value::Null, "credential.delete", 404),
        ("GET", "/api/credentials/no-such-name", Value::Null, "credential.read", 404),
        ("POST", "/api/admin/credentials", json!({ "name": "x" }), "credential.create", 400),
        ("POST", "/api/admin/tokens", json!({ "name": "x", "role": "king" }), "token.create", 400),
    ] {
        let call = server.call(method, path);
        let answer = if body.is_null() { call.await } else { call.json(body).await };
        let answer = answer.expect(status);
        let entries = server.entries_of(answer.header("x-request-id").unwrap()).await;
        assert_eq!(entries.len(), 1, "{method} {path}");
        assert_eq!((&entries[0]["action"], &entries[0]["outcome"]), (&json!(action), &json!("failed")));
    }
    let before = server.verified_entries().await;
    let refused = failures(&server).await;
    for token in ["not-a-token", "sr_000000000000_x"] {
        server.get("/api/admin/credentials").token(token).await.expect(401);
    }
    server.get("/api/admin/credentials").anonymous().await.expect(401);
    assert_eq!(server.verified_entries().await, before);
    assert_eq!(failures(&server).await, refused + 3);
}

async fn failures(server: &Server) -> u64 {
    let metrics = server.get("/metrics").anonymous().await.expect(200).text;
    let line =
        metrics.lines().find_map(|line| line.strip_prefix("strongroom_authentication_failures_total "));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().expect("a count")
}
