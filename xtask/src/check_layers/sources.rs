//! The rules for source files: what they may name, what they may be called, how they open.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A source file, its path relative to the workspace's root with `/` between the folders.
#[derive(Debug)]
pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) text: String,
}

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "manager", "managers", "core", "misc"];

/// The folders that hold sources.
const FOLDERS: [&str; 4] = ["crates", "fuzz", "testkit", "xtask"];

/// Reads every `.rs` file of the workspace.
pub(super) fn read_all(root: &Path) -> Result<Vec<SourceFile>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        read_below(root, &root.join(folder), &mut files)?;
    }
    Ok(files)
}

fn read_below(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                read_below(root, &path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let path = path.strip_prefix(root)?.components().map(|part| part.as_os_str().to_string_lossy());
            files.push(SourceFile { path: path.collect::<Vec<_>>().join("/"), text });
        }
    }
    Ok(())
}

/// Returns the faults of this file, one sentence each.
pub(super) fn breaches(file: &SourceFile) -> Vec<String> {
    let SourceFile { path, text } = file;
    let mut breaches = Vec::new();
    if !text.starts_with("//!") {
        breaches.push(format!("{path}: it does not open with one `//!` sentence"));
    }
    for part in path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if name == "mod" {
            breaches.push(format!("{path}: modules are `name.rs` and `name/`, never `mod.rs`"));
        } else if EMPTY_NAMES.contains(&name) {
            breaches.push(format!("{path}: `{name}` says nothing about what is inside"));
        }
    }
    let mut is_test = path.contains("/tests");
    for (number, line) in text.lines().enumerate() {
        let code = without_strings_and_comments(line);
        let place = format!("{path}:{}", number + 1);
        is_test |= code.starts_with("#[cfg(test)]");
        if !is_test && path.starts_with("crates/") && compares_what_is_exposed(&code) {
            breaches.push(format!(
                "{place}: secrets are compared as `Secret`, which takes the same time for all"
            ));
        }
        if names(&code, "sqlx") && !may_name_sqlx(path) {
            breaches.push(format!("{place}: only crates/store names `sqlx`"));
        }
        if names(&code, "strongroom_store") && !may_name_the_store(path) {
            breaches.push(format!("{place}: in the server only src/wiring.rs names `strongroom_store`"));
        }
    }
    breaches
}

fn may_name_sqlx(path: &str) -> bool {
    ["crates/store/", "testkit/", "xtask/"].iter().any(|folder| path.starts_with(folder))
        || path.contains("/tests/")
}

fn may_name_the_store(path: &str) -> bool {
    let inside = path.strip_prefix("crates/server/src/");
    inside.is_none_or(|inside| inside == "wiring.rs" || inside.starts_with("wiring/"))
}

/// Tells whether a secret's text stands beside an operator that compares.
fn compares_what_is_exposed(code: &str) -> bool {
    let ends = |character: char| character.is_whitespace() || "){};,".contains(character);
    let code = code.replace("!=", "==");
    let sides: Vec<&str> = code.split("==").map(str::trim).collect();
    sides.windows(2).any(|pair| {
        let behind = pair[1].split(ends).next().unwrap_or_default();
        pair[0].ends_with(".expose()") || behind.ends_with(".expose(")
    })
}

/// The line without what stands in quotes (a log filter may name any crate) and without its comment.
fn without_strings_and_comments(line: &str) -> String {
    let code: Vec<&str> = line.split('"').step_by(2).collect();
    let code = code.join("\"\"");
    code.split("//").next().unwrap_or_default().to_owned()
}

/// Tells whether `code` has `word` as a whole identifier.
fn names(code: &str, word: &str) -> bool {
    code.split(|character: char| !character.is_alphanumeric() && character != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Vec<String> {
        breaches(&SourceFile { path: path.to_owned(), text: text.to_owned() })
    }

    #[test]
    fn an_ordinary_file_is_fine() {
        assert!(said("crates/store/src/credential.rs", "//! Rows.\nuse sqlx::query;\n").is_empty());
        assert!(said("crates/server/src/wiring.rs", "//! All.\nuse strongroom_store::Store;\n").is_empty());
        assert!(
            said("crates/server/src/wiring/local.rs", "//! All.\nuse strongroom_store::Store;\n").is_empty()
        );
        assert!(said("crates/server/tests/canary.rs", "//! All.\nuse sqlx::query;\n").is_empty());
        assert!(
            said("crates/strongroom/src/audit.rs", "//! Uses.\nuse strongroom_store::Store;\n").is_empty()
        );
    }

    #[test]
    fn sql_outside_the_store_is_a_breach_with_its_line() {
        let found =
            said("crates/strongroom/src/audit.rs", "//! Uses.\n// sqlx would do\nlet a = sqlx::query(b);\n");
        assert_eq!(found, ["crates/strongroom/src/audit.rs:3: only crates/store names `sqlx`"]);
        assert!(said("crates/strongroom/src/audit.rs", "//! Uses.\nlet sqlx_like = 1;\n").is_empty());
        assert!(said("crates/server/src/log.rs", "//! Uses.\nfilter(\"sqlx=warn\"); // sqlx\n").is_empty());
        assert_eq!(
            said("crates/server/src/log.rs", "//! Uses.\nopen(\"sqlite://\", sqlx::query(\"\"));\n").len(),
            1
        );
    }

    #[test]
    fn only_the_wiring_of_the_server_names_the_store() {
        let found = said("crates/server/src/api/credential.rs", "//! Uses.\nuse strongroom_store::Store;\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("only src/wiring.rs"), "{found:?}");
    }

    #[test]
    fn a_secret_that_is_compared_as_text_is_a_breach() {
        for code in ["if a.expose() == b {", "let is = b != self.key.expose();", "(x == y.expose())"] {
            let found = said("crates/crypto/src/token.rs", &format!("//! Tokens.\n{code}\n"));
            assert_eq!(found.len(), 1, "{code}: {found:?}");
            assert!(found[0].contains("compared as `Secret`"), "{found:?}");
            let in_a_test = format!("//! Tokens.\n#[cfg(test)]\n{code}\n");
            assert!(said("crates/crypto/src/token.rs", &in_a_test).is_empty());
        }
        for code in ["if a == b { c.expose() }", "f(a.expose(), b == c)", "let all = a.expose().len() == 3;"]
        {
            assert!(
                said("crates/crypto/src/token.rs", &format!("//! Tokens.\n{code}\n")).is_empty(),
                "{code}"
            );
        }
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_a_breach() {
        assert_eq!(said("xtask/src/main.rs", "fn main() {}\n").len(), 1);
        assert_eq!(said("xtask/src/main.rs", "").len(), 1);
    }

    #[test]
    fn empty_names_and_mod_rs_are_breaches_at_every_depth() {
        assert!(said("crates/server/src/api/mod.rs", "//! A.\n")[0].contains("never `mod.rs`"));
        assert!(said("crates/server/tests/common/setup.rs", "//! A.\n")[0].contains("`common` says nothing"));
        assert!(said("crates/server/src/utils.rs", "//! A.\n")[0].contains("`utils` says nothing"));
        assert!(said("crates/connectors/src/secret_managers/vault.rs", "//! A.\n").is_empty());
    }

    #[test]
    fn our_own_sources_are_found() {
        let files = read_all(&strongroom_testkit::real_parts::workspace_root()).expect("the sources");
        for path in ["xtask/src/check_layers/sources.rs", "testkit/src/lib.rs", "crates/model/src/lib.rs"] {
            assert!(files.iter().any(|file| file.path == path), "{path}");
        }
    }
}
