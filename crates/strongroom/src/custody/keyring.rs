//! The keys of this process: made once, loaded at the start, and loaded again when one is met that is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use strongroom_crypto::envelope::{unwrap_key, wrap};
use strongroom_crypto::keyring::KeyringEntry;
use strongroom_crypto::{Key, Keyring, MasterKey, Purpose, audit_chain, random};
use strongroom_model::{Millis, Problem, ProblemKind, Uid};
use strongroom_store::key::{self, KeyRow, WrapRow};
use strongroom_store::value::{self, SealedValue};
use strongroom_store::{REGION, Session, Write, audit};

use crate::custody::Custody;

/// How often keys and trail are read until they agree.
const READS: usize = 3;

/// Makes one key per purpose, wrapped under a first master.
pub(crate) async fn make_keys(tx: &mut Write, master: &MasterKey, now: Millis) -> Result<(), Problem> {
    key::insert_master(tx, &master.fingerprint(), now).await?;
    for purpose in Purpose::ALL {
        make_key(tx, &[master], purpose, now).await?;
    }
    Ok(())
}

/// Makes a key, wrapped under each of these masters, and has it be the current one of its purpose.
pub(crate) async fn make_key(
    tx: &mut Write,
    masters: &[&MasterKey],
    purpose: Purpose,
    now: Millis,
) -> Result<String, Problem> {
    let (id, key) = (random::uid(), Key::generate());
    let row = KeyRow {
        id: id.to_string(),
        purpose: purpose.as_str().to_owned(),
        is_current: true,
        seal_count: 0,
        created_at_ms: now.0,
        retired_at_ms: None,
    };
    let mut wraps = masters.iter().map(|master| WrapRow {
        key_id: row.id.clone(),
        master_fingerprint: master.fingerprint(),
        wrapped: wrap(master, id, purpose, &key),
    });
    let first = wraps.next().ok_or_else(|| Problem::internal("a key without a master is of no use"))?;
    key::insert(tx, &row, &first).await?;
    for wrap in wraps {
        key::insert_wrap(tx, &wrap, now).await?;
    }
    Ok(row.id)
}

/// A key as it came out of its wrap.
pub(crate) struct Unwrapped {
    pub(crate) row: KeyRow,
    pub(crate) id: Uid,
    pub(crate) purpose: Purpose,
    pub(crate) key: Key,
}

/// Every key, unwrapped with the first of these masters that it is wrapped under.
pub(crate) async fn unwrap_all(
    session: &mut Session,
    masters: &[MasterKey],
) -> Result<Vec<Unwrapped>, Problem> {
    let rows = key::list(session).await?;
    let wraps = key::list_wraps(session).await?;
    let fingerprints: Vec<String> = masters.iter().map(MasterKey::fingerprint).collect();
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let broken = |what: &str| {
            Problem::integrity(format!(
                "encryption key {} {what}; restore the tables encryption_keys and key_wraps",
                row.id
            ))
        };
        let id: Uid = row.id.parse().map_err(|_| broken("has a malformed id"))?;
        let purpose = Purpose::from_name(&row.purpose).ok_or_else(|| broken("has an unknown purpose"))?;
        let own = wraps.iter().filter(|wrap| wrap.key_id == row.id);
        let (master, wrap) = masters
            .iter()
            .zip(&fingerprints)
            .find_map(|(master, fingerprint)| {
                let wrap = own.clone().find(|wrap| wrap.master_fingerprint == *fingerprint)?;
                Some((master, wrap))
            })
            .ok_or_else(|| not_ours(&row, own.clone()))?;
        let key = unwrap_key(master, id, purpose, &wrap.wrapped)
            .map_err(|_| broken("does not unwrap: it was changed"))?;
        keys.push(Unwrapped { row, id, purpose, key });
    }
    Ok(keys)
}

/// That a key is wrapped, but under no master that is at hand.
fn not_ours<'a>(row: &KeyRow, wraps: impl Iterator<Item = &'a WrapRow>) -> Problem {
    let masters: Vec<&str> = wraps.map(|wrap| wrap.master_fingerprint.as_str()).collect();
    let mend = if masters.is_empty() {
        "it is wrapped under none; restore the tables encryption_keys and key_wraps".to_owned()
    } else {
        format!("start this server with the one that has fingerprint {}", masters.join(" or "))
    };
    Problem::integrity(format!(
        "encryption key {} is not wrapped under the present master key: {mend}",
        row.id
    ))
}

