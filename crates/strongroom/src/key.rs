//! Encryption keys: which there are, what is under each, and how they are replaced.

mod heartbeat;
mod master;
mod node_keys;
mod reseal;
mod reseal_task;
mod rotation;
mod status;

use std::sync::Arc;

use strongroom_crypto::MasterKey;
use strongroom_model::audit::Target;
use strongroom_model::{Problem, Secret};
use strongroom_store::key::{KeyRow, WrapRow};

use crate::custody::Custody;

pub use master::MasterChange;
pub use node_keys::Holder;
pub use rotation::{Policy, RotationState, Started};
pub use status::{DataKeyState, KeyState, KeyStatus, MasterState};

pub(crate) use heartbeat::Heartbeat;
pub(crate) use node_keys::{leave, take_custody};
pub(crate) use reseal_task::ResealTask;

/// Tells about encryption keys, and replaces them.
#[derive(Debug, Clone)]
pub struct KeyService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) reseal: Arc<ResealTask>,
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
        let mut session = self.custody.store.read().await?;
        let keys = strongroom_store::key::list(&mut session).await?;
        Ok((keys, strongroom_store::key::list_wraps(&mut session).await?))
    }
}

fn target(key_id: &str) -> Target {
    Target { kind: "key".into(), id: Some(key_id.to_owned()), name: None }
}
