//! Records that the database refuses, found among those that it takes: one of them does not hold up the others.
//!
//! A batch is one transaction, so a record that cannot be stored fails all of it, every time that it is tried again.
//! Bounded types (`Amount`, `LedgerText`, `RawUsage`) keep what we know of from coming this far; this is for what we do
//! not know of.

use std::collections::BTreeMap;

use strongroom_crypto::random;
use strongroom_model::limit::{LimitScope, Unit};
use strongroom_model::usage::TokenUsage;
use strongroom_model::{Amount, LedgerText, Millis, Problem, ProblemKind};
use strongroom_store::counter::{self, CounterKey, Entry, EntryKind};
use strongroom_store::usage::{self, Kind, Record};
use strongroom_store::{Store, StoreError, Write, limit};

/// Calls that have ended, on their way into the ledger.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// Each becomes a line.
    pub(super) records: Vec<Record>,
    /// The database takes no line of these: their charges become entries of their counters instead.
    pub(super) set_aside: Vec<Record>,
}

impl Ended {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.set_aside.is_empty()
    }

    /// Puts these before the ones that have come meanwhile.
    pub(super) fn put_back(&mut self, before: Self) {
        self.records.splice(0..0, before.records);
        self.set_aside.splice(0..0, before.set_aside);
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.records.iter_mut().chain(&mut self.set_aside)
    }

    /// Writes all of them down.
    pub(super) async fn write(&self, tx: &mut Write) -> Result<(), Problem> {
        usage::insert_all(tx, &self.records).await?;
        for record in &self.set_aside {
            enter_charge(tx, record).await?;
        }
        Ok(())
    }

    /// Takes out the records that the database refuses: first their texts, which nothing but reports rest on, and if that
    /// is not enough, the whole line. Tells how many there were.
    ///
    /// # Errors
    /// [`Problem`] when the database refuses every record, a blank one too: then it is not the records that are at fault.
    pub(super) async fn set_refused_aside(&mut self, store: &Store) -> Result<u64, Problem> {
        let refused = find_refused(store, &self.records).await?;
        let Some(first) = refused.first() else { return Ok(0) };
        if !accepts(store, &[blank(&self.records[*first])]).await? {
            return Err(Problem::new(
                ProblemKind::Internal,
                "the database refuses every usage record, whatever it holds; look for a trigger, a constraint or a missing \
                 partition that is not strongroom's",
            ));
        }
        // From the back, so that the places of those before stay.
        for place in refused.iter().rev() {
            let record = &self.records[*place];
            tracing::error!(
                record = %record.uid,
                provider = record.provider.as_str(),
                operation = record.operation,
                tokens = record.charged_tokens.get(),
                nano_usd = record.charged_nano_usd.get(),
                "set aside a usage record that the database refused; its charge is kept"
            );
            let bare = without_texts(record);
            if accepts(store, std::slice::from_ref(&bare)).await? {
                self.records[*place] = bare;
            } else {
                let record = self.records.remove(*place);
                self.set_aside.push(record);
            }
        }
        Ok(refused.len() as u64)
    }
}

fn cause(problem: &Problem) -> Option<&StoreError> {
    problem.cause.as_ref()?.downcast_ref()
}

/// Tells whether a problem is about the data of a statement, and not about the database.
pub(super) fn is_refused(problem: &Problem) -> bool {
    matches!(cause(problem), Some(StoreError::Refused(_) | StoreError::Taken(_)))
}

/// Tells whether the database undid the transaction because another one was in its way.
pub(super) fn is_undone(problem: &Problem) -> bool {
    matches!(cause(problem), Some(StoreError::Undone(_)))
}

/// Tells whether the database would take these records; nothing is written.
async fn accepts(store: &Store, records: &[Record]) -> Result<bool, Problem> {
    let mut tx = store.write().await?;
    let written = usage::insert_all(&mut tx, records).await;
    tx.roll_back().await?;
    match written {
        Ok(()) => Ok(true),
        Err(StoreError::Refused(_) | StoreError::Taken(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The places of the refused ones, in their order: halves are tried, and halves of those that are refused.
async fn find_refused(store: &Store, records: &[Record]) -> Result<Vec<usize>, Problem> {
    let mut refused = Vec::new();
    // The later half is put on the stack first.
    let mut open = vec![(0, records.len())];
    while let Some((from, to)) = open.pop() {
        if from == to || accepts(store, &records[from..to]).await? {
            continue;
        }
        if to - from == 1 {
            refused.push(from);
            continue;
        }
        let middle = from + (to - from) / 2;
        open.extend([(middle, to), (from, middle)]);
    }
    Ok(refused)
}

/// The record without what a caller or a provider may have written.
fn without_texts(record: &Record) -> Record {
    let model = if record.model.is_empty() { LedgerText::default() } else { LedgerText::other() };
    Record { model, raw_usage: None, request_id: None, ..record.clone() }
}

/// A record that nobody could refuse for what it holds.
fn blank(like: &Record) -> Record {
    Record {
        uid: random::uid_at(like.at),
        model: LedgerText::default(),
        raw_usage: None,
        request_id: None,
        tokens: TokenUsage::default(),
        cost_nano_usd: Some(Amount::ZERO),
        charged_tokens: Amount::ZERO,
        charged_nano_usd: Amount::ZERO,
        first_byte_ms: None,
        total_ms: None,
        ..like.clone()
    }
}

/// Enters what a record was charged with as an entry of each counter that it touched, so that counters stay the sum of
/// the ledger. The counters are those that `usage verify` would look for the record at.
async fn enter_charge(tx: &mut Write, record: &Record) -> Result<(), Problem> {
    // Others have settled it already, and its record counts nowhere.
    if record.kind == Kind::Late {
        return Ok(());
    }
    let mut charges: BTreeMap<CounterKey, i64> = BTreeMap::new();
    if let Some(credential) = record.credential {
        charges.insert(CounterKey::monthly_requests(credential, record.at), record.requests);
    }
    for (scope, requests) in scopes(record) {
        for limit in limit::list_of_scope(tx, &scope, record.generation).await? {
            let subject = limit.counter_subject();
            let amount = match limit.unit {
                Unit::Requests => requests,
                Unit::Tokens => record.charged_tokens.get(),
                Unit::NanoUsd => record.charged_nano_usd.get(),
            };
            charges.insert(CounterKey::at(subject, limit.unit, limit.window, record.at), amount);
        }
    }
    let at: Millis = record.at;
    let entries: Vec<Entry<'_>> = charges
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(key, settled)| Entry {
            uid: random::uid(),
            at,
            kind: EntryKind::SetAside,
            actor: record.actor.as_str(),
            key,
            settled,
            adjusted: 0,
        })
        .collect();
    Ok(counter::insert_entries(tx, &entries).await?)
}

/// Whose limits a record counts on, each with how many requests.
fn scopes(record: &Record) -> impl Iterator<Item = (LimitScope, i64)> {
    let credential = record.credential.map(LimitScope::Credential);
    let token = record.actor.as_str().strip_prefix("token:").map(|id| LimitScope::Token(id.to_owned()));
    let user = record.user.map(LimitScope::User);
    let client = token.into_iter().chain(user).map(|scope| (scope, record.client_requests));
    credential.map(|scope| (scope, record.requests)).into_iter().chain(client)
}
