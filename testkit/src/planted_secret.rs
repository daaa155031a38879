//! Looks for planted secrets in everything a program leaves behind: whole or partial, plain or encoded.
//!
//! Plant secrets of [`PlantedSecret::generate`] in every field, run the program, then hand every sink to a [`Scanner`]:
//! logs, answers, audit rows, metrics, database files, process arguments. A masked secret (at most its first 8 and last
//! 4 characters) is no finding; any run of [`SHORTEST_RUN`] characters of its random part is, in every [`Form`].

mod encoding;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use aho_corasick::AhoCorasick;

pub use encoding::Form;

/// How many characters of a secret's random part count as a leak.
pub const SHORTEST_RUN: usize = 12;

/// A secret that occurs nowhere but where a test puts it.
#[derive(Clone)]
pub struct PlantedSecret {
    label: String,
    prefix: String,
    random: String,
}

impl PlantedSecret {
    /// Invents one: `prefix` as the provider has it (such as `sk-proj-`), then 40 random letters and digits.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[must_use]
    pub fn generate(label: &str, prefix: &str) -> Self {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut bytes = [0_u8; 40];
        getrandom::fill(&mut bytes).expect("randomness");
        let random: String =
            bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect();
        Self::existing(label, prefix, &random)
    }

    /// One whose text is given: a public `prefix` and the part that must not be found.
    ///
    /// # Panics
    /// When the random part is shorter than [`SHORTEST_RUN`] bytes: it could occur by chance.
    #[must_use]
    pub fn existing(label: &str, prefix: &str, random: &str) -> Self {
        assert!(
            random.len() >= SHORTEST_RUN,
            "the random part of {label} is shorter than {SHORTEST_RUN} bytes"
        );
        Self { label: label.to_owned(), prefix: prefix.to_owned(), random: random.to_owned() }
    }

    /// The text to plant.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.prefix, self.random)
    }
}

/// One place where a planted secret came to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the log, file or answer.
    pub sink: String,
    /// The secret's label.
    pub secret: String,
    /// How it was written there.
    pub form: Form,
    /// Where it begins, in bytes.
    pub offset: usize,
    /// How many bytes of the random part were there in a row.
    pub run: usize,
    /// How many bytes the random part has.
    pub of: usize,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sink, secret, form, offset, run, of } = self;
        write!(f, "{sink}: secret \"{secret}\" as {form} at byte {offset} ({run} of {of} characters)")
    }
}

/// Finds a set of planted secrets in any number of sinks.
#[derive(Debug)]
pub struct Scanner {
    needles: AhoCorasick,
    meanings: Vec<Needle>,
    secrets: Vec<(String, usize)>,
}

/// What one search pattern stands for: the bytes from `start` of a secret's random part.
#[derive(Clone, Debug)]
struct Needle {
    secret: usize,
    form: Form,
    start: usize,
}

impl Scanner {
    /// Prepares the search.
    ///
    /// # Panics
    /// When the patterns of all secrets together need more memory than the search can address.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s PlantedSecret>) -> Self {
        let secrets: Vec<&PlantedSecret> = secrets.into_iter().collect();
        let mut patterns: BTreeMap<Vec<u8>, Needle> = BTreeMap::new();
        for (index, secret) in secrets.iter().enumerate() {
            for (start, window) in secret.random.as_bytes().windows(SHORTEST_RUN).enumerate() {
                for (form, pattern) in encoding::forms(window) {
                    // Where two forms write it alike, the plainer one comes first and stays.
                    patterns.entry(pattern).or_insert(Needle { secret: index, form, start });
                }
            }
        }
        let needles = AhoCorasick::new(patterns.keys()).expect("patterns of ordinary size");
        Self {
            needles,
            meanings: patterns.into_values().collect(),
            secrets: secrets.iter().map(|secret| (secret.label.clone(), secret.random.len())).collect(),
        }
    }

    /// Searches bytes at hand; `sink` names them in the findings.
    #[must_use]
    pub fn scan(&self, sink: &str, bytes: &[u8]) -> Vec<Finding> {
        let mut runs: Vec<Run> = Vec::new();
        for found in self.needles.find_overlapping_iter(bytes) {
            let needle = &self.meanings[found.pattern().as_usize()];
            let continued = runs.iter_mut().rev().find(|run| run.continues(needle, found.start()));
            match continued {
                Some(run) => run.extend(needle, found.end()),
                None => runs.push(Run::new(needle, found.start(), found.end())),
            }
        }
        runs.into_iter().map(|run| self.finding(sink, &run)).collect()
    }

    fn finding(&self, sink: &str, run: &Run) -> Finding {
        let (label, length) = &self.secrets[run.secret];
        Finding {
            sink: sink.to_owned(),
            secret: label.clone(),
            form: run.form,
            offset: run.offset,
            run: run.last - run.first + SHORTEST_RUN,
            of: *length,
        }
    }

    /// Searches a file's bytes, or every file below a folder, their names included.
    ///
    /// # Panics
    /// When something there cannot be read: an unread sink proves nothing.
    #[must_use]
    pub fn scan_path(&self, path: &Path) -> Vec<Finding> {
        self.read_and_scan(path).unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()))
    }

    fn read_and_scan(&self, path: &Path) -> io::Result<Vec<Finding>> {
        let kind = fs::symlink_metadata(path)?.file_type();
        if kind.is_file() {
            return Ok(self.scan(&path.display().to_string(), &fs::read(path)?));
        }
        let mut findings = Vec::new();
        if kind.is_dir() {
            for entry in fs::read_dir(path)? {
                let entry = entry?;
                let sink = format!("name of {}", entry.path().display());
                findings.extend(self.scan(&sink, entry.file_name().as_encoded_bytes()));
                findings.extend(self.read_and_scan(&entry.path())?);
            }
        }
        Ok(findings)
    }

    /// Fails the test with every finding, one per line.
    ///
    /// # Panics
    /// When there is one.
    pub fn assert_none(findings: &[Finding]) {
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "planted secrets came to light:\n{}", lines.join("\n"));
    }
}

