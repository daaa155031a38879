//! Questions before something that cannot be undone.

use std::io::{self, BufRead, IsTerminal, Write};

use super::exit::{CliError, CliResult};
use super::printable::printable;

/// Asks on stderr; goes on only after a yes.
pub(super) fn ask(question: &str) -> CliResult<()> {
    if !io::stdin().is_terminal() {
        return Err(CliError::usage("this command asks before it acts, and there is no terminal to ask on")
            .hint("add --yes to answer yes to every question"));
    }
    let mut stderr = io::stderr().lock();
    write!(stderr, "{} [y/N] ", printable(question))?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if is_yes(&answer) { Ok(()) } else { Err(CliError::failure("not confirmed; nothing was changed")) }
}

/// Asks, unless every question is answered with yes.
pub(super) fn unless(yes: bool, question: &str) -> CliResult<()> {
    if yes { Ok(()) } else { ask(question) }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        assert!(is_yes("y\n") && is_yes(" YES \r\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("yep") && !is_yes("no"));
    }
}
