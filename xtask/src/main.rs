//! `cargo xtask`: the chores of this repository, each in a file of its own.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod banned_words;
mod bench;
mod check_layers;
mod cli_reference;
mod dist;
mod fuzz;
mod generated_document;
mod mutants;
mod openapi;
mod test;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of this repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything: formatting, lints, layers, licences, generated documents, and every test on every real part.
    Test(test::Options),
    /// Measure what a promise depends on, in a release build.
    Bench(bench::Options),
    /// Build the binary as it is shipped, laid out by what it does under load.
    Dist(dist::Options),
    /// Show a promise at length.
    Verify(verify::Options),
    /// Feed whatever reads bytes from outside with inputs that are made up, guided by coverage
    Fuzz(fuzz::Options),
    /// Change the code that promises depend on, bit by bit, and tell which changes no test notices
    Mutants(mutants::Options),
    /// Check who may depend on whom, and the rules for files and their names.
    CheckLayers(check_layers::Options),
    /// Write docs/openapi.json from the routes.
    Openapi(generated_document::Options),
    /// Write docs/cli.md from the commands.
    CliReference(generated_document::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Test(options) => test::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::Dist(options) => dist::run(&options),
        Chore::Verify(options) => verify::run(&options),
        Chore::Fuzz(options) => fuzz::run(&options),
        Chore::Mutants(options) => mutants::run(&options),
        Chore::CheckLayers(options) => check_layers::run(&options).map(|()| true),
        Chore::Openapi(options) => openapi::run(&options).map(|()| true),
        Chore::CliReference(options) => cli_reference::run(&options).map(|()| true),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
