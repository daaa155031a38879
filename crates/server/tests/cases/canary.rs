//! Planted secrets: put wherever a secret can be put, by right or by mistake, then looked for wherever none may be.

use jsonwebtoken::Algorithm;
use serde_json::json;
use strongroom_testkit::fake_provider::{Api, FakeProvider};
use strongroom_testkit::planted_secret::Finding;
use strongroom_testkit::{Backend, PlantedSecret, Scanner};

use crate::BACKEND;
use crate::support::call::{Answer, Call, get_raw};
use crate::support::principal::{FAR, jwt, jwt_secret};
use crate::support::server::{Installation, Server};

/// The secrets that were planted, and everything that was said.
struct Garden {
    planted: Vec<PlantedSecret>,
    heard: Vec<(String, Vec<u8>)>,
}

impl Garden {
    /// Plants a secret that looks like a key.
    fn plant(&mut self, label: &str) -> String {
        self.plant_with(label, "sk-proj-")
    }

    fn plant_with(&mut self, label: &str, prefix: &str) -> String {
        let secret = PlantedSecret::generate(label, prefix);
        let text = secret.text();
        self.planted.push(secret);
        text
    }

    fn plant_existing(&mut self, label: &str, text: &str) {
        self.planted.push(PlantedSecret::existing(label, "", text));
    }

    /// Remembers an answer that must hold no secret.
    fn hear(&mut self, what: &str, answer: &Answer) {
        self.heard.push((format!("{what}: answer {}", answer.status), answer.text.clone().into_bytes()));
        let headers = format!("{:?}", answer.headers);
        self.heard.push((format!("{what}: headers"), headers.into_bytes()));
    }

    /// Sends a call that fails, and remembers the answer.
    async fn fail(&mut self, what: &str, call: Call) {
        let answer = call.await;
        assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
        self.hear(what, &answer);
    }

    fn findings(&self, more: Vec<(String, Vec<u8>)>) -> (Scanner, Vec<Finding>) {
        let scanner = Scanner::new(&self.planted);
        let sinks = self.heard.iter().chain(&more);
        let findings = sinks.flat_map(|(name, bytes)| scanner.scan(name, bytes)).collect();
        (scanner, findings)
    }
}

/// In the environment, in files of the working directory, and in the database's URL.
async fn planted_installation(garden: &mut Garden, secret: &str) -> Installation {
    let mut installation = Installation::new(BACKEND).await;
    let dotenv = format!(
        "GROQ_API_KEY={}\nJWT_SECRET={secret}\nSOMETHING_ELSE={}\n",
        garden.plant_with("key in .env", "gsk_"),
        garden.plant_with("variable of another program", ""),
    );
    std::fs::write(installation.home().join(".env"), dotenv).expect("a file");
    let master = jwt_secret();
    garden.plant_existing("ENCRYPTION_KEY in strongroom.toml", &master);
    std::fs::write(installation.home().join("strongroom.toml"), format!("[encryption]\nkey = \"{master}\"\n"))
        .expect("a file");
    let admin = strongroom_crypto::token::generate().text.expose().to_owned();
    garden.plant_existing("first admin token", admin.rsplit('_').next().expect("a token"));
    let token_file = installation.home().join("admin-token");
    std::fs::write(&token_file, format!("{admin}\n")).expect("a file");
    installation.admin_is(&admin);
    installation = installation
        .set("STRONGROOM_ADMIN_TOKEN_FILE", token_file.display().to_string())
        .set("OPENROUTER_API_KEY", garden.plant_with("key in the environment", "sk-or-v1-"))
        .set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true")
        .set("STRONGROOM_LOG", "trace");
    if BACKEND == Backend::Postgres {
        let password = garden.plant_with("password of the database", "");
        let url = installation.database.url().replacen("postgres@", &format!("postgres:{password}@"), 1);
        installation = installation.set("STRONGROOM_DATABASE_URL", url);
    }
    installation
}

