//! Wrappings by every way in, and what is no key at all.

use proptest::prelude::*;
use proptest::sample::select;

use super::Purpose::{ApiKey, ApiSecret};
use super::*;

const KEY: &str = "sk-proj-0123456789abcdefghij_KLMNOPQRST-uvwxyz";

fn fault(text: &str) -> Option<Fault> {
    clean(text, ApiKey).err()
}

#[test]
fn certain_wrapping_comes_off_and_is_told() {
    for (before, after, told) in [
        ("", "", None),
        ("", "\n", Some("a line break")),
        ("", "\r\n", Some("a line break")),
        ("\u{feff}", "\r\n\n", Some("a byte order mark and a line break")),
        (" \t", "\u{a0}", Some("blanks")),
        ("\"", "\"", Some("quotes")),
        ("'\"", "\"'", Some("quotes")),
        ("\u{201c}", "\u{201d}", Some("quotes")),
        (" \"", "\n\" \n", Some("a line break, blanks and quotes")),
    ] {
        for purpose in [ApiKey, ApiSecret] {
            let cleaned = clean(&format!("{before}{KEY}{after}"), purpose).unwrap();
            assert_eq!(cleaned.secret.expose(), KEY);
            assert_eq!(cleaned.removed_text().as_deref(), told, "{before:?} {after:?}");
        }
    }
}

#[test]
fn what_may_be_meant_in_two_ways_is_refused_by_name() {
    let other = "sk-proj-ABCDEFGHIJ0123456789abcdefghij";
    for (text, expected) in [
        (String::new(), Fault::Empty),
        (" \n".to_owned(), Fault::Empty),
        ("\"\"".to_owned(), Fault::Empty),
        (format!("OPENAI_API_KEY={KEY}"), Fault::Assignment),
        (format!("export OPENAI_API_KEY=\"{KEY}\""), Fault::Assignment),
        (format!("export OPENAI_API_KEY={KEY}"), Fault::Assignment),
        (format!("set OPENAI_API_KEY={KEY}"), Fault::Assignment),
        (format!("$env:OPENAI_API_KEY={KEY}"), Fault::Assignment),
        (format!("OPENAI_API_KEY: {KEY}"), Fault::Assignment),
        (format!("apiKey: {KEY}"), Fault::Assignment),
        (format!("x-api-key: {KEY}"), Fault::Assignment),
        (format!("{{\"apiKey\": \"{KEY}\"}}"), Fault::Assignment),
        (format!("--api-key={KEY}"), Fault::Assignment),
        (format!("Authorization: Bearer {KEY}"), Fault::Assignment),
        (format!("Bearer {KEY}"), Fault::Scheme),
        (format!("bearer: {KEY}"), Fault::Scheme),
        (format!("token {KEY}"), Fault::Scheme),
        (format!("{KEY},{other}"), Fault::Several),
        ("k1,k2".to_owned(), Fault::Several),
        (format!("{KEY} {other}"), Fault::Several),
        (format!("{KEY}\n{other}"), Fault::Several),
        (format!("'{KEY}', '{other}'"), Fault::Several),
        (format!("{KEY},"), Fault::Separator),
        (format!("{KEY};"), Fault::Separator),
        (format!("\"{KEY}\","), Fault::Separator),
        (format!("\"{KEY}"), Fault::LooseQuote),
        (format!("{KEY}'"), Fault::LooseQuote),
        (format!("{KEY}\"\""), Fault::LooseQuote),
        (format!("{KEY} # mine"), Fault::BlankWithin),
        (format!("# OPENAI_API_KEY={KEY}\" # mine"), Fault::BlankWithin),
        (format!("{}\n{}", &KEY[..20], &KEY[20..32]), Fault::SeveralLines),
        (format!("{KEY}\0"), Fault::Control('\0')),
        (format!("{KEY}\u{1b}[0m"), Fault::Control('\u{1b}')),
        (format!("{KEY}\u{200b}"), Fault::Invisible('\u{200b}')),
        (format!("\u{202e}{KEY}"), Fault::Invisible('\u{202e}')),
        (KEY.replace("sk-", "sk\u{2011}"), Fault::NotAscii('\u{2011}')),
        (KEY.replace('a', "\u{430}"), Fault::NotAscii('\u{430}')),
        (format!("{KEY}\\n"), Fault::Backslash),
        ("$OPENAI_API_KEY".to_owned(), Fault::Variable),
        ("${OPENAI_API_KEY}".to_owned(), Fault::Variable),
        ("%OPENAI_API_KEY%".to_owned(), Fault::Variable),
        ("op://vault/openai/key".to_owned(), Fault::Address),
        ("https://api.openai.com/v1".to_owned(), Fault::Address),
    ] {
        assert_eq!(fault(&text), Some(expected), "{text:?}");
    }
}

