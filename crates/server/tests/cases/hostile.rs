//! Hostile callers and hostile providers: whatever they say, calls of others go on, counters equal the ledger, and the
//! database can be backed up and restored into either kind.

pub(super) mod puppet;
pub(super) mod words;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use strongroom_model::Role;
use strongroom_testkit::Backend;

use self::puppet::Puppet;
use self::words::{Exchange, exchange};
use super::exactness::{assert_ledger, report, times};
use crate::BACKEND;
use crate::support::server::{Installation, STEP, STEPS, Server};

/// A chat that costs nothing to speak of, of somebody who has done nothing wrong.
async fn plain_call(server: &Server, puppet: &Puppet, token: &str) {
    puppet.answers(&words::plain_answer());
    let body = json!({ "model": "gpt-4o-mini", "max_tokens": 50, "messages": [{ "role": "user", "content": "Hello?" }] });
    let answer = server.post("/openai/v1/chat/completions", body).token(token).await;
    assert_eq!(answer.status, 200, "a plain call: {}", answer.text);
}

async fn send(server: &Server, puppet: &Puppet, token: &str, exchange: &Exchange) {
    puppet.answers(&exchange.answer);
    let mut call =
        server.call("POST", &exchange.path).token(token).body(exchange.body.clone(), "application/json");
    for (name, value) in &exchange.headers {
        call = call.header(name, value);
    }
    // Whether it is let through is its own affair, and so is how it ends.
    let sent = call.attempt();
    if exchange.hangs_up {
        let _ = tokio::time::timeout(Duration::from_millis(3), sent).await;
    } else {
        let _ = tokio::time::timeout(Duration::from_secs(20), sent).await.expect("it is answered, or ended");
    }
}

/// A server with a credential per provider at the puppet.
async fn besieged(backend: Backend, puppet: &Puppet) -> Server {
    let installation = Installation::new(backend).await.set("STRONGROOM_ALLOW_PRIVATE_ENDPOINTS", "true");
    let server = installation.start();
    for (provider, path) in words::PROVIDERS {
        let endpoint = format!("{}{path}", puppet.url());
        let body =
            json!({ "provider": provider, "endpoint": endpoint, "apiKey": format!("key-of-{provider}") });
        server.credential(provider, body).await;
    }
    server
}

/// Somebody with a limit on everything, so high that it does not refuse what is bounded at all.
async fn limited(server: &Server, name: &str) -> String {
    let user = server.user_of(name, Role::Gateway).await;
    let token = json!({ "name": name, "role": "gateway", "userId": user });
    let token = server.token(token).await;
    let id = token.split('_').nth(1).unwrap();
    for (unit, window) in [("tokens", "day"), ("nano_usd", "month"), ("requests", "hour")] {
        let limit =
            json!({ "token": id, "unit": unit, "window": window, "amount": 1_000_000_000_000_000_i64 });
        server.post("/api/admin/limits", limit).await.expect(200);
        let limit =
            json!({ "userId": user, "unit": unit, "window": "prepaid", "amount": 1_000_000_000_000_000_i64 });
        server.post("/api/admin/limits", limit).await.expect(200);
    }
    token
}

async fn is_ready(server: &Server) -> bool {
    server.get("/readyz").anonymous().await.status == 200
}

