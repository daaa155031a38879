//! Texts that people or programs chose, shown so that they can neither reorder nor hide what stands around them.

use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters that control the direction of text or take no place, by which one name can be made to look like another.
const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text with whatever cannot be seen written out.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_hidden(character) {
            shown.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// A name, in a direction of its own. A long one is cut by the stylesheet, and whole where the pointer rests.
pub(crate) fn name(text: &str) -> Markup {
    let shown = visible(text);
    html! { bdi.name title=[(shown.chars().count() > 24).then_some(&shown)] { (shown) } }
}

/// Everything but what has no meaning anywhere in an address (RFC 3986, 2.3).
const NOT_UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text in a query of an address.
pub(crate) fn in_query(text: &str) -> String {
    utf8_percent_encode(text, &NOT_UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_what_hides_or_reorders_is_written_out() {
        assert_eq!(name("<b>&\"").into_string(), r#"<bdi class="name">&lt;b&gt;&amp;&quot;</bdi>"#);
        assert_eq!(visible("a\u{202e}b\u{1b}[31m\u{200b}"), "a\\u{202e}b\\u{1b}[31m\\u{200b}");
        assert_eq!(visible("שלום é 🔑"), "שלום é 🔑");
        assert!(name(&"x".repeat(200)).into_string().contains("title="));
    }

    #[test]
    fn nothing_leaves_its_place_in_a_query() {
        assert_eq!(in_query("a&b=c#d é"), "a%26b%3Dc%23d%20%C3%A9");
        assert_eq!(in_query("2026-01-31_~.\"'<+"), "2026-01-31_~.%22%27%3C%2B");
    }
}
