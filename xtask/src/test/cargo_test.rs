//! One `cargo test`: its output as it comes, and the sum of its results.

use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;

use super::summary::Outcome;
use crate::workspace::cargo;

/// Tests that run at a time for each core: most of them wait for servers, databases and clocks.
const TESTS_PER_CORE: usize = 3;

/// Numbers of tests by their result.
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
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }

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

/// A test and how long it took.
#[derive(Debug, PartialEq)]
pub(super) struct Timing {
    /// Its path.
    pub name: String,
    /// From its start to its end, in seconds.
    pub seconds: f64,
}

impl Timing {
    /// Reads a line of libtest such as `test limit::holds ... ok <1.234s>`.
    fn read(line: &str) -> Option<Self> {
        let (name, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
        let seconds = rest.split_once('<')?.1.strip_suffix("s>")?.parse().ok()?;
        Some(Self { name: name.to_owned(), seconds })
    }
}

/// Runs what a `cargo test` has selected, documentation apart, passes its output through, counts, and keeps what each test
/// took.
///
/// libtest tells times only where unstable options may be given. The tests' own processes alone get the variable that
/// allows them: the compiler never sees it, and builds what it always builds.
pub(super) fn run_timed(command: &mut Command, timings: &mut Vec<Timing>) -> Result<Outcome> {
    let host = host()?;
    let runner = format!("CARGO_TARGET_{}_RUNNER", host.to_uppercase().replace(['-', '.'], "_"));
    command.env(runner, "env RUSTC_BOOTSTRAP=1");
    command.args(["--", "-Z", "unstable-options", "--report-time"]);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get) * TESTS_PER_CORE;
        command.args(["--test-threads", &threads.to_string()]);
    }
    run(command, timings)
}

/// The triple of this machine, as the compiler names it.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("rustc -vV")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("`rustc -vV` names no host")
}

/// Runs the command, passes its output through, and counts.
pub(super) fn run(command: &mut Command, timings: &mut Vec<Timing>) -> Result<Outcome> {
    println!("{}", described(command));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cargo test")?;
    let mut counts = Counts::default();
    if let Some(output) = child.stdout.take() {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            std::io::stdout().write_all(&line)?;
            let text = String::from_utf8_lossy(&line);
            counts.add(text.trim_end());
            timings.extend(Timing::read(text.trim_end()));
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
    fn what_a_test_took_is_read() {
        let read = |line| Timing::read(line).map(|timing| (timing.name, timing.seconds));
        assert_eq!(read("test a::b ... ok <1.250s>"), Some(("a::b".to_owned(), 1.25)));
        assert_eq!(read("test a::b ... FAILED <0.001s>"), Some(("a::b".to_owned(), 0.001)));
        assert_eq!(read("test a::b ... ok"), None);
        assert_eq!(read("test result: ok. 5 passed; 0 failed; finished in 1.00s"), None);
    }

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
