//! The command line stands on the server, and nothing in the server knows it: they are one crate with one arrow (ADR 20).

use super::sources::SourceFile;

const SERVER: &str = "crates/server/src/";
const COMMAND_LINE: &str = "crates/server/src/cli";

/// Every line of the server that names a module of the command line.
pub(super) fn breaches(files: &[SourceFile]) -> Vec<String> {
    let of_server =
        files.iter().filter(|file| file.path.starts_with(SERVER) && !file.path.starts_with(COMMAND_LINE));
    of_server.flat_map(breaches_of).collect()
}

fn breaches_of(file: &SourceFile) -> Vec<String> {
    let names_it = |line: &str| line.contains("crate::cli::") || line.contains("super::cli::");
    let lines = file.text.lines().enumerate().filter(|(_, line)| names_it(line));
    lines
        .map(|(number, _)| format!("{}:{}: the server must not know the command line", file.path, number + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn the_server_does_not_know_the_command_line() {
        let files = [
            file("crates/server/src/cli/status.rs", "use crate::cli::exit::Exit;\n"),
            file("crates/server/src/cli.rs", "use crate::cli::exit::Exit;\n"),
            file("crates/server/src/http.rs", "//! x\n\nuse crate::cli::exit::Exit;\n"),
            file("crates/server/src/wiring.rs", "use crate::config::Config;\n"),
        ];
        assert_eq!(
            breaches(&files),
            ["crates/server/src/http.rs:3: the server must not know the command line"]
        );
    }
}