async fn successes(garden: &mut Garden, server: &Server, secret: &str) {
    let (key, second) = (garden.plant("apiKey"), garden.plant("apiSecret"));
    let create = |name: &str, key: &str| json!({ "name": name, "provider": "openai", "apiKey": key, "rateLimit": 9 });
    let mut body = create("kept", &key);
    body["apiSecret"] = json!(second);
    let idempotency = garden.plant("Idempotency-Key");
    for _ in 0..2 {
        let call = server.post("/api/admin/credentials", body.clone()).header("idempotency-key", &idempotency);
        garden.hear("create", &call.await.expect(201));
    }
    let path = format!("/api/admin/credentials/{}", 1);
    for (what, call) in [
        ("new key", server.patch(&path, json!({ "apiKey": garden.plant("replaced apiKey") }))),
        ("new second secret", server.patch(&path, json!({ "apiSecret": garden.plant("replaced apiSecret") }))),
        ("moved", server.patch(&path, json!({ "endpoint": "https://api.example.com/v1" }))),
        ("import", server.post("/api/admin/credentials/import", json!({ "source": "env", "rows": [
            { "name": "moved", "provider": "gemini", "apiKey": garden.plant_with("imported key", "AIza"),
              "apiSecret": garden.plant("imported secret"), "isActive": true, "isGlobal": true }] }))),
        ("test", server.call("POST", &format!("{path}/test"))),
        ("list", server.get("/api/admin/credentials")),
        ("show", server.get(&path)),
        ("tokens", server.get("/api/admin/tokens")),
        ("keys", server.get("/api/admin/encryption-keys")),
        ("rate limit", server.get("/api/credentials/kept/rate-limit")),
    ] {
        garden.hear(what, &call.await.expect(200));
    }
    // These answers hold secrets on purpose; only they may.
    for path in ["/api/credentials/kept", "/api/providers/groq/credential", "/api/providers/openrouter/credential"] {
        server.get(path).await.expect(200);
        server.get(path).http2().await.expect(200);
    }
    let generated = server.call("POST", "/api/admin/credentials/generate-key").await.expect(200);
    garden.plant_existing("generated key", generated.at("key").as_str().unwrap());
    for role in strongroom_model::Role::ALL {
        let token = server.token_of(role).await;
        garden.plant_existing("token", token.rsplit('_').next().unwrap());
        server.get("/api/admin/status").token(&token).http2().await.expect(200);
    }
    let user = server.user_of("planted", strongroom_model::Role::Reader).await;
    let signed = jwt(secret, Algorithm::HS256, &json!({ "userId": user, "exp": FAR }));
    garden.plant_existing("signature of a JWT", signed.rsplit('.').next().unwrap());
    server.get("/api/admin/status").token(&signed).await.expect(200);
}

