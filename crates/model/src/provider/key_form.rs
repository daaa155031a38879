//! Forms of providers' keys, by which they are found in texts.

/// Characters of a key behind its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Letters and digits.
    Plain,
    /// Digits and letters in lower case.
    LowerPlain,
    /// Letters, digits, `-` and `_`.
    Dashed,
    /// As [`Alphabet::Dashed`], with a long run of letters and digits, which hyphenated words do not have.
    DashedRun,
}

/// Key with a beginning of its own.
#[derive(Debug, Clone, Copy)]
pub struct MarkedKey {
    /// Its beginning.
    pub prefix: &'static str,
    /// Its owner: a provider's name, or another word.
    pub kind: &'static str,
    /// The shortest length with the beginning, in bytes.
    pub least: usize,
    /// The longest.
    pub most: usize,
    /// Characters behind the beginning.
    pub alphabet: Alphabet,
    /// `true` when others' servers give out keys that begin so.
    pub is_shared: bool,
}

/// Key without a mark, found behind a name that says whose key follows.
#[derive(Debug, Clone, Copy)]
pub struct UnmarkedKey {
    /// A word in the name before the key, in lower case.
    pub word: &'static str,
    /// Its owner.
    pub kind: &'static str,
    /// Its only length, in bytes.
    pub length: usize,
    /// `true` when it is hexadecimal.
    pub is_hex: bool,
}
