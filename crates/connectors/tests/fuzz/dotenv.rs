//! `.env` text from anywhere: what is read stands on the lines it is said to, is read again the same, and nothing that
//! follows changes it.

use std::collections::BTreeSet;

use strongroom_connectors::dotenv::{Document, parse};

/// A name that no text from outside has, and that is added to it.
const ADDED: &str = "STRONGROOM_FUZZ_ADDED_LAST";

/// A text from outside.
pub(crate) fn foreign(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if text.contains(ADDED) {
        return;
    }
    let document = parse(&text);
    let lines = text.bytes().filter(|&byte| byte == b'\n').count() + 1;
    for entry in document.entries.iter().chain(&document.replaced) {
        assert!(1 <= entry.line && entry.line <= entry.last_line && entry.last_line <= lines, "{text:?}");
        let line = text.split('\n').nth(entry.line - 1).expect("a line of the text");
        assert!(line.contains(&entry.name), "{text:?}: {} is not on its line", entry.name);
    }
    assert!(document.malformed.iter().all(|it| 1 <= it.line && it.line <= lines), "{text:?}");
    let names: BTreeSet<&str> = document.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names.len(), document.entries.len(), "{text:?}: a name twice");

    let again = parse(&written(&document));
    assert!(again.malformed.is_empty() && again.replaced.is_empty(), "{text:?}");
    assert_eq!(
        said(&again),
        said(&document),
        "{text:?}: not the same when it is written down and read again"
    );

    let longer = parse(&format!("{text}\n{ADDED}=1"));
    let mut expected = said(&document);
    expected.push((ADDED, "1"));
    assert_eq!(said(&longer), expected, "{text:?}: another line changed what stands above it");
    assert_eq!(longer.malformed, document.malformed, "{text:?}");
}

fn said(document: &Document) -> Vec<(&str, &str)> {
    document.entries.iter().map(|entry| (entry.name.as_str(), entry.value.expose())).collect()
}

/// The document in the one form that can hold every value.
fn written(document: &Document) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    document
        .entries
        .iter()
        .map(|entry| format!("{}=\"{}\"\n", entry.name, escaped(entry.value.expose())))
        .collect()
}
