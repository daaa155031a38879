//! Growth of a prompt beyond its body: where a provider rewrites structures, and where its tokenizer rewrites
//! text before it counts.
//!
//! Tools, schemas and arguments reach a model as a template of the provider writes them: with spaces behind commas and colons
//! (`json.dumps`), indented (Llama's templates), with what is not ASCII, and `<`, `>`, `&` and `'`, in escapes (`ensure_ascii`;
//! Jinja's and Go's HTML-safe forms), and with numbers as their language prints them. Texts pass as they are, but for tokenizers
//! that bring them into the form NFKC first (<https://unicode.org/reports/tr15/>), which can be longer.

/// The longest text of a number that is not whole or not small, in any language that prints it exactly: sign, 17 digits, point,
/// exponent.
const NUMBER_BYTES: i64 = 25;
/// Bytes by which an escape `\u003c` is longer than the character.
const HTML_SAFE_BYTES: i64 = 5;
/// Columns of one level of indentation.
const INDENT: i64 = 4;

fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

/// Returns the bytes by which the longest number is longer than so many.
fn beyond(length: usize) -> i64 {
    (NUMBER_BYTES - i64::try_from(length).unwrap_or(NUMBER_BYTES)).max(0)
}

/// Tells whether an odd number of backslashes stands before this place.
fn is_escaped(json: &[u8], place: usize) -> bool {
    json[..place].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Returns the bytes by which a structure, which is valid JSON, can grow when a provider rewrites it.
pub(super) fn of_structure(json: &[u8]) -> i64 {
    let (mut more, mut depth) = (0_i64, 0_i64);
    let mut rest = json.iter().copied().enumerate();
    while let Some((at, byte)) = rest.next() {
        match byte {
            b'"' => {
                let mut end = at;
                for (place, byte) in rest.by_ref() {
                    match byte {
                        b'"' if !is_escaped(json, place) => {
                            end = place;
                            break;
                        }
                        b'<' | b'>' | b'&' | b'\'' | 0x7f => more += HTML_SAFE_BYTES,
                        // Of two or three bytes an escape of six becomes, of four two of them.
                        0xc2..=0xdf => more += 4,
                        0xe0..=0xef => more += 3,
                        0xf0..=0xf4 => more += 8,
                        _ => (),
                    }
                }
                // A lenient decoder takes the text of a number for the number.
                let text = json.get(at + 1..end).unwrap_or_default();
                if !text.is_empty() && text.iter().all(|byte| is_of_number(*byte)) {
                    more += beyond(text.len() + 2);
                }
            }
            b'{' | b'[' => {
                depth += 1;
                more += 1 + INDENT * depth;
            }
            b'}' | b']' => {
                depth -= 1;
                more += 1 + INDENT * depth;
            }
            b',' => more += 2 + INDENT * depth,
            b':' => more += 1,
            b'-' | b'0'..=b'9' => {
                let length = json[at..].iter().take_while(|byte| is_of_number(**byte)).count();
                more += beyond(length);
                // The first byte is taken.
                for _ in 1..length {
                    rest.next();
                }
            }
            _ => (),
        }
    }
    more
}

/// Returns the bytes by which text can grow when it is brought into the form NFKC, whether characters stand as they are or in
/// escapes. `beyond_ascii` is the same text, unless it is ASCII.
pub(super) fn of_text(json: &[u8], beyond_ascii: Option<&str>) -> i64 {
    if beyond_ascii.is_none() && memchr::memmem::find(json, b"\\u").is_none() {
        return 0;
    }
    let mut more = beyond_ascii
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_ascii())
        .map(|it| i64::from(growth(it.into())))
        .sum();
    // An escape has six bytes, the character that it stands for three at the most.
    for at in memchr::memmem::find_iter(json, b"\\u") {
        let digits = json.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        more += code.map_or(0, |code| (i64::from(growth(code)) - 3).max(0));
    }
    more
}

/// Returns the most bytes of UTF-8 by which a character grows in NFKC.
fn growth(code: u32) -> u8 {
    let at = GROWTH.partition_point(|(_, last, _)| *last < code);
    GROWTH.get(at).filter(|(first, ..)| *first <= code).map_or(0, |(.., bytes)| *bytes)
}

