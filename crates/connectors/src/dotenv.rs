//! Reads `.env` text: what it says, on which lines, and which lines cannot be read.
//!
//! The grammar is that of the Node package `dotenv` (its README, "What rules does the parsing engine follow?"), with two
//! choices that keep keys whole: nothing is ever substituted, so that a `$` stays a `$`, and a `#` starts a
//! comment only where the value starts or after white space, as in a shell.

mod foreign;

use std::fmt;

use strongroom_model::Secret;

/// Contents of a `.env` text.
#[derive(Debug, Default)]
pub struct Document {
    /// The assignments that hold, in the order of their lines; every name once.
    pub entries: Vec<Entry>,
    /// The assignments that a later one of the same name replaced, in the order of their lines.
    pub replaced: Vec<Entry>,
    /// The lines that say nothing that can be understood, in their order.
    pub malformed: Vec<Malformed>,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The variable's name.
    pub name: String,
    /// Its value; may be empty.
    pub value: Secret,
    /// The line that holds the name, from 1.
    pub line: usize,
    /// The line on which the value ends: later than `line` when a quoted value has several.
    pub last_line: usize,
}

/// A line that cannot be read. What stands on it is not kept: it may be part of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// Its fault.
    pub reason: Reason,
}

/// Fault of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No `=` follows the name, or there is no name at all.
    NoAssignment,
    /// The name is not one that a variable can have.
    BadName,
    /// A quote is opened and never closed.
    UnclosedQuote,
    /// Something other than a comment follows the closing quote.
    TextAfterQuote,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAssignment => "no NAME=value",
            Self::BadName => {
                "the name before '=' is not letters, digits, '_', '.' or '-', starting with a letter or '_'"
            }
            Self::UnclosedQuote => "the quote is never closed",
            Self::TextAfterQuote => "text follows the closing quote",
        })
    }
}

/// Reads `.env` text: `export`, single, double and back quotes, comments, either line ending, a byte order mark.
/// In double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` are escapes; any quoted value may have several lines.
#[must_use]
pub fn parse(text: &str) -> Document {
    parse_with(text, assignment)
}

/// Reads `.env` text as [`parse`] does, and beside it lines of shells, of container files, of YAML and of JSON: for
/// moving keys in from wherever people keep them.
#[must_use]
pub fn parse_any(text: &str) -> Document {
    parse_with(text, |line, rest| {
        assignment(line, rest).or_else(|reason| foreign::assignment(line, rest).map(Some).ok_or(reason))
    })
}

fn parse_with(
    text: &str,
    assignment: impl for<'t> Fn(&'t str, &'t str) -> Result<Option<Found<'t>>, Reason>,
) -> Document {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    let mut document = Document::default();
    while !rest.is_empty() {
        let (this, after) = split_line(rest);
        match assignment(this, rest) {
            Ok(None) => (rest, line) = (after, line + 1),
            Ok(Some(Found { name, value, length })) => {
                let last_line = line + newlines(&rest[..length]);
                document.set(Entry { name: name.to_owned(), value, line, last_line });
                (rest, line) = (split_line(&rest[length..]).1, last_line + 1);
            }
            Err(reason) => {
                document.malformed.push(Malformed { line, reason });
                // Only this line is given up: an unclosed quote must not swallow the rest of the file.
                (rest, line) = (after, line + 1);
            }
        }
    }
    document.replaced.sort_by_key(|entry| entry.line);
    document
}

impl Document {
    fn set(&mut self, entry: Entry) {
        if let Some(place) = self.entries.iter().position(|earlier| earlier.name == entry.name) {
            self.replaced.push(self.entries.remove(place));
        }
        self.entries.push(entry);
    }
}

struct Found<'t> {
    name: &'t str,
    value: Secret,
    /// Bytes from the start of the line to the end of the value, its closing quote included.
    length: usize,
}

