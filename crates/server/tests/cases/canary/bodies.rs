//! Secrets in bodies that are refused.

use serde_json::json;

use super::garden::Garden;
use crate::support::server::Server;

pub(super) async fn refuse(garden: &mut Garden, server: &Server) {
    let create = "/api/admin/credentials";
    for field in [
        "name",
        "provider",
        "apiKey",
        "apiSecret",
        "endpoint",
        "priority",
        "isActive",
        "isGlobal",
        "userId",
        "rateLimit",
        "expiresAt",
        "rotateAfterDays",
        "unknown",
    ] {
        // Wrong by its own value, and right but beside a field that is wrong.
        let secret = garden.plant(&format!("{field} of a refused create"));
        let mut body = json!({ "name": "x", "provider": "openai", "apiKey": "sk-x" });
        body[field] = json!(format!("{secret}\u{0}"));
        garden.fail(field, server.post(create, body.clone())).await;
        body[field] = json!(secret);
        body["rateLimit"] = json!(-1);
        garden.fail(field, server.post(create, body.clone())).await;
        body[field] = json!({ "inside": secret });
        garden.fail(field, server.post(create, body.clone())).await;
        body[field] = json!([secret]);
        garden.fail(field, server.patch(&format!("{create}/1"), body)).await;
    }
    let secret = garden.plant("the name of a field");
    garden.fail("field name", server.post(create, json!({ (&secret): 1 }))).await;
    let within = json!({ "name": "x", "role": "reader", "scope": { (&secret): [] } });
    garden.fail("field name", server.post("/api/admin/tokens", within)).await;
    for (path, body) in [
        ("tokens", json!({ "name": "$", "role": "king" })),
        ("tokens", json!({ "name": "x", "role": "$" })),
        ("tokens", json!({ "name": "x", "role": "reader", "expiresAt": "$" })),
        ("tokens", json!({ "name": "x", "role": "reader", "scope": { "credentials": ["$"] } })),
        ("tokens", json!({ "name": "x", "role": "reader", "scope": { "providers": ["$/"] } })),
        ("users", json!({ "name": "$", "role": "king" })),
        ("users", json!({ "name": "x", "role": "$" })),
        ("users", json!({ "name": "x", "role": "reader", "id": "$" })),
        ("audit-logs/verify", json!({ "anchors": [{ "chainId": "$", "seq": "$", "link": "$" }] })),
        ("credentials/import", json!({ "source": "$", "rows": [] })),
        ("credentials/import", json!({ "source": "env", "rows": [{ "name": "$", "apiKey": "$" }] })),
        ("credentials/import", json!({ "source": "env", "rows": ["$"] })),
        ("credentials", json!({ "name": "x", "provider": "openai", "endpoint": "https://$@example.com" })),
        (
            "credentials",
            json!({ "name": "x", "provider": "openai", "endpoint": "https://example.com/?key=$" }),
        ),
        ("credentials", json!({ "name": "x", "provider": "$" })),
        ("credentials/1/versions", json!({ "apiKey": "$\n" })),
        ("credentials/1/versions", json!({ "apiKey": "x", "apiSecret": { "inside": "$" } })),
        ("credentials/1/canary", json!({ "percent": "$" })),
        ("credentials/1/canary", json!({ "percent": 1, "skipTest": "$" })),
        ("credentials", json!("$")),
    ] {
        let secret = garden.plant(&format!("body {body} to {path}"));
        let text = body.to_string().replace('$', &secret);
        let call = server.call("POST", &format!("/api/admin/{path}")).body(text, "application/json");
        garden.fail(path, call).await;
    }
    for malformed in
        ["$", "{\"apiKey\":\"$", "{\"apiKey\":\"$\"}}", "{\"apiKey\":$}", "apiKey=$", "\"$", "{\"$"]
    {
        let secret = garden.plant(&format!("malformed body {malformed}"));
        let text = malformed.replace('$', &secret);
        garden.fail(malformed, server.call("POST", create).body(text.clone(), "application/json")).await;
        garden.fail(malformed, server.call("POST", create).body(text.clone(), "text/plain")).await;
        garden.fail(malformed, server.call("POST", create).body(text, "application/json").http2()).await;
    }
    // A row that fails is reported in an answer of its own kind.
    let secret = garden.plant("a failed row");
    let row = json!({ "name": "x", "provider": format!("{secret} "), "apiKey": secret, "apiSecret": secret,
        "endpoint": format!("https://{secret}\u{0}"), "isActive": true, "isGlobal": true });
    let answer =
        server.post("/api/admin/credentials/import", json!({ "source": "env", "rows": [row] })).await;
    garden.hear("a failed row", &answer.expect(200));
}
