//! `cargo xtask bench gateway`: what the gateway costs beside a bare reverse proxy and beside its peers, all on the same
//! core, asked by the same program, in one run. Absolute figures of a busy machine mean little; ratios of one run do.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use strongroom_testkit::postgres_cluster::PostgresCluster;
use strongroom_testkit::real_parts::{FOLDER, workspace_root};

use super::machine::{
    Asked, CONNECTIONS, Compared, Measured, SYSTEM_CORE, Served, Turns, free_port, measure,
};
use super::{nginx, strongroom};
use crate::dist;

pub(super) const QUESTION: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Say hello in one short sentence, please."}],"temperature":0.2}"#;

/// One system, and how it is asked.
struct System {
    name: &'static str,
    served: Served,
    headers: Vec<(String, String)>,
    /// The path in front of `/chat/completions`.
    prefix: &'static str,
}

impl System {
    /// Asks it over so many connections for so many seconds.
    fn asking(&self, folder: &Path, path: &str, body: &str) -> impl Fn(u32, u32) -> Result<Measured> {
        let path = format!("{}{path}", self.prefix);
        move |connections, seconds| {
            let asked = Asked { path: &path, headers: &self.headers, body: Some(body) };
            measure(folder, &self.served, &asked, connections, seconds)
        }
    }
}

pub(super) fn run(seconds: u32) -> Result<bool> {
    nginx::install()?;
    let binary = dist::build(false)?;
    let folder = std::env::temp_dir().join(format!("strongroom-bench-{}", std::process::id()));
    let done = measure_all(&folder, &binary, seconds);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    done.map(|()| true)
}

pub(super) fn bearer(token: &str) -> Vec<(String, String)> {
    vec![("Authorization".to_owned(), format!("Bearer {token}"))]
}

fn measure_all(folder: &Path, binary: &Path, seconds: u32) -> Result<()> {
    let provider = nginx::provider(folder)?;
    let limit = System {
        name: "nginx",
        served: nginx::proxy(folder, provider.port)?,
        headers: Vec::new(),
        prefix: "/v1",
    };
    println!(
        "requests/s, milliseconds, microseconds of CPU per request, megabytes; ratio to nginx in the same minute"
    );
    println!(
        "{:<22} {:>5} {:>9} {:>6} {:>8} {:>8} {:>8} {:>7}",
        "system", "conns", "req/s", "ratio", "p50", "p99", "cpu", "memory"
    );
    let make = |name: &'static str, part: &str, database: Option<&str>| -> Result<System> {
        let made = strongroom::start(binary, &folder.join(part), database, provider.port)?;
        Ok(System { name, headers: bearer(&made.token), served: made.served, prefix: "/openai/v1" })
    };
    let plain = ("/chat/completions", QUESTION);
    {
        let sqlite = make("strongroom, SQLite", "sqlite", None)?;
        compare(folder, &limit, &sqlite, plain, Turns::short(seconds))?;
        slow(folder, &provider, binary, seconds)?;
        streamed(folder, &provider, binary, seconds)?;
    }
    match postgres() {
        Ok(cluster) => {
            let system = make("strongroom, PostgreSQL", "postgres", Some(&cluster.url()))?;
            compare(folder, &limit, &system, plain, Turns::short(seconds))?;
        }
        Err(error) => println!("PostgreSQL was not measured: {error:#}"),
    }
    for (name, start) in [("Portkey", portkey as fn(u16) -> Result<System>), ("LiteLLM", litellm)] {
        match start(provider.port) {
            Ok(peer) => compare(folder, &limit, &peer, plain, Turns::one(seconds))?,
            Err(error) => println!("{name} was not measured: {error:#}"),
        }
    }
    Ok(())
}

fn line(name: &str, connections: u32, it: Measured, limit: Measured) {
    println!(
        "{name:<22} {connections:>5} {:>9.0} {:>6.3} {:>8.2} {:>8.2} {:>8.1} {:>7.1}",
        it.per_second,
        it.per_second / limit.per_second,
        it.p50_ms,
        it.p99_ms,
        it.cpu_micros,
        it.megabytes
    );
}

/// Both in turns, at all numbers of connections.
fn compare(folder: &Path, limit: &System, system: &System, asked: (&str, &str), turns: Turns) -> Result<()> {
    let (path, body) = asked;
    let compared =
        turns.measure(&CONNECTIONS, limit.asking(folder, path, body), system.asking(folder, path, body))?;
    for Compared { connections, one: bare, other: it } in compared {
        line(limit.name, connections, bare, bare);
        line(system.name, connections, it, bare);
    }
    Ok(())
}

