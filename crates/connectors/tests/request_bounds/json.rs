//! JSON that can be written in any way, also in those that no library takes: keys twice, in another case, escaped.

use serde_json::Value;

/// Keys that make a bound smaller where they are understood: they are not added.
const LIMITS: &[&str] = &[
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "max_tool_calls",
    "type",
    "content",
    "encrypted_content",
];

/// Keys that are added: those of all operations, and some of none.
const KEYS: &[&str] = &[
    "n",
    "best_of",
    "candidateCount",
    "candidate_count",
    "stream",
    "stream_options",
    "background",
    "tools",
    "functions",
    "messages",
    "prompt",
    "input",
    "contents",
    "system",
    "instructions",
    "system_instruction",
    "thinking",
    "reasoning",
    "thinkingConfig",
    "image_url",
    "input_audio",
    "file",
    "file_id",
    "source",
    "inline_data",
    "fileData",
    "cachedContent",
    "previous_response_id",
    "conversation",
    "container",
    "mcp_servers",
    "web_search_options",
    "plugins",
    "models",
    "modalities",
    "audio",
    "prediction",
    "generation_config",
    "generationConfig",
    "$ref",
    "extra_body",
    "google",
    "id",
    "role",
    "name",
    "temperature",
    "metadata",
    "citations",
    "signature",
    "unheard_of",
    "",
    "N",
    "Max_Tokens",
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "5",
    "-1",
    "1.5",
    "1e16",
    "\"5\"",
    "\"x\"",
    "\"image_url\"",
    "[]",
    "{}",
    "[1]",
    "[\"a\",\"b\"]",
    "{\"type\":\"file\"}",
    "[{\"type\":\"image_url\"}]",
    "{\"budget_tokens\":5}",
    "{\"max_tokens\":5}",
    "{\"enabled\":true}",
    "[{\"type\":\"code_interpreter\"}]",
    "{\"include_usage\":true}",
    "[{\"id\":\"web\"}]",
];

/// Numbers that follow from a seed.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn is_in(&mut self, percent: u8) -> bool {
        self.below(100) < usize::from(percent)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// Way of writing it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Of a hundred characters, how many are escaped.
    pub(crate) escapes: u8,
    /// Of a hundred places for it, how many have white space.
    pub(crate) gaps: u8,
    /// `true` when keys stand in any order.
    pub(crate) shuffles: bool,
}

impl Style {
    pub(crate) const PLAIN: Self = Self { escapes: 0, gaps: 0, shuffles: false };
}

#[derive(Debug, Clone)]
pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Text(String),
    /// A number, `null`, `true` or `false`.
    Word(String),
}

impl Json {
    pub(crate) fn parse(text: &str) -> Self {
        Self::of(serde_json::from_str(text).expect("JSON"))
    }

