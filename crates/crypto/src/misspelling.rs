//! Misspellings of a master key: one slip of the hand or of the eye away from a key whose fingerprint is known.

use std::fmt;

use zeroize::Zeroizing;

use crate::master_key::MasterKey;

/// One slip, by the place of the character, from 1. What would be right is not told: that is for the key's backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misspelling {
    /// This character is another one.
    Wrong(usize),
    /// This character and the next one stand in each other's place.
    Swapped(usize),
    /// A character is missing before this one, or at the end.
    Missing(usize),
    /// This character is too many.
    Extra(usize),
}

impl fmt::Display for Misspelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(at) => write!(f, "character {at} is wrong"),
            Self::Swapped(at) => write!(f, "characters {at} and {} are swapped", at + 1),
            Self::Missing(at) => write!(f, "a character is missing at place {at}"),
            Self::Extra(at) => write!(f, "character {at} is too many"),
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Finds the one slip by which this text differs from a key with one of these fingerprints: some 1,100 keys are tried.
#[must_use]
pub fn find(text: &str, fingerprints: &[String]) -> Option<Misspelling> {
    let typed = Zeroizing::new(text.trim().to_ascii_lowercase().into_bytes());
    if !(63..=65).contains(&typed.len()) {
        return None;
    }
    let is_one = |candidate: &[u8]| {
        let text = std::str::from_utf8(candidate).ok()?;
        let key = MasterKey::parse(text).ok()?;
        fingerprints.contains(&key.fingerprint()).then_some(())
    };
    // Made with room for all, so that growing leaves no copy behind.
    let mut tried = Zeroizing::new(Vec::with_capacity(66));
    let mut with = |edit: &dyn Fn(&mut Vec<u8>)| {
        tried.clear();
        tried.extend_from_slice(&typed);
        edit(&mut tried);
        is_one(&tried).is_some()
    };
    match typed.len() {
        63 => (0..=63)
            .find(|&at| DIGITS.iter().any(|&digit| with(&|text| text.insert(at, digit))))
            .map(|at| Misspelling::Missing(at + 1)),
        65 => (0..65)
            .find(|&at| {
                with(&|text| {
                    text.remove(at);
                })
            })
            .map(|at| Misspelling::Extra(at + 1)),
        _ => {
            let wrong = (0..64).find(|&at| DIGITS.iter().any(|&digit| with(&|text| text[at] = digit)));
            let mut swapped = || (0..63).find(|&at| with(&|text| text.swap(at, at + 1)));
            wrong
                .map(|at| Misspelling::Wrong(at + 1))
                .or_else(|| swapped().map(|at| Misspelling::Swapped(at + 1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_found_and_two_are_not() {
        // A fixed key, so that the places are certain: no two neighbours are alike.
        let right = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdef02468ace13579bdf";
        let fingerprints = ["x".to_owned(), MasterKey::parse(right).unwrap().fingerprint()];
        let edit = |edit: fn(&mut String)| {
            let mut text = right.to_owned();
            edit(&mut text);
            text
        };
        let found = |text: String| find(&format!(" {text}\n"), &fingerprints);
        assert_eq!(found(edit(|text| text.replace_range(16..17, "0"))), Some(Misspelling::Wrong(17)));
        assert_eq!(found(edit(|text| text.replace_range(16..17, "O"))), Some(Misspelling::Wrong(17)));
        assert_eq!(found(edit(|text| text.replace_range(0..2, "f0"))), Some(Misspelling::Swapped(1)));
        assert_eq!(found(edit(|text| text.replace_range(63..64, ""))), Some(Misspelling::Missing(64)));
        assert_eq!(found(edit(|text| text.replace_range(0..1, ""))), Some(Misspelling::Missing(1)));
        assert_eq!(found(edit(|text| text.insert(40, 'z'))), Some(Misspelling::Extra(41)));
        assert_eq!(found(edit(|text| text.replace_range(16..18, "zz"))), None);
        assert_eq!(found(edit(|text| text.replace_range(0..2, ""))), None);
        assert_eq!(find(MasterKey::generate().to_hex().expose(), &fingerprints), None);
        assert_eq!(find("ä", &fingerprints), None);
    }

    #[test]
    fn it_says_the_place_and_not_the_character() {
        let texts =
            [Misspelling::Wrong(3), Misspelling::Swapped(3), Misspelling::Missing(3), Misspelling::Extra(3)]
                .map(|slip| slip.to_string());
        assert_eq!(
            texts,
            [
                "character 3 is wrong",
                "characters 3 and 4 are swapped",
                "a character is missing at place 3",
                "character 3 is too many"
            ]
        );
    }
}