/// Measures the addition to an answer that takes its time.
fn slow(folder: &Path, provider: &Served, binary: &Path, seconds: u32) -> Result<()> {
    let direct = System {
        name: "",
        served: nginx::proxy(&folder.join("slow"), provider.port)?,
        headers: Vec::new(),
        prefix: "/slow",
    };
    let made = strongroom::start_at(binary, &folder.join("slow-sqlite"), None, provider.port, "/slow")?;
    let system = System { name: "", headers: bearer(&made.token), served: made.served, prefix: "/openai/v1" };
    let [direct, system] = [&direct, &system].map(|it| it.asking(folder, "/chat/completions", QUESTION));
    let compared = Turns::short(seconds).measure(&[32], direct, system)?;
    for Compared { connections, one: bare, other: it } in compared {
        println!(
            "behind a provider that takes {} ms, at {connections} connections: p50 {:.2} ms, of nginx {:.2} ms: {:+.2} ms",
            nginx::SLOW_MS,
            it.p50_ms,
            bare.p50_ms,
            it.p50_ms - bare.p50_ms
        );
    }
    Ok(())
}

/// The same question, whose answer is to come as a stream.
pub(super) fn streamed_question() -> String {
    QUESTION.replace("\"temperature\"", "\"stream\":true,\"temperature\"")
}

/// Answers as streams of 50 events.
fn streamed(folder: &Path, provider: &Served, binary: &Path, seconds: u32) -> Result<()> {
    let asked = streamed_question();
    let limit = System {
        name: "nginx, streams",
        served: nginx::proxy(&folder.join("streams"), provider.port)?,
        headers: Vec::new(),
        prefix: "/stream",
    };
    let made = strongroom::start_at(binary, &folder.join("stream-sqlite"), None, provider.port, "/stream")?;
    let system = System {
        name: "strongroom, streams",
        headers: bearer(&made.token),
        served: made.served,
        prefix: "/openai/v1",
    };
    compare(folder, &limit, &system, ("/chat/completions", &asked), Turns::short(seconds))
}

/// A durable one, on the core of the system that it serves.
pub(super) fn postgres() -> Result<PostgresCluster> {
    let cluster = PostgresCluster::start_durable()?;
    let status = std::fs::read_to_string(cluster.directory().join("data/postmaster.pid"))?;
    let id = status.lines().next().context("a process id")?;
    let pinned =
        Command::new("taskset").args(["-a", "-p", "-c", SYSTEM_CORE, id]).output().context("taskset")?;
    anyhow::ensure!(pinned.status.success(), "it could not be pinned");
    Ok(cluster)
}

fn portkey(provider_port: u16) -> Result<System> {
    let place = workspace_root().join(FOLDER).join("portkey");
    std::fs::create_dir_all(&place)?;
    let script = place.join("node_modules/@portkey-ai/gateway/build/start-server.js");
    if !script.is_file() {
        let mut npm = Command::new("npm");
        npm.current_dir(&place).args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "@portkey-ai/gateway@1.15.2",
        ]);
        anyhow::ensure!(npm.status().context("npm")?.success(), "it could not be installed");
    }
    let port = free_port()?;
    let mut command = Command::new("node");
    command.arg(script).arg(format!("--port={port}")).arg("--headless").current_dir(&place);
    command.env("NODE_ENV", "production").env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1,localhost");
    let mut headers = bearer("sk-bench");
    headers.push(("x-portkey-provider".to_owned(), "openai".to_owned()));
    headers.push(("x-portkey-custom-host".to_owned(), format!("http://127.0.0.1:{provider_port}/v1")));
    Ok(System {
        name: "Portkey",
        served: Served::start(SYSTEM_CORE, &command, port)?,
        headers,
        prefix: "/v1",
    })
}

fn litellm(provider_port: u16) -> Result<System> {
    let place = workspace_root().join(FOLDER).join("litellm");
    let program = place.join("bin/litellm");
    if !program.is_file() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&place).status().context("python3")?;
        anyhow::ensure!(made.success(), "the environment could not be made");
        let mut pip = Command::new(place.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "litellm[proxy]==1.106.2"]);
        anyhow::ensure!(pip.status().context("pip")?.success(), "it could not be installed");
    }
    let config = place.join("bench.yaml");
    let text = format!(
        "model_list:\n  - model_name: gpt-4o-mini\n    litellm_params:\n      model: openai/gpt-4o-mini\n      \
         api_base: http://127.0.0.1:{provider_port}/v1\n      api_key: sk-bench\n\
         general_settings:\n  master_key: sk-master\nlitellm_settings:\n  telemetry: false\n"
    );
    std::fs::write(&config, text)?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command.arg("--config").arg(&config).args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--num_workers", "1", "--telemetry", "False"]).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(System {
        name: "LiteLLM",
        served: Served::start(SYSTEM_CORE, &command, port)?,
        headers: bearer("sk-master"),
        prefix: "/v1",
    })
}