/// Reads the assignment on `line`, which is the first line of `text`; `None` when the line is blank or a comment.
fn assignment<'t>(line: &'t str, text: &'t str) -> Result<Option<Found<'t>>, Reason> {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with('#') {
        return Ok(None);
    }
    let (before, after) = trimmed.split_once('=').ok_or(Reason::NoAssignment)?;
    let mut name = before.trim_end();
    if let Some(exported) = name.strip_prefix("export")
        && exported.starts_with([' ', '\t'])
    {
        name = exported.trim_start();
    }
    check_name(name)?;
    let (value, length) = value(line, after, text, &[])?;
    Ok(Some(Found { name, value, length }))
}

/// Reads the value `after` the sign on `line`, and how many bytes of `text` it ends behind. One of `ends` may follow
/// the closing quote.
fn value(line: &str, after: &str, text: &str, ends: &[char]) -> Result<(Secret, usize), Reason> {
    let value = after.trim_start();
    let start = line.len() - value.len();
    let Some(quote @ ('"' | '\'' | '`')) = value.chars().next() else {
        let (value, length) = unquoted(after);
        return Ok((value, line.len() - after.len() + length));
    };
    let open = start + quote.len_utf8();
    let close = open + closing(&text[open..], quote).ok_or(Reason::UnclosedQuote)?;
    let length = close + quote.len_utf8();
    let tail = split_line(&text[length..]).0.trim().trim_start_matches(ends).trim_start();
    if !tail.is_empty() && !tail.starts_with('#') {
        return Err(Reason::TextAfterQuote);
    }
    let inside = &text[open..close];
    let value = if quote == '"' { unescape(inside) } else { Secret::from(inside) };
    Ok((value, length))
}

fn check_name(name: &str) -> Result<(), Reason> {
    let mut bytes = name.bytes();
    let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let goes_on_well = bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if starts_well && goes_on_well { Ok(()) } else { Err(Reason::BadName) }
}

/// The value after `=` up to a comment, without the white space around it, and the bytes up to its end.
fn unquoted(after: &str) -> (Secret, usize) {
    let mut after_space = true;
    let mut end = after.len();
    for (at, character) in after.char_indices() {
        if character == '#' && after_space {
            end = at;
            break;
        }
        after_space = character.is_whitespace();
    }
    (Secret::from(after[..end].trim()), end)
}

/// Returns the place where the quote that was opened before `text` closes.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        if escaped {
            escaped = false;
            return None;
        }
        escaped = quote == '"' && character == '\\';
        (character == quote).then_some(at)
    })
}

fn unescape(text: &str) -> Secret {
    // As long as the text at the most, so that it never moves and leaves a copy behind.
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('t') => value.push('\t'),
            Some(same @ ('"' | '\\' | '$')) => value.push(same),
            // Not an escape: both stay, as a key may hold a backslash.
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    Secret::new(value)
}

