//! Two examples for every command, as its help and the reference show them.

use clap::Command;

/// By command: its path in brackets, then for each example a line that says what it does and the command line. A test parses
/// every command line, and fails on a command without its two.
const EXAMPLES: &str = include_str!("examples.txt");

/// The blocks of the file: a command's path, and its lines.
fn blocks() -> impl Iterator<Item = (&'static str, &'static str)> {
    EXAMPLES.split("\n\n").filter_map(|block| block.strip_prefix('[')?.split_once("]\n"))
}

/// The examples of the command with this path, as a section of its help.
pub(super) fn section(path: &str) -> Option<String> {
    let (_, lines) = blocks().find(|(command, _)| *command == path)?;
    let lines: Vec<String> = lines.lines().map(|line| format!("  {line}")).collect();
    Some(format!("Examples:\n{}", lines.join("\n")))
}

/// Adds the examples to the help of every command below this one.
pub(super) fn add_to(command: Command) -> Command {
    below(command, "")
}

fn below(command: Command, path: &str) -> Command {
    command.mut_subcommands(|sub| {
        let path =
            if path.is_empty() { sub.get_name().to_owned() } else { format!("{path} {}", sub.get_name()) };
        let sub = below(sub, &path);
        let Some(examples) = section(&path) else { return sub };
        let text = match sub.get_after_help() {
            Some(present) => format!("{present}\n\n{examples}"),
            None => examples,
        };
        sub.after_help(text)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Cli, parse};

    /// The command's own words in a line of a shell: from the program's name up to a pipe or a redirection.
    fn arguments(line: &str) -> Vec<String> {
        let words = shlex::split(line).expect(line);
        let start = words.iter().position(|word| word == "strongroom").expect(line);
        let ends = |word: &&String| !["|", ">", "<"].contains(&word.as_str());
        words[start..].iter().take_while(ends).cloned().collect()
    }

    #[test]
    fn every_example_is_a_command_line_that_the_parser_takes() {
        for (path, lines) in blocks() {
            let lines: Vec<&str> = lines.lines().collect();
            let (examples, rest) = lines.as_chunks::<2>();
            assert!(rest.is_empty(), "{path}: {lines:?}");
            assert_ne!(examples[0], examples[1], "{path}");
            for [what, line] in examples {
                let arguments = arguments(line);
                let parsed = parse(arguments.iter().map(Into::into));
                assert!(
                    parsed.is_ok(),
                    "{line}: {}",
                    parsed.err().map_or_else(String::new, |it| it.to_string())
                );
                assert!(line.len() < 98, "{line} is broken by a help that is 100 columns wide");
                let words: Vec<&str> = path.split(' ').collect();
                let named = arguments.windows(words.len()).any(|window| window == words);
                assert!(named, "{line} is an example of another command than {path}");
                assert!(what.starts_with("# ") && !what.ends_with('.'), "{line}: {what}");
            }
        }
    }

    #[test]
    fn every_command_that_does_something_has_its_two_examples_and_shows_them() {
        fn walk(command: &Command, path: &str, seen: &mut BTreeSet<String>) {
            for sub in command.get_subcommands().filter(|it| it.get_name() != "help" && !it.is_hide_set()) {
                let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
                if !sub.is_subcommand_required_set() {
                    assert!(section(&path).is_some(), "{path} has no examples");
                    let help = sub.clone().render_help().to_string();
                    assert_eq!(help.matches("\n  # ").count(), 2, "{path}: {help}");
                    seen.insert(path.clone());
                }
                walk(sub, &path, seen);
            }
        }
        let mut seen = BTreeSet::new();
        walk(&add_to(Cli::command()), "", &mut seen);
        let listed: Vec<&str> = blocks().map(|(path, _)| path).collect();
        assert_eq!(listed.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>(), seen);
        assert_eq!(listed.len(), seen.len(), "no command stands in the file twice");
    }
}