#[test]
fn placeholders_are_told_from_keys() {
    for text in [
        "your-key-here",
        "your key here",
        "YOUR_OPENAI_API_KEY",
        "sk-...",
        "sk-proj-...",
        "sk-ant-\u{2026}",
        "xxx",
        "sk-xxxx",
        "sk-ant-api03-xxxx-xxxx",
        "changeme",
        "CHANGE_ME",
        "<your key>",
        "<key>",
        "[key]",
        "sk-",
        "gsk_****",
        "sk-00000000",
        "none",
        "paste_key_here",
        "sk-example-key",
        &format!("AIzaSy{}", "X".repeat(12)),
        "AQ.xxxxxxxx",
        "todo",
    ] {
        assert_eq!(fault(text), Some(Fault::Placeholder), "{text}");
    }
    for text in [
        KEY,
        "it's $a \\ odd \"key\"",
        "k",
        "x",
        "sk-x",
        "sk-111",
        "0123456789abcdef",
        "yourself",
        "key-1",
        "sk-or-v1-0a1b2c",
        "nobody's",
        "a key",
        "$",
        "a=b=c==",
        "abc=de:f==",
        "key of one",
        "AQ.Ab8RN6KexampleAbC",
        "dGVzdA==",
        "0f3c:91ab",
        "{\"type\":\"a\",\"private_key\":\"b\\n\"}",
    ] {
        assert_eq!(clean(text, ApiKey).map(|it| it.secret.expose().to_owned()), Ok(text.to_owned()));
    }
}

#[test]
fn a_second_secret_may_be_any_password_that_can_be_seen() {
    for text in ["pässwörd", "a b, c", "NAME=value", "changeme", "a\\b"] {
        assert_eq!(clean(text, ApiSecret).map(|it| it.removed), Ok(Vec::new()), "{text}");
    }
    for text in ["", "\"a", "a\u{200b}", "a\0", "a\nb"] {
        assert!(clean(text, ApiSecret).is_err(), "{text:?}");
    }
}

#[test]
fn what_is_stored_as_it_is_must_need_no_mending() {
    assert_eq!(check(&Secret::from(KEY), ApiKey), Ok(()));
    let wrapped = check(&Secret::from(" k"), ApiKey).unwrap_err();
    assert_eq!(wrapped, Fault::Wrapped(Wrapping::Blanks));
    assert!(wrapped.to_string().contains("blanks"));
    assert_eq!(check_moved(&Secret::from("ünïcødé"), ApiKey), Ok(()));
    for kept in
        ["sk-of-'; DROP TABLE users; --", "a\u{202e}b", "a\nb", "a\\n", "ends in a blank ", "sk-...", "k,l"]
    {
        assert_eq!(check_moved(&Secret::from(kept), ApiKey), Ok(()), "{kept:?}");
    }
    for refused in ["k\n", " k", "\u{feff}k", "'k'", "\"k", "A_KEY=k", "Bearer k", "sk-a,sk-b", ""] {
        assert!(check_moved(&Secret::from(refused), ApiKey).is_err(), "{refused:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_cleaned_to_what_needs_no_cleaning(text in r#"(?s)[a-zA-Z0-9\-_=:, "'`\\\n\r\t$#\u{feff}\u{200b}]{0,40}|.{0,40}"#) {
        for purpose in [ApiKey, ApiSecret] {
            if let Ok(cleaned) = clean(&text, purpose) {
                prop_assert_eq!(check(&cleaned.secret, purpose), Ok(()));
                prop_assert!(text.contains(cleaned.secret.expose()));
            }
        }
    }

    #[test]
    fn a_wrapped_key_comes_out_whole_or_not_at_all(
        body in "[a-zA-Z0-9]{20}[a-zA-Z0-9_-]{0,60}[a-zA-Z0-9]{8}",
        start in prop_oneof![select(beginnings().collect::<Vec<_>>()), Just("")],
        layers in proptest::collection::vec((
            select(&["", " ", "\n", "\r\n", "\u{feff}", "\"", "'", "`", "\u{201c}", "\u{200b}", "\u{202e}", "\0", "Bearer ", "token ",
                "OPENAI_API_KEY=", "export K_EY=", "set KEY=", "apiKey: ", "$env:KEY = ", "# ", "\\n", ",", "other-key-0123456789,"][..]),
            select(&["", " ", "\n", "\r\n", "\r", "\u{feff}", "\"", "'", "`", "\u{201d}", "\u{200b}", "\0", ";", ",", " # mine", "\\n",
                ",other-key-0123456789", " sk-other0123456789"][..]),
        ), 0..4),
    ) {
        let key = format!("{start}{body}");
        let mut text = key.clone();
        for (before, after) in layers {
            text = format!("{before}{text}{after}");
        }
        if let Ok(cleaned) = clean(&text, ApiKey) {
            prop_assert_eq!(cleaned.secret.expose(), &key, "{:?}", text);
            prop_assert_eq!(cleaned.removed.is_empty(), text == key);
        }
    }
}
