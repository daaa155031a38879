//! Sorts variables into the credentials that they become: one per key, named after its provider and pool number.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_model::Secret;
use strongroom_model::provider::{KNOWN, KnownProvider};

use super::variable::{Meaning, meaning, why_no_key};

/// Where a variable is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In a file, from one line to another, which most often is the same.
    File { path: Arc<PathBuf>, line: usize, last_line: usize },
    /// In the environment of this process.
    Environment,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("environment"),
            Self::File { path, line, last_line } if line == last_line => {
                write!(f, "{}:{line}", path.display())
            }
            Self::File { path, line, last_line } => write!(f, "{}:{line}-{last_line}", path.display()),
        }
    }
}

/// A variable and where it is set.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Secret,
    pub(super) place: Place,
    /// A later line of the same file sets it again, so that this value was never in use.
    pub(super) is_replaced: bool,
}

/// One key, under the name that its credential gets.
#[derive(Debug)]
pub(super) struct FoundKey {
    pub(super) provider: &'static KnownProvider,
    pub(super) name: String,
    pub(super) value: Secret,
    /// Every place that holds it, with the variable's name there; never empty.
    pub(super) places: Vec<(String, Place)>,
}

/// What the variables hold.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In the order of providers, then of pool numbers.
    pub(super) keys: Vec<FoundKey>,
    /// Keys of providers whose base URL is not known here.
    pub(super) without_endpoint: Vec<FoundKey>,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
}

/// Sorts variables, of which the earlier ones come first where two want the same name.
pub(super) fn find(variables: Vec<Variable>) -> Found {
    let mut found = Found::default();
    let mut candidates = Vec::new();
    for variable in variables {
        let Some(meaning) = meaning(&variable.name) else { continue };
        match why_no_key(&variable.value) {
            Some(why) => {
                found.notes.push(format!("{} ({}) is left out: {why}", variable.name, variable.place))
            }
            None => candidates.push((meaning, variable)),
        }
    }
    candidates.sort_by_key(|(meaning, variable)| (variable.is_replaced, meaning.number, meaning.alias));
    for provider in KNOWN {
        let of_provider = candidates.iter().filter(|(meaning, _)| meaning.provider.name == provider.name);
        let keys = numbered(provider, of_provider, &mut found.notes);
        if provider.base_url.is_some() {
            found.keys.extend(keys);
        } else {
            found.without_endpoint.extend(keys);
        }
    }
    found
}

