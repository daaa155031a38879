//! Parts of a key, and keys that are written apart: in capital letters, with signs between the letters, as a list of letters or of
//! their numbers, and within base64.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

/// Letters and digits of a key in a row that are as much as nobody is to be told. Providers show fewer of its beginning and end.
const PART_BYTES: usize = 12;
/// The same of a key in hexadecimal digits, and in base64.
const CODED_PART_BYTES: usize = 24;
/// Different letters that a part has at the least: one again and again is anybody's.
const MIN_DIFFERENT: usize = 4;

/// Base64 that begins anywhere, with whatever stands behind its end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);
/// The shortest run of base64 that is looked into.
const MIN_RUN_BYTES: usize = 16;

/// The letters and digits of a key, and of its codings, without what stands between.
pub(super) struct Parts(Vec<Part>);

struct Part {
    letters: Vec<u8>,
    /// How many in a row count.
    least: usize,
}

impl Parts {
    pub(super) fn of(key: &[u8], codings: &[Vec<u8>]) -> Self {
        let part = |text: &[u8], least: usize| {
            let letters = Reduced::letters(text).seen;
            let least = least.min(letters.len());
            (least >= PART_BYTES.min(8)).then_some(Part { letters, least })
        };
        let coded = codings.iter().filter_map(|coding| part(coding, CODED_PART_BYTES));
        Self(part(key, PART_BYTES).into_iter().chain(coded).collect())
    }

    /// Tells the places of parts.
    pub(super) fn find(&self, text: &[u8], tell: &mut dyn FnMut(Range<usize>)) {
        let letters = Reduced::letters(text);
        self.0.iter().for_each(|part| part.find(&letters, tell));
        let codes = Reduced::codes(text);
        if let Some(key) = self.0.first().filter(|key| codes.seen.len() >= key.least) {
            let within = Reduced::letters(&codes.seen);
            key.find(&within, &mut |range| tell(codes.range(range)));
        }
    }
}

impl Part {
    fn find(&self, text: &Reduced, tell: &mut dyn FnMut(Range<usize>)) {
        // What is as long as a part has one of these within, wherever it begins.
        let length = (self.least / 2).max(1);
        let mut start = 0;
        while start + length <= self.letters.len() {
            let piece = &self.letters[start..start + length];
            let mut told = 0;
            for at in memmem::find_iter(&text.seen, piece) {
                if at < told {
                    continue;
                }
                let before = |(one, other): &(&u8, &u8)| one == other;
                let back = self.letters[..start].iter().rev().zip(text.seen[..at].iter().rev());
                let from = at - back.take_while(before).count();
                let ahead = self.letters[start..].iter().zip(&text.seen[at..]);
                let to = at + ahead.take_while(before).count();
                if to - from >= self.least && is_varied(&text.seen[from..to]) {
                    tell(text.range(from..to));
                    told = to;
                }
            }
            start += length;
        }
    }
}

fn is_varied(text: &[u8]) -> bool {
    let different = |at: &usize| !text[..*at].contains(&text[*at]);
    (0..text.len()).filter(different).take(MIN_DIFFERENT).count() == MIN_DIFFERENT
}

/// Some of a text, and where each byte of it stands there.
struct Reduced {
    seen: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Reduced {
    /// Its letters and digits, in lower case.
    fn letters(text: &[u8]) -> Self {
        let kept = text.iter().enumerate().filter(|(_, byte)| byte.is_ascii_alphanumeric());
        let (seen, places) = kept.map(|(at, byte)| (byte.to_ascii_lowercase(), at..at + 1)).unzip();
        Self { seen, places }
    }

    /// The characters whose numbers it has, in decimal digits.
    fn codes(text: &[u8]) -> Self {
        let mut reduced = Self { seen: Vec::new(), places: Vec::new() };
        let mut at = 0;
        while let Some(begins) = text[at..].iter().position(u8::is_ascii_digit) {
            let start = at + begins;
            let digits = text[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number =
                std::str::from_utf8(&text[start..start + digits]).ok().and_then(|it| it.parse().ok());
            if let Some(byte) = number.filter(u8::is_ascii_graphic) {
                reduced.seen.push(byte);
                reduced.places.push(start..start + digits);
            }
            at = start + digits;
        }
        reduced
    }

    fn range(&self, of: Range<usize>) -> Range<usize> {
        self.places[of.start].start..self.places[of.end - 1].end
    }
}

/// Tells what is in the runs of base64 of a text, of either alphabet and broken into lines or not.
pub(super) fn decoded(text: &[u8], tell: &mut dyn FnMut(Range<usize>, &[u8])) {
    let is_coded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let mut run = Vec::new();
        while at < text.len() && (is_coded(text[at]) || (!run.is_empty() && b"\r\n".contains(&text[at]))) {
            match text[at] {
                b'-' => run.push(b'+'),
                b'_' => run.push(b'/'),
                b'\r' | b'\n' => {}
                byte => run.push(byte),
            }
            at += 1;
        }
        // One character alone is no byte.
        let whole = if run.len() % 4 == 1 { run.len() - 1 } else { run.len() };
        if whole >= MIN_RUN_BYTES
            && let Ok(decoded) = LENIENT.decode(&run[..whole])
        {
            tell(start..at, &decoded);
        }
        at += 1;
    }
}

/// Bytes of a piece: of what two texts share that is as long as a part, one of them has a whole one, wherever it begins.
const PIECE_BYTES: usize = 6;

/// A key, prepared to tell fast that a text holds no part of it as it is.
pub(super) struct Pieces<'k> {
    key: &'k [u8],
    /// A bit for every three bytes in a row, by what they come to.
    triples: [u64; 16],
}

impl<'k> Pieces<'k> {
    pub(super) fn of(key: &'k [u8]) -> Self {
        let mut triples = [0; 16];
        for triple in key.windows(3) {
            if let [one, two, three] = *triple {
                let (word, bit) = place(one, two, three);
                triples[word] |= bit;
            }
        }
        Self { key, triples }
    }

    /// Tells whether a text may hold a part.
    pub(super) fn may_be_in(&self, text: &[u8]) -> bool {
        let is_known = |one, two, three| {
            let (word, bit) = place(one, two, three);
            self.triples[word] & bit != 0
        };
        may_have_part(text)
            && text.as_chunks::<PIECE_BYTES>().0.iter().any(|piece| {
                let [a, b, c, d, e, f] = *piece;
                is_known(a, b, c) && is_known(d, e, f) && memmem::find(self.key, piece).is_some()
            })
    }
}

fn place(one: u8, two: u8, three: u8) -> (usize, u64) {
    let sum = (usize::from(one) * 37 + usize::from(two)) * 37 + usize::from(three);
    (sum / 64 % 16, 1 << (sum % 64))
}

/// Tells whether a text is as long as a part.
pub(super) fn may_have_part(text: &[u8]) -> bool {
    text.len() >= PART_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_holds_a_part_is_never_passed_over() {
        let key = b"sk-proj-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";
        for length in PART_BYTES..=key.len() {
            for from in 0..=key.len() - length {
                for before in 0..7 {
                    let text = [&b"req_0123"[..before], &key[from..from + length], b"!"].concat();
                    assert!(Pieces::of(key).may_be_in(&text), "{:?}", String::from_utf8_lossy(&text));
                }
            }
        }
        for text in ["", "req_0f3ac91be87d24560f3ac91be87d2456", "Mon, 30 Nov 2026 15:04:20 GMT"] {
            assert!(!Pieces::of(key).may_be_in(text.as_bytes()), "{text}");
        }
    }
}
