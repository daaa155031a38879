//! The audit trail: listed, and verified.

use std::collections::BTreeMap;
use std::sync::Arc;

use strongroom_crypto::audit_chain;
use strongroom_model::audit::{Entry, Filter, Target};
use strongroom_model::page::Page;
use strongroom_model::{CredentialId, Problem, UserId};
use strongroom_store::REGION;
use strongroom_store::audit::Found;

use crate::custody::Custody;

/// Entries that verification reads at a time.
const BATCH: i64 = 500;

/// The target of a failed request: the credential, token or user that its path names, if it exists. A name that
/// nothing has is not repeated, for it may be a secret in the wrong place.
///
/// # Errors
/// [`Problem`] when the database cannot be read.
pub(crate) async fn failed_target(
    custody: &Custody,
    noun: &str,
    named: Option<(&'static str, String)>,
) -> Result<Target, Problem> {
    let mut session = custody.store.read().await?;
    let now = session.now().await?;
    let found = match (noun, named) {
        ("credential", Some(("name", name))) => {
            strongroom_store::credential::get_by_name(&mut session, &name, now).await?
        }
        ("credential", Some(("id", id))) => match id.parse() {
            Ok(id) => strongroom_store::credential::get(&mut session, CredentialId(id), now).await?,
            Err(_) => None,
        },
        ("token", Some(("id", id))) => {
            let found = strongroom_store::token::get(&mut session, &id).await?;
            return Ok(found.map_or(Target::kind(noun), |it| Target::named(noun, it.token.id, it.token.name)));
        }
        ("user", Some(("id", id))) => {
            let id = id.parse().map_or(UserId(0), UserId);
            let found = strongroom_store::user::get(&mut session, id).await?;
            return Ok(found.map_or(Target::kind(noun), |it| Target::named(noun, it.user.id, it.user.name)));
        }
        _ => None,
    };
    Ok(found.map_or(Target::kind(noun), |it| Target::named(noun, it.uid, it.name)))
}

/// Entries of the trail that one search goes through at the most.
pub const MAX_SEARCHED: i64 = 50_000;

/// The outcome of a search.
#[derive(Debug, Clone)]
pub struct Searched {
    /// What was found, the newest first.
    pub page: Page<Entry>,
    /// Set when the search was given up before the beginning of the trail: a search beyond this cursor goes on.
    pub searched_back_to: Option<i64>,
}

/// The end of a chain, as it can be kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The chain.
    pub chain_id: String,
    /// The place of its last entry.
    pub seq: i64,
    /// The link of that entry.
    pub link: String,
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The chain.
    pub chain_id: String,
    /// The place.
    pub seq: i64,
    /// Description of the fault.
    pub fault: String,
}

/// Outcome of a verification.
#[derive(Debug, Clone, Default)]
pub struct Verification {
    /// Entries that were read.
    pub entries: i64,
    /// The heads of the chains.
    pub heads: Vec<Anchor>,
    /// The first fault of each chain; none when all is well.
    pub faults: Vec<Fault>,
}

/// Lists and verifies the audit trail.
#[derive(Debug, Clone)]
pub struct AuditService {
    pub(crate) custody: Arc<Custody>,
}

impl AuditService {
    /// A page of entries.
    ///
    /// # Errors
    /// [`Problem`]; of kind `Integrity` when a row cannot be one of ours.
    pub async fn list(
        &self,
        filter: &Filter,
        newest_first: bool,
        cursor: Option<i64>,
        limit: i64,
    ) -> Result<Page<Entry>, Problem> {
        let mut session = self.custody.store.read().await?;
        let found =
            strongroom_store::audit::list(&mut session, REGION, filter, newest_first, cursor, limit + 1)
                .await?;
        let entries = found
            .into_iter()
            .map(|found| match found {
                Found::Entry(entry) => Ok(*entry),
                Found::Unreadable { seq, column } => Err(Problem::integrity(format!(
                    "audit entry {seq} holds a {column} that strongroom does not write; run `strongroom audit verify`"
                ))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(entries, limit, |entry| entry.seq))
    }

    /// The newest entries that pass the filter, beyond `cursor`, among [`MAX_SEARCHED`] entries of the trail at the most: what is rare in a
    /// long trail is searched for step by step.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn search(
        &self,
        filter: &Filter,
        cursor: Option<i64>,
        limit: i64,
    ) -> Result<Searched, Problem> {
        let newest = match cursor {
            Some(cursor) => cursor,
            None => self.heads().await?.iter().map(|head| head.seq + 1).max().unwrap_or(0),
        };
        let above = newest.saturating_sub(MAX_SEARCHED + 1).max(0);
        let filter = Filter { above: Some(above), ..filter.clone() };
        let page = self.list(&filter, true, cursor, limit).await?;
        let searched_back_to = (page.next.is_none() && above > 0).then_some(above + 1);
        Ok(Searched { page, searched_back_to })
    }

    /// The heads of all chains.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn heads(&self) -> Result<Vec<Anchor>, Problem> {
        let mut session = self.custody.store.read().await?;
        let heads = strongroom_store::audit::heads(&mut session).await?;
        Ok(heads
            .into_iter()
            .map(|head| Anchor { chain_id: head.chain_id, seq: head.seq, link: head.link })
            .collect())
    }