/// The keyring of what the database holds.
pub(crate) async fn load_keyring(session: &mut Session, masters: &[MasterKey]) -> Result<Keyring, Problem> {
    let mut keyring = read_keyring(session, masters).await?;
    for _ in 0..READS {
        if is_as_the_trail_says(session, &keyring).await? {
            return Ok(keyring);
        }
        // Another server may have begun a rotation between the two that were read.
        keyring = read_keyring(session, masters).await?;
    }
    Err(Problem::integrity(
        "the data key that is current is not the one that the last rotation made, and nothing is sealed under another: the table \
         encryption_keys or audit_logs was changed; run `strongroom audit verify`, and restore the one that was changed",
    ))
}

/// Tells whether the current data key is the one that the last rotation made, and no rotation is missing, as the audit trail says,
/// which nobody else can write.
async fn is_as_the_trail_says(session: &mut Session, keyring: &Keyring) -> Result<bool, Problem> {
    let rotations = audit::key_rotations(session, REGION).await?;
    let links = audit::links_before_key_rotations(session, REGION).await?;
    let links: BTreeMap<i64, String> = links.into_iter().collect();
    let mut made = BTreeSet::new();
    let mut last = None;
    for rotation in rotations {
        let audit::Found::Entry(rotation) = rotation else { return Ok(false) };
        let before = links.get(&(rotation.seq - 1)).map_or(audit_chain::GENESIS, String::as_str);
        if !audit_chain::verifies(keyring, before, &rotation) {
            return Ok(false);
        }
        let key_id = rotation.entry.target.id.unwrap_or_default();
        last.get_or_insert_with(|| key_id.clone());
        made.insert(key_id);
    }
    let data = key::list(session).await?.into_iter().filter(|key| key.purpose == Purpose::Data.as_str());
    let without: Vec<_> = data.filter(|key| !made.contains(&key.id)).collect();
    // The first one was made with the database.
    let is_whole = without.len() == 1;
    Ok(is_whole && last.is_none_or(|last| last == keyring.current_id(Purpose::Data)))
}

async fn read_keyring(session: &mut Session, masters: &[MasterKey]) -> Result<Keyring, Problem> {
    let entries = unwrap_all(session, masters).await?.into_iter().map(|found| KeyringEntry {
        id: found.id,
        purpose: found.purpose,
        is_current: found.row.is_current,
        key: found.key,
    });
    Keyring::new(entries.collect()).map_err(|error| Problem::integrity(error.to_string()))
}

impl Custody {
    /// The keys as this process knows them.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads the keys again: another node, or this one, has made some.
    pub(crate) async fn load_keys(&self, session: &mut Session) -> Result<(), Problem> {
        self.use_keyring(load_keyring(session, &self.masters).await?);
        Ok(())
    }

    pub(crate) fn use_keyring(&self, keyring: Keyring) {
        *self.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
    }

    /// The values of one version, with the keys known that they are sealed under.
    pub(crate) async fn values_of_version(
        &self,
        session: &mut Session,
        version: Uid,
    ) -> Result<Vec<SealedValue>, Problem> {
        let values = value::list_of_version(session, version).await?;
        self.know_keys_of(session, &values).await?;
        Ok(values)
    }

    /// The values of all versions of a credential, with the keys known that they are sealed under.
    pub(crate) async fn values_of_credential(
        &self,
        session: &mut Session,
        credential: Uid,
    ) -> Result<Vec<SealedValue>, Problem> {
        let values = value::list_of_credential(session, credential).await?;
        self.know_keys_of(session, &values).await?;
        Ok(values)
    }

    async fn know_keys_of(&self, session: &mut Session, values: &[SealedValue]) -> Result<(), Problem> {
        let keyring = self.keyring();
        let is_new = |value: &SealedValue| !value.key_id.is_empty() && !keyring.knows_data_key(&value.key_id);
        if !values.iter().any(is_new) {
            return Ok(());
        }
        match self.load_keys(session).await {
            // What is sealed under the keys that are known goes on to be served.
            Err(problem) if problem.kind == ProblemKind::Integrity => {
                self.counters.integrity_failures.add_one();
                tracing::error!(%problem, "failed to load a key that something is sealed under");
                Ok(())
            }
            other => other,
        }
    }
}
