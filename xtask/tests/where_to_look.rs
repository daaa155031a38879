//! Files that ARCHITECTURE.md names exist, and so do the functions that it names under "Where to look".

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_testkit::real_parts::workspace_root;

/// Rows of the table: question, and the cells behind it.
fn rows(text: &str) -> Vec<(&str, String)> {
    let section = text.split_once("## Where to look").map_or("", |(_, rest)| rest);
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = lines.filter_map(|line| line.split_once(" | "));
    cells
        .filter(|(question, _)| question.ends_with('?'))
        .map(|(question, rest)| (question, rest.to_owned()))
        .collect()
}

/// Paths in back quotes, each with the function names that follow it up to the next path.
fn places(cells: &str) -> Vec<(String, Vec<String>)> {
    let mut places: Vec<(String, Vec<String>)> = Vec::new();
    for quoted in cells.split('`').skip(1).step_by(2) {
        let is_name =
            quoted.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if quoted.starts_with("crates/") || quoted.starts_with("xtask/") {
            places.push((quoted.to_owned(), Vec::new()));
        } else if is_name && let Some((_, functions)) = places.last_mut() {
            functions.push(quoted.to_owned());
        }
    }
    places
}

/// Rust files at or below a path.
fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let files = entries.flat_map(|entry| sources(&entry));
    files.filter(|file| file.extension().is_some_and(|it| it == "rs")).collect()
}

/// The number of definitions of a function.
fn definitions(files: &[PathBuf], function: &str) -> usize {
    let heads = [format!("fn {function}("), format!("fn {function}<")];
    let text = |file: &PathBuf| fs::read_to_string(file).expect("a source file");
    let count = |text: String| heads.iter().map(|head| text.matches(head.as_str()).count()).sum::<usize>();
    files.iter().map(text).map(count).sum()
}

/// Faults of a row, one sentence each.
fn faults(cells: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let places = places(cells);
    if places.is_empty() {
        faults.push(format!("no place is named: {cells}"));
    }
    for (path, functions) in places {
        let at = workspace_root().join(&path);
        if !at.exists() {
            faults.push(format!("{path} does not exist"));
            continue;
        }
        let files = sources(&at);
        for function in functions {
            let found = definitions(&files, &function);
            if found == 0 || at.is_dir() && found > 1 {
                faults.push(format!("{path} defines {function} {found} times"));
            }
        }
    }
    faults
}

#[test]
fn every_place_to_look_at_exists() {
    let text = fs::read_to_string(workspace_root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows = rows(&text);
    assert!(rows.len() >= 8, "only {} questions are found", rows.len());
    let faults: Vec<String> = rows
        .iter()
        .flat_map(|(question, cells)| {
            faults(cells).into_iter().map(move |fault| format!("{question} {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Rust files that a text names in back quotes, below `src` of a crate or in full.
fn named_files(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.ends_with(".rs") && !name.contains(char::is_whitespace)).collect()
}

#[test]
fn every_file_that_the_architecture_names_exists() {
    let root = workspace_root();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let paths = ["crates", "testkit", "xtask"].map(|folder| sources(&root.join(folder))).concat();
    let shortened = |path: &PathBuf| path.display().to_string().replace("/src/", "/");
    let (whole, short): (Vec<_>, Vec<_>) =
        paths.iter().map(|path| (path.display().to_string(), shortened(path))).unzip();
    let names = named_files(&text);
    assert!(names.len() > 30, "only {} files are found", names.len());
    let exists = |name: &str| whole.iter().chain(&short).any(|path| path.ends_with(&format!("/{name}")));
    let missing: Vec<&str> = names.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names files that do not exist: {missing:?}");
}

#[test]
fn a_place_that_moved_or_was_renamed_is_missed() {
    let here = "xtask/tests/where_to_look.rs";
    assert_eq!(faults(&format!("`{here}`: `faults`, `definitions` | whatever")), Vec::<String>::new());
    assert_eq!(
        faults(&format!("`{here}`: `no_such_function`")),
        [format!("{here} defines no_such_function 0 times")]
    );
    assert_eq!(
        faults("`xtask/tests/no_such_file.rs`: `faults`"),
        ["xtask/tests/no_such_file.rs does not exist"]
    );
    assert_eq!(faults("`xtask/`: `run`").len(), 1, "a folder has to define it once");
    assert_eq!(faults("nothing").len(), 1);
}
