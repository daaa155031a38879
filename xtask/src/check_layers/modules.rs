//! The modules of a crate and the arrows between them: read from the paths that their code names.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::SourceFile;

/// A module's place below the root of its crate: `["admission", "batcher"]`.
pub(super) type ModulePath = Vec<String>;

/// The modules of one crate, and what each names outside of itself, its ancestors and its descendants.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// For each module, the file that it is.
    files: BTreeMap<ModulePath, String>,
    /// From, to, and the item of the root where it is one.
    arrows: BTreeSet<(ModulePath, ModulePath)>,
    /// Items of the root that a module names, with the file.
    root_items: BTreeSet<(String, String)>,
}

/// Path in code: its beginning and its segments.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// Levels up from the module; `None` from the root of the crate.
    up: Option<usize>,
    segments: Vec<String>,
}

impl Modules {
    /// Reads the modules below a folder of sources; tests are left out.
    pub(super) fn read(folder: &str, files: &[SourceFile]) -> Self {
        let mut modules = Self::default();
        let mut texts = Vec::new();
        for file in files {
            let Some(inside) = file.path.strip_prefix(folder).and_then(|it| it.strip_suffix(".rs")) else {
                continue;
            };
            let path: ModulePath = match inside {
                "lib" | "main" => Vec::new(),
                inside => inside.split('/').map(ToOwned::to_owned).collect(),
            };
            if path.iter().any(|name| name == "tests") {
                continue;
            }
            modules.files.insert(path.clone(), file.path.clone());
            texts.push((path, file));
        }
        for (path, file) in texts {
            let code = file.text.split("#[cfg(test)]").next().unwrap_or_default();
            for named in named_in(&without_texts(code)) {
                modules.add(&path, &named, &file.path);
            }
        }
        modules
    }

    fn add(&mut self, from: &ModulePath, named: &Named, file: &str) {
        let mut to = match named.up {
            None => Vec::new(),
            Some(up) => from[..from.len().saturating_sub(up)].to_vec(),
        };
        let base = to.len();
        for segment in &named.segments {
            to.push(segment.clone());
            if !self.files.contains_key(&to) {
                to.pop();
                break;
            }
        }
        if to.is_empty() && base == 0 {
            // An item of the root: a child of the root may name one as its parent's, which is the same.
            if let Some(item) = named.segments.first() {
                self.root_items.insert((file.to_owned(), item.clone()));
            }
            return;
        }
        if !from.starts_with(&to) && !to.starts_with(from) {
            self.arrows.insert((from.clone(), to));
        }
    }

    /// Items of the root that files other than these name.
    pub(super) fn root_items_outside(&self, allowed: &[&str]) -> Vec<String> {
        let outside = self.root_items.iter().filter(|(file, _)| !allowed.contains(&file.as_str()));
        outside.map(|(file, item)| format!("{file}: `crate::{item}` belongs to the facade; name the room that it comes from, or hold the parts that are used")).collect()
    }

    /// The arrows between the children of each module, with everything inside of them taken together.
    fn by_level(&self) -> BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> {
        let mut levels: BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, to) in &self.arrows {
            let shared = from.iter().zip(to).take_while(|(one, other)| one == other).count();
            let (one, other) = (from[shared].clone(), to[shared].clone());
            levels.entry(from[..shared].to_vec()).or_default().entry(one).or_default().insert(other);
        }
        levels
    }

    /// Circles between modules side by side, one sentence each.
    pub(super) fn circles(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (parent, arrows) in self.by_level() {
            for circle in circles_of(&arrows) {
                let inside = if parent.is_empty() { "the crate".to_owned() } else { parent.join("::") };
                found.push(format!("a circle inside {inside}: {}", circle.join(" → ")));
            }
        }
        found
    }

    /// The rooms of the crate, and which other rooms each builds on.
    pub(super) fn rooms(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut rooms: BTreeMap<String, BTreeSet<String>> = self
            .files
            .keys()
            .filter(|path| path.len() == 1)
            .map(|path| (path[0].clone(), BTreeSet::new()))
            .collect();
        if let Some(arrows) = self.by_level().remove(&Vec::new()) {
            rooms.extend(arrows);
        }
        rooms
    }
}

/// A circle through each module that is on one, from its first name around to that again.
fn circles_of(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    for start in arrows.keys() {
        if found.iter().any(|circle| circle.contains(start)) {
            continue;
        }
        if let Some(circle) = way_back(arrows, start) {
            found.push(circle);
        }
    }
    found
}

