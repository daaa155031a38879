//! Sorts variables into the credentials that they become: one per key, named after its provider and pool number.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::{KNOWN, KnownProvider};
use strongroom_model::secret_form::{Fault, Purpose, clean};

use super::address::Address;
use super::variable::{Meaning, address_of, is_named_like_a_secret, meaning};

/// The place in which a variable is set.
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
pub(super) struct CandidateKey {
    pub(super) provider: &'static KnownProvider,
    pub(super) name: String,
    pub(super) value: Secret,
    /// Every place that holds it, with the variable's name there; never empty.
    pub(super) places: Vec<(String, Place)>,
    /// A base URL in place of the provider's own.
    pub(super) endpoint: Option<String>,
}

/// Keys and addresses in the variables.
#[derive(Debug, Default)]
pub(in crate::cli::import) struct Candidates {
    /// In the order of providers, then of pool numbers.
    pub(super) keys: Vec<CandidateKey>,
    /// Variables that were left out, with the reasons.
    pub(super) notes: Vec<String>,
    /// Warnings for the person.
    pub(super) warnings: Vec<String>,
    /// Places of which something was left out: their lines stay, whatever becomes of the rest.
    pub(super) unread: Vec<Place>,
    /// Base URLs that lead a provider's keys away from its own API.
    pub(super) addresses: Vec<Address>,
}

/// Sorts variables, of which the earlier ones come first where two want the same name.
pub(super) fn find(variables: Vec<Variable>) -> Candidates {
    let mut found = Candidates::default();
    let mut candidates = Vec::new();
    let mut unknown = Vec::new();
    for variable in variables {
        if let Some(provider) = address_of(&variable.name) {
            found.addresses.extend(Address::of(provider, &variable));
        } else if let Some(meaning) = meaning(&variable.name) {
            found.take(meaning, variable, &mut candidates);
        } else {
            unknown.push(variable);
        }
    }
    found.tell_of_unknown(&unknown);
    candidates.sort_by_key(|(meaning, variable)| (variable.is_replaced, meaning.number, meaning.alias));
    for provider in KNOWN {
        let of_provider = candidates.iter().filter(|(meaning, _)| meaning.provider.name == provider.name);
        found.keys.extend(numbered(provider, of_provider, &mut found.notes));
    }
    found
}

impl Candidates {
    /// Tells whether there is no key to be moved in.
    pub(in crate::cli::import) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Takes what a variable with a known name holds, without wrapping.
    fn take(&mut self, meaning: Meaning, variable: Variable, candidates: &mut Vec<(Meaning, Variable)>) {
        let Variable { name, value, place, is_replaced } = variable;
        let parts = if meaning.is_list { parts(value.expose()) } else { vec![value.expose()] };
        for (part, number) in parts.into_iter().zip(meaning.number..) {
            let cleaned = match clean(part, Purpose::ApiKey) {
                Ok(cleaned) => cleaned,
                Err(fault) => {
                    let more = if fault == Fault::Several {
                        format!(", or name the variable {name}S")
                    } else {
                        String::new()
                    };
                    self.notes.push(format!("{name} ({place}) is left out: it {fault}{more}"));
                    self.unread.push(place.clone());
                    continue;
                }
            };
            if let Some(removed) = cleaned.removed_text().filter(|_| !meaning.is_list) {
                self.notes.push(format!("{name} ({place}): {removed} around the key left out"));
            }
            let secret = cleaned.secret;
            let is_login = |known: &KnownProvider| {
                known.login_prefixes.iter().any(|prefix| secret.expose().starts_with(prefix))
            };
            if KNOWN.iter().any(is_login) {
                self.notes.push(format!(
                    "{name} ({place}) is left out: it is the token of a person's login, which no API key's place can take"
                ));
                self.unread.push(place.clone());
                continue;
            }
            if let Some(other) = key_pattern::other_provider(secret.expose(), meaning.provider.name) {
                self.warnings.push(format!("{name} ({place}) has the form of a key of {other}"));
            }
            let meaning = Meaning { number, ..meaning };
            let variable = Variable { name: name.clone(), value: secret, place: place.clone(), is_replaced };
            candidates.push((meaning, variable));
        }
        if meaning.is_public {
            self.warnings.push(format!(
                "{name} ({place}) is public: build tools put it into what browsers load; replace the key at its provider, \
                 and let browsers ask a server of yours"
            ));
        }
    }

    /// Tells of variables that look like secrets and are not taken. Names only.
    fn tell_of_unknown(&mut self, unknown: &[Variable]) {
        let mut named = Vec::new();
        for Variable { name, value, place, is_replaced } in unknown {
            let kind = key_pattern::find(value.expose().as_bytes()).first().map(|hit| hit.kind);
            if let Some(kind) = kind {
                self.notes.push(format!(
                    "{name} ({place}) is passed over, and holds what looks like a key of {kind}: \
                     `strongroom credential add NAME --provider {kind}` takes it"
                ));
            } else if is_named_like_a_secret(name)
                && !is_replaced
                && clean(value.expose(), Purpose::ApiKey).is_ok()
            {
                named.push(format!("{name} ({place})"));
            }
        }
        if !named.is_empty() {
            self.notes.push(format!(
                "passed over, as their names say of no provider that is known: {}; \
                 `strongroom credential add NAME --provider PROVIDER` takes one",
                named.join(", ")
            ));
        }
    }
}

