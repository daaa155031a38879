//! Keys that were found, each once, with the places.

use std::collections::BTreeMap;

use serde::Serialize;
use strongroom_client::wire::leak::CheckedKey;
use strongroom_connectors::key_pattern;
use strongroom_crypto::digest::Digest;
use strongroom_model::Secret;

use super::unpacked::{is_archive, is_packed, unpacked};
use crate::cli::output::Table;
use crate::cli::printable::printable;

/// Places of a key that a table shows; JSON and YAML list all that are kept.
const SHOWN_PLACES: usize = 5;

/// Places of a key that are kept, and those of all keys together; the rest is counted.
const MOST_PLACES: usize = 10_000;
const MOST_PLACES_IN_ALL: usize = 200_000;

#[derive(Debug)]
pub(super) struct Places {
    kind: &'static str,
    kept: Vec<String>,
    count: usize,
}

/// Findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) files: u64,
    /// Files that hold others, packed in a way that is not taken off here.
    pub(super) archives: u64,
    pub(super) skipped: Vec<String>,
    pub(super) keys: Keys,
    places: usize,
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

    /// Looks for keys in bytes, also when they are text in UTF-16 or UTF-32, or packed by gzip, within base64 and with escapes;
    /// `place` says where one is that stands on this line.
    pub(super) fn look(&mut self, bytes: &[u8], place: impl Fn(usize) -> String) {
        let unpacked = unpacked(bytes);
        if unpacked.as_ref().is_some_and(|it| !it.is_whole) {
            self.skip(format!("{} is packed and could not be read to its end", place(1)));
        }
        let inside = unpacked.as_ref().map_or(bytes, |it| it.bytes.as_slice());
        if is_archive(inside) || (unpacked.is_some() && is_packed(inside)) {
            self.archives += 1;
        }
        let bytes = key_pattern::in_eight_bits(inside);
        let encoded = key_pattern::find_encoded(&bytes);
        let encoded = encoded.iter().map(|hit| (hit.at, hit.kind, hit.key.expose()));
        let escaped = key_pattern::find_escaped(&bytes);
        let escaped = escaped.iter().map(|hit| (hit.range.start, hit.kind, hit.key.expose()));
        let plain = key_pattern::find(&bytes).into_iter().map(|hit| (hit.at, hit.kind, hit.text));
        let mut hits: Vec<_> = plain.chain(encoded).chain(escaped).collect();
        hits.sort_by_key(|(at, ..)| *at);
        let (mut line, mut counted) = (1, 0);
        for (at, kind, key) in hits {
            // Counted on from the hit before, so that a file of many keys takes no longer than another one.
            line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
            counted = at;
            self.add(kind, key, || place(line));
        }
    }

    /// Looks for keys in the name of a file, a folder or a branch.
    pub(super) fn look_at_name(&mut self, name: &str, whole: &dyn Fn() -> String) {
        for hit in key_pattern::find(name.as_bytes()) {
            self.add(hit.kind, hit.text, || format!("{} (in the name)", whole()));
        }
        for hit in key_pattern::find_escaped(name.as_bytes()) {
            self.add(hit.kind, hit.key.expose(), || format!("{} (in the name)", whole()));
        }
    }

    fn add(&mut self, kind: &'static str, key: &str, place: impl Fn() -> String) {
        let Keys(found, index) = &mut self.keys;
        let next = found.len();
        let mut digest = Digest::default();
        digest.update(key.as_bytes());
        let at = *index.entry(digest.bytes()).or_insert(next);
        if at == next {
            found.push((Secret::from(key), Places { kind, kept: Vec::new(), count: 0 }));
        }
        let (_, places) = &mut found[at];
        places.count += 1;
        let has_room = places.kept.len() < MOST_PLACES && self.places < MOST_PLACES_IN_ALL;
        if has_room || places.kept.len() < SHOWN_PLACES {
            // Names of files are anybody's: they do not steer a terminal in any format, nor show a key whole.
            places.kept.push(printable(&key_pattern::masked(&place())).replace('\n', "\\n"));
            self.places += 1;
        }
    }

    pub(super) fn report(&self, ours: &Ours) -> Vec<Finding> {
        let finding = |(key, places): &(Secret, Places)| Finding {
            key: key.masked(),
            kind: places.kind.to_owned(),
            ours: ours.of(key),
            places: places.kept.clone(),
            count: places.count,
            omitted: places.count - places.kept.len(),
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
    /// Places beside those that are listed.
    omitted: usize,
}

pub(super) fn table(findings: &Vec<Finding>) -> Table {
    let mut table = Table::new(["key", "of", "ours", "where"]);
    for finding in findings {
        let shown = &finding.places[..finding.places.len().min(SHOWN_PLACES)];
        let more = finding.count - shown.len();
        let mut places = shown.join(", ");
        if more > 0 {
            places.push_str(&format!(" and {more} more"));
        }
        let ours = finding.ours.clone().unwrap_or_else(|| "?".to_owned());
        table.row([finding.key.clone(), finding.kind.clone(), ours, places]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-proj-canary0123456789abcdefghijklmnopqrstuvwxyz";

    #[test]
    fn all_places_are_listed_up_to_a_bound_and_the_rest_is_counted() {
        let mut findings = Findings::default();
        findings.look(format!("{KEY}\n").repeat(MOST_PLACES + 7).as_bytes(), |line| format!("a:{line}"));
        let report = findings.report(&Ours::default());
        let [Finding { places, count, omitted, .. }] = report.as_slice() else { panic!("{}", report.len()) };
        assert_eq!((places.len(), *count, *omitted), (MOST_PLACES, MOST_PLACES + 7, 7));
        assert_eq!(places.last().map(String::as_str), Some("a:10000"));
        let shown = table(&report).to_string();
        assert!(shown.contains("a:5 and 10002 more") && !shown.contains("a:6"), "{shown}");
    }

    #[test]
    fn keys_in_base64_gzip_and_names_are_found_on_their_lines() {
        use base64::Engine as _;
        use std::io::Write as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(KEY);
        let text = format!("data:\n  OPENAI_API_KEY: {encoded}\n  OTHER: {KEY}\n");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        for bytes in [text.as_bytes(), &packed] {
            let mut findings = Findings::default();
            findings.look(bytes, |line| format!("a:{line}"));
            findings.look_at_name(KEY, &|| format!("dir/{KEY}"));
            let report = serde_json::to_value(findings.report(&Ours::default())).unwrap();
            assert_eq!(report.as_array().map(Vec::len), Some(1), "{report}");
            let places = report[0]["places"].to_string();
            assert_eq!(places, r#"["a:2","a:3","dir/[key of openai] (in the name)"]"#);
        }
        let mut findings = Findings::default();
        for beginning in ["PK\u{3}\u{4}", "BZh91AY", "7z\u{bc}\u{af}", "Rar!\u{1a}\u{7}"] {
            let bytes: Vec<u8> =
                beginning.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
            findings.look(&[&bytes[..], &[0x27, 0x1c, 7, 8]].concat(), |_| String::new());
        }
        findings.look(b"PKG = 1", |_| String::new());
        findings.look(KEY.replace('-', "%2D").as_bytes(), |line| format!("a:{line}"));
        assert_eq!((findings.archives, findings.keys.len()), (4, 1), "{findings:?}");
        let mut findings = Findings::default();
        findings.look(&packed[..packed.len() - 12], |line| format!("a:{line}"));
        assert!(
            findings.skipped[0].contains("a:1 is packed and could not be read to its end"),
            "{findings:?}"
        );
    }
}
