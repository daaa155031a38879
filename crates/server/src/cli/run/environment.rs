//! The environment of a command: the providers' usual variables in, what is strongroom's own out.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use strongroom_client::wire::credential::RevealedCredential;
use strongroom_model::Secret;
use strongroom_model::provider;

/// The variables that hold these keys, and where a key goes that has an endpoint of its own: without that a program would
/// send it to the provider. The second key of a variable goes into `…_2`, as pools of keys are written.
pub(super) fn variables(keys: &[RevealedCredential]) -> Vec<(String, Secret)> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut variables = Vec::new();
    for key in keys {
        let mut number = 1;
        for name in usual(&key.provider) {
            number = *taken.entry(name.clone()).and_modify(|number| *number += 1).or_insert(1);
            variables.push((numbered(name, number), key.api_key.0.clone()));
        }
        if let Some(endpoint) = &key.endpoint {
            variables.push((numbered(base_url(&key.provider), number), Secret::from(endpoint.as_str())));
        }
    }
    variables
}

fn numbered(name: String, number: usize) -> String {
    if number == 1 { name } else { format!("{name}_{number}") }
}

/// Variables in which programs look for the key of this provider.
fn usual(provider: &str) -> Vec<String> {
    if let Some(known) = provider::find(provider) {
        return known.variables.iter().map(|&name| name.to_owned()).collect();
    }
    vec![format!("{}_API_KEY", plain(provider))]
}

/// Variable in which the provider's own SDK looks for another base URL; named after the provider where there is no such SDK.
fn base_url(provider: &str) -> String {
    let own = provider::find(provider).and_then(|known| known.base_url_variable);
    own.map_or_else(|| format!("{}_BASE_URL", plain(provider)), str::to_owned)
}

fn plain(provider: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_uppercase() } else { '_' }
    };
    provider.chars().map(plain).collect()
}

/// Environment of this process, less what is strongroom's own, and with the variables.
pub(super) fn compose(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    variables: &[(String, Secret)],
) -> Vec<(OsString, OsString)> {
    let is_set = |name: &OsStr| variables.iter().any(|(set, _)| name == OsStr::new(set));
    let mut environment: Vec<_> = inherited.filter(|(name, _)| !is_ours(name) && !is_set(name)).collect();
    environment.extend(variables.iter().map(|(name, key)| (name.into(), key.expose().into())));
    environment
}

/// Variables that let somebody into strongroom, or open what it has sealed.
pub(super) fn is_ours(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"STRONGROOM_")
        || name.starts_with(b"ENCRYPTION_KEY")
        || name == b"JWT_SECRET"
        || name == b"JWT_SECRET_FILE"
}

#[cfg(test)]
mod tests {
    use strongroom_client::wire::SecretText;

    use super::*;

    fn key(provider: &str, key: &str) -> RevealedCredential {
        RevealedCredential {
            id: None,
            name: provider.to_owned(),
            provider: provider.to_owned(),
            endpoint: None,
            api_key: SecretText(Secret::from(key)),
            api_secret: None,
            source: "database".to_owned(),
            version: None,
            usage_count: 1,
            current_month_usage: 1,
            rate_limit: None,
        }
    }

    fn names(keys: &[RevealedCredential]) -> Vec<String> {
        variables(keys).into_iter().map(|(name, key)| format!("{name}={}", key.expose())).collect()
    }

    #[test]
    fn a_key_goes_where_programs_look_for_it() {
        assert_eq!(names(&[key("openai", "k1")]), ["OPENAI_API_KEY=k1"]);
        assert_eq!(names(&[key("gemini", "k1")]), ["GEMINI_API_KEY=k1", "GOOGLE_API_KEY=k1"]);
        assert_eq!(names(&[key("my-llm.v2", "k1")]), ["MY_LLM_V2_API_KEY=k1"]);
    }

    #[test]
    fn a_key_with_an_endpoint_of_its_own_brings_it_along() {
        let at = |provider: &str, endpoint: &str| RevealedCredential {
            endpoint: Some(endpoint.to_owned()),
            ..key(provider, "k")
        };
        let keys = [
            key("openai", "k1"),
            at("openai", "https://a"),
            at("gemini", "https://b"),
            at("my-llm", "https://c"),
        ];
        let expected = [
            "OPENAI_API_KEY=k1",
            "OPENAI_API_KEY_2=k",
            "OPENAI_BASE_URL_2=https://a",
            "GEMINI_API_KEY=k",
            "GOOGLE_API_KEY=k",
            "GOOGLE_GEMINI_BASE_URL=https://b",
            "MY_LLM_API_KEY=k",
            "MY_LLM_BASE_URL=https://c",
        ];
        assert_eq!(names(&keys), expected);
    }

    #[test]
    fn more_keys_of_one_variable_are_numbered_as_pools_are() {
        let keys = [key("openai", "k1"), key("groq", "k2"), key("openai", "k3"), key("openai", "k4")];
        let expected = ["OPENAI_API_KEY=k1", "GROQ_API_KEY=k2", "OPENAI_API_KEY_2=k3", "OPENAI_API_KEY_3=k4"];
        assert_eq!(names(&keys), expected);
        let alike = [key("my-llm", "k1"), key("my.llm", "k2")];
        assert_eq!(names(&alike), ["MY_LLM_API_KEY=k1", "MY_LLM_API_KEY_2=k2"]);
    }

    #[test]
    fn what_is_ours_stays_behind_and_the_rest_goes_along() {
        let inherited = [
            ("PATH", "/bin"),
            ("DATABASE_URL", "postgres://theirs"),
            ("OPENAI_API_KEY", "stale"),
            ("STRONGROOM_TOKEN", "sr_x"),
            ("STRONGROOM_DATABASE_URL", "postgres://ours"),
            ("ENCRYPTION_KEY", "00"),
            ("ENCRYPTION_KEY_FILE", "f"),
            ("ENCRYPTION_KEY_PREVIOUS", "11"),
            ("JWT_SECRET", "s"),
            ("JWT_SECRET_FILE", "f"),
            ("JWT_SECRETARY", "kept"),
        ];
        let inherited = inherited.into_iter().map(|(name, value)| (name.into(), value.into()));
        let composed = compose(inherited, &[("OPENAI_API_KEY".to_owned(), Secret::from("fresh"))]);
        let expected = [
            ("PATH", "/bin"),
            ("DATABASE_URL", "postgres://theirs"),
            ("JWT_SECRETARY", "kept"),
            ("OPENAI_API_KEY", "fresh"),
        ];
        assert_eq!(composed, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
