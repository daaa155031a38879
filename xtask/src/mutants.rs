//! `cargo xtask mutants`: changes the code that promises depend on in small ways, one at a time, and tells which changes no
//! test notices.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change these only; may be given several times
    #[arg(value_name = "SCOPE", value_parser = clap::builder::PossibleValuesParser::new(SCOPES.map(|it| it.name)))]
    scopes: Vec<String>,

    /// Only the K-th of N parts, as K/N with K from 0
    #[arg(long, value_name = "K/N")]
    shard: Option<String>,
}

/// The version of cargo-mutants that `.cargo/mutants.toml` was written for.
const VERSION: &str = "27.1.0";

/// Code, and the fewest tests that cover it: each change costs a build and a run of them.
struct Scope {
    name: &'static str,
    package: &'static str,
    /// Files of the package; they are in `examine_globs` of `.cargo/mutants.toml` as well.
    files: &'static [&'static str],
    /// Arguments behind `cargo test --package …`.
    tests: &'static [&'static str],
}

const SCOPES: [Scope; 2] = [
    Scope { name: "crypto", package: "strongroom-crypto", files: &["crates/crypto/src/**/*.rs"], tests: &[] },
    Scope {
        name: "admission",
        package: "strongroom",
        files: &["crates/strongroom/src/admission.rs", "crates/strongroom/src/admission/**/*.rs"],
        tests: &["--lib", "--test", "sqlite", "--", "admission", "limit", "call", "nodes"],
    },
];

/// Runs them; whether every change was noticed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    install()?;
    let build = workspace::metadata()?.target_directory.into_std_path_buf().join("mutants");
    let is_chosen =
        |scope: &&Scope| options.scopes.is_empty() || options.scopes.iter().any(|it| it == scope.name);
    let mut is_noticed = true;
    for scope in SCOPES.iter().filter(is_chosen) {
        println!("\n── {} ──", scope.name);
        let mut command = workspace::cargo();
        // The copy that is changed is new each time; what it is built into is not.
        command.env("CARGO_TARGET_DIR", build.join("build"));
        command.args(["mutants", "--package", scope.package]).arg("--output").arg(build.join(scope.name));
        command.args(scope.files.iter().flat_map(|file| ["--file", file]));
        if let Some(shard) = &options.shard {
            command.args(["--shard", shard]);
        }
        command.arg("--").args(scope.tests);
        std::fs::create_dir_all(build.join(scope.name)).context("making the folder for the results")?;
        let status = command.stdin(Stdio::null()).status().context("cargo mutants")?;
        // 2: changes that no test noticed, 3: tests that hung, which is noticed (https://mutants.rs/exit-codes.html).
        match status.code() {
            Some(0 | 3) => {}
            Some(2) => is_noticed = false,
            _ => anyhow::bail!("cargo mutants ended with {status}"),
        }
    }
    Ok(is_noticed)
}

fn install() -> Result<()> {
    let mut asked = workspace::cargo();
    asked.args(["mutants", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if asked.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    println!("cargo-mutants is missing: installing {VERSION}");
    let mut installed = workspace::cargo();
    installed.args(["install", "--locked", "--quiet", "cargo-mutants", "--version", VERSION]);
    // It waits for compilers and tests all the time: built without optimisation it is there sooner.
    installed.args(["--config", "profile.release.opt-level=0", "--config", "profile.release.lto=false"]);
    let status = installed.stdin(Stdio::null()).status().context("cargo install cargo-mutants")?;
    ensure!(status.success(), "cargo install cargo-mutants ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use strongroom_testkit::real_parts::workspace_root;

    use super::*;

    #[test]
    fn the_checked_in_configuration_names_every_scope() {
        let path = workspace_root().join(".cargo/mutants.toml");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for file in SCOPES.iter().flat_map(|scope| scope.files) {
            assert!(text.contains(&format!("\"{file}\"")), "{file}");
            let folder = file.split("/**").next().unwrap_or(file);
            assert!(workspace_root().join(folder).exists(), "{folder}");
        }
    }
}
