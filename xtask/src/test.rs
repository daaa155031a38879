//! `cargo xtask test`: the one command that runs everything, on every real part, and says what it ran.
//!
//! Groups run one after the other and a failing one stops none. Ctrl-c needs no care: the programs that we started get
//! it as well, and the PostgreSQL cluster ends with this process.

mod cargo_test;
pub(crate) mod deny;
mod installation;
mod summary;
mod targets;

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use strongroom_testkit::postgres_cluster::{PostgresCluster, URL_VARIABLE};

use crate::generated_document::{Binary, Document};
use crate::{check_layers, cli_reference, openapi, workspace};
use cargo_test::{Counts, Timing};
pub(crate) use installation::Installer;
use summary::{Outcome, Row};
use targets::GatedTargets;

/// Options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run this group only; may be given several times
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,
    /// Succeed although a group was skipped because a program is missing and cannot be installed
    #[arg(long)]
    allow_missing: bool,
}

/// Checks that are run together and reported in one line, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// rustfmt
    Format,
    /// Lints, as errors
    Clippy,
    /// Dependencies between packages and modules
    Layers,
    /// Banned crates, licences, sources
    Deny,
    /// Known vulnerabilities, when their database can be reached
    Advisories,
    /// `cargo test --workspace`, which needs nothing
    Plain,
    /// docs/openapi.json is up to date
    Openapi,
    /// docs/cli.md is up to date
    CliReference,
    /// Test targets that need PostgreSQL
    Postgres,
    /// Test targets that need Node
    Node,
    /// Test targets that need Chromium
    Browser,
    /// Test targets that need the packages of testkit/python/requirements.txt
    Python,
}

/// Runs the groups; whether all is well.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut run = Run {
        targets: GatedTargets::discover(&workspace::metadata()?)?,
        installer: Installer::default(),
        cluster: None,
        plain_has_run: false,
        timings: Vec::new(),
    };
    let mut rows = Vec::new();
    for group in Group::value_variants().iter().copied() {
        if !options.only.is_empty() && !options.only.contains(&group) {
            continue;
        }
        println!("\n── {} ──", group.name());
        let start = Instant::now();
        let outcome =
            run.group(group).unwrap_or_else(|error| Outcome::Failed(Counts::default(), format!("{error:#}")));
        if let Outcome::Failed(_, why) | Outcome::Missing(why) | Outcome::Skipped(why) = &outcome {
            println!("{}: {why}", group.name());
        }
        rows.push(Row { name: group.name(), outcome, took: start.elapsed() });
    }

    print!("{}", summary::slowest(&mut run.timings));
    drop(run);
    print!("\n{}", summary::text(&rows));
    Ok(summary::is_success(&rows, options.allow_missing))
}

impl Group {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// State that one run of the command carries from group to group.
struct Run {
    targets: GatedTargets,
    installer: Installer,
    cluster: Option<PostgresCluster>,
    plain_has_run: bool,
    timings: Vec<Timing>,
}

impl Run {
    fn group(&mut self, group: Group) -> Result<Outcome> {
        match group {
            Group::Format => cargo_check(&["fmt", "--all", "--check"]),
            Group::Clippy => cargo_check(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--",
                "--deny",
                "warnings",
            ]),
            Group::Layers => check_layers::run(&check_layers::Options::default())
                .map(|()| Outcome::Passed(Counts::default())),
            Group::Deny => {
                deny::install()?;
                cargo_check(&[
                    "deny",
                    "--all-features",
                    "check",
                    "--hide-inclusion-graph",
                    "bans",
                    "licenses",
                    "sources",
                ])
            }
            Group::Advisories => match deny::unreachable_advisories() {
                Some(why) => Ok(Outcome::Skipped(why)),
                None => {
                    deny::install()?;
                    cargo_check(&["deny", "--all-features", "check", "advisories"])
                }
            },
            Group::Plain => {
                self.plain_has_run = true;
                self.plain()
            }
            Group::Openapi => self.document(&openapi::DOCUMENT),
            Group::CliReference => self.document(&cli_reference::DOCUMENT),
            Group::Postgres | Group::Node | Group::Browser | Group::Python => self.gated(group),
        }
    }

    /// After the plain tests the binary is there; another build, with other features, would cost minutes.
    fn document(&self, document: &Document) -> Result<Outcome> {
        let built = if self.plain_has_run { cargo_test::built_binary("strongroom")? } else { None };
        document.write_or_check(&built.map_or(Binary::CargoRun, Binary::Built), true)?;
        Ok(Outcome::Passed(Counts::default()))
    }

    /// All gated groups share one set of features, so that only the first one compiles.
    fn gated(&mut self, group: Group) -> Result<Outcome> {
        let names = self.targets.of(group);
        if names.is_empty() {
            return Ok(Outcome::Skipped("no test target needs it yet".to_owned()));
        }
        for need in self.targets.needs(group) {
            if let Err(error) = self.installer.provide(need) {
                return Ok(Outcome::Missing(format!("{error:#}")));
            }
        }
        let mut command = workspace::cargo();
        command.args(["test", "--workspace", "--no-fail-fast", "--features", &self.targets.features()]);
        for name in &names {
            command.args(["--test", name]);
        }
        if self.targets.needs(group).contains(&Group::Postgres) && std::env::var_os(URL_VARIABLE).is_none() {
            if self.cluster.is_none() {
                self.cluster = Some(PostgresCluster::start()?);
            }
            command.envs(self.cluster.as_ref().map(|cluster| (URL_VARIABLE, cluster.url())));
        }
        cargo_test::run_timed(&mut command, &mut self.timings)
    }

    /// `cargo test --workspace` in its two parts: all but the documentation, which tells no times, and the documentation.
    fn plain(&mut self) -> Result<Outcome> {
        let mut targets = workspace::cargo();
        targets.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"]);
        let mut documentation = workspace::cargo();
        documentation.args(["test", "--workspace", "--no-fail-fast", "--doc"]);
        let of_targets = cargo_test::run_timed(&mut targets, &mut self.timings)?;
        let of_documentation = cargo_test::run(&mut documentation, &mut self.timings)?;
        Ok(of_targets.and(of_documentation))
    }
}

/// A cargo command that tells by its status alone.
fn cargo_check(arguments: &[&str]) -> Result<Outcome> {
    let said = format!("`cargo {}`", arguments.join(" "));
    let status = workspace::cargo().args(arguments).status().with_context(|| said.clone())?;
    ensure!(status.success(), "{said} ended with {status}");
    Ok(Outcome::Passed(Counts::default()))
}
