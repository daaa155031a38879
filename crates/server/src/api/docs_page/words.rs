//! Text: the little markup of descriptions, titles, and paths that may break.

use maud::{Markup, html};

/// A description: what stands in backticks is code.
pub(super) fn prose(text: &str) -> Markup {
    html! {
        @for (n, part) in text.split('`').enumerate() {
            @if n % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Paragraphs are separated by empty lines; other line ends are spaces.
pub(super) fn paragraphs(text: &str) -> Markup {
    html! { @for paragraph in text.split("\n\n") { p { (prose(paragraph)) } } }
}

/// A path whose parameters stand out, and which may break behind a slash.
pub(super) fn path(path: &str) -> Markup {
    html! {
        code.path {
            @for (n, segment) in path.split('/').enumerate() {
                @if n > 0 { "/" wbr; }
                @if segment.starts_with('{') { var { (segment) } } @else { (segment) }
            }
        }
    }
}

/// Returns the text with a capital.
pub(super) fn title(text: &str) -> String {
    first(text, |letter| letter.to_uppercase().collect())
}

/// Without a capital: the text goes on in the middle of a sentence.
pub(super) fn uncapital(text: &str) -> String {
    first(text, |letter| letter.to_lowercase().collect())
}

fn first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |letter| change(letter) + letters.as_str())
}
