//! Candidates for the key in a pasted line: the line itself, and the texts in it between quotes, signs and blanks.

use strongroom_connectors::key_pattern;

/// The most candidates of one line; no line with a pasted key has more.
const MAX_CANDIDATES: usize = 200;

/// Tells whether a character ends a word, whatever language the line is written in.
fn is_between(letter: char) -> bool {
    letter.is_whitespace() || "\"'`,;()[]{}<>|\\".contains(letter)
}

/// Texts that may be the key, each once, the likeliest first: what looks like a key, then the whole line, then its words and
/// what follows a `=` or `:` in them.
pub(super) fn candidates(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut add = |text| {
        if !str::is_empty(text) && found.len() < MAX_CANDIDATES && !found.contains(&text) {
            found.push(text);
        }
    };
    key_pattern::find(line.as_bytes()).iter().for_each(|hit| add(hit.text));
    add(line);
    for word in line.split(is_between) {
        add(word);
        // A key may hold these signs itself, so what follows each is tried to the end of the word.
        word.match_indices(['=', ':', '&', '@']).for_each(|(at, sign)| add(&word[at + sign.len()..]));
        word.split(['=', ':', '&', '@']).for_each(&mut add);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::candidates;

    #[test]
    fn a_key_is_found_however_it_was_pasted() {
        // One with a beginning of its own and one without, and one that has signs in it.
        for key in ["sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", "0a1b2c3d4e5f", "abc=de:f=="] {
            for line in [
                "KEY",
                "OPENAI_API_KEY=KEY",
                "export X=\"KEY\"",
                "\"KEY\"",
                "'KEY',",
                "Bearer KEY",
                "Authorization: Bearer KEY",
                "-H 'x-api-key: KEY'",
                "{\"apiKey\":\"KEY\"}",
                "api_key: KEY # mine",
                "X=KEY;",
                "openai.api_key = `KEY`",
                "https://host/v1?x=1&key=KEY",
            ] {
                let line = line.replace("KEY", key);
                assert!(candidates(&line).contains(&key), "{line}");
            }
        }
    }

    #[test]
    fn what_looks_like_a_key_comes_first_and_nothing_comes_twice() {
        let key = "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz";
        let line = format!("OPENAI_API_KEY={key}");
        assert_eq!(candidates(&line), [key, &line, "OPENAI_API_KEY"]);
        assert_eq!(candidates(key), [key]);
        assert!(candidates(&"a=".repeat(100_000)).len() <= super::MAX_CANDIDATES);
    }
}