/// The keys of a list, separated by commas, semicolons or blanks, perhaps in brackets.
fn parts(text: &str) -> Vec<&str> {
    let text = text.trim_matches(|edge: char| edge.is_whitespace() || "[]\u{feff}".contains(edge));
    let is_between = |character: char| ",;|".contains(character) || character.is_whitespace();
    let parts: Vec<_> = text.split(is_between).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { vec![text] } else { parts }
}

/// The different keys of one provider, each with a number of its own.
fn numbered<'v>(
    provider: &'static KnownProvider,
    candidates: impl Iterator<Item = &'v (Meaning, Variable)>,
    notes: &mut Vec<String>,
) -> Vec<CandidateKey> {
    let mut taken = BTreeSet::new();
    let mut keys: Vec<(Option<u32>, CandidateKey)> = Vec::new();
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
            let key = CandidateKey {
                provider,
                name: String::new(),
                value: variable.value.clone(),
                places: vec![place],
                endpoint: None,
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
    let named = |(number, key): (Option<u32>, CandidateKey)| {
        let name = match number {
            Some(1) | None => format!("{}-primary", provider.name),
            Some(number) => format!("{}-{number}", provider.name),
        };
        CandidateKey { name, ..key }
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
    fn shown(keys: &[CandidateKey]) -> Vec<String> {
        let show = |key: &CandidateKey| {
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
    fn placeholders_are_reported_and_every_known_provider_is_taken() {
        let found = find(vec![
            set("OPENAI_API_KEY", "sk-...", on(1)),
            set("MISTRAL_API_KEY", "m1", on(2)),
            set("XAI_API_KEY", "x1", on(3)),
        ]);
        assert_eq!(
            found.notes,
            [
                "OPENAI_API_KEY (.env:1) is left out: it is a placeholder; give the key that the provider shows"
            ]
        );
        assert_eq!(shown(&found.keys), ["grok-primary=x1@.env:3", "mistral-primary=m1@.env:2"]);
    }

    #[test]
    fn a_key_is_taken_without_its_wrapping_or_not_at_all() {
        let key = "sk-proj-0123456789abcdefghij0123456789abcdefghij";
        for wrapped in [format!("{key}\n"), format!("{key}\r"), format!(" {key} "), format!("\"{key}\"")] {
            let found = find(vec![set("OPENAI_API_KEY", &wrapped, on(1))]);
            assert_eq!(shown(&found.keys), [format!("openai-primary={key}@.env:1")], "{wrapped:?}");
            assert!(found.notes.len() == 1 && found.unread.is_empty(), "{found:?}");
        }
        for refused in ["k1,k2", "Bearer sk-1", "sk-a\u{200b}b", "OPENAI_API_KEY=sk-1"] {
            let found = find(vec![set("OPENAI_API_KEY", refused, on(1))]);
            assert!(
                found.keys.is_empty() && found.notes.len() == 1 && found.unread == [on(1)],
                "{refused}: {found:?}"
            );
        }
    }

    #[test]
    fn a_list_becomes_a_pool_and_a_bad_part_keeps_its_line() {
        assert_eq!(
            keys(&[("OPENAI_API_KEYS", "o1, o2;\"o3\""), ("GROQ_API_KEYS", "[\"g1\"]")]),
            [
                "groq-primary=g1@.env:2",
                "openai-primary=o1@.env:1",
                "openai-2=o2@.env:1",
                "openai-3=o3@.env:1"
            ]
        );
        let found = find(vec![set("OPENAI_API_KEYS", "o1,your-key-here", on(4))]);
        assert_eq!(
            (shown(&found.keys), found.unread),
            (vec!["openai-primary=o1@.env:4".to_owned()], vec![on(4)])
        );
    }

    #[test]
    fn what_is_passed_over_is_named_and_never_shown() {
        let canary = "sk-ant-api03-canary0123456789abcdefghij0123456789";
        let found = find(vec![
            set("MY_CLAUDE", canary, on(1)),
            set("STRIPE_SECRET_KEY", "rk_canary_1", on(2)),
            set("PORT", "80", on(3)),
            set("VITE_OPENAI_API_KEY", "sk-canary", on(4)),
            set("OPENAI_API_KEY", canary, on(5)),
        ]);
        let said = found.notes.join("\n");
        assert!(said.contains("MY_CLAUDE (.env:1)") && said.contains("key of anthropic"), "{said}");
        assert!(said.contains("STRIPE_SECRET_KEY (.env:2)") && !said.contains("PORT"), "{said}");
        let warned = found.warnings.join("\n");
        assert!(warned.contains("VITE_OPENAI_API_KEY (.env:4) is public"), "{warned}");
        assert!(warned.contains("OPENAI_API_KEY (.env:5) has the form of a key of anthropic"), "{warned}");
        assert!(!format!("{said}{warned}{found:?}").contains("canary"));
    }
}
