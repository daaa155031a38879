//! Every async function of the store is called by a case.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text of every file below a folder of this crate, by its path in there.
fn texts(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    let inside = |path: &Path| path.strip_prefix(&folder).expect("inside").display().to_string();
    paths.iter().map(|path| (inside(path), fs::read_to_string(path).expect("a file"))).collect()
}

/// `noun::function`, or `.method` where the function takes a receiver.
fn functions(module: &str, text: &str) -> Vec<String> {
    let mut pieces = text.split("pub async fn ");
    pieces.next();
    let name = |piece: &str| {
        let (name, arguments) = piece.split_once('(').expect("a signature");
        let first = arguments.trim_start().split([',', ')']).next().unwrap_or_default();
        let is_method = first.ends_with("self");
        if is_method { format!(".{name}(") } else { format!("{module}::{name}(") }
    };
    pieces.map(name).collect()
}

#[test]
fn a_function_and_a_method_are_found_by_how_they_are_called() {
    let text = "pub async fn get(session: &mut Session) {}\n pub async fn close(&self) {} pub async fn commit(\n self) {}";
    assert_eq!(functions("user", text), ["user::get(", ".close(", ".commit("]);
}

#[test]
fn every_async_function_is_called_by_a_case_on_both_databases() {
    let cases: String = texts("tests/cases").into_iter().map(|(_, text)| text).collect();
    let mut missing = BTreeSet::new();
    let mut count = 0;
    for (path, text) in texts("src") {
        // It reads databases of others, which differ by backend; its tests lie beside it and in postgres_legacy_source.
        if path.starts_with("legacy_source") {
            continue;
        }
        let module = path.trim_end_matches(".rs").rsplit('/').next().unwrap_or_default();
        // Its one associated function is called on its type.
        let module = if module == "session" { "Store" } else { module };
        for function in functions(module, &text) {
            count += 1;
            let is_called = cases.contains(&function);
            if !is_called {
                missing.insert(function);
            }
        }
    }
    assert!(count > 50, "found only {count} functions");
    assert!(missing.is_empty(), "no case calls {missing:?}");
}

#[test]
fn both_targets_include_every_case() {
    for (path, _) in texts("tests/cases") {
        for target in ["tests/sqlite.rs", "tests/postgres.rs"] {
            let text =
                fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(target)).expect("a file");
            assert!(text.contains(&format!("\"cases/{path}\"")), "{target} lacks {path}");
        }
    }
}