/// Restores a backup of one kind of database into another kind, and proves the counters there.
async fn restores_into(other: Backend, installation: &Installation) {
    let file = installation.home().join("hostile.backup");
    let file = file.to_str().unwrap();
    let run = |installation: &Installation, arguments: &[&str]| {
        let done = installation.command(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run(installation, &["backup", file]);
    let target = Installation::new(other).await;
    std::fs::create_dir_all(target.data_dir()).unwrap();
    std::fs::copy(installation.data_dir().join("master.key"), target.data_dir().join("master.key")).unwrap();
    run(&target, &["restore", file]);
    run(&target, &["usage", "verify"]);
}

/// Many exchanges with hostile callers and providers; after every few of them a plain call of somebody else.
async fn siege(backend: Backend, other: Backend) {
    let puppet = Puppet::start().await;
    let server = besieged(backend, &puppet).await;
    let plain = server.token_of(Role::Gateway).await;
    let hostile = [server.token_of(Role::Gateway).await, limited(&server, "limited").await];
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        // Other exchanges at length, the same ones in every run.
        TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]),
    );
    let rounds = times(40, "STRONGROOM_VERIFY_ROUNDS");
    let mut sent = 0;
    for _ in 0..rounds {
        for _ in 0..6 {
            let exchange = exchange().new_tree(&mut runner).unwrap().current();
            send(&server, &puppet, &hostile[sent % hostile.len()], &exchange).await;
            sent += 1;
        }
        plain_call(&server, &puppet, &plain).await;
    }
    for exchange in words::known() {
        for token in &hostile {
            send(&server, &puppet, token, &exchange).await;
        }
        plain_call(&server, &puppet, &plain).await;
    }
    assert_ledger(&server).await;
    assert!(is_ready(&server).await);
    let by_model = server.get("/api/admin/usage?groupBy=model").await.expect(200);
    assert!(by_model.text.len() < 100_000, "{} bytes of names", by_model.text.len());
    let metrics = server.get("/metrics").await.expect(200).text;
    assert!(
        metrics.contains("strongroom_usage_records_set_aside_total 0"),
        "a record came as far as the database"
    );
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    for limit in limits.as_array().unwrap() {
        assert!(limit["used"].as_i64().unwrap() >= 0, "{limit}");
    }
    let installation = server.installation.clone();
    let (status, said) = tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM)).await.unwrap();
    assert!(status.success() && !said.contains("panicked"), "{said}");
    restores_into(other, &installation).await;
    report(&format!(
        "{sent} hostile exchanges: plain calls went on, the ledger adds up, and a backup restores"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_callers_and_providers_say_others_go_on_and_the_ledger_adds_up() {
    let other = match BACKEND {
        // Plain `cargo test` has no other kind.
        Backend::Sqlite => Backend::Sqlite,
        Backend::Postgres => Backend::Sqlite,
    };
    siege(BACKEND, other).await;
    if BACKEND == Backend::Postgres {
        siege(Backend::Sqlite, Backend::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_beyond_all_bounds_close_a_limit_and_never_free_it() {
    let puppet = Puppet::start().await;
    let server = besieged(BACKEND, &puppet).await;
    let token = server.token_of(Role::Gateway).await;
    let id = token.split('_').nth(1).unwrap();
    let limit = json!({ "token": id, "unit": "tokens", "window": "day", "amount": 100_000 });
    server.post("/api/admin/limits", limit).await.expect(200);
    puppet.answers(&words::json_answer(&json!({ "model": "gpt-4o-mini", "choices": [],
        "usage": { "prompt_tokens": i64::MAX, "completion_tokens": i64::MAX, "total_tokens": i64::MAX } })));
    let body = json!({ "model": "gpt-4o-mini", "max_tokens": 50, "messages": [] });
    let call = || server.post("/openai/v1/chat/completions", body.clone()).token(&token);
    // All of them are let through before the first of them tells.
    puppet.hold_back();
    let calls = futures::future::join_all((0..8).map(|_| async { call().await.status }));
    let release = async {
        puppet.until_arrived(8).await;
        puppet.speak();
    };
    let (statuses, ()) = tokio::join!(calls, release);
    assert_eq!(statuses, [200; 8]);
    call().await.expect(429);
    assert_ledger(&server).await;
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    let token_limit = &limits.as_array().unwrap()[0];
    assert!(token_limit["used"].as_i64().unwrap() >= 100_000, "{token_limit}");
    assert_eq!(token_limit["remaining"], 0, "{token_limit}");
}

/// The database refuses this record, for a reason of its own.
async fn refuse(installation: &Installation, condition: &str) {
    let sql = match installation.database.backend() {
        Backend::Sqlite => format!(
            "CREATE TRIGGER refusal BEFORE INSERT ON usage_lines WHEN {condition} BEGIN SELECT RAISE(ABORT, 'no'); END"
        ),
        Backend::Postgres => format!(
            "CREATE FUNCTION refusal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {condition} THEN \
             RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER refusal BEFORE INSERT ON usage_lines FOR EACH ROW EXECUTE FUNCTION refusal()"
        ),
    };
    installation.database.execute(&sql).await;
}

async fn refuse_no_more(installation: &Installation) {
    let sql = match installation.database.backend() {
        Backend::Sqlite => "DROP TRIGGER refusal",
        Backend::Postgres => "DROP TRIGGER refusal ON usage_lines; DROP FUNCTION refusal()",
    };
    installation.database.execute(sql).await;
}

async fn metric(server: &Server, name: &str) -> u64 {
    let metrics = server.get("/metrics").await.expect(200).text;
    let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).expect("a metric");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_coding_that_is_not_read_counts_as_held() {
    let puppet = Puppet::start().await;
    let server = besieged(BACKEND, &puppet).await;
    let token = server.token_of(Role::Gateway).await;
    let codings = ["compress", "foo", "gzip, gzip", "br, gzip"];
    for (coding, status) in codings.into_iter().flat_map(|coding| [400, 403].map(|it| (coding, it))) {
        puppet.answers(
            format!(
                "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-encoding: {coding}\r\n\
                 connection: close\r\ncontent-length: 4\r\n\r\n{{  }}"
            )
            .as_bytes(),
        );
        let body = json!({ "model": "gpt-4o-mini", "max_tokens": 50, "messages": [] });
        server.post("/openai/v1/chat/completions", body).token(&token).await.expect(status);
    }
    let sql = "SELECT metering FROM usage_records WHERE metering = 'held' AND charged_tokens > 0";
    let mut held = 0;
    for _ in 0..STEPS {
        held = server.installation.database.query_text(sql).await.len();
        if held == 2 * codings.len() {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    assert_eq!(held, 2 * codings.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_the_database_refuses_holds_up_nobody() {
    let puppet = Puppet::start().await;
    let server = besieged(BACKEND, &puppet).await;
    let plain = server.token_of(Role::Gateway).await;
    let token = limited(&server, "limited").await;
    refuse(&server.installation, "NEW.output_tokens = 13").await;
    for output in [12, 13, 14, 13] {
        puppet.answers(&words::json_answer(&json!({ "model": "gpt-4o-mini", "choices": [],
            "usage": { "prompt_tokens": 10, "completion_tokens": output } })));
        let body = json!({ "model": "gpt-4o-mini", "max_tokens": 50, "messages": [] });
        server.post("/openai/v1/chat/completions", body).token(&token).await.expect(200);
        plain_call(&server, &puppet, &plain).await;
    }
    assert_ledger(&server).await;
    assert!(is_ready(&server).await);
    // The last one may still be under way.
    let begun = Instant::now();
    while metric(&server, "strongroom_usage_records_set_aside_total").await < 2 {
        assert!(begun.elapsed() < Duration::from_secs(30), "two records are set aside");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(metric(&server, "strongroom_usage_records_set_aside_total").await, 2);
    let used = server.get("/api/credentials/openai/rate-limit").await.expect(200);
    assert_eq!(used.at("currentMonthUsage"), 8, "all of them are charged");
    let limits = server.get("/api/admin/limits").await.expect(200).json();
    let tokens: Vec<&Value> =
        limits.as_array().unwrap().iter().filter(|it| it["unit"] == "tokens").map(|it| &it["used"]).collect();
    assert_eq!(tokens, [&json!(4 * 10 + 12 + 13 + 14 + 13); 2]);
}

/// A call that is let through while the ledger takes records, and ends when it takes none any more.
async fn call_that_ends_refused(server: &Server, puppet: &Puppet, token: &str) {
    let before = puppet.arrived();
    puppet.hold_back();
    let call = async { plain_call(server, puppet, token).await };
    let meanwhile = async {
        puppet.until_arrived(before + 1).await;
        refuse(&server.installation, "1 = 1").await;
        puppet.speak();
    };
    tokio::join!(call, meanwhile);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_takes_nothing_makes_the_server_unready_and_an_end_that_loses_records_is_not_0() {
    let puppet = Puppet::start().await;
    let server = besieged(BACKEND, &puppet).await;
    let plain = server.token_of(Role::Gateway).await;
    plain_call(&server, &puppet, &plain).await;
    assert!(is_ready(&server).await);
    let until_ready_is = async |wanted: bool| {
        for _ in 0..STEPS {
            if is_ready(&server).await == wanted {
                return;
            }
            tokio::time::sleep(STEP).await;
        }
        panic!("it does not come to be {wanted}");
    };
    call_that_ends_refused(&server, &puppet, &plain).await;
    until_ready_is(false).await;
    let ready = server.get("/readyz").anonymous().await.expect(503);
    assert_eq!(ready.at("checks")["ledger"], "stuck", "{}", ready.text);
    refuse_no_more(&server.installation).await;
    until_ready_is(true).await;
    plain_call(&server, &puppet, &plain).await;
    assert_ledger(&server).await;

    call_that_ends_refused(&server, &puppet, &plain).await;
    let installation = server.installation.clone();
    let (status, said) = tokio::task::spawn_blocking(move || server.end(Signal::SIGTERM)).await.unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("1 calls that have ended could not be written"), "{said}");
    refuse_no_more(&installation).await;
}

/// Begins to send a body of 16 MB and sends no more of it.
fn promise_16_mb(server: &Server, token: &str) -> std::net::TcpStream {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /openai/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{{",
        16 * 1024 * 1024
    );
    stream.write_all(head.as_bytes()).unwrap();
    // More than is held without asking for room.
    stream.write_all(&vec![b' '; 100 * 1024]).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_only_promise_take_no_room_from_others() {
    let puppet = Puppet::start().await;
    let server = besieged(BACKEND, &puppet).await;
    let (slow, plain) = (server.token_of(Role::Gateway).await, server.token_of(Role::Gateway).await);
    let promised: Vec<_> = (0..12).map(|_| promise_16_mb(&server, &slow)).collect();
    puppet.answers(&words::plain_answer());
    for _ in 0..3 {
        let long = "x".repeat(4 * 1024 * 1024);
        let body = json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": long }] });
        server.post("/openai/v1/chat/completions", body).token(&plain).await.expect(200);
    }
    drop(promised);
    plain_call(&server, &puppet, &plain).await;
}
