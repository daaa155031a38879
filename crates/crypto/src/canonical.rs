//! One unambiguous byte string from several fields: what AAD and MACs are made over.
//!
//! A text is its length in bytes as a 32-bit big-endian number, then its UTF-8. A number is the text of its decimal
//! form. An optional text is the byte 0, or the byte 1 and the text.

pub(crate) struct Canonical(Vec<u8>);

impl Canonical {
    /// Starts with the name of the format, so that bytes made for one purpose never serve another.
    pub(crate) fn of(format: &str) -> Self {
        Self(Vec::with_capacity(256)).text(format)
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        // Nothing that reaches this is near 4 GiB; saturating keeps even that unambiguous.
        self.0.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    pub(crate) fn number(self, number: i64) -> Self {
        self.text(&number.to_string())
    }

    pub(crate) fn optional(mut self, text: Option<&str>) -> Self {
        match text {
            None => {
                self.0.push(0);
                self
            }
            Some(text) => {
                self.0.push(1);
                self.text(text)
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_border_between_fields_changes_the_bytes() {
        let make = |a: &str, b: &str, c: Option<&str>| Canonical::of("f").text(a).text(b).optional(c).0;
        assert_ne!(make("ab", "c", None), make("a", "bc", None));
        assert_ne!(make("a", "", None), make("a", "", Some("")));
        assert_eq!(Canonical::of("f").text("é").number(-1).0, b"\0\0\0\x01f\0\0\0\x02\xc3\xa9\0\0\0\x02-1");
    }
}
