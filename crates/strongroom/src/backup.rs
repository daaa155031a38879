//! Backups: the whole database as one sealed file, the proof of such a file, and its way into an empty database.
//!
//! The file is the same whichever database it was made of. Its bytes are written down in `docs/format.md`.

mod contents;
mod create;
mod file;
mod proof;
mod restore;

use strongroom_model::Actor;

pub use contents::{Contents, TableSummary, inspect};
pub use create::Backup;
pub use proof::{Proof, prove};
pub use restore::{OpenWindows, Restored, restore};

pub use crate::open::half_restored;

use crate::Strongroom;

/// How far a long piece of work on a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The file is read and compared with its digests.
    Checking,
    /// So many rows stand in the database.
    Filling {
        /// Rows so far.
        rows: u64,
    },
    /// All rows stand there.
    Filled,
    /// Every sealed text is opened, every MAC and the audit chain verified.
    Proving,
    /// What is open is closed.
    Settling,
}

/// Told about each step; what it fails with ends the work there.
pub type Watcher<'a> = &'a mut (dyn FnMut(Step) -> Result<(), strongroom_model::Problem> + Send);

/// Makes backups.
#[derive(Debug, Clone)]
pub struct BackupService {
    room: Strongroom,
    actor: Actor,
}

impl Strongroom {
    /// Backups, as this actor makes them.
    #[must_use]
    pub fn backups(&self, actor: Actor) -> BackupService {
        BackupService { room: self.clone(), actor }
    }
}
