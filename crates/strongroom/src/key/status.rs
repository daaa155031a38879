//! How the keys stand, and what to do next in plain words.

use strongroom_crypto::{MasterKey, Purpose};
use strongroom_model::{Millis, Problem};
use strongroom_store::key::{self, KeyRow};
use strongroom_store::{rotation, sealed};

use super::master::newer_master;
use super::{Holder, KeyService, RotationState, node_keys};

/// State of a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKeyState {
    /// New work is done under it.
    Current,
    /// It was superseded, and texts are or may be left under it.
    Leaving,
    /// It was proved that nothing is left under it.
    Retired,
}

impl DataKeyState {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Leaving => "leaving",
            Self::Retired => "retired",
        }
    }
}

/// A key and what is under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub row: KeyRow,
    /// Its state.
    pub state: DataKeyState,
    /// Sealed texts under it now; `None` for a key that seals nothing.
    pub texts: Option<i64>,
    /// Fingerprints of the masters that it is wrapped under.
    pub wrapped_under: Vec<String>,
}

/// A master and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterState {
    /// Its fingerprint.
    pub fingerprint: String,
    /// When keys were first wrapped under it.
    pub first_seen: Millis,
    /// Keys that are wrapped under it.
    pub wraps: usize,
    /// True if it is the one that this process was given first.
    pub is_first: bool,
    /// True if this process holds it at all.
    pub is_held: bool,
    /// Processes that hold no other one of the database's masters.
    pub needed_by: Vec<String>,
    /// True if it can be retired now.
    pub can_go: bool,
}

/// How the keys stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Fingerprint of the master that this process was given first.
    pub master_fingerprint: String,
    /// The masters that keys are wrapped under.
    pub masters: Vec<MasterState>,
    /// The one that is to replace the one of this process.
    pub replaced_by: Option<String>,
    /// The keys, the oldest first.
    pub keys: Vec<KeyState>,
    /// The processes that have the database open.
    pub holders: Vec<Holder>,
    /// The rotation of the data key that is open, else the last one.
    pub rotation: Option<RotationState>,
    /// Steps that are to be done next, in their order.
    pub next: Vec<String>,
}

impl KeyService {
    /// How the keys stand.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn status(&self) -> Result<KeyStatus, Problem> {
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        // First of all: of a rotation that is told to have ended, everything that follows shows the end.
        let rotation = rotation::latest(&mut session).await?;
        let rows = key::list(&mut session).await?;
        let wraps = key::list_wraps(&mut session).await?;
        let known = key::masters(&mut session).await?;
        let counts = sealed::count_by_key(&mut session).await?;
        let holders = node_keys::list(&mut session, now).await?;
        let rotation = rotation.map(|row| RotationState::of(row, &counts));
        drop(session);

        let own: Vec<String> = self.custody.masters.iter().map(MasterKey::fingerprint).collect();
        let first = own[0].clone();
        let is_ready = known.iter().any(|master| master.fingerprint == first);
        let replaced_by = newer_master(&known, &first).map(str::to_owned);
        let all_hold_first = holders.iter().all(|holder| holder.masters.contains(&first));
        let fingerprints: Vec<String> = known.iter().map(|master| master.fingerprint.clone()).collect();
        let masters = known
            .into_iter()
            .map(|master| MasterState {
                wraps: wraps.iter().filter(|wrap| wrap.master_fingerprint == master.fingerprint).count(),
                is_first: master.fingerprint == first,
                is_held: own.contains(&master.fingerprint),
                needed_by: holders
                    .iter()
                    .filter(|holder| {
                        let mut held = holder.masters.iter().filter(|held| fingerprints.contains(held));
                        held.next() == Some(&master.fingerprint) && held.next().is_none()
                    })
                    .map(Holder::name)
                    .collect(),
                can_go: is_ready && replaced_by.is_none() && master.fingerprint != first && all_hold_first,
                first_seen: Millis(master.first_seen_ms),
                fingerprint: master.fingerprint,
            })
            .collect();
        let keys = rows.into_iter().map(|row| KeyState {
            state: match (row.is_current, row.retired_at_ms) {
                (true, _) => DataKeyState::Current,
                (false, None) => DataKeyState::Leaving,
                (false, Some(_)) => DataKeyState::Retired,
            },
            texts: (row.purpose == Purpose::Data.as_str())
                .then(|| counts.iter().find(|(id, _)| *id == row.id).map_or(0, |(_, count)| *count)),
            wrapped_under: wraps
                .iter()
                .filter(|wrap| wrap.key_id == row.id)
                .map(|wrap| wrap.master_fingerprint.clone())
                .collect(),
            row,
        });
        let mut status = KeyStatus {
            master_fingerprint: first,
            masters,
            replaced_by,
            keys: keys.collect(),
            holders,
            rotation,
            next: Vec::new(),
        };
        status.next = next(&status, &own);
        Ok(status)
    }
}

fn next(status: &KeyStatus, own: &[String]) -> Vec<String> {
    let first = &status.master_fingerprint;
    let mut next = Vec::new();
    let old: Vec<&str> =
        status.masters.iter().filter(|it| !it.is_first).map(|it| it.fingerprint.as_str()).collect();
    if !status.masters.iter().any(|master| master.is_first) {
        next.push(format!(
            "Nothing is wrapped under the new master key {first} yet: run `strongroom key rotate --master`."
        ));
    } else if let Some(newer) = &status.replaced_by {
        next.push(format!(
            "The master key {first} of this server is being replaced by {newer}: start this server, and every other one \
             that has it, with {newer} as ENCRYPTION_KEY. After that, `strongroom key rotate --master --finish` at one of \
             them retires {first}."
        ));
    } else if !old.is_empty() {
        let without: Vec<String> =
            status.holders.iter().filter(|it| !it.masters.contains(first)).map(Holder::name).collect();
        next.push(if without.is_empty() {
            format!(
                "Every server holds the master key {first}: retire {} with `strongroom key rotate --master --finish`.",
                old.join(", ")
            )
        } else {
            format!(
                "Start these again with the master key {first}, which they do not hold: {}. After that, `strongroom key \
                 rotate --master --finish` retires {}.",
                without.join(", "),
                old.join(", ")
            )
        });
    } else if own.len() > 1 {
        next.push(
            "Nothing is wrapped under the previous master key any more: remove ENCRYPTION_KEY_PREVIOUS. Keep the key \
             itself as long as you keep backups from before."
                .to_owned(),
        );
    }
    if let Some(rotation) = &status.rotation {
        if rotation.is_open {
            next.push(format!(
                "The data key is being replaced: {} of {} sealed texts are left. Servers work on it by themselves.",
                rotation.left, rotation.texts
            ));
        } else if rotation.broken > 0 {
            next.push(format!(
                "{} sealed texts did not open when the data key was replaced; `strongroom audit list --action \
                 key.rotate_finish` names them. Restore them from a backup or store those keys again, then run `strongroom \
                 key rotate` again.",
                rotation.broken
            ));
        } else if rotation.left > 0 {
            next.push(format!(
                "{} sealed texts are under a data key that was replaced: an older strongroom wrote them, or they were \
                 restored. Run `strongroom key rotate` again.",
                rotation.left
            ));
        }
    }
    next
}
