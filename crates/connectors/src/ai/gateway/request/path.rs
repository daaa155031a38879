//! Names of places in a body, for errors.

/// The longest part of a name that is repeated in an error, and the longest name.
const MAX_STEP_CHARS: usize = 40;
const MAX_PATH_CHARS: usize = 120;

/// Path of a value in the body.
#[derive(Debug)]
pub(super) struct Path<'p> {
    pub(super) up: Option<&'p Path<'p>>,
    pub(super) step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'p> {
    Known(&'static str),
    Unknown(&'p [u8]),
    Item(usize),
}

impl<'p> Path<'p> {
    pub(super) const fn item(&'p self, place: usize) -> Self {
        Path { up: Some(self), step: Step::Item(place) }
    }

    /// For an error: a part of it that no field of any provider has is shown as far as it is a plain name.
    pub(super) fn shown(&self) -> String {
        let mut shown = self.up.map(Self::shown).unwrap_or_default();
        if shown.len() > MAX_PATH_CHARS {
            return shown;
        }
        match self.step {
            Step::Item(place) => {
                shown.push_str(&format!("[{place}]"));
                return shown;
            }
            _ if shown.is_empty() => (),
            _ => shown.push('.'),
        }
        match self.step {
            Step::Known(name) => shown.push_str(name),
            Step::Unknown([]) => shown.push('?'),
            Step::Unknown(name) => {
                let plain = |byte: &u8| match byte {
                    b'_' | b'-' | b'$' | b'.' => char::from(*byte),
                    byte if byte.is_ascii_alphanumeric() => char::from(*byte),
                    _ => '?',
                };
                shown.extend(name.iter().take(MAX_STEP_CHARS).map(plain));
            }
            Step::Item(_) => (),
        }
        shown
    }
}