/// The different keys of one provider, each with a number of its own.
fn numbered<'v>(
    provider: &'static KnownProvider,
    candidates: impl Iterator<Item = &'v (Meaning, Variable)>,
    notes: &mut Vec<String>,
) -> Vec<FoundKey> {
    let mut taken = BTreeSet::new();
    let mut keys: Vec<(Option<u32>, FoundKey)> = Vec::new();
    for (meaning, variable) in candidates {
        let place = (variable.name.clone(), variable.place.clone());
        if let Some((_, same)) = keys.iter_mut().find(|(_, key)| key.value == variable.value) {
            same.places.push(place);
        } else if variable.is_replaced {
            let (name, place) = place;
            notes.push(format!(
                "{name} ({place}) is left out: the same file sets it again further down, so that this key is not in use"
            ));
        } else {
            let number = (meaning.number > 0 && taken.insert(meaning.number)).then_some(meaning.number);
            let key = FoundKey {
                provider,
                name: String::new(),
                value: variable.value.clone(),
                places: vec![place],
            };
            keys.push((number, key));
        }
    }
    for (number, _) in &mut keys {
        // Only after every variable has the number that it names: what is left takes the next free one.
        let free = || (2..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX);
        let number = *number.get_or_insert_with(free);
        taken.insert(number);
    }
    keys.sort_by_key(|(number, _)| *number);
    let named = |(number, key): (Option<u32>, FoundKey)| {
        let name = match number {
            Some(1) | None => format!("{}-primary", provider.name),
            Some(number) => format!("{}-{number}", provider.name),
        };
        FoundKey { name, ..key }
    };
    keys.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: &str, place: Place) -> Variable {
        Variable { name: name.to_owned(), value: Secret::from(value), place, is_replaced: false }
    }

    fn on(line: usize) -> Place {
        Place::File { path: Arc::new(PathBuf::from(".env")), line, last_line: line }
    }

    /// The keys as `name=value@place,place`.
    fn shown(keys: &[FoundKey]) -> Vec<String> {
        let show = |key: &FoundKey| {
            let places: Vec<_> = key.places.iter().map(|(_, place)| place.to_string()).collect();
            format!("{}={}@{}", key.name, key.value.expose(), places.join(","))
        };
        keys.iter().map(show).collect()
    }

    fn keys(variables: &[(&str, &str)]) -> Vec<String> {
        let variables =
            variables.iter().enumerate().map(|(place, (name, value))| set(name, value, on(place + 1)));
        shown(&find(variables.collect()).keys)
    }

    #[test]
    fn the_five_providers_and_their_pools_get_the_names_of_the_original() {
        let found = keys(&[
            ("OPENAI_API_KEY_3", "o3"),
            ("OPENAI_API_KEY", "o1"),
            ("OPENAI_API_KEY_2", "o2"),
            ("GROQ_API_KEY", "q1"),
            ("ANTHROPIC_API_KEY", "a1"),
            ("OPENROUTER_API_KEY", "r1"),
            ("GEMINI_API_KEY", "g1"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(
            found,
            [
                "gemini-primary=g1@.env:7",
                "groq-primary=q1@.env:4",
                "openrouter-primary=r1@.env:6",
                "openai-primary=o1@.env:2",
                "openai-2=o2@.env:3",
                "openai-3=o3@.env:1",
                "anthropic-primary=a1@.env:5",
            ]
        );
    }

    #[test]
    fn two_names_of_one_provider_count_once_when_they_hold_the_same() {
        assert_eq!(
            keys(&[("GOOGLE_API_KEY", "g"), ("GEMINI_API_KEY", "g")]),
            ["gemini-primary=g@.env:2,.env:1"]
        );
        assert_eq!(keys(&[("GOOGLE_API_KEY", "g")]), ["gemini-primary=g@.env:1"]);
    }

    #[test]
    fn what_wants_a_number_that_is_taken_gets_the_next_free_one() {
        let found = keys(&[
            ("GOOGLE_API_KEY", "b"),
            ("GEMINI_API_KEY", "a"),
            ("GEMINI_API_KEY_2", "c"),
            ("GEMINI_API_KEY_4", "d"),
        ]);
        assert_eq!(
            found,
            ["gemini-primary=a@.env:2", "gemini-2=c@.env:3", "gemini-3=b@.env:1", "gemini-4=d@.env:4"]
        );
        assert_eq!(
            keys(&[("OPENAI_API_KEY_1", "a"), ("OPENAI_API_KEY_0", "b")]),
            ["openai-primary=a@.env:1", "openai-2=b@.env:2"]
        );
        assert_eq!(keys(&[("OPENAI_API_KEY_2", "a")]), ["openai-2=a@.env:1"]);
        assert_eq!(
            keys(&[("OPENAI_API_KEY_2", "a"), ("OPENAI_API_KEY", "a")]),
            ["openai-primary=a@.env:2,.env:1"]
        );
    }

    #[test]
    fn the_environment_comes_first_and_a_file_that_differs_is_not_lost() {
        let variables = vec![
            set("OPENAI_API_KEY", "live", Place::Environment),
            set("OPENAI_API_KEY", "filed", on(1)),
            set("GROQ_API_KEY", "same", Place::Environment),
            set("GROQ_API_KEY", "same", on(2)),
        ];
        assert_eq!(
            shown(&find(variables).keys),
            [
                "groq-primary=same@environment,.env:2",
                "openai-primary=live@environment",
                "openai-2=filed@.env:1"
            ]
        );
    }

    #[test]
    fn a_replaced_key_is_left_out_with_a_note_unless_it_is_the_same() {
        let replaced =
            |value: &str, line| Variable { is_replaced: true, ..set("OPENAI_API_KEY", value, on(line)) };
        let found = find(vec![
            set("OPENAI_API_KEY", "canary-new", on(3)),
            replaced("canary-new", 1),
            replaced("canary-old", 2),
        ]);
        assert_eq!(shown(&found.keys), ["openai-primary=canary-new@.env:3,.env:1"]);
        assert_eq!(found.notes.len(), 1);
        assert!(found.notes[0].contains(".env:2") && !format!("{found:?}").contains("canary"), "{found:?}");
    }

    #[test]
    fn placeholders_and_unknown_endpoints_are_reported() {
        let found = find(vec![
            set("OPENAI_API_KEY", "sk-...", on(1)),
            set("MISTRAL_API_KEY", "m1", on(2)),
            set("XAI_API_KEY", "x1", on(3)),
        ]);
        assert!(found.keys.is_empty());
        assert_eq!(found.notes, ["OPENAI_API_KEY (.env:1) is left out: it is a placeholder"]);
        assert_eq!(shown(&found.without_endpoint), ["grok-primary=x1@.env:3", "mistral-primary=m1@.env:2"]);
    }
}
