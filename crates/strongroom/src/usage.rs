//! Usage, as people look at it: sums, the proof that counters equal the ledger, prices that were corrected, and records
//! that were kept for long enough.

pub mod hours;
pub mod record;
pub mod rollup;
mod series;
pub mod sums;

use std::sync::Arc;

use serde_json::json;
use strongroom_connectors::ai::gateway::{billed_model, usage_from_raw};
use strongroom_model::audit::Target;
use strongroom_model::limit::Window;
use strongroom_model::price::{CallModels, PriceTable};
use strongroom_model::{Actor, Amount, Millis, Problem, Provider, Uid};
use strongroom_store::usage_partition::{self, Dropped};
use strongroom_store::{Session, counter, usage_proof, usage_report};

use crate::admission::AdmissionBatcher;
use crate::custody::Custody;
use crate::custody::trail::entry;

pub use series::{
    Grain, MAX_LISTED, Order, Series, SeriesQuestion, SeriesReport, Used, UsedInSlot, of_credential,
};
pub use strongroom_store::counter::Discrepancy;
pub use sums::{Dim, Figures, GroupSums, SumsFilter, Whose};

/// Records in one transaction.
const BATCH: i64 = 500;
/// Counters of short windows are kept for so long after their end, in milliseconds.
const COUNTERS_KEPT: i64 = 7 * 86_400_000;

/// Outcome of a repricing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repriced {
    /// Records that were looked at.
    pub records: u64,
    /// Of these, those whose cost is another one now.
    pub changed: u64,
    /// By how much the sum of all costs has changed, in billionths of a US dollar.
    pub nano_usd: i64,
}

/// The credential of this name, or of this identity: a deleted one has no name of its own any more.
async fn credential_named(session: &mut Session, name: &str) -> Result<Uid, Problem> {
    let now = session.now().await?;
    let found = strongroom_store::credential::get_by_name(session, name, now).await?;
    found
        .map(|found| found.uid)
        .or_else(|| name.parse().ok())
        .ok_or_else(|| Problem::invalid("credential", "there is no credential of that name"))
}

/// Looks at usage.
#[derive(Debug, Clone)]
pub struct UsageService {
    pub(crate) custody: Arc<Custody>,
    pub(crate) admission: Arc<AdmissionBatcher>,
    pub(crate) prices: Arc<PriceTable>,
    pub(crate) actor: Actor,
}

impl UsageService {
    /// Counters and roll-ups that do not equal the ledger: none, as long as all is well. Limits are compared for windows that
    /// start at `kept_from` or later, of which all records are there, and hours and days as well.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn verify(&self, kept_from: Millis) -> Result<Vec<Discrepancy>, Problem> {
        let mut found = self.compare(kept_from).await?;
        if !found.is_empty() {
            // A call that was settled between two looks is no discrepancy; what is one is there again.
            let again = self.compare(kept_from).await?;
            found.retain(|one| again.contains(one));
        }
        // Nothing comes between two looks of a snapshot.
        let mut snapshot = self.custody.store.snapshot().await?;
        // Hours are kept for a while, and no longer because records are.
        let kept_from = kept_from.max(Millis(snapshot.now().await?.0 - rollup::HOURS_KEPT_MS));
        found.extend(usage_proof::discrepancies(&mut snapshot, kept_from).await?);
        Ok(found)
    }

    async fn compare(&self, kept_from: Millis) -> Result<Vec<Discrepancy>, Problem> {
        let mut session = self.admission.read_ledger().await?;
        let mut found = counter::proof::discrepancies(&mut session).await?;
        found.extend(counter::proof::limit_discrepancies(&mut session, kept_from).await?);
        Ok(found)
    }

    /// Reprices every record since an instant whose figures of the provider are kept. What limits were charged stays:
    /// calls were admitted by it.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn reprice(&self, from: Millis) -> Result<Repriced, Problem> {
        self.admission.settle_now().await?;
        let mut done = Repriced::default();
        let mut after = String::new();
        loop {
            let mut tx = self.custody.store.write().await?;
            let page = usage_report::list_priced(&mut tx, from, &after, BATCH).await?;
            let Some(last) = page.last() else {
                tx.roll_back().await?;
                break;
            };
            after.clone_from(&last.uid);
            for record in &page {
                done.records += 1;
                let provider = Provider::stored(record.provider.clone());
                let Some(usage) = usage_from_raw(&record.operation, &provider, &record.raw_usage) else {
                    continue;
                };
                let billed = billed_model(&record.raw_usage);
                let models = CallModels { asked: Some(&record.model), answered: billed.as_deref() };
                let (cost, _) = self.prices.cost_of(&provider, models, Millis(record.at_ms), &usage);
                let cost = cost.whole().map(Amount::get);
                // A name that has no price may have been answered by a model that has one.
                let cost = cost.or(record.cost_nano_usd);
                if cost != record.cost_nano_usd && usage_report::set_cost(&mut tx, record, cost).await? {
                    done.changed += 1;
                    let more = cost.unwrap_or(0).saturating_sub(record.cost_nano_usd.unwrap_or(0));
                    done.nano_usd = done.nano_usd.saturating_add(more);
                }
            }
            tx.commit().await?;
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        let detail = json!({ "from": from, "records": done.records, "changed": done.changed, "nanoUsd": done.nano_usd });
        let entry = entry(&self.actor, "usage.reprice", Target::kind("usage"), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Deletes records that are older than so many days, and counters of minutes, hours and days that are over; the sums
    /// of each day stay. Tells how many records. On PostgreSQL whole partitions go, and those of the days to come are made.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn retire(&self, days: u32) -> Result<u64, Problem> {
        let store = &self.custody.store;
        let today = Window::Day.start(store.read().await?.now().await?);
        let before = Millis(today.0 - i64::from(days) * 86_400_000);
        // What goes wrong with partitions goes wrong alone: there is one for all that has none, and records go one by one as well.
        let made = self.make_partitions(today).await;
        let (mut deleted, dropped) = self.drop_partitions(before).await;
        if matches!(dropped, Ok(Dropped::Busy)) {
            tracing::info!("skipped a partition of old usage records that is in use; the next run drops it");
        } else {
            deleted += self.delete_records(before).await?;
        }
        let mut tx = store.write().await?;
        usage_report::delete_counters(&mut tx, Millis(today.0 - COUNTERS_KEPT)).await?;
        tx.commit().await?;
        made?;
        dropped?;
        Ok(deleted)
    }

    /// One by one: all of them on SQLite, and what is in no partition of a day.
    async fn delete_records(&self, before: Millis) -> Result<u64, Problem> {
        let mut deleted = 0;
        loop {
            let mut tx = self.custody.store.write().await?;
            let gone = usage_report::delete_records(&mut tx, before, BATCH).await?;
            tx.commit().await?;
            deleted += gone;
            if gone < BATCH.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }

    async fn make_partitions(&self, today: Millis) -> Result<(), Problem> {
        let mut tx = self.custody.store.write().await?;
        usage_partition::make_ahead(&mut tx, today).await?;
        Ok(tx.commit().await?)
    }

    /// How many records went, and what ended it.
    async fn drop_partitions(&self, before: Millis) -> (u64, Result<Dropped, Problem>) {
        let drop_one = async || {
            let mut tx = self.custody.store.write().await?;
            let dropped = usage_partition::drop_oldest(&mut tx, before).await?;
            tx.commit().await?;
            Ok(dropped)
        };
        let mut deleted = 0;
        loop {
            match drop_one().await {
                Ok(Dropped::Records(records)) => deleted += records,
                ended => return (deleted, ended),
            }
        }
    }
}
