//! A secret on its way over the wire: the one type that serialises a secret, on purpose.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_model::Secret;
use utoipa::ToSchema;

/// A secret in a body. `Debug` prints stars; serialising reveals it.
#[derive(Clone, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(pub Secret);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}
