//! `cargo xtask fuzz`: the fuzz targets at length, guided by coverage, on the stable toolchain.
//!
//! libFuzzer comes as a crate, and the compiler's coverage instrumentation is no nightly feature (it is that of
//! `cargo fuzz run -s none`): what a sanitizer would add is found in unsafe code, of which we have none.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use strongroom_testkit::corpus;
use strongroom_testkit::real_parts::workspace_root;

use crate::test::{Installer, deny};
use crate::workspace;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fuzz this target only; may be given several times
    #[arg(value_name = "TARGET", value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    targets: Vec<String>,

    /// For how many minutes each target runs
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,

    /// Add inputs that reach new code to fuzz/corpus, as few as do
    #[arg(long)]
    keep: bool,
}

/// The binaries of the package in `fuzz/`; each has its body in a crate's `tests/fuzz/`, where `cargo test` runs it too.
const TARGETS: [&str; 10] = [
    "dotenv",
    "event_stream",
    "gateway_path",
    "http1_framing",
    "http1_response",
    "legacy_database",
    "master_key",
    "request_body",
    "sealed_text",
    "token",
];

/// Counters of edges, what comparisons compare, and a table of where the edges are: what libFuzzer is guided by.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                               -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                               -Cllvm-args=-sanitizer-coverage-pc-table \
                               -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// The most inputs that a corpus holds: every `cargo test` replays them all.
const MOST_KEPT: usize = 200;

/// Longer inputs show nothing that shorter ones do not, in bytes.
const LONGEST: u32 = 4096;
/// An input that takes longer hangs, in seconds.
const HANGS_AFTER: u32 = 25;

/// Runs them; whether none found anything.
pub(crate) fn run(options: &Options) -> Result<bool> {
    Installer::default().programs("A C++ compiler", &["c++"], &["g++"])?;
    let package = Package::prepare()?;
    let targets: Vec<&str> = match options.targets.is_empty() {
        true => TARGETS.to_vec(),
        false => options.targets.iter().map(String::as_str).collect(),
    };
    package.build(&targets)?;
    let mut failed = Vec::new();
    for target in targets {
        println!("\n── {target} ──");
        if !package.fuzz(target, options.minutes)? {
            failed.push(target);
        } else if options.keep {
            package.keep(target)?;
        }
    }
    if !failed.is_empty() {
        println!(
            "\nfound something: {}. The inputs are in fuzz/artifacts/TARGET; mend the cause, and put the input into \
             fuzz/corpus/TARGET under a telling name, where `cargo test` replays it",
            failed.join(", ")
        );
    }
    Ok(failed.is_empty())
}

/// The package in `fuzz/`, which stands outside the workspace.
struct Package {
    folder: PathBuf,
    build: PathBuf,
    triple: String,
}

