//! One `cargo test`: its output as it comes, and the sum of its results.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;

use super::summary::Outcome;
use crate::workspace::cargo;

/// How many tests came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were not run at all.
    pub ignored: u64,
}

impl Counts {
    /// Adds a line of libtest such as `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; …`.
    fn add(&mut self, line: &str) {
        let Some((_, numbers)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in numbers.split("; ") {
            match part.split_once(' ').map(|(number, what)| (number.parse::<u64>().unwrap_or(0), what)) {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some((number, "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

/// Runs the command, passes its output through, and counts.
pub(super) fn run(command: &mut Command) -> Result<Outcome> {
    println!("{}", described(command));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cargo test")?;
    let mut counts = Counts::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            std::io::stdout().write_all(&line)?;
            counts.add(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    let status = child.wait()?;
    Ok(if !status.success() {
        Outcome::Failed(counts, format!("cargo test ended with {status}"))
    } else if counts.ignored > 0 {
        Outcome::Failed(counts, format!("{} ignored tests: a test runs, or it is not there", counts.ignored))
    } else if counts.passed == 0 {
        Outcome::Failed(counts, "cargo test ran no test at all".to_owned())
    } else {
        Outcome::Passed(counts)
    })
}

fn described(command: &Command) -> String {
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    format!("cargo {}", arguments.join(" "))
}

/// The binary of that name which the plain tests have built, if they needed it.
pub(super) fn built_binary(name: &str) -> Result<Option<PathBuf>> {
    let output = cargo()
        .args(["test", "--workspace", "--no-run", "--quiet", "--message-format", "json"])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cargo test --no-run")?;
    ensure!(output.status.success(), "cargo test --no-run ended with {}", output.status);
    for message in Message::parse_stream(output.stdout.as_slice()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.is_bin()
            && artifact.target.name == name
            && !artifact.profile.test
        {
            return Ok(artifact.executable.map(PathBuf::from));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_targets_are_summed() {
        let mut counts = Counts::default();
        for line in [
            "running 6 tests",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.03s",
            "test result: FAILED. 13 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.18s",
            "test result is 9 passed",
        ] {
            counts.add(line);
        }
        assert_eq!(counts, Counts { passed: 18, failed: 2, ignored: 1 });
    }
}