    fn of(value: Value) -> Self {
        match value {
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, Self::of(value))).collect())
            }
            Value::Array(items) => Self::Array(items.into_iter().map(Self::of).collect()),
            Value::String(text) => Self::Text(text),
            word => Self::Word(word.to_string()),
        }
    }

    pub(crate) fn written(&self, style: Style, random: &mut Random) -> String {
        let mut text = String::new();
        self.write(style, random, &mut text);
        text
    }

    fn write(&self, style: Style, random: &mut Random, text: &mut String) {
        gap(style, random, text);
        match self {
            Self::Object(members) => {
                text.push('{');
                let mut order: Vec<usize> = (0..members.len()).collect();
                if style.shuffles {
                    for place in (1..order.len()).rev() {
                        order.swap(place, random.below(place + 1));
                    }
                }
                for (count, place) in order.into_iter().enumerate() {
                    if count > 0 {
                        text.push(',');
                    }
                    gap(style, random, text);
                    quoted(&members[place].0, style, random, text);
                    gap(style, random, text);
                    text.push(':');
                    members[place].1.write(style, random, text);
                }
                text.push('}');
            }
            Self::Array(items) => {
                text.push('[');
                for (count, item) in items.iter().enumerate() {
                    if count > 0 {
                        text.push(',');
                    }
                    item.write(style, random, text);
                }
                text.push(']');
            }
            Self::Text(said) => quoted(said, style, random, text),
            Self::Word(word) => text.push_str(word),
        }
        gap(style, random, text);
    }

    /// One of its objects, counted from itself on.
    fn object(&mut self, left: &mut usize) -> Option<&mut Vec<(String, Self)>> {
        match self {
            Self::Object(members) => {
                if *left == 0 {
                    return Some(members);
                }
                *left -= 1;
                members.iter_mut().find_map(|(_, value)| value.object(left))
            }
            Self::Array(items) => items.iter_mut().find_map(|item| item.object(left)),
            _ => None,
        }
    }

    fn objects(&self) -> usize {
        match self {
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.objects()).sum::<usize>(),
            Self::Array(items) => items.iter().map(Self::objects).sum(),
            _ => 0,
        }
    }

    /// An object; half of the time the outermost.
    fn any_object(&mut self, random: &mut Random) -> &mut Vec<(String, Self)> {
        let mut place = if random.is_in(50) { 0 } else { random.below(self.objects()) };
        self.object(&mut place).expect("there are as many")
    }

    /// Writes a key in another case.
    pub(crate) fn change_case(&mut self, random: &mut Random) {
        let members = self.any_object(random);
        if members.is_empty() {
            return;
        }
        let place = random.below(members.len());
        let key = &mut members[place].0;
        *key = match random.below(3) {
            0 => key.to_uppercase(),
            1 => key.chars().take(1).flat_map(char::to_uppercase).chain(key.chars().skip(1)).collect(),
            _ => {
                let turn = |letter: char| match random.below(2) {
                    0 => letter.to_ascii_uppercase(),
                    _ => letter.to_ascii_lowercase(),
                };
                key.chars().map(turn).collect()
            }
        };
    }

    /// Gives a key once more, before or behind, with the same value or another.
    pub(crate) fn give_twice(&mut self, random: &mut Random) {
        let members = self.any_object(random);
        if members.is_empty() {
            return;
        }
        let (key, value) = members[random.below(members.len())].clone();
        let value = if random.is_in(50) { value } else { Self::parse(random.pick(VALUES)) };
        members.insert(random.below(members.len() + 1), (key, value));
    }

    /// Writes a number or a truth value as a text.
    pub(crate) fn quote(&mut self, random: &mut Random) {
        let members = self.any_object(random);
        let words: Vec<usize> = (0..members.len())
            .filter(|place| matches!(&members[*place].1, Self::Word(word) if word != "null"))
            .collect();
        if words.is_empty() {
            return;
        }
        let value = &mut members[words[random.below(words.len())]].1;
        if let Self::Word(word) = value {
            *value = Self::Text(std::mem::take(word));
        }
    }

    /// Adds a field that is not there.
    pub(crate) fn add(&mut self, random: &mut Random) {
        let members = self.any_object(random);
        let key = random.pick(KEYS);
        assert!(!LIMITS.contains(&key));
        if members.iter().any(|(known, _)| known == key) {
            return;
        }
        let value = Self::parse(random.pick(VALUES));
        members.insert(random.below(members.len() + 1), (key.to_owned(), value));
    }
}

fn gap(style: Style, random: &mut Random, text: &mut String) {
    if random.is_in(style.gaps) {
        text.push_str(random.pick(&[" ", "\n", "\t", "\r\n  "]));
    }
}

fn quoted(said: &str, style: Style, random: &mut Random, text: &mut String) {
    text.push('"');
    for letter in said.chars() {
        if random.is_in(style.escapes) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text.push_str(&match random.below(2) {
                    0 => format!("\\u{unit:04x}"),
                    _ => format!("\\u{unit:04X}"),
                });
            }
        } else {
            let written = Value::from(letter.to_string()).to_string();
            text.push_str(&written[1..written.len() - 1]);
        }
    }
    text.push('"');
}
