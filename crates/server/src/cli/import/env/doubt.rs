//! Keys that are most likely not what their variable's name says.

use strongroom_connectors::key_pattern;
use strongroom_model::Secret;
use strongroom_model::provider::KnownProvider;

/// A sentence part such as `has the form of a key of anthropic`; `None` for a key that may well be one of the provider's.
pub(super) fn of(key: &Secret, provider: &KnownProvider) -> Option<String> {
    let key = key.expose();
    if let Some(other) = key_pattern::marked_as_anothers(key, provider.name) {
        return Some(format!("has the form of a key of {other}"));
    }
    if let Some(service) = key_pattern::foreign_service(key) {
        return Some(format!("has the form of a key of {service}"));
    }
    if key_pattern::is_web_token(key) {
        return Some("has the form of a JSON Web Token, which is no provider's key".to_owned());
    }
    if provider.admin_prefixes.iter().any(|prefix| key.starts_with(prefix)) {
        return Some(format!("is a key that manages an account of {}, and calls no model", provider.title));
    }
    (!key_pattern::may_be_of(key, provider))
        .then(|| format!("has not the form of the keys of {}", provider.title))
}