/// Characters whose form NFKC is longer, by their code, from and to, and by how many bytes at the most; made from Unicode's data,
/// in which these do not change (<https://www.unicode.org/policies/stability_policy.html>).
static GROWTH: &[(u32, u32, u8)] = &[
    (0x00a8, 0x00a8, 1),
    (0x00af, 0x00af, 1),
    (0x00b4, 0x00be, 3),
    (0x013f, 0x0140, 1),
    (0x0149, 0x0149, 1),
    (0x01c4, 0x01c6, 1),
    (0x02d8, 0x02dd, 1),
    (0x0344, 0x0344, 2),
    (0x037a, 0x037a, 1),
    (0x0384, 0x0385, 3),
    (0x0587, 0x0587, 2),
    (0x0675, 0x0678, 2),
    (0x0958, 0x095f, 3),
    (0x09dc, 0x09df, 3),
    (0x0a33, 0x0a36, 3),
    (0x0a59, 0x0a5e, 3),
    (0x0b5c, 0x0b5d, 3),
    (0x0e33, 0x0e33, 3),
    (0x0eb3, 0x0eb3, 3),
    (0x0edc, 0x0edd, 3),
    (0x0f43, 0x0f43, 3),
    (0x0f4d, 0x0f4d, 3),
    (0x0f52, 0x0f52, 3),
    (0x0f57, 0x0f57, 3),
    (0x0f5c, 0x0f5c, 3),
    (0x0f69, 0x0f69, 3),
    (0x0f73, 0x0f79, 6),
    (0x0f81, 0x0f81, 3),
    (0x0f93, 0x0f93, 3),
    (0x0f9d, 0x0f9d, 3),
    (0x0fa2, 0x0fa2, 3),
    (0x0fa7, 0x0fa7, 3),
    (0x0fac, 0x0fac, 3),
    (0x0fb9, 0x0fb9, 3),
    (0x1fc1, 0x1fc1, 2),
    (0x1fcd, 0x1fcf, 2),
    (0x1fdd, 0x1fdf, 2),
    (0x1fed, 0x1fee, 2),
    (0x2033, 0x2037, 6),
    (0x2057, 0x2057, 9),
    (0x2150, 0x215f, 3),
    (0x2167, 0x2167, 1),
    (0x2177, 0x2177, 1),
    (0x2189, 0x2189, 2),
    (0x222c, 0x2230, 6),
    (0x247d, 0x2487, 1),
    (0x2a0c, 0x2a0c, 9),
    (0x2adc, 0x2adc, 2),
    (0x309b, 0x309f, 3),
    (0x30ff, 0x30ff, 3),
    (0x3200, 0x3243, 5),
    (0x327c, 0x327d, 3),
    (0x32c0, 0x32cb, 2),
    (0x32ff, 0x330f, 12),
    (0x3310, 0x3317, 15),
    (0x3318, 0x3324, 12),
    (0x3325, 0x332f, 12),
    (0x3330, 0x3331, 3),
    (0x3332, 0x3336, 12),
    (0x3337, 0x3348, 12),
    (0x3349, 0x3349, 3),
    (0x334a, 0x334a, 12),
    (0x334b, 0x3357, 12),
    (0x3358, 0x3370, 2),
    (0x337b, 0x337f, 9),
    (0x3389, 0x3389, 1),
    (0x33a7, 0x33a8, 3),
    (0x33ae, 0x33af, 5),
    (0x33c2, 0x33c6, 3),
    (0x33d8, 0x33d8, 1),
    (0x33de, 0x33fe, 2),
    (0xfa6c, 0xfa6c, 1),
    (0xfacf, 0xfad7, 1),
    (0xfb13, 0xfb17, 1),
    (0xfb1d, 0xfb1f, 1),
    (0xfb2a, 0xfb4f, 3),
    (0xfbdd, 0xfbdd, 1),
    (0xfbea, 0xfbfb, 1),
    (0xfc00, 0xfd3d, 3),
    (0xfd50, 0xfdc7, 3),
    (0xfdf0, 0xfdf9, 5),
    (0xfdfa, 0xfdfa, 30),
    (0xfdfb, 0xfdfb, 12),
    (0xfdfc, 0xfdfc, 5),
    (0xfe71, 0xfe71, 1),
    (0xfe77, 0xfe7f, 1),
    (0xfef5, 0xfefc, 1),
    (0x1d15e, 0x1d164, 8),
    (0x1d1bb, 0x1d1c0, 8),
    (0x1f12a, 0x1f12a, 3),
    (0x1f200, 0x1f201, 2),
    (0x1f240, 0x1f248, 5),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// As Python's `json.dumps(value, indent=4)` writes it, with everything in escapes that anybody escapes.
    fn rewritten(value: &serde_json::Value, depth: usize, out: &mut String) {
        let indent = |out: &mut String, depth: usize| {
            out.push('\n');
            out.push_str(&" ".repeat(4 * depth));
        };
        let text = |out: &mut String, text: &str| {
            out.push('"');
            for unit in text.encode_utf16() {
                match u8::try_from(unit) {
                    Ok(b'"') => out.push_str("\\\""),
                    Ok(b'\\') => out.push_str("\\\\"),
                    Ok(b'\n') => out.push_str("\\n"),
                    Ok(byte @ (b' '..=b'~')) if !b"<>&'".contains(&byte) => out.push(char::from(byte)),
                    _ => out.push_str(&format!("\\u{unit:04x}")),
                }
            }
            out.push('"');
        };
        match value {
            serde_json::Value::Array(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push_str(", ");
                    }
                    indent(out, depth + 1);
                    rewritten(item, depth + 1, out);
                }
                indent(out, depth);
                out.push(']');
            }
            serde_json::Value::Object(fields) => {
                out.push('{');
                for (place, (name, value)) in fields.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    indent(out, depth + 1);
                    text(out, name);
                    out.push_str(": ");
                    rewritten(value, depth + 1, out);
                }
                indent(out, depth);
                out.push('}');
            }
            serde_json::Value::String(it) => text(out, it),
            serde_json::Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => out.push_str(&format!("{float:?}")),
                _ => out.push_str(&number.to_string()),
            },
            other => out.push_str(&other.to_string()),
        }
    }

    fn values() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            Just(serde_json::json!(1e15)),
            (-20..20_i32).prop_map(|power| serde_json::json!(10_f64.powi(power))),
            "[ -~<>&'\"\u{e9}\u{20ac}\u{1f511}\u{7f}\n]{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec(("[a-z<\u{e9}]{0,6}", inner), 0..6)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn no_way_of_rewriting_a_structure_is_longer(value in values()) {
            let body = value.to_string();
            let mut text = String::new();
            rewritten(&value, 0, &mut text);
            let bound = body.len() as i64 + of_structure(body.as_bytes());
            proptest::prop_assert!(text.len() as i64 <= bound, "{body}\n{text}");
        }
    }

    #[test]
    fn a_short_number_may_be_a_long_one() {
        let body = format!("[{}]", ["1e15"; 1000].join(","));
        let text = format!("[{}]", ["1000000000000000.0"; 1000].join(", "));
        assert!(text.len() as i64 <= body.len() as i64 + of_structure(body.as_bytes()));
    }

    fn growth_of(body: &str) -> i64 {
        of_text(body.as_bytes(), Some(body).filter(|body| !body.is_ascii()))
    }

    #[test]
    fn characters_that_are_words_count_as_such() {
        for (text, form) in [
            (
                "\u{fdfa}",
                "\u{635}\u{644}\u{649} \u{627}\u{644}\u{644}\u{647} \u{639}\u{644}\u{64a}\u{647} \u{648}\u{633}\u{644}\u{645}",
            ),
            ("\u{3316}", "\u{30ad}\u{30ed}\u{30e1}\u{30fc}\u{30c8}\u{30eb}"),
            ("\u{fb03}", "ffi"),
            ("\u{bd}", "1\u{2044}2"),
            ("\u{2057}", "\u{2032}\u{2032}\u{2032}\u{2032}"),
        ] {
            let bound = |body: &str| body.len() as i64 + growth_of(body);
            let many = text.repeat(100);
            assert!(form.len() as i64 * 100 <= bound(&many), "{text}");
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            assert!(form.len() as i64 <= bound(&escaped), "{escaped}");
        }
        for same in ["plain", "gr\u{fc}n", "\u{4f60}\u{597d}\u{ff0c}", "\\u00fc", "\u{1f511}"] {
            assert_eq!(growth_of(same), 0, "{same}");
        }
    }
}
