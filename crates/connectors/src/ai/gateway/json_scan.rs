//! Ends of runs of plain characters in JSON strings.
//!
//! Most strings are short, as keys are: eight bytes at a time in a register are found faster there than any longer vector.
//! What goes on longer is left to one.

/// Bytes that are looked at eight by eight before many are at once.
const SHORT_BYTES: usize = 32;

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES << 7;

/// The highest bits of the bytes that are zero; above the first of them, of others too.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The highest bits of quotation marks and backslashes; above the first of them, of others too.
const fn marks(word: u64) -> u64 {
    zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64))
}

/// The highest bits of control characters; above the first of them, of others too.
const fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}

/// The first byte for which the highest bit is set, within the short part; else where that part ends.
#[inline]
fn first_of(text: &[u8], highest: impl Fn(u64) -> u64) -> Result<usize, usize> {
    let short = &text[..text.len().min(SHORT_BYTES)];
    let (words, rest) = short.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let found = highest(u64::from_le_bytes(*word));
        if found != 0 {
            return Ok(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    // Filled up with something plain.
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let found = highest(u64::from_le_bytes(last));
    if found != 0 { Ok(words.len() * 8 + found.trailing_zeros() as usize / 8) } else { Err(short.len()) }
}

/// Returns the place of the first quotation mark or backslash.
#[inline]
pub(super) fn mark(text: &[u8]) -> Option<usize> {
    match first_of(text, marks) {
        Ok(place) => Some(place),
        Err(seen) => memchr::memchr2(b'"', b'\\', &text[seen..]).map(|place| seen + place),
    }
}

/// Returns the place of the first quotation mark or backslash; `None` when there is none, or a control character before it.
#[inline]
pub(super) fn mark_behind_text(text: &[u8]) -> Option<usize> {
    match first_of(text, |word| marks(word) | controls(word)) {
        Ok(place) => (text[place] >= 0x20).then_some(place),
        Err(seen) => {
            let rest = &text[seen..];
            let place = memchr::memchr2(b'"', b'\\', rest)?;
            // Without an early end the compiler looks at many bytes at once.
            let has_control = rest[..place].iter().fold(false, |found, byte| found | (*byte < 0x20));
            (!has_control).then_some(seen + place)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_same_is_found_as_by_looking_at_each_byte(
            text in proptest::collection::vec(
                proptest::prop_oneof![proptest::prelude::any::<u8>(), 0x20_u8..0x80, 0x5b_u8..0x5e, 0x1e_u8..0x24], 0..80,
            ),
        ) {
            let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\');
            let place = text.iter().position(is_mark);
            assert_eq!(mark(&text), place);
            let end = place.filter(|place| text[..*place].iter().all(|byte| *byte >= 0x20));
            assert_eq!(mark_behind_text(&text), end);
        }

        #[test]
        fn one_byte_among_plain_ones_is_found_wherever_it_stands(
            plain in b' '..=0x7f_u8, found in 0..=u8::MAX, place in 0..70_usize, length in 0..70_usize,
        ) {
            proptest::prop_assume!(!matches!(plain, b'"' | b'\\'));
            let mut text = vec![plain; length];
            if let Some(byte) = text.get_mut(place) {
                *byte = found;
            }
            let is = matches!(found, b'"' | b'\\') && place < length;
            assert_eq!(mark(&text), is.then_some(place));
            assert_eq!(mark_behind_text(&text), is.then_some(place));
        }
    }
}
