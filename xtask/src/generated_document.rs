//! A document that the `strongroom` binary prints about itself: written to `docs/`, or compared with what is there.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use strongroom_testkit::real_parts::workspace_root;

use crate::workspace::cargo;

/// Number of differing lines that are shown.
const SHOWN: usize = 20;

/// Options of the two subcommands.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail if the file differs from what would be written.
    #[arg(long)]
    pub check: bool,
}

/// Source of the binary.
#[derive(Debug)]
pub(crate) enum Binary {
    /// `cargo run` builds it.
    CargoRun,
    /// It is built already.
    Built(PathBuf),
}

impl Binary {
    fn command(&self) -> Command {
        match self {
            Self::CargoRun => {
                let mut command = cargo();
                command.args([
                    "run",
                    "--quiet",
                    "--package",
                    "strongroom-server",
                    "--bin",
                    "strongroom",
                    "--",
                ]);
                command
            }
            Self::Built(path) => Command::new(path),
        }
    }
}

/// One generated document.
pub(crate) struct Document {
    /// The hidden subcommand of `strongroom` that prints it.
    pub printed_by: &'static str,
    /// Its path, from the workspace's root.
    pub path: &'static str,
    /// The chore that writes it.
    pub chore: &'static str,
}

impl Document {
    /// Writes the document, or compares it when `check` is set.
    pub(crate) fn write_or_check(&self, binary: &Binary, check: bool) -> Result<()> {
        let fresh = self.print(binary)?;
        let path = workspace_root().join(self.path);
        let present = fs::read_to_string(&path).unwrap_or_default();
        if fresh == present {
            println!("{} is up to date", self.path);
            return Ok(());
        }
        if check {
            print!("{}", difference(&present, &fresh));
            bail!("{} is not what the binary says: run `cargo xtask {}`", self.path, self.chore);
        }
        fs::write(&path, fresh).with_context(|| format!("writing {}", path.display()))?;
        println!("{} written", self.path);
        Ok(())
    }

    fn print(&self, binary: &Binary) -> Result<String> {
        let mut command = binary.command();
        let output = command.arg(self.printed_by).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("running {command:?}"))?;
        ensure!(output.status.success(), "`strongroom {}` ended with {}", self.printed_by, output.status);
        let mut text = String::from_utf8(output.stdout).context("the document is not UTF-8")?;
        ensure!(!text.trim().is_empty(), "`strongroom {}` printed nothing", self.printed_by);
        text.truncate(text.trim_end().len());
        text.push('\n');
        Ok(text)
    }
}

/// The lines between what both texts begin and end with, old ones with `-` and new ones with `+`.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail =
        old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let mut text = format!("from line {}:\n", head + 1);
    for (sign, lines) in
        [('-', &old_rest[..old_rest.len() - tail]), ('+', &new_rest[..new_rest.len() - tail])]
    {
        for line in lines.iter().take(SHOWN) {
            text.push_str(&format!("{sign} {line}\n"));
        }
        if lines.len() > SHOWN {
            text.push_str(&format!("{sign} … {} more lines\n", lines.len() - SHOWN));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_leaves_out_what_is_alike() {
        assert_eq!(difference("a\nb\nc\nd\n", "a\nx\ny\nd\n"), "from line 2:\n- b\n- c\n+ x\n+ y\n");
        assert_eq!(difference("", "a\n"), "from line 1:\n+ a\n");
        assert_eq!(difference("a\na\n", "a\n"), "from line 2:\n- a\n");
    }

    #[test]
    fn a_long_difference_is_cut() {
        let long: String = (0..50).map(|number| format!("{number}\n")).collect();
        let said = difference("", &long);
        assert!(said.ends_with("+ 19\n+ … 30 more lines\n"), "{said}");
    }
}
