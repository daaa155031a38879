//! Backups: the whole database as one sealed file, the proof of such a file, and its way into an empty database.
//!
//! The file is the same whichever database it was made of. Its bytes are written down in `docs/format.md`.

mod contents;
mod create;
mod file;
mod fill;
mod proof;
mod restore;

use std::sync::Arc;

use strongroom_model::{Actor, Problem};

pub use contents::{Contents, TableSummary, inspect};
pub use create::Backup;
pub(crate) use proof::prove_database;
pub use proof::{Proof, prove};
pub use restore::{OpenWindows, Restored, restore};

use crate::custody::Custody;

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
    /// Open windows are closed.
    Settling,
}

/// Told about each step; what it fails with ends the work there.
pub type Watcher<'a> = &'a mut (dyn FnMut(Step) -> Result<(), Problem> + Send);

/// Makes backups.
#[derive(Debug, Clone)]
pub struct BackupService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) actor: Actor,
}

/// Why nothing is done with a database that a restore was cut short in.
pub fn half_restored() -> Problem {
    Problem::conflict(
        "the database is half restored: `strongroom restore` was cut short, or is still at it; run it again, or use another \
         database",
    )
}
