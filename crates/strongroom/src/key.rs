//! Encryption keys: which there are, what is under each, and how they are replaced.

mod drive;
mod holder;
mod keeper;
mod master;
mod rotation;
mod status;

use strongroom_crypto::MasterKey;
use strongroom_model::{Problem, Secret};
use strongroom_store::key::{KeyRow, WrapRow};

use crate::Strongroom;

pub use holder::Holder;
pub use master::MasterChange;
pub use rotation::{Policy, RotationState, Started};
pub use status::{DataKeyState, KeyState, KeyStatus, MasterState};

pub(crate) use holder::announce;
pub(crate) use keeper::Keeper;

/// Tells about encryption keys, and replaces them.
#[derive(Debug, Clone)]
pub struct KeyService {
    pub(crate) room: Strongroom,
}

impl KeyService {
    /// A fresh master key, which is not kept.
    #[must_use]
    pub fn generate(&self) -> Secret {
        MasterKey::generate().to_hex()
    }

    /// The wrapped keys and their wraps.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn list(&self) -> Result<(Vec<KeyRow>, Vec<WrapRow>), Problem> {
        let mut session = self.room.0.custody.store.read().await?;
        let keys = strongroom_store::key::list(&mut session).await?;
        Ok((keys, strongroom_store::key::list_wraps(&mut session).await?))
    }
}
