//! Every test that SECURITY.md names is there under that name, and runs.

use std::fs;
use std::path::Path;

use strongroom_testkit::real_parts::workspace_root;

/// Name in a row, in its order.
#[derive(Debug, PartialEq, Eq)]
enum Named<'t> {
    File(&'t str),
    /// A test of the last file.
    Test(&'t str),
}

/// Returns the names in back quotes in the last column of the tables.
fn named(text: &str) -> Vec<Named<'_>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let last = rows.filter_map(|row| row.rsplit('|').next());
    let quoted = last.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    quoted
        .filter_map(|text| match text {
            _ if text.ends_with(".rs") => Some(Named::File(text)),
            _ if is_name(text) => Some(Named::Test(text)),
            _ => None,
        })
        .collect()
}

/// Tells whether a file has a test of this name: a function with the attribute of one.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let declared = [format!("fn {name}("), format!("async fn {name}(")];
    lines.iter().enumerate().any(|(place, line)| {
        declared.iter().any(|it| line.starts_with(it.as_str()))
            && lines[..place]
                .iter()
                .rev()
                .take_while(|above| above.starts_with("#[") || above.starts_with("//"))
                .any(|above| above.starts_with("#[test]") || above.starts_with("#[tokio::test"))
    })
}

/// Returns the faults of the names, one sentence each.
fn missing(root: &Path, named: &[Named<'_>]) -> Vec<String> {
    let mut missing = Vec::new();
    let mut last: Option<(&str, String)> = None;
    for one in named {
        match one {
            Named::File(path) => match fs::read_to_string(root.join(path)) {
                Ok(source) if source.contains("test") => last = Some((path, source)),
                Ok(_) => missing.push(format!("{path} has no test")),
                Err(error) => missing.push(format!("{path}: {error}")),
            },
            Named::Test(name) => match &last {
                Some((path, source)) if !has_test(source, name) => {
                    missing.push(format!("{path} has no test {name}"));
                }
                Some(_) => {}
                None => missing.push(format!("{name} stands behind no file")),
            },
        }
    }
    missing
}

#[test]
fn every_test_that_the_promises_name_exists() {
    let text = fs::read_to_string(workspace_root().join("SECURITY.md")).expect("SECURITY.md");
    let named = named(&text);
    let tests = named.iter().filter(|it| matches!(it, Named::Test(_))).count();
    assert!(tests > 80, "only {tests} tests are found in SECURITY.md");
    let missing = missing(&workspace_root(), &named);
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_test_that_was_renamed_or_moved_is_missed() {
    let here = "xtask/tests/named_tests.rs";
    let row = |name: &str| format!("| Promise | `{here}`: `{name}`; at length: `cargo xtask verify` |");
    let found = |name: &str| missing(&workspace_root(), &named(&row(name)));
    assert_eq!(found("a_test_that_was_renamed_or_moved_is_missed"), Vec::<String>::new());
    assert_eq!(found("has_test"), [format!("{here} has no test has_test")], "a function is no test");
    assert_eq!(found("no_such_test"), [format!("{here} has no test no_such_test")]);
    let gone = "| Promise | `xtask/tests/no_such_file.rs`: `x` |";
    assert_eq!(missing(&workspace_root(), &named(gone)).len(), 2);
}
