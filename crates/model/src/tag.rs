//! Spend tags: what calls are booked to, such as a project. They confer nothing, and a call never fails for one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::clock::Millis;
use crate::problem::Problem;

const DAY_MS: i64 = 86_400_000;

/// The most tags of a call.
pub const MAX_TAGS: usize = 8;
/// The longest key and value, in bytes.
const MAX_BYTES: usize = 64;
/// Values of a key that are told apart on one day; all others are one.
pub const MAX_VALUES_PER_DAY: usize = 200;
/// The one value for all others.
pub const OTHER: &str = "other";

/// Tags of a call, by key. At most [`MAX_TAGS`], of keys that are declared.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagSet(BTreeMap<String, String>);

/// Tells whether a text may be a key or a value: short printable ASCII without the signs that lists of tags are written with.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| (0x21..=0x7e).contains(&byte) && !b",=\"\\".contains(&byte);
    !text.is_empty() && text.len() <= MAX_BYTES && text.bytes().all(is_plain)
}

/// The pairs of a list such as `project=search,env=prod`.
fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split(',').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.trim(), value.trim()))
}

impl TagSet {
    /// The tags of a call, as its header writes them: `project=search,env=prod`. Keys that are not declared are left out, and so are
    /// values that are none.
    #[must_use]
    pub fn of_header(text: &str, declared: &TagKeys) -> Self {
        let is_known = |(key, value): &(&str, &str)| declared.0.contains(*key) && is_word(value);
        let known = pairs(text).filter(is_known).take(MAX_TAGS);
        Self(known.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    /// Tags that somebody gives to a token.
    ///
    /// # Errors
    /// [`Problem`] on the field `tags`.
    pub fn given(tags: &BTreeMap<String, String>) -> Result<Self, Problem> {
        if tags.len() > MAX_TAGS {
            return Err(Problem::invalid("tags", format!("tags must be at most {MAX_TAGS}")));
        }
        if tags.iter().any(|(key, value)| !is_word(key) || !is_word(value)) {
            return Err(Problem::invalid(
                "tags",
                format!(
                    "tags must be keys and values of 1 to {MAX_BYTES} printable ASCII characters without blanks, commas and ="
                ),
            ));
        }
        Ok(Self(tags.clone()))
    }

    /// Tags that stand in a row as JSON; none of a text that is something else.
    #[must_use]
    pub fn given_or_none(tags: &BTreeMap<String, String>) -> Self {
        Self::given(tags).unwrap_or_default()
    }

    /// Tags that are stored.
    #[must_use]
    pub fn stored(tags: BTreeMap<String, String>) -> Self {
        Self(tags)
    }

    /// No tags.
    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags, by key.
    #[must_use]
    pub const fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// These tags, and of the others those whose keys are declared and not among these.
    #[must_use]
    pub fn or(mut self, others: &Self, declared: &TagKeys) -> Self {
        for (key, value) in &others.0 {
            if self.0.len() < MAX_TAGS && declared.0.contains(key) {
                self.0.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        self
    }

    /// Canonical JSON: the keys in the order of their bytes, no blanks. No tag has a character that JSON escapes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(key, value)| format!("\"{key}\":\"{value}\"")).collect();
        format!("{{{}}}", pairs.join(","))
    }
}

/// Keys of tags that are declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagKeys(BTreeSet<String>);

impl Default for TagKeys {
    fn default() -> Self {
        Self(["project", "env", "team"].map(str::to_owned).into())
    }
}

impl TagKeys {
    /// The keys, in the order of their bytes.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Reads keys with commas between them.
    ///
    /// # Errors
    /// When one is none, or there are too many.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys: BTreeSet<_> =
            text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(ToOwned::to_owned).collect();
        if keys.len() > MAX_TAGS || !keys.iter().all(|key| is_word(key)) {
            return Err(format!(
                "expected at most {MAX_TAGS} keys with commas between them, such as project,env,team"
            ));
        }
        Ok(Self(keys))
    }
}

impl std::fmt::Display for TagKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.iter().cloned().collect::<Vec<_>>().join(","))
    }
}

/// What uses are booked to: the keys that are declared, and the values of the day.
#[derive(Debug, Default)]
pub struct SpendTags {
    keys: TagKeys,
    book: Mutex<TagBook>,
}

impl SpendTags {
    /// With these keys.
    #[must_use]
    pub fn new(keys: TagKeys) -> Self {
        Self { keys, book: Mutex::default() }
    }

    /// What a use is booked to: the tags of the call, which come first, and those of the credential that serves it.
    #[must_use]
    pub fn of(&self, call: &TagSet, credential: Option<&TagSet>, now: Millis) -> TagSet {
        let credential = credential.filter(|tags| !tags.is_empty());
        if call.is_empty() && credential.is_none() {
            return TagSet::default();
        }
        let mut tags = TagSet::default().or(call, &self.keys);
        if let Some(credential) = credential {
            tags = tags.or(credential, &self.keys);
        }
        self.book.lock().unwrap_or_else(PoisonError::into_inner).bounded(tags, now.0.div_euclid(DAY_MS))
    }
}