impl Package {
    /// Gives it the product's lock file and checks what it brings besides.
    fn prepare() -> Result<Self> {
        let root = workspace_root();
        let folder = root.join("fuzz");
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).context("copying Cargo.lock")?;
        deny::install()?;
        let mut deny = workspace::cargo();
        deny.args(["deny", "--manifest-path", "fuzz/Cargo.toml", "--config", "deny.toml", "check"]);
        deny.args(["--hide-inclusion-graph", "bans", "licenses", "sources"]);
        succeed(&mut deny)?;
        let build = workspace::metadata()?.target_directory.into_std_path_buf().join("fuzz");
        Ok(Self { folder, build, triple: triple()? })
    }

    fn build(&self, targets: &[&str]) -> Result<()> {
        let mut command = workspace::cargo();
        // With a named triple build scripts and macros are built apart, without the instrumentation.
        command.args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml", "--target", &self.triple]);
        command.args(targets.iter().flat_map(|target| ["--bin", target]));
        command.env("CARGO_TARGET_DIR", &self.build).env("RUSTFLAGS", INSTRUMENTATION);
        succeed(&mut command)
    }

    fn command(&self, target: &str) -> Command {
        let binary = self.build.join(&self.triple).join("release").join(target);
        let mut command = Command::new(binary);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    /// Inputs found in earlier runs, which are nobody else's business.
    fn found(&self, target: &str) -> Result<PathBuf> {
        created(self.build.join("corpus").join(target))
    }

    fn fuzz(&self, target: &str, minutes: f64) -> Result<bool> {
        let artifacts = created(self.folder.join("artifacts").join(target))?;
        let mut command = self.command(target);
        command.arg(format!("-max_total_time={}", (minutes * 60.0).ceil().max(1.0)));
        command.arg(format!("-max_len={LONGEST}")).arg(format!("-timeout={HANGS_AFTER}"));
        command.arg(format!("-artifact_prefix={}/", artifacts.display())).arg("-print_final_stats=1");
        command.arg(self.found(target)?).arg(corpus::folder(target));
        Ok(command.status().with_context(|| format!("running {command:?}"))?.success())
    }

    /// Keeps the few new inputs that reach code which the kept ones do not reach; the shortest of them when they are many.
    fn keep(&self, target: &str) -> Result<()> {
        let kept = corpus::folder(target);
        let before: Vec<String> = corpus::inputs(target).into_iter().map(|input| input.name).collect();
        let mut command = self.command(target);
        command.args(["-set_cover_merge=1", &format!("-max_len={LONGEST}")]);
        command.arg(&kept).arg(self.found(target)?).stderr(Stdio::null());
        succeed(&mut command)?;
        let mut new: Vec<_> =
            corpus::inputs(target).into_iter().filter(|input| !before.contains(&input.name)).collect();
        new.sort_by_key(|input| input.bytes.len());
        for input in new.iter().skip(MOST_KEPT.saturating_sub(before.len())) {
            let path = kept.join(&input.name);
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
        println!("{} holds {} inputs", kept.display(), corpus::inputs(target).len());
        Ok(())
    }
}

fn created(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The machine that we build on and for, as the compiler calls it.
fn triple() -> Result<String> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let output = command.arg("-vV").output().with_context(|| format!("running {command:?}"))?;
    let text = String::from_utf8(output.stdout).context("rustc -vV")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The bodies and where `cargo test` runs them, by their crates.
    const BODIES: [(&str, &[&str]); 4] = [
        ("connectors", &["dotenv", "event_stream", "gateway_path", "request_body"]),
        ("crypto", &["master_key", "sealed_text", "token"]),
        ("http1", &["http1_framing", "http1_response"]),
        ("store", &["legacy_database"]),
    ];

    #[test]
    fn every_target_has_its_body_and_its_corpus_in_the_tests_of_a_crate() {
        let root = workspace_root();
        let mut known: Vec<&str> = BODIES.iter().flat_map(|(_, targets)| targets.iter().copied()).collect();
        known.sort_unstable();
        assert_eq!(known, TARGETS);
        for (name, targets) in BODIES {
            let properties = text(&root.join("crates").join(name).join("tests/properties.rs"));
            for target in targets {
                let body = format!("crates/{name}/tests/fuzz/{target}.rs");
                let binary = text(&root.join("fuzz/targets").join(format!("{target}.rs")));
                assert!(binary.contains(&format!("\"../../{body}\"")), "fuzz/targets/{target}.rs");
                assert!(properties.contains(&format!("\"fuzz/{target}.rs\"")), "{target} is no property");
                assert!(
                    properties.contains(&format!("replay(\"{target}\"")),
                    "{target}: nothing is replayed"
                );
            }
        }
    }

    #[test]
    fn every_binary_of_the_package_is_a_target() {
        let manifest = text(&workspace_root().join("fuzz/Cargo.toml"));
        for target in TARGETS {
            assert!(manifest.contains(&format!("path = \"targets/{target}.rs\"")), "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }

    #[test]
    fn corpora_stay_small() {
        for target in TARGETS {
            let inputs = corpus::inputs(target);
            let bytes: usize = inputs.iter().map(|input| input.bytes.len()).sum();
            assert!(
                inputs.len() <= MOST_KEPT && bytes <= 200_000,
                "{target}: {} inputs, {bytes} bytes",
                inputs.len()
            );
        }
    }
}
