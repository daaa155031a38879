//! The proof that everything in a database opens: sealed texts, MACs, the audit chain, and counters against their records.

use std::io::{Read, Seek};
use std::sync::Arc;

use strongroom_crypto::MasterKey;
use strongroom_crypto::authority::{self, AuthorityMac, CredentialGrant, Life};
use strongroom_model::tag::TagKeys;
use strongroom_model::{Clock, Millis, Problem};
use strongroom_store::credential::grant::StoredGrant;
use strongroom_store::{Store, StoreOptions, credential, schema};

use super::contents::{Contents, Opened, inspect};
use super::fill::{fill, rewind};
use super::{Step, Watcher};
use crate::audit::AuditService;
use crate::custody::Custody;
use crate::custody::seal::SealBinding;
use crate::key;

/// Credentials that are read at a time.
const BATCH: i64 = 500;

/// Outcome of a proof.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Credentials whose MAC verifies, deleted ones too.
    pub credentials: u64,
    /// Sealed texts that open.
    pub values: u64,
    /// Tokens whose MAC verifies.
    pub tokens: u64,
    /// Users whose MAC verifies.
    pub users: u64,
    /// Audit entries that verify.
    pub audit_entries: u64,
    /// SHA-256 of the rows of each table of a backup, the same whichever database it was made of.
    pub tables: Vec<(String, String)>,
    /// Rows that do not open or verify, each named; none when all is well.
    pub faults: Vec<String>,
}

/// Proves a backup with its master key: reads it with its digests, puts it into a database of its own that is gone
/// afterwards, and opens everything there. No secret leaves the memory of this process.
///
/// # Errors
/// [`Problem`]; what does not verify inside is in the proof.
pub async fn prove(
    file: &mut (impl Read + Seek),
    masters: &[MasterKey],
    watch: Watcher<'_>,
) -> Result<(Contents, Proof), Problem> {
    watch(Step::Checking)?;
    let contents = inspect(&mut *file)?;
    rewind(file)?;
    let mut opened = Opened::new(&mut *file, masters)?;
    let folder = tempfile::tempdir()
        .map_err(|error| Problem::internal(format!("no temporary folder can be made: {error}")))?;
    let url = format!("sqlite:{}", folder.path().join("proof.db").display());
    let clock = Clock::fixed(contents.created_at);
    let options = StoreOptions { url, max_connections: 2, clock };
    let store = Store::connect(&options).await?;
    schema::migrate_to(&store, opened.header.schema).await?;
    fill(&store, &mut opened, None, watch).await?;
    schema::migrate(&store).await?;
    watch(Step::Proving)?;
    let custody = key::take_custody(store, masters.to_vec(), TagKeys::default()).await?;
    let mut proof = prove_database(&custody).await?;
    proof.tables = opened.digests();
    custody.store.close().await;
    Ok((contents, proof))
}

/// Opens and verifies everything that stands in the database. Nothing is counted or written down.
///
/// # Errors
/// [`Problem`] when the database cannot be read.
pub(crate) async fn prove_database(custody: &Arc<Custody>) -> Result<Proof, Problem> {
    let mut proof = Proof::default();
    let mut session = custody.store.read().await?;
    let mut after = i64::MIN;
    loop {
        let batch = credential::grant::list(&mut session, after, BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.id;
        for grant in batch {
            if authority::grant_verifies(&custody.keyring(), &as_signed(&grant), &grant.mac) {
                proof.credentials += 1;
            } else {
                proof.faults.push(format!("the row of credential {:?} was changed", grant.name));
            }
            prove_values(custody, &mut session, &grant, &mut proof).await?;
        }
    }
    for stored in strongroom_store::token::list(&mut session).await? {
        let hash = AuthorityMac { key_id: stored.hash_key_id, mac: stored.hash };
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        if authority::token_verifies(&custody.keyring(), &stored.token, &hash, &mac) {
            proof.tokens += 1;
        } else {
            proof.faults.push(format!("the row of token {} was changed", stored.token.id));
        }
    }
    for stored in strongroom_store::user::list(&mut session).await? {
        let mac = AuthorityMac { key_id: stored.mac_key_id, mac: stored.mac };
        if authority::user_verifies(&custody.keyring(), &stored.user, &mac) {
            proof.users += 1;
        } else {
            proof.faults.push(format!("the row of user {} was changed", stored.user.id));
        }
    }
    proof.faults.extend(custody.changed_versions(&mut session).await?.iter().map(ToString::to_string));
    for odd in strongroom_store::counter::proof::discrepancies(&mut session).await? {
        let start = Millis(odd.window_start_ms);
        proof.faults.push(format!(
            "the counter of {} in the month from {start} says {}, its records {}",
            odd.subject_uid, odd.counted, odd.recorded
        ));
    }
    let (opened, broken) = crate::alert::broken_channels(custody, &mut session).await?;
    proof.values += opened;
    proof.faults.extend(broken);
    drop(session);
    let chain = AuditService { custody: Arc::clone(custody) }.verify(&[]).await?;
    proof.audit_entries = u64::try_from(chain.entries).unwrap_or_default();
    proof.faults.extend(
        chain
            .faults
            .into_iter()
            .map(|fault| format!("audit chain {:?}, entry {}: {}", fault.chain_id, fault.seq, fault.fault)),
    );
    Ok(proof)
}

async fn prove_values(
    custody: &Custody,
    session: &mut strongroom_store::Session,
    grant: &StoredGrant,
    proof: &mut Proof,
) -> Result<(), Problem> {
    let place =
        SealBinding { credential: grant.uid, provider: &grant.provider, endpoint: grant.endpoint.as_deref() };
    for sealed in custody.values_of_credential(session, grant.uid).await? {
        match custody.open_value(place, &sealed) {
            Ok(_) => proof.values += 1,
            Err(error) => proof.faults.push(format!(
                "the {} of credential {:?}, version {}: {error}",
                sealed.field.as_str(),
                grant.name,
                sealed.version
            )),
        }
    }
    Ok(())
}

fn as_signed(grant: &StoredGrant) -> CredentialGrant<'_> {
    CredentialGrant {
        credential: grant.uid,
        name: &grant.name,
        provider: &grant.provider,
        endpoint: grant.endpoint.as_deref(),
        is_active: grant.is_active,
        is_frozen: grant.is_frozen,
        is_global: grant.is_global,
        user: grant.user,
        version: grant.version,
        life: Life {
            staged: grant.staged,
            expires_at: grant.expires_at,
            deleted_at: grant.deleted_at,
            minter: grant.minter.as_ref().map(|(minter, project)| (*minter, project.as_deref())),
        },
    }
}
