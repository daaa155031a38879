//! Keys that were found, each once, with the places.

use std::collections::BTreeMap;

use serde::Serialize;
use strongroom_client::wire::leak::CheckedKey;
use strongroom_connectors::key_pattern;
use strongroom_crypto::digest::Digest;
use strongroom_model::Secret;

use crate::cli::output::{Table, printable};

/// Places of a key that are told, at the most; the rest is counted.
const MOST_PLACES: usize = 5;

#[derive(Debug)]
pub(super) struct Places {
    kind: &'static str,
    first: Vec<String>,
    count: usize,
}

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) files: u64,
    pub(super) skipped: Vec<String>,
    pub(super) keys: Keys,
}

/// Keys in the order in which they were found, and where each stands, by its digest.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<(Secret, Places)>, BTreeMap<[u8; 32], usize>);

impl Keys {
    pub(super) fn keys(&self) -> impl Iterator<Item = &Secret> {
        self.0.iter().map(|(key, _)| key)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Findings {
    /// Notes what was not read.
    pub(super) fn skip(&mut self, what: String) {
        self.skipped.push(printable(&what).replace('\n', "\\n"));
    }

    /// Looks for keys in bytes, also when they are text in UTF-16; `place` says where one is that stands on this line.
    pub(super) fn look(&mut self, bytes: &[u8], place: impl Fn(usize) -> String) {
        let bytes = key_pattern::in_eight_bits(bytes);
        let (mut line, mut counted) = (1, 0);
        for hit in key_pattern::find(&bytes) {
            // Counted on from the hit before, so that a file of many keys takes no longer than another one.
            line += bytes[counted..hit.at].iter().filter(|byte| **byte == b'\n').count();
            counted = hit.at;
            let Keys(found, index) = &mut self.keys;
            let next = found.len();
            let mut digest = Digest::default();
            digest.update(hit.text.as_bytes());
            let at = *index.entry(digest.bytes()).or_insert(next);
            if at == next {
                found.push((Secret::from(hit.text), Places { kind: hit.kind, first: Vec::new(), count: 0 }));
            }
            let (_, places) = &mut found[at];
            places.count += 1;
            if places.first.len() < MOST_PLACES {
                // Names of files are anybody's: they do not steer a terminal in any format.
                places.first.push(printable(&place(line)).replace('\n', "\\n"));
            }
        }
    }

    pub(super) fn report(&self, ours: &Ours) -> Vec<Finding> {
        let finding = |(key, places): &(Secret, Places)| Finding {
            key: key.masked(),
            kind: places.kind.to_owned(),
            ours: ours.of(key),
            places: places.first.clone(),
            count: places.count,
        };
        self.keys.0.iter().map(finding).collect()
    }
}

/// Keys that are stored here, as far as that is known.
#[derive(Debug, Default)]
pub(super) struct Ours(Vec<(Secret, String)>);

impl Ours {
    pub(super) fn add(&mut self, key: Secret, found: &CheckedKey) {
        let mut names: Vec<_> = found.credentials.iter().map(|it| it.name.clone()).collect();
        names.extend(found.token.iter().map(|token| format!("token {}", token.id)));
        names.dedup();
        let says = if found.is_ours { names.join(", ") } else { "no".to_owned() };
        self.0.push((key, says));
    }

    fn of(&self, key: &Secret) -> Option<String> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, says)| says.clone())
    }
}

/// A key that was found, as it may be shown.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    /// The key, of which at most a quarter is shown.
    key: String,
    kind: String,
    /// The credential or token; `no`; nothing when it is not known.
    ours: Option<String>,
    places: Vec<String>,
    count: usize,
}

pub(super) fn table(findings: &Vec<Finding>) -> Table {
    let mut table = Table::new(["key", "of", "ours", "where"]);
    for finding in findings {
        let more = finding.count - finding.places.len();
        let mut places = finding.places.join(", ");
        if more > 0 {
            places.push_str(&format!(" and {more} more"));
        }
        let ours = finding.ours.clone().unwrap_or_else(|| "?".to_owned());
        table.row([finding.key.clone(), finding.kind.clone(), ours, places]);
    }
    table
}