/// Values of a day, of each key so many: whatever callers write, the ledger tells few of them apart.
#[derive(Debug, Default)]
pub struct TagBook {
    day: i64,
    values: BTreeMap<String, BTreeSet<String>>,
}

impl TagBook {
    /// The same tags, with [`OTHER`] for values beyond those of this day.
    pub fn bounded(&mut self, mut tags: TagSet, day: i64) -> TagSet {
        if self.day != day {
            *self = Self { day, values: BTreeMap::new() };
        }
        for (key, value) in &mut tags.0 {
            let known = match self.values.get_mut(key) {
                Some(known) => known,
                None => self.values.entry(key.clone()).or_default(),
            };
            if known.contains(value) {
                continue;
            }
            if known.len() < MAX_VALUES_PER_DAY {
                known.insert(value.clone());
            } else {
                OTHER.clone_into(value);
            }
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TagKeys {
        TagKeys::default()
    }

    #[test]
    fn a_header_gives_declared_keys_and_plain_values() {
        for (text, expected) in [
            ("project=search,env=prod", r#"{"env":"prod","project":"search"}"#),
            (" project = search , env=prod ", r#"{"env":"prod","project":"search"}"#),
            ("planet=mars,project=search", r#"{"project":"search"}"#),
            ("project=a\"b,env=x\\y,team=\u{e9}", "{}"),
            ("project=,env,=x,,", "{}"),
            ("project=one two", "{}"),
            ("", "{}"),
        ] {
            assert_eq!(TagSet::of_header(text, &keys()).to_json(), expected, "{text:?}");
        }
        let long = format!("project={}", "x".repeat(65));
        assert!(TagSet::of_header(&long, &keys()).is_empty());
        let json = TagSet::of_header("project=search,env=prod", &keys()).to_json();
        let read: BTreeMap<String, String> = [("env", "prod"), ("project", "search")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(TagSet::stored(read).to_json(), json);
    }

    #[test]
    fn a_calls_own_tags_come_before_those_of_its_token() {
        let own = TagSet::of_header("project=search", &keys());
        let token: BTreeMap<_, _> = [("project", "web"), ("env", "prod"), ("planet", "mars")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let of_token = TagSet::given(&token).unwrap();
        assert_eq!(own.or(&of_token, &keys()).to_json(), r#"{"env":"prod","project":"search"}"#);
        let wrong: BTreeMap<_, _> = [("a b".to_owned(), "c".to_owned())].into();
        assert_eq!(TagSet::given(&wrong).unwrap_err().field.as_deref(), Some("tags"));
        let many: BTreeMap<_, _> = (0..9).map(|n| (n.to_string(), "x".to_owned())).collect();
        assert!(TagSet::given(&many).is_err());
    }

    #[test]
    fn of_a_key_so_many_values_are_told_apart_a_day() {
        let mut book = TagBook::default();
        let of = |n: usize| TagSet::of_header(&format!("project=p{n}"), &keys());
        let value = |tags: TagSet| tags.pairs()["project"].clone();
        for n in 0..MAX_VALUES_PER_DAY {
            assert_eq!(value(book.bounded(of(n), 1)), format!("p{n}"));
        }
        assert_eq!(value(book.bounded(of(1000), 1)), OTHER);
        assert_eq!(value(book.bounded(of(0), 1)), "p0", "known ones stay");
        assert_eq!(value(book.bounded(of(1000), 2)), "p1000", "another day");
    }

    #[test]
    fn a_credentials_tags_come_last_and_are_bounded_like_all_others() {
        let (spend, now) = (SpendTags::new(keys()), Millis(0));
        let of = |text: &str| TagSet::of_header(text, &keys());
        let none = TagSet::none();
        let odd = TagSet::stored([("planet".to_owned(), "mars".to_owned())].into());
        assert!(spend.of(&none, None, now).is_empty() && spend.of(&none, Some(&none), now).is_empty());
        assert!(spend.of(&odd, Some(&odd), now).is_empty(), "not declared");
        let both = spend.of(&of("project=call"), Some(&of("project=key,env=prod")), now);
        assert_eq!(both.to_json(), r#"{"env":"prod","project":"call"}"#);
        for n in 0..MAX_VALUES_PER_DAY {
            assert!(!spend.of(&none, Some(&of(&format!("team=t{n}"))), now).is_empty());
        }
        let more = spend.of(&none, Some(&of("team=more")), now);
        assert_eq!(more.to_json(), r#"{"team":"other"}"#);
        let wrong = [("team".to_owned(), "a\"b".to_owned())].into();
        assert!(TagSet::given_or_none(&wrong).is_empty(), "what JSON would have to escape");
    }

    #[test]
    fn keys_read_back() {
        assert_eq!(TagKeys::parse("team, project,env").unwrap(), keys());
        assert_eq!(TagKeys::parse(&keys().to_string()).unwrap(), keys());
        assert_eq!(TagKeys::parse("").unwrap().to_string(), "");
        assert!(TagKeys::parse("a b").is_err() && TagKeys::parse("1,2,3,4,5,6,7,8,9").is_err());
    }
}
