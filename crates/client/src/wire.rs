//! The bodies of requests and answers, one file per noun. Field names are camelCase on the wire.

pub mod ai;
pub mod alert;
pub mod audit;
pub mod backup;
pub mod credential;
pub mod import;
pub mod key;
pub mod leak;
pub mod limit;
pub mod me;
pub mod offboard;
pub mod problem;
pub mod route;
pub mod secret_text;
pub mod session;
pub mod status;
pub mod token;
pub mod usage;
pub mod usage_record;
pub mod user;
pub mod version;

pub use secret_text::SecretText;

use serde::{Deserialize, Deserializer};

/// Tells a field that is absent (`None`) from one that is `null` (`Some(None)`).
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
