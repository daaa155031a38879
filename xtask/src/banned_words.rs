//! Words that say nothing to a newcomer, counted per file: their number can only fall.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// Words and phrases, in lower case. The field has a better one for each: see `docs/glossary.md`.
const WORDS: [&str; 10] = [
    "till",
    "desk",
    "courtesy",
    "keeper",
    "illness",
    "by heart",
    "anew",
    "of two minds",
    "the house",
    "the mission",
];

/// Endings of the files that are read.
const EXTENSIONS: [&str; 4] = ["rs", "md", "toml", "sql"];

/// Folders whose files stay as they are: built, fetched, applied to databases, or recorded from others.
const LEFT_OUT: [&str; 5] = ["target", "node_modules", "migrations", "golden", "corpus"];

/// The file that names the words, in the workspace.
const OWN: &str = "xtask/src/banned_words.rs";

/// File with the present numbers, in the workspace.
pub(crate) const BASELINE: &str = "xtask/banned-words.txt";

/// Occurrences by file; files without one are left out.
pub(crate) type Counts = BTreeMap<String, usize>;

/// Counts the occurrences in the whole workspace: in names of files and in their text.
pub(crate) fn count(root: &Path) -> Result<Counts> {
    let mut counts = Counts::new();
    count_below(root, root, &mut counts)?;
    Ok(counts)
}

fn count_below(root: &Path, folder: &Path, counts: &mut Counts) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !LEFT_OUT.contains(&name.as_str()) {
                count_below(root, &path, counts)?;
            }
        } else if path.extension().is_some_and(|it| EXTENSIONS.iter().any(|extension| it == *extension)) {
            let parts = path.strip_prefix(root)?.components().map(|part| part.as_os_str().to_string_lossy());
            let relative = parts.collect::<Vec<_>>().join("/");
            let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let found = occurrences(&relative) + text.lines().map(occurrences).sum::<usize>();
            if found > 0 && relative != OWN {
                counts.insert(relative, found);
            }
        }
    }
    Ok(())
}

/// Occurrences in a line: as whole words, also as part of a name (`node_keeper`, `ReadDesk`).
fn occurrences(line: &str) -> usize {
    let mut spaced = String::from(" ");
    let mut was_lower = false;
    for char in line.chars() {
        if was_lower && char.is_uppercase() {
            spaced.push(' ');
        }
        was_lower = char.is_lowercase();
        if char.is_alphanumeric() {
            spaced.extend(char.to_lowercase());
        } else if !spaced.ends_with(' ') {
            spaced.push(' ');
        }
    }
    spaced.push(' ');
    // A blank is shared by neighbours: `till till` are two.
    let spaced = spaced.replace(' ', "  ");
    WORDS.iter().map(|word| spaced.matches(&format!(" {} ", word.replace(' ', "  "))).count()).sum()
}

/// Differences between what is there and the kept numbers, one sentence each.
pub(crate) fn breaches(counts: &Counts, kept: &Counts) -> Vec<String> {
    let files: std::collections::BTreeSet<&String> = counts.keys().chain(kept.keys()).collect();
    let number = |of: &Counts, file: &String| of.get(file).copied().unwrap_or_default();
    let differs = |file: &&String| number(counts, file) != number(kept, file);
    let sentence = |file: &String| {
        let (now, before) = (number(counts, file), number(kept, file));
        let remedy = if now > before {
            "say it in the field's words, see docs/glossary.md"
        } else {
            "fewer: write that down with `REGENERATE=1 cargo test -p xtask banned_words`"
        };
        format!("{file}: {now} banned words, {before} in {BASELINE}; {remedy}")
    };
    files.into_iter().filter(differs).map(sentence).collect()
}

/// Reads the kept numbers.
pub(crate) fn kept(root: &Path) -> Result<Counts> {
    let text = fs::read_to_string(root.join(BASELINE)).with_context(|| format!("reading {BASELINE}"))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Counts> {
    let mut counts = Counts::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((number, file)) = line.split_once(' ') else { bail!("{BASELINE}: no number in `{line}`") };
        let number = number.parse().with_context(|| format!("{BASELINE}: `{line}`"))?;
        ensure!(counts.insert(file.to_owned(), number).is_none(), "{BASELINE}: {file} stands there twice");
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use strongroom_testkit::real_parts::workspace_root;

    use super::*;

    const HEAD: &str = "# Occurrences of banned words that are still there, by file. Written by\n\
                        # `REGENERATE=1 cargo test -p xtask banned_words`, which refuses a larger sum.\n";

    fn sum(counts: &Counts) -> usize {
        counts.values().sum()
    }

    #[test]
    fn banned_words_only_become_fewer() {
        let root = workspace_root();
        let counts = count(&root).unwrap();
        let before = kept(&root).unwrap();
        if std::env::var_os("REGENERATE").is_some() {
            assert!(sum(&counts) <= sum(&before), "{}", breaches(&counts, &before).join("\n"));
            let rows = counts.iter().map(|(file, number)| format!("{number} {file}\n"));
            fs::write(root.join(BASELINE), HEAD.to_owned() + &rows.collect::<String>()).unwrap();
            return;
        }
        let breaches = breaches(&counts, &before);
        assert!(breaches.is_empty(), "{}", breaches.join("\n"));
    }

    #[test]
    fn a_word_is_found_whole_and_in_names_and_not_within_others() {
        for (line, number) in [
            ("until it is still", 0),
            ("the till, till it", 2),
            ("Till till", 2),
            ("fn node_keeper(desk: ReadDesk)", 3),
            ("sealed anew; by heart", 2),
            ("THE  HOUSE of two minds", 2),
            ("bookkeeper, desktop, the households", 0),
        ] {
            assert_eq!(occurrences(line), number, "{line}");
        }
    }

    #[test]
    fn more_and_fewer_are_both_told_of() {
        let of = |text| parse(text).unwrap();
        let told = breaches(&of("2 a.rs\n1 new.rs\n"), &of("# head\n3 a.rs\n1 same.md\n"));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("a.rs: 2 banned words, 3 in"), "{told:?}");
        assert!(told[1].contains("new.rs: 1 banned words, 0 in") && told[1].contains("glossary"), "{told:?}");
        assert!(breaches(&of("1 a.rs\n"), &of("1 a.rs\n")).is_empty());
        assert!(parse("1 a.rs\n2 a.rs\n").is_err() && parse("x a.rs\n").is_err());
    }
}
