//! Text that enters the ledger: bounded, printable, the same on every database.

use std::fmt;

/// A name in the ledger: of a model, an actor, a request. At most [`LedgerText::MAX_BYTES`] bytes of printable ASCII.
///
/// Callers and providers write any text where a name belongs: megabytes, line breaks, NUL (which PostgreSQL does not
/// store), characters that turn a terminal's text around. None of that gets past this type.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerText(String);

impl LedgerText {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 128;
    /// Stands for all names that nobody knows: one name, however many there are.
    pub const OTHER: &'static str = "(other)";

    /// This name as it is; `None` when it is none that the ledger takes.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }

    /// Something that we name ourselves, as far as it can be shown: other characters become `?`, and the end is cut off.
    #[must_use]
    pub fn shown(text: String) -> Self {
        if is_name(&text) {
            return Self(text);
        }
        let printable =
            |letter: char| if letter.is_ascii() && is_printable(letter as u8) { letter } else { '?' };
        Self(text.chars().take(Self::MAX_BYTES).map(printable).collect())
    }

    /// The one name for all that nobody knows.
    #[must_use]
    pub fn other() -> Self {
        Self(Self::OTHER.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LedgerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Without an early end, so that the compiler looks at many bytes at once.
fn is_name(text: &str) -> bool {
    text.len() <= LedgerText::MAX_BYTES
        && text.bytes().fold(true, |is_name, byte| is_name & is_printable(byte))
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e)
}

/// A provider's own usage figures as compact JSON, kept so that a call can be priced again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawUsage(String);

impl RawUsage {
    /// The longest figures that are kept, in bytes: providers write a few hundred.
    pub const MAX_BYTES: usize = 4 * 1024;

    /// These figures; `None` when they are longer than is kept, or hold a character that no JSON text has.
    #[must_use]
    pub fn of(json: String) -> Option<Self> {
        // Nearly all are ASCII, of which many bytes are looked at at once.
        let is_plain = |json: &str| json.bytes().fold(true, |is_plain, byte| is_plain & is_printable(byte));
        let is_kept =
            json.len() <= Self::MAX_BYTES && (is_plain(&json) || !json.chars().any(char::is_control));
        is_kept.then_some(Self(json))
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_short_and_printable_or_none() {
        let long = "m".repeat(LedgerText::MAX_BYTES);
        for name in
            ["", "gpt-4o", "ft:gpt-4o:acme::7qTVM5AR", "meta-llama/llama-3:free", LedgerText::OTHER, &long]
        {
            assert_eq!(LedgerText::named(name).unwrap().as_str(), name);
        }
        for none in ["a\0b", "a\nb", "a\u{202e}b", "modèle", "\u{7f}", &format!("{long}m")] {
            assert_eq!(LedgerText::named(none), None, "{none:?}");
        }
        assert_eq!(LedgerText::shown("local:zo\u{eb}\0".to_owned()).as_str(), "local:zo??");
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_a_name(text: String) {
            let shown = LedgerText::shown(text.clone());
            prop_assert_eq!(LedgerText::named(shown.as_str()), Some(shown.clone()));
            if let Some(name) = LedgerText::named(&text) {
                prop_assert_eq!(name, shown);
            }
        }

        #[test]
        fn raw_figures_hold_no_control_character(text: String) {
            if let Some(raw) = RawUsage::of(text) {
                prop_assert!(!raw.as_str().contains('\0') && raw.as_str().len() <= RawUsage::MAX_BYTES);
            }
        }
    }
}