async fn failures_in_bodies(garden: &mut Garden, server: &Server) {
    let create = "/api/admin/credentials";
    for field in [
        "name", "provider", "apiKey", "apiSecret", "endpoint", "priority", "isActive", "isGlobal", "userId", "rateLimit",
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
        ("credentials", json!({ "name": "x", "provider": "openai", "endpoint": "https://example.com/?key=$" })),
        ("credentials", json!({ "name": "x", "provider": "$" })),
        ("credentials", json!("$")),
    ] {
        let secret = garden.plant(&format!("body {body} to {path}"));
        let text = body.to_string().replace('$', &secret);
        let call = server.call("POST", &format!("/api/admin/{path}")).body(text, "application/json");
        garden.fail(path, call).await;
    }
    for malformed in ["$", "{\"apiKey\":\"$", "{\"apiKey\":\"$\"}}", "{\"apiKey\":$}", "apiKey=$", "\"$", "{\"$"] {
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
    let answer = server.post("/api/admin/credentials/import", json!({ "source": "env", "rows": [row] })).await;
    garden.hear("a failed row", &answer.expect(200));
}

async fn failures_in_heads(garden: &mut Garden, server: &Server) {
    for path in [
        "/api/credentials/$",
        "/api/credentials/$/rate-limit",
        "/api/credentials/kept?userId=$",
        "/api/credentials/kept?$=1",
        "/api/providers/$/credential",
        "/api/providers/x$%2f/credential",
        "/api/admin/credentials/$",
        "/api/admin/credentials?limit=$",
        "/api/admin/credentials?provider=$%20x",
        "/api/admin/credentials?$",
        "/api/admin/users/$",
        "/api/admin/audit-logs?outcome=$",
        "/api/admin/audit-logs?from=$",
        "/api/$",
        "/$?key=$",
    ] {
        let path = path.replace('$', &garden.plant(&format!("path {path}")));
        garden.fail(&path.clone(), server.get(&path)).await;
        garden.fail(&path.clone(), server.get(&path).http2()).await;
        garden.fail(&path.clone(), server.get(&path).anonymous()).await;
        let narrow = json!({ "name": "narrow", "role": "reader", "scope": { "credentials": ["kept"], "providers": ["openai"] } });
        let narrow = server.token(narrow).await;
        garden.fail(&path.clone(), server.get(&path).token(&narrow)).await;
        let (status, answer) = get_raw(server.address(), &path, "x");
        assert!(status >= 400, "{path}: {answer}");
        garden.heard.push((format!("raw {path}"), answer.into_bytes()));
    }
    for (method, path) in [("DELETE", "/api/admin/tokens/$"), ("DELETE", "/api/admin/users/$"), ("PUT", "/api/$")] {
        let path = path.replace('$', &garden.plant(&format!("{method} {path}")));
        garden.fail(path.clone().as_str(), server.call(method, &path)).await;
    }
    // A well-formed prefix finds nothing and is not repeated.
    let secret = garden.plant("q");
    garden.hear("q", &server.get(&format!("/api/admin/credentials?q={secret}&limit=5")).await.expect(200));
    for shown in ["$", "sr_$", "sr_000000000000_$", "$.$.$", "eyJhbGciOiJIUzI1NiJ9.$.x"] {
        let token = shown.replace('$', &garden.plant(&format!("token {shown}")));
        garden.fail(shown, server.get("/api/admin/status").token(&token)).await;
        garden.fail(shown, server.get("/api/admin/status").token(&token).http2()).await;
    }
    for (name, value) in [
        ("authorization", "Basic $"),
        ("authorization", "$"),
        ("x-api-key", "$"),
        ("x-goog-api-key", "$"),
        ("cookie", "session=$"),
        ("user-agent", "$"),
        ("referer", "https://example.com/?key=$"),
        ("x-request-id", "$"),
        ("x-forwarded-for", "$"),
        ("content-type", "$"),
        ("if-match", "$"),
        ("idempotency-key", "$"),
    ] {
        let value = value.replace('$', &garden.plant(&format!("header {name}")));
        let call = Call::new(&server.url, "PATCH", "/api/admin/credentials/4711").header(name, &value);
        let call = if name == "authorization" { call } else { call.token(&server.admin) };
        garden.fail(name, call.clone()).await;
        garden.fail(name, call.http2()).await;
    }
    let claims = garden.plant("claims of a JWT");
    for secret in [jwt_secret(), garden.plant("another JWT secret")] {
        let token = jwt(&secret, Algorithm::HS256, &json!({ "userId": 1, "exp": 1, "note": claims }));
        garden.fail("JWT", server.get("/api/admin/status").token(&token)).await;
    }
}

/// What providers say back, with the key in it.
async fn upstream(garden: &mut Garden, server: &Server) {
    let fake = FakeProvider::start().await.unwrap();
    for api in Api::ALL {
        for behaviour in ["echo", "wrong", "ok", "limited", "empty", "away", "page"] {
            let key = garden.plant_with(&format!("key shown to {api:?}"), &format!("sk-fake-{behaviour}-"));
            let name = format!("{}-{behaviour}", api.provider());
            let more = json!({ "provider": api.provider(), "endpoint": fake.endpoint(api), "apiKey": key });
            let id = server.credential(&name, more).await;
            let answer = server.call("POST", &format!("/api/admin/credentials/{id}/test?live=true")).await;
            garden.hear(&format!("live test of {name}"), &answer);
        }
    }
    assert!(fake.seen().iter().all(|request| request.query.as_deref().is_none_or(|it| !it.contains("sk-fake"))));
}

/// Every row of every table as text.
async fn dump(server: &Server) -> Vec<(String, Vec<u8>)> {
    let database = &server.installation.database;
    let (tables, row) = match BACKEND {
        Backend::Sqlite => ("SELECT name FROM sqlite_master WHERE type = 'table'", "*"),
        Backend::Postgres => ("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "CAST(t AS TEXT)"),
    };
    let mut dumps = Vec::new();
    for table in database.query_text(tables).await {
        let table = table[0].clone().expect("a name");
        let rows = database.query_text(&format!("SELECT {row} FROM {table} t")).await;
        let text: Vec<String> = rows.into_iter().flatten().flatten().collect();
        dumps.push((format!("table {table}"), text.join("\n").into_bytes()));
    }
    dumps
}

#[tokio::test]
async fn no_secret_is_ever_where_it_may_not_be() {
    let mut garden = Garden { planted: Vec::new(), heard: Vec::new() };
    let secret = garden.plant_with("JWT_SECRET in .env", "");
    let server = planted_installation(&mut garden, &secret).await.start();
    successes(&mut garden, &server, &secret).await;
    failures_in_bodies(&mut garden, &server).await;
    failures_in_heads(&mut garden, &server).await;
    upstream(&mut garden, &server).await;
    let broken = "UPDATE credential_values SET value = '00:00:00'";
    server.installation.database.execute(broken).await;
    garden.hear("a broken row", &server.get("/api/credentials/kept").await.expect(500));

    let mut sinks = dump(&server).await;
    assert!(sinks.len() > 10, "the tables were found");
    for path in ["/api/admin/audit-logs?limit=1000", "/metrics", "/docs", "/openapi.json", "/readyz"] {
        sinks.push((path.to_owned(), server.get(path).await.expect(200).text.into_bytes()));
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", server.pid())).expect("our own child's arguments");
    sinks.push(("process arguments".to_owned(), arguments));
    let said = server.said();
    assert!(said.contains("\"TRACE\"") && said.contains("\"request\""), "the log is there, to the last detail");
    sinks.push(("log".to_owned(), said.into_bytes()));
    let (scanner, mut findings) = garden.findings(sinks);
    let data_dir = server.installation.data_dir().to_owned();
    findings.extend(scanner.scan_path(&data_dir));
    let installation = server.installation.clone();
    let (_, said) = server.end(nix::sys::signal::Signal::SIGTERM);
    findings.extend(scanner.scan("log at the end", said.as_bytes()));
    findings.extend(scanner.scan_path(&data_dir));
    drop(installation);
    Scanner::assert_none(&findings);
}

#[tokio::test]
async fn a_start_that_fails_repeats_no_secret() {
    let mut garden = Garden { planted: Vec::new(), heard: Vec::new() };
    let mut refusals: Vec<(&str, Installation)> = Vec::new();
    for (variable, value) in [
        ("ENCRYPTION_KEY", "$"),
        ("STRONGROOM_DATABASE_URL", "mysql://root:$@127.0.0.1/x"),
        ("STRONGROOM_DATABASE_URL", "postgres://postgres:$@127.0.0.1:1/x"),
        ("STRONGROOM_DATABASE_URL", "postgres://postgres:$@[broken"),
        ("STRONGROOM_ADMIN_TOKEN", "$"),
    ] {
        let secret = garden.plant_with(&format!("{variable}={value}"), "");
        let installation = Installation::new(BACKEND).await.set(variable, value.replace('$', &secret));
        refusals.push((variable, installation));
    }
    for (file, text) in [
        ("strongroom.toml", "[auth]\njwt_secrets = \"$\"\n"),
        ("strongroom.toml", "[encryption]\nkey = \"$\"\n"),
        ("strongroom.toml", "[auth]\njwt_secret = \"$\n"),
        (".env", "ENCRYPTION_KEY=\"$\n"),
        (".env", "STRONGROOM_ADMIN_TOKEN=$\n"),
    ] {
        let secret = garden.plant_with(&format!("{file}: {text}"), "");
        let installation = Installation::new(BACKEND).await;
        std::fs::write(installation.home().join(file), text.replace('$', &secret)).expect("a file");
        refusals.push((file, installation));
    }
    for (what, installation) in refusals {
        let installation = std::sync::Arc::new(installation.set("STRONGROOM_LOG", "trace"));
        let (status, said) = installation.try_start().err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert!(!status.success());
        garden.heard.push((format!("{what}: start"), said.into_bytes()));
        let output = installation.command(&["config", "check"]).output().expect("the binary runs");
        garden.heard.push((format!("{what}: config check"), [output.stdout, output.stderr].concat()));
    }
    let (_, findings) = garden.findings(Vec::new());
    Scanner::assert_none(&findings);
}