/// Neighbouring windows of one secret, found one after the other, seen as one leak.
struct Run {
    secret: usize,
    form: Form,
    first: usize,
    last: usize,
    offset: usize,
    end: usize,
}

impl Run {
    fn new(needle: &Needle, offset: usize, end: usize) -> Self {
        Self {
            secret: needle.secret,
            form: needle.form,
            first: needle.start,
            last: needle.start,
            offset,
            end,
        }
    }

    /// Tells whether `needle`, found at `offset`, is a neighbouring window in the same place: the next one, or the one before
    /// it (backwards text), or the one after it (base64: two windows may end at the same digit, in either order).
    fn continues(&self, needle: &Needle, offset: usize) -> bool {
        let neighbour = needle.start + 1 >= self.first && needle.start <= self.last + 2;
        self.secret == needle.secret && self.form == needle.form && neighbour && offset <= self.end
    }

    fn extend(&mut self, needle: &Needle, end: usize) {
        self.first = self.first.min(needle.start);
        self.last = self.last.max(needle.start);
        self.end = self.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "Zq7fJ2mXw9Lk4Tn8Vb3Rc6Hs1Dp5Gy0AeUoIiQzW";

    fn planted() -> PlantedSecret {
        PlantedSecret::existing("openai", "sk-proj-", RANDOM)
    }

    fn found(bytes: impl AsRef<[u8]>) -> Vec<(Form, usize)> {
        let scanner = Scanner::new([&planted()]);
        scanner.scan("sink", bytes.as_ref()).into_iter().map(|finding| (finding.form, finding.run)).collect()
    }

    #[test]
    fn a_whole_secret_is_one_finding_with_its_place() {
        let text = format!("key={} and more", planted().text());
        let findings = Scanner::new([&planted()]).scan("server.log", text.as_bytes());
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].to_string(),
            "server.log: secret \"openai\" as plain text at byte 12 (40 of 40 characters)"
        );
    }

    #[test]
    fn a_run_of_twelve_counts_and_a_masked_secret_does_not() {
        assert_eq!(found(&RANDOM[20..32]), [(Form::Plain, 12)]);
        assert_eq!(found(&RANDOM[20..31]), []);
        let text = planted().text();
        assert_eq!(found(format!("{}…{}", &text[..8], &text[text.len() - 4..])), []);
    }

    #[test]
    fn two_copies_are_two_findings() {
        assert_eq!(found(format!("{RANDOM} {RANDOM}")), [(Form::Plain, 40), (Form::Plain, 40)]);
    }

    #[test]
    fn each_of_several_secrets_is_named() {
        let other = PlantedSecret::existing("groq", "gsk_", "ABCDEFGHIJKLMNOPQRST");
        let text = format!("{}{}", planted().text(), other.text());
        let findings = Scanner::new([&planted(), &other]).scan("sink", text.as_bytes());
        let labels: Vec<&str> = findings.iter().map(|finding| finding.secret.as_str()).collect();
        assert_eq!(labels, ["openai", "groq"]);
    }

    #[test]
    fn folders_are_searched_to_the_bottom_and_by_file_name() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("a/b")).expect("folders");
        fs::write(folder.path().join("a/b/page"), [b"\0\x01", RANDOM.as_bytes()].concat()).expect("a file");
        fs::write(folder.path().join(format!("{RANDOM}.tmp")), "").expect("a file");
        let mut findings = Scanner::new([&planted()]).scan_path(folder.path());
        findings.sort_by(|one, other| one.sink.cmp(&other.sink));
        assert_eq!(findings.len(), 2);
        assert!(findings[0].sink.ends_with("a/b/page"));
        assert!(findings[1].sink.starts_with("name of "));
    }

    #[test]
    #[should_panic(expected = "sink: secret \"openai\" as plain text")]
    fn a_finding_fails_the_test() {
        Scanner::assert_none(&Scanner::new([&planted()]).scan("sink", RANDOM.as_bytes()));
    }

    #[test]
    fn invented_secrets_differ() {
        let secret = PlantedSecret::generate("a", "sk-");
        assert_eq!(secret.text().len(), 43);
        assert_ne!(secret.text(), PlantedSecret::generate("a", "sk-").text());
    }

    #[test]
    #[should_panic(expected = "shorter than 12")]
    fn a_short_secret_is_refused() {
        let _ = PlantedSecret::existing("short", "", "hunter2");
    }
}
