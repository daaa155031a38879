//! Sorts variables into the credentials that they become: one per key, named after its provider and pool number.

use std::collections::BTreeSet;

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::{KNOWN, KeyVariable, KnownProvider, key_like_variable, key_variable};
use strongroom_model::secret_form::{Fault, Purpose, clean};

use super::address::{Address, addresses, host, is_about_address, nobodys_addresses};
use super::doubt::{self, Doubt};
use super::place::{Place, Variable};

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
    /// Reason why it is most likely no key of the provider.
    pub(super) doubt: Option<Doubt>,
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
    let mut found = Candidates { addresses: addresses(&variables), ..Candidates::default() };
    let nobodys = nobodys_addresses(&variables);
    let mut candidates = Vec::new();
    let mut unknown = Vec::new();
    for variable in variables {
        if is_about_address(&variable.name) {
            continue;
        }
        if let Some(meaning) = key_variable(&variable.name) {
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
    let warnings: Vec<_> = nobodys.iter().filter_map(|it| warning_of_nobodys(it, &found)).collect();
    found.warnings.extend(warnings);
    found
}

impl Candidates {
    /// Tells whether there is no key to be moved in.
    pub(in crate::cli::import) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Takes what a variable with a known name holds, without wrapping.
    fn take(
        &mut self,
        meaning: KeyVariable,
        variable: Variable,
        candidates: &mut Vec<(KeyVariable, Variable)>,
    ) {
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
                    let why = rest_of_line(part).map_or_else(|| format!("it {fault}{more}"), str::to_owned);
                    self.notes.push(format!("{name} ({place}) is left out: {why}"));
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
            if let Some(doubt) = doubt::of(&secret, meaning.provider) {
                self.warnings.push(format!("{name} ({place}) {}", doubt.why));
            }
            let meaning = KeyVariable { number, ..meaning };
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

    /// Tells of keys that are most likely none of their provider, and leaves them out where nobody is asked. One that goes to an
    /// address beside it, and not to the provider, may have any form.
    pub(super) fn leave_out_doubtful(&mut self, unattended: bool, follows_addresses: bool) {
        let addresses = std::mem::take(&mut self.addresses);
        let goes_elsewhere = |key: &CandidateKey| {
            follows_addresses && addresses.iter().any(|address| address.provider.name == key.provider.name)
        };
        let stays = |key: &CandidateKey| match &key.doubt {
            Some(doubt) => !unattended || (doubt.is_of_form && goes_elsewhere(key)),
            None => true,
        };
        let (keys, doubtful): (Vec<_>, Vec<_>) = std::mem::take(&mut self.keys).into_iter().partition(stays);
        self.addresses = addresses;
        self.keys = keys;
        for key in doubtful {
            self.notes.push(left_out(&key));
            self.unread.extend(key.places.into_iter().map(|(_, place)| place));
        }
    }

    /// Tells of variables that look like secrets and are not taken. Names only.
    fn tell_of_unknown(&mut self, unknown: &[Variable]) {
        let mut named = Vec::new();
        let is_secret = |value: &Secret| clean(value.expose(), Purpose::ApiKey).is_ok();
        for Variable { name, value, place, is_replaced } in unknown {
            let kind = key_pattern::find(value.expose().as_bytes()).first().map(|hit| hit.kind);
            if let Some(kind) = kind {
                self.notes.push(format!(
                    "{name} ({place}) is passed over, and holds what looks like a key of {kind}: \
                     `strongroom credential add NAME --provider {kind}` takes it"
                ));
            } else if let Some(known) = key_like_variable(name).filter(|_| !is_replaced && is_secret(value)) {
                self.notes.push(format!(
                    "{name} ({place}) is passed over, and is named like a key of {kind}: \
                     `strongroom credential add NAME --provider {kind}` takes it",
                    kind = known.name
                ));
            } else if is_named_like_a_secret(name) && !is_replaced && is_secret(value) {
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

/// Warns of an address that names no provider, where a key goes elsewhere by its own.
fn warning_of_nobodys((title, host_of_it): &(String, String), found: &Candidates) -> Option<String> {
    let goes_elsewhere = |key: &&CandidateKey| host(key.provider.base_url).as_ref() != Some(host_of_it);
    let mut providers: Vec<_> =
        found.keys.iter().filter(goes_elsewhere).map(|key| key.provider.name).collect();
    providers.dedup();
    // One that a switch names is asked about.
    let is_asked = found.addresses.iter().any(|it| it.host() == *host_of_it);
    (!providers.is_empty() && !is_asked).then(|| {
        format!(
            "{title} names {host_of_it}, and no provider: the keys of {} are stored for the providers' own addresses; one that is \
             for that address is stored by `strongroom credential add NAME --endpoint URL`",
            providers.join(", ")
        )
    })
}

fn left_out(key: &CandidateKey) -> String {
    let places: Vec<_> = key.places.iter().map(|(name, place)| format!("{name} ({place})")).collect();
    format!(
        "{} is left out, for nobody is asked; `strongroom credential add NAME --provider PROVIDER` takes the key",
        places.join(", ")
    )
}

/// Tells what follows a key in its value, where a reader of such files knows neither comments nor lines that go on.
fn rest_of_line(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let at = text.find([' ', '\t'])?;
    let (key, rest) = (&text[..at], text[at..].trim_start());
    clean(key, Purpose::ApiKey).ok()?;
    match rest.as_bytes() {
        [b'#', ..] => Some("a comment follows the key within its value; give the key alone"),
        [b'\\'] => {
            Some("its line goes on with a backslash; write the assignment on a line of its own, without one")
        }
        _ => None,
    }
}

/// Tells whether an unknown variable is named like one that holds a secret.
fn is_named_like_a_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let plain = upper.trim_end_matches(|last: char| last.is_ascii_digit() || last == '_');
    ["KEY", "KEYS", "TOKEN", "TOKENS", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"]
        .iter()
        .any(|end| plain.ends_with(end))
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
    candidates: impl Iterator<Item = &'v (KeyVariable, Variable)>,
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
                doubt: doubt::of(&variable.value, provider),
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
mod tests;
