//! Assignments as other files write them: cmd, PowerShell, fish, csh, Dockerfile, Compose, YAML and JSON.

use super::{Found, check_name, closing, split_line, value};
use strongroom_model::Secret;

/// Words before a name, in lower case. Behind the second kind a blank may stand in place of the sign.
const WORDS: [(&str, bool); 14] = [
    ("set -gx ", true),
    ("set -ux ", true),
    ("set -x ", true),
    ("set ", false),
    ("setx ", true),
    ("setenv ", true),
    ("env ", true),
    ("arg ", false),
    ("declare -x ", false),
    ("typeset -x ", false),
    ("export ", false),
    ("-e ", false),
    ("--env ", false),
    ("$env:", false),
];

/// Reads the assignment on `line`, which is the first line of `text`; `None` when it is none of these forms either.
pub(super) fn assignment<'t>(line: &'t str, text: &'t str) -> Option<Found<'t>> {
    let start = line.trim_start().trim_start_matches('@');
    let start = start.strip_prefix("- ").unwrap_or(start).trim_start();
    let (start, may_be_blank) = without_word(start);
    if let Some(quote) = start.chars().next().filter(|first| "\"'".contains(*first)) {
        return quoted(line, text, &start[1..], quote);
    }
    let end =
        start.find(|character: char| character == '=' || character == ':' || character.is_whitespace())?;
    let (name, rest) = start.split_at(end);
    check_name(name).ok()?;
    let after = match rest.trim_start().strip_prefix('=') {
        Some(after) => after,
        // YAML wants a blank behind the colon; without it this may be an address.
        None => match rest.strip_prefix(':') {
            Some(after) if after.starts_with([' ', '\t']) => after,
            None if may_be_blank && !rest.trim().is_empty() => rest,
            _ => return None,
        },
    };
    is_one_word(after).then_some(())?;
    let (value, length) = value(line, after, text, &[',', ';']).ok()?;
    Some(Found { name, value, length })
}

/// A name in quotes with its value behind, as in JSON, or a whole assignment in quotes, as in Compose and cmd.
fn quoted<'t>(line: &'t str, text: &'t str, inside: &'t str, quote: char) -> Option<Found<'t>> {
    let close = closing(inside, quote)?;
    let (within, after) = (&inside[..close], &inside[close + 1..]);
    if let Some(after) = after.trim_start().strip_prefix([':', '=']) {
        check_name(within).ok()?;
        let (value, length) = value(line, after, text, &[',', '}', ';']).ok()?;
        return Some(Found { name: within, value, length });
    }
    let (name, value) = within.split_once('=')?;
    check_name(name).ok()?;
    let tail = split_line(after).0.trim().trim_start_matches(',').trim_start();
    let is_end = tail.is_empty() || tail.starts_with('#');
    is_end.then(|| Found { name, value: Secret::from(value.trim()), length: line.len() - after.len() })
}

fn without_word(start: &str) -> (&str, bool) {
    let follows = |word: &str| {
        let head = start.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then(|| start[word.len()..].trim_start())
    };
    WORDS
        .iter()
        .find_map(|(word, may_be_blank)| Some((follows(word)?, *may_be_blank)))
        .unwrap_or((start, false))
}

/// Prose has several words; a value in quotes, or one with a comment behind it, does not.
fn is_one_word(after: &str) -> bool {
    let value = after.trim();
    let bare = value.find(" #").map_or(value, |comment| value[..comment].trim_end());
    !value.is_empty() && (value.starts_with(['"', '\'', '`']) || !bare.contains([' ', '\t']))
}
