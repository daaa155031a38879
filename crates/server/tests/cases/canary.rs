//! Planted secrets: put wherever a secret can be put, by right or by mistake, then looked for wherever none may be.

mod bodies;
mod calls;
mod garden;
mod heads;
mod start;
mod successes;

use strongroom_testkit::{Backend, Scanner};

use crate::BACKEND;
use crate::support::principal::jwt_secret;
use crate::support::server::{Installation, Server};
use garden::Garden;

/// In the environment, in files of the working directory, and in the database's URL.
async fn planted_installation(garden: &mut Garden, secret: &str) -> Installation {
    let mut installation = Installation::new(BACKEND).await;
    let dotenv = format!(
        "GROQ_API_KEY={}\nJWT_SECRET={}\nSOMETHING_ELSE={}\n",
        garden.plant_with("key in .env", "gsk_"),
        garden.plant_with("JWT_SECRET in .env, which decides nothing", ""),
        garden.plant_with("variable of another program", ""),
    );
    std::fs::write(installation.home().join(".env"), dotenv).expect("a file");
    let master = jwt_secret();
    garden.plant_existing("ENCRYPTION_KEY in strongroom.toml", &master);
    std::fs::write(
        installation.home().join("strongroom.toml"),
        format!("[encryption]\nkey = \"{master}\"\n"),
    )
    .expect("a file");
    let admin = strongroom_crypto::token::generate().text.expose().to_owned();
    garden.plant_existing("first admin token", admin.rsplit('_').next().expect("a token"));
    let token_file = installation.home().join("admin-token");
    std::fs::write(&token_file, format!("{admin}\n")).expect("a file");
    installation.admin_is(&admin);
    installation = installation
        .set("JWT_SECRET", secret)
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

/// Every row of every table as text.
async fn dump(server: &Server) -> Vec<(String, Vec<u8>)> {
    let database = &server.installation.database;
    let (tables, row) = match BACKEND {
        Backend::Sqlite => ("SELECT name FROM sqlite_master WHERE type = 'table'", "*"),
        Backend::Postgres => {
            ("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", "CAST(t AS TEXT)")
        }
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
    let mut garden = Garden::default();
    let secret = garden.plant_with("JWT_SECRET in the environment", "");
    let server = planted_installation(&mut garden, &secret).await.start();
    successes::bring_in(&mut garden, &server, &secret).await;
    bodies::refuse(&mut garden, &server).await;
    heads::refuse(&mut garden, &server).await;
    successes::ask_providers(&mut garden, &server).await;
    calls::through_the_gateway(&mut garden, &server).await;
    let broken = "UPDATE credential_values SET value = '00:00:00'";
    server.installation.database.execute(broken).await;
    garden.hear("a broken row", &server.get("/api/credentials/kept").await.expect(500));

    let mut sinks = dump(&server).await;
    assert!(sinks.len() > 10, "the tables were found");
    for path in ["/api/admin/audit-logs?limit=1000", "/metrics", "/docs", "/openapi.json", "/readyz"] {
        sinks.push((path.to_owned(), server.get(path).await.expect(200).text.into_bytes()));
    }
    let arguments =
        std::fs::read(format!("/proc/{}/cmdline", server.pid())).expect("our own child's arguments");
    sinks.push(("process arguments".to_owned(), arguments));
    let said = server.said();
    assert!(
        said.contains("\"TRACE\"") && said.contains("\"request\""),
        "the log is there, to the last detail"
    );
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