    /// Reads every entry and recomputes every link. Entries written meanwhile are verified too.
    ///
    /// # Errors
    /// [`Problem`] when the database cannot be read; faults of the chain are in the result.
    pub async fn verify(&self, anchors: &[Anchor]) -> Result<Verification, Problem> {
        let (mut chains, heads) = {
            let mut session = self.custody.store.read().await?;
            // In this order: a chain that starts meanwhile has its head before it is looked for.
            let chains = strongroom_store::audit::chains(&mut session).await?;
            (chains, strongroom_store::audit::heads(&mut session).await?)
        };
        let mut result = Verification::default();
        if !chains.iter().any(|chain| chain == REGION) {
            chains.push(REGION.to_owned());
        }
        for chain in chains.iter().filter(|chain| !heads.iter().any(|head| head.chain_id == **chain)) {
            result.faults.push(fault(chain, 0, "the head of the chain is missing"));
        }
        for anchor in
            anchors.iter().filter(|anchor| !heads.iter().any(|head| head.chain_id == anchor.chain_id))
        {
            result.faults.push(fault(&anchor.chain_id, anchor.seq, "the chain of the anchor is missing"));
        }
        for head in heads {
            let mut of_chain: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
            for anchor in anchors.iter().filter(|anchor| anchor.chain_id == head.chain_id) {
                of_chain.entry(anchor.seq).or_default().push(&anchor.link);
            }
            let (entries, broken) = self.verify_chain(&head, of_chain).await?;
            result.entries += entries;
            if !audit_chain::head_verifies(&self.custody.keyring(), &head) {
                result.faults.push(fault(&head.chain_id, head.seq, "the head of the chain was changed"));
            }
            result.faults.extend(broken);
            result.heads.push(Anchor { chain_id: head.chain_id, seq: head.seq, link: head.link });
        }
        Ok(result)
    }

    /// Tells whether the head names this entry or a later one by now: both are written in one transaction.
    async fn head_has_reached(&self, chain_id: &str, seq: i64) -> Result<bool, Problem> {
        let heads = strongroom_store::audit::heads(&mut self.custody.store.read().await?).await?;
        Ok(heads.iter().any(|head| head.chain_id == chain_id && head.seq >= seq))
    }

    async fn verify_chain(
        &self,
        head: &strongroom_model::audit::Head,
        mut anchors: BTreeMap<i64, Vec<&str>>,
    ) -> Result<(i64, Option<Fault>), Problem> {
        let (mut seq, mut link) = (0, audit_chain::GENESIS.to_owned());
        // Everything in the table is looked at, also what stands before the first place.
        let mut from = i64::MIN;
        let broken = |seq, what: &str| Ok((seq, Some(fault(&head.chain_id, seq, what))));
        loop {
            let mut session = self.custody.store.read().await?;
            let batch = strongroom_store::audit::read_on(&mut session, &head.chain_id, from, BATCH).await?;
            drop(session);
            let is_last = (batch.len() as i64) < BATCH;
            for found in batch {
                let entry = match found {
                    Found::Entry(entry) => entry,
                    Found::Unreadable { seq, column } => {
                        return broken(seq, &format!("its {column} was changed"));
                    }
                };
                if entry.seq <= seq {
                    return broken(entry.seq, "the entry was inserted before the first one");
                }
                if entry.seq != seq + 1 {
                    return broken(seq + 1, "the entry was deleted");
                }
                if !audit_chain::verifies(&self.custody.keyring(), &link, &entry) {
                    return broken(
                        entry.seq,
                        "the entry was changed, inserted, or stands in another's place",
                    );
                }
                seq = entry.seq;
                link = entry.link;
                if anchors.remove(&seq).is_some_and(|anchored| anchored.iter().any(|it| *it != link)) {
                    return broken(
                        seq,
                        "the entry is not the one of the anchor: the chain was written again",
                    );
                }
                if seq == head.seq && link != head.link {
                    return broken(seq, "the entry is not the one that the head names");
                }
            }
            if is_last {
                break;
            }
            from = seq + 1;
        }
        if seq > head.seq && !self.head_has_reached(&head.chain_id, seq).await? {
            return broken(head.seq + 1, "the head of the chain was moved back: it names an earlier entry");
        }
        if seq < head.seq {
            return broken(seq + 1, "the chain was cut short: the head names a later entry");
        }
        // The empty chain's anchor is at place 0, where no entry stands.
        anchors.remove(&0);
        if let Some((&at, _)) = anchors.first_key_value() {
            return broken(at.min(seq + 1), "the chain ends before the anchor: the database was rolled back");
        }
        Ok((seq, None))
    }
}

fn fault(chain_id: &str, seq: i64, fault: &str) -> Fault {
    Fault { chain_id: chain_id.to_owned(), seq, fault: fault.to_owned() }
}
