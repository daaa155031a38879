//! Text that cannot be printed, serialised or compared in variable time, and is wiped when dropped.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text. Only [`Secret::expose`] lets it out; every call of it is a place to review.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text; the caller keeps no copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with at most a quarter of its characters visible, never more than the first 8 and the last 4:
    /// enough to tell two keys apart, too little to use one.
    #[must_use]
    pub fn masked(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        let budget = characters.len() / 4;
        let tail = (budget / 3).min(4);
        let head = (budget - tail).min(8);
        let first: String = characters[..head].iter().collect();
        let last: String = characters[characters.len() - tail..].iter().collect();
        format!("{first}…{last}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_stars() {
        let secret = Secret::from("sk-proj-abc123");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "**** **** Some(****)");
    }

    #[test]
    fn masking_shows_at_most_a_quarter_and_never_more_than_eight_and_four() {
        for length in 0..200 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            let visible = Secret::from(text).masked().chars().count() - 1;
            assert!(visible <= length / 4 && visible <= 12, "{visible} of {length}");
        }
        let key = format!("sk-proj-{}WXYZ", "x".repeat(52));
        assert_eq!(Secret::from(key).masked(), "sk-proj-…WXYZ");
        assert_eq!(Secret::from("🔑🔑🔑").masked(), "…");
    }

    #[test]
    fn equality_is_of_the_whole_text() {
        assert_eq!(Secret::from("a"), Secret::from("a"));
        assert_ne!(Secret::from("a"), Secret::from("ab"));
    }
}
