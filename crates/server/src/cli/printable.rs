//! Texts that were stored by others, as a terminal may show them.

use strongroom_model::secret_form::is_invisible;

/// The text with its control characters (all but the line break) escaped, and those that cannot be seen or change the
/// direction of writing.
#[must_use]
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Tells whether a character would steer a terminal, or show a text as another one.
pub(super) fn steers(character: char) -> bool {
    (character.is_control() && character != '\n') || is_invisible(character)
}

/// JSON with the characters escaped that would steer a terminal; outside of its strings there are none.
pub(super) fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if steers(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same_when_what_cannot_be_seen_is_escaped() {
        let text = "a\u{202e}b\u{200b}c\u{7f}\u{e0041}é\n\"🔑";
        let shown = escaped(&serde_json::to_string_pretty(&[text]).unwrap());
        assert!(!shown.contains(is_invisible) && !shown.contains('\u{7f}'), "{shown}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&shown).unwrap(), [text]);
    }
}