/// The first line without its ending, and what follows the ending.
fn split_line(text: &str) -> (&str, &str) {
    let (line, after) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), after)
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The assignments that hold as `name=value@line`, or `@line-last` when they have several lines.
    fn said(text: &str) -> Vec<String> {
        let show = |Entry { name, value, line, last_line }: &Entry| {
            let last = if line == last_line { String::new() } else { format!("-{last_line}") };
            format!("{name}={}@{line}{last}", value.expose())
        };
        parse(text).entries.iter().map(show).collect()
    }

    fn malformed(text: &str) -> Vec<(usize, Reason)> {
        parse(text).malformed.iter().map(|it| (it.line, it.reason)).collect()
    }

    #[test]
    fn every_usual_form_of_a_line_is_read() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("\n\n# only a comment\n   # and another\n", &[]),
            ("A=1", &["A=1@1"]),
            ("A=1\nB=2\n", &["A=1@1", "B=2@2"]),
            ("\u{feff}A=1\r\nB=2\r\n\r\nC=3", &["A=1@1", "B=2@2", "C=3@4"]),
            ("export A=1\nexport\tB=2\n  export   C = 3", &["A=1@1", "B=2@2", "C=3@3"]),
            ("export=x", &["export=x@1"]),
            ("exported=x", &["exported=x@1"]),
            (" A  =  1  ", &["A=1@1"]),
            ("A=", &["A=@1"]),
            ("A=\nB=2", &["A=@1", "B=2@2"]),
            ("A=\"\"\nB=''", &["A=@1", "B=@2"]),
            ("A=b=c==", &["A=b=c==@1"]),
            ("A=1 # why", &["A=1@1"]),
            ("A=1\t#why", &["A=1@1"]),
            ("A=a#b", &["A=a#b@1"]),
            ("A=#why", &["A=@1"]),
            ("A= # why", &["A=@1"]),
            ("A=$HOME${B}\\n", &["A=$HOME${B}\\n@1"]),
            ("A='x # $y \\n' # why", &["A=x # $y \\n@1"]),
            ("A=\"x # y\"# why", &["A=x # y@1"]),
            (r#"A="a\nb\r\t\"\\\$c\d""#, &["A=a\nb\r\t\"\\$c\\d@1"]),
            ("A=`it's \"so\"`", &["A=it's \"so\"@1"]),
            ("A=it's\nB=1", &["A=it's@1", "B=1@2"]),
            ("A=\"one\ntwo\r\nthree\" # end\nB=2", &["A=one\ntwo\r\nthree@1-3", "B=2@4"]),
            ("A='one\ntwo'\nB=2", &["A=one\ntwo@1-2", "B=2@3"]),
            ("A=sk-ant-ünïcødé-🔑", &["A=sk-ant-ünïcødé-🔑@1"]),
            ("a.b-c_1=x", &["a.b-c_1=x@1"]),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), *expected, "{text:?}");
            assert_eq!(malformed(text), [], "{text:?}");
        }
    }

    #[test]
    fn lines_of_shells_containers_yaml_and_json_are_read_when_asked_for() {
        for line in [
            "A_KEY: v-1",
            "  A_KEY: \"v-1\" # why",
            "- A_KEY=v-1",
            "  - A_KEY: v-1",
            "  - \"A_KEY=v-1\"",
            "set A_KEY=v-1",
            "SET \"A_KEY=v-1\"",
            "@set A_KEY=v-1",
            "setx A_KEY v-1",
            "setx A_KEY \"v-1\"",
            "$env:A_KEY=\"v-1\"",
            "$Env:A_KEY = 'v-1'",
            "$env:A_KEY = 'v-1';",
            "set -gx A_KEY v-1",
            "set -x A_KEY \"v-1\"",
            "ENV A_KEY=v-1",
            "ENV A_KEY v-1",
            "ARG A_KEY=v-1",
            "declare -x A_KEY=\"v-1\"",
            "env A_KEY=v-1",
            "\"A_KEY\": \"v-1\",",
            "'A_KEY': 'v-1',",
            "A_KEY=\"v-1\",",
            "A_KEY='v-1';",
            "setenv A_KEY v-1",
        ] {
            let document = parse_any(&format!("X=0\n{line}\r\nY=1\n"));
            let read: Vec<_> =
                document.entries.iter().map(|it| (it.name.as_str(), it.value.expose(), it.line)).collect();
            assert_eq!(read, [("X", "0", 1), ("A_KEY", "v-1", 2), ("Y", "1", 3)], "{line}");
            assert_eq!(document.malformed, [], "{line}");
        }
        for line in [
            "some text: with words",
            "http://host/path",
            "A KEY v-1",
            "set",
            "ENV A_KEY",
            ": v",
            "{",
            "- item",
        ] {
            let document = parse_any(line);
            assert!(document.entries.is_empty() && document.malformed.len() == 1, "{line}: {document:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_by_line_and_spoils_nothing_else() {
        use Reason::*;
        let check = |text: &str, expected: &[(usize, Reason)], left: &[&str]| {
            assert_eq!(malformed(text), expected, "{text:?}");
            assert_eq!(said(text), left, "{text:?}");
        };
        check("A\nB=2", &[(1, NoAssignment)], &["B=2@2"]);
        check("export A\nB=2", &[(1, NoAssignment)], &["B=2@2"]);
        check("=1\n1A=1\nA B=1\nB=2", &[(1, BadName), (2, BadName), (3, BadName)], &["B=2@4"]);
        check("A=\"x\nB=2", &[(1, UnclosedQuote)], &["B=2@2"]);
        check("A='x\nB=2", &[(1, UnclosedQuote)], &["B=2@2"]);
        check("A=\"x\\\"\nB=2", &[(1, UnclosedQuote)], &["B=2@2"]);
        check("A=\"x\"y\nB=2", &[(1, TextAfterQuote)], &["B=2@2"]);
        check("A='x\nB='y'\nC=3", &[(1, TextAfterQuote)], &["B=y@2", "C=3@3"]);
    }

    #[test]
    fn the_last_of_several_holds_and_the_earlier_are_reported() {
        let document = parse("A=1\nB=2\nA=\"x\ny\"\nA=3\n");
        assert_eq!(said("A=1\nB=2\nA=\"x\ny\"\nA=3\n"), ["B=2@2", "A=3@5"]);
        let replaced: Vec<_> =
            document.replaced.iter().map(|it| (it.name.as_str(), it.line, it.last_line)).collect();
        assert_eq!(replaced, [("A", 1, 1), ("A", 3, 4)]);
    }

    #[test]
    fn nothing_that_is_printed_holds_a_value() {
        let document = parse("A=canary-1\ncanary-2\nB=\"canary-3\nC='canary-4'canary-5\nA=canary-6");
        let mut printed = format!("{document:?}");
        document.malformed.iter().for_each(|it| printed.push_str(&it.reason.to_string()));
        assert!(document.malformed.len() == 3 && !printed.contains("canary"), "{printed}");
    }

    fn double_quoted(value: &str) -> String {
        format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$"))
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_every_line_number_is_within_it(text in r#"(?s)[A-Z=#"'`\\$\n\r\t a-cé\u{feff}]{0,80}|.*"#) {
            let lines = newlines(&text) + 1;
            for document in [parse(&text), parse_any(&text)] {
                for entry in document.entries.iter().chain(&document.replaced) {
                    prop_assert!(1 <= entry.line && entry.line <= entry.last_line && entry.last_line <= lines);
                }
                prop_assert!(document.malformed.iter().all(|it| 1 <= it.line && it.line <= lines));
            }
            // What the strict form reads, the other reads as well and in the same way.
            let (strict, any) = (parse(&text), parse_any(&text));
            if strict.malformed.is_empty() {
                prop_assert_eq!(strict.entries, any.entries);
            }
        }

        #[test]
        fn a_quoted_value_comes_back_whole(value in r#"(?s)[a-z#='"`\\$\n\r \t]{0,40}|.*"#, comment in "[ \t]*(#.*)?") {
            let text = format!("X=0\nA={}{comment}\nZ=1", double_quoted(&value));
            let document = parse(&text);
            prop_assert_eq!(&document.malformed, &[]);
            let values: Vec<_> = document.entries.iter().map(|it| (it.name.as_str(), it.value.expose())).collect();
            prop_assert_eq!(values, [("X", "0"), ("A", &value), ("Z", "1")]);
            prop_assert_eq!(document.entries[2].line, newlines(&text) + 1);
        }

        #[test]
        fn a_single_quoted_value_comes_back_whole(value in r#"(?s)[^']*"#) {
            let document = parse(&format!("A='{value}'\n"));
            prop_assert_eq!(document.entries[0].value.expose(), value);
        }

        #[test]
        fn an_unquoted_key_comes_back_whole(key in r"[!$%-&(-_a-z{-~][!#-~]{0,60}") {
            let document = parse(&format!("export A={key} # comment\r\n"));
            prop_assert_eq!(document.entries[0].value.expose(), key);
        }
    }
}
