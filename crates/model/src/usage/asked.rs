//! Things that a request asks for and that decide its price beside its tokens, each by the name of its field.

use super::{Geography, Tier, Unpriced, Use};

/// Something that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its path in the request, such as `service_tier` or `tools[0]`.
    pub field: Box<str>,
    /// Its value.
    pub what: AskedFor,
}

/// Value that decides a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedFor {
    /// A class of service, by which the call may be billed.
    Tier(Tier),
    /// The class of service that the account is set to.
    AnyTier,
    /// To be processed in this place and no other.
    Geography(Geography),
    /// Its prompt may hold audio.
    AudioInput,
    /// Its answer may hold audio.
    AudioOutput,
    /// Its answer may hold images.
    ImageOutput,
    /// Its prompt may be written to a cache for longer than usual, which costs more.
    LongCache,
    /// To be told its cost, by a provider that states it.
    Cost,
    /// Uses of a service with a fee, at most so many; `None` when nothing bounds them.
    Uses(Use, Option<u32>),
    /// Something that has no price whatever the model.
    Unpriced(Unpriced),
}