/// The shortest way from a module back to itself.
fn way_back(arrows: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut ways = std::collections::VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| arrows.get(last)).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == start {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// Every path in the code that begins with `crate::` or `super::`.
fn named_in(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut at = 0;
    while at < code.len() {
        let rest = &code[at..];
        let is_start = code[..at].chars().next_back().is_none_or(|before| !is_name(before) && before != ':');
        if is_start && rest.starts_with("crate::") {
            at += "crate::".len();
            at += tree(&code[at..], &Vec::new(), None, &mut found);
        } else if is_start && rest.starts_with("super::") {
            let mut up = 0;
            while code[at..].starts_with("super::") {
                at += "super::".len();
                up += 1;
            }
            at += tree(&code[at..], &Vec::new(), Some(up), &mut found);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// Reads one path, or a group of them in braces; tells how many bytes that were.
fn tree(code: &str, before: &[String], up: Option<usize>, found: &mut Vec<Named>) -> usize {
    let mut segments = before.to_vec();
    let mut at = 0;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        if code[at..].starts_with('{') {
            at += 1;
            loop {
                at += code[at..].len() - code[at..].trim_start_matches([' ', '\n', ',']).len();
                if at >= code.len() || code[at..].starts_with('}') {
                    return (at + 1).min(code.len());
                }
                let read = tree(&code[at..], &segments, up, found);
                at += read.max(1);
            }
        }
        let name: String = code[at..].chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
        at += name.len();
        if !name.is_empty() && name != "self" {
            segments.push(name);
        }
        if !code[at..].starts_with("::") {
            found.push(Named { up, segments });
            return at;
        }
        at += 2;
    }
}

/// The code without comments and without what stands in quotes.
fn without_texts(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, behind)| behind);
            kept.push('\n');
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest = rest.get(rest.find("\"'").map_or(rest.len(), |end| end + 2)..).unwrap_or_default();
        } else if let Some(raw) = raw_text(rest) {
            rest = raw;
        } else if first == '"' {
            let mut is_escaped = false;
            let end = rest[1..].find(|it| {
                let is_end = it == '"' && !is_escaped;
                is_escaped = it == '\\' && !is_escaped;
                is_end
            });
            rest = end.map_or("", |end| &rest[end + 2..]);
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// Returns the text behind a raw string that begins here.
fn raw_text(code: &str) -> Option<&str> {
    let behind = code.strip_prefix('r')?;
    let hashes = behind.len() - behind.trim_start_matches('#').len();
    let text = behind[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text.split_once(end.as_str()).map_or("", |(_, behind)| behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Modules {
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: format!("crates/x/src/{path}"),
            text: (*text).to_owned(),
        };
        Modules::read("crates/x/src/", &files.iter().map(file).collect::<Vec<_>>())
    }

    #[test]
    fn a_circle_across_rooms_is_found_however_it_is_written() {
        for (one, other) in [
            ("use crate::b::Thing;", "use crate::a::{self, Other};"),
            ("use crate::{\n    c,\n    b::{inner::{Deep}, Thing},\n};", "fn f() { crate::a::g(); }"),
            ("fn f(it: &super::b::Thing) {}", "use super::a::Other;"),
        ] {
            let modules =
                read(&[("lib.rs", ""), ("a.rs", one), ("b.rs", other), ("c.rs", ""), ("b/inner.rs", "")]);
            assert_eq!(modules.circles(), ["a circle inside the crate: a → b → a"], "{one}");
        }
    }

    #[test]
    fn a_circle_of_files_deep_inside_two_rooms_is_one_of_the_rooms() {
        let modules = read(&[
            ("a.rs", ""),
            ("a/one.rs", "use crate::b::two::Two;"),
            ("b.rs", ""),
            ("b/two.rs", ""),
            ("b/three.rs", "use crate::c::C;"),
            ("c.rs", "use crate::a::A;"),
        ]);
        assert_eq!(modules.circles(), ["a circle inside the crate: a → b → c → a"]);
        let inside =
            read(&[("a.rs", ""), ("a/one.rs", "use super::two::X;"), ("a/two.rs", "use crate::a::one::Y;")]);
        assert_eq!(inside.circles(), ["a circle inside a: one → two → one"]);
    }

    #[test]
    fn parents_and_children_comments_texts_and_tests_make_none() {
        let modules = read(&[
            ("a.rs", "mod one;\nuse one::One;\nuse crate::b::B;"),
            ("a/one.rs", "use super::A;\nuse crate::a::A;"),
            (
                "b.rs",
                "// crate::a::A\nlet text = \"crate::a::A\";\nlet raw = r#\"a \"crate::a::A\"#;\nlet quote = '\"';\n#[cfg(test)]\nmod tests { use crate::a::A; }",
            ),
            ("b/tests.rs", "use crate::a::A;"),
        ]);
        assert_eq!(modules.circles(), Vec::<String>::new());
        let rooms = modules.rooms();
        assert_eq!(rooms["a"].iter().collect::<Vec<_>>(), ["b"]);
        assert!(rooms["b"].is_empty());
    }

    #[test]
    fn the_facade_is_named_where_it_is_allowed_alone() {
        let modules = read(&[
            ("lib.rs", ""),
            ("open.rs", "use crate::Facade;"),
            ("a.rs", "use crate::{b, Facade};"),
            ("b.rs", ""),
        ]);
        let said = modules.root_items_outside(&["crates/x/src/open.rs"]);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("crates/x/src/a.rs: `crate::Facade`"), "{said:?}");
    }
}
