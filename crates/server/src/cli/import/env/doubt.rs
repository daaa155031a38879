//! Keys that are most likely not what their variable's name says.

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::KnownProvider;

/// A reason why a value is most likely no key of its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    /// A sentence part such as `has the form of a key of anthropic`.
    pub(super) why: String,
    /// True when only the form speaks against it, which a server of somebody's own that speaks the provider's language
    /// may give to its keys: a UUID, a password, any word.
    pub(super) is_of_form: bool,
}

/// The doubt about a value; `None` for a key that may well be one of the provider's.
pub(super) fn of(key: &Secret, provider: &KnownProvider) -> Option<Doubt> {
    let key = key.expose();
    let certain = |why: String| Some(Doubt { why, is_of_form: false });
    if let Some(other) = key_pattern::marked_as_anothers(key, provider.name) {
        return certain(format!("has the form of a key of {other}"));
    }
    if let Some(service) = key_pattern::foreign_service(key) {
        return certain(format!("has the form of a key of {service}"));
    }
    if key_pattern::is_web_token(key) {
        return certain("has the form of a JSON Web Token, which is no provider's key".to_owned());
    }
    if provider.admin_prefixes.iter().any(|prefix| key.starts_with(prefix)) {
        return certain(format!(
            "is a key that manages an account of {}, and calls no model",
            provider.title
        ));
    }
    if is_reference(key) {
        return certain("says where a key is, or by which command it is had, and is none".to_owned());
    }
    (!key_pattern::may_be_of(key, provider)).then(|| Doubt {
        why: format!("has not the form of the keys of {}", provider.title),
        is_of_form: true,
    })
}

/// Beginnings of what other programs replace by a secret: files, commands of shells, templates, tags of YAML.
const REFERENCE_BEGINNINGS: [&str; 11] = ["/", "./", "../", "~/", "@", "`", "!", "<", "$", "#{", "%{"];

/// The longest word before a colon that says where a secret is kept: `encrypted:`, `vault:`, `arn:`, `keyring:`, `op:`.
const MAX_SCHEME_BYTES: usize = 24;

/// Tells whether a text says where a secret is kept, or which command shows it.
fn is_reference(text: &str) -> bool {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphabetic() || b"+-._".contains(&byte);
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        (2..=MAX_SCHEME_BYTES).contains(&scheme.len())
            && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(is_of_scheme)
            && !rest.is_empty()
    });
    has_scheme
        || REFERENCE_BEGINNINGS.iter().any(|beginning| text.starts_with(beginning))
        || ["$(", "${", "{{", ":\\", "}}"].iter().any(|within| text.contains(within))
        || text.contains(char::is_whitespace)
}
