//! Roll-ups of usage: made by jobs, proved, and made again from the records.

use serde_json::json;
use strongroom_model::audit::Target;
use strongroom_model::limit::Window;
use strongroom_model::{Millis, Problem};
use strongroom_store::{usage_hours, usage_rollup, usage_top};

use super::UsageService;
use crate::custody::trail::entry;

pub use strongroom_store::usage_top::{Period, Top};

const DAY_MS: i64 = 86_400_000;
/// Slots of five minutes are kept for so long, and then added to their hours.
const SLOTS_KEPT_MS: i64 = 3 * DAY_MS;
/// Hours are kept for so long.
pub(super) const HOURS_KEPT_MS: i64 = 400 * DAY_MS;

/// What was made again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Days whose hours were summed up from their records.
    pub days_of_records: u64,
    /// Days whose roll-ups were made.
    pub days: u64,
}

impl UsageService {
    /// Tells whether a day was written to since its roll-ups were made.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn is_behind(&self) -> Result<bool, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(!usage_rollup::list_changed(&mut session).await?.is_empty())
    }

    /// Makes the roll-ups of days that have changed, the newest first. Tells of how many.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn roll_up(&self) -> Result<u64, Problem> {
        let mut session = self.custody.store.read().await?;
        let changed = usage_rollup::list_changed(&mut session).await?;
        let mut days = 0;
        for day in changed.into_iter().rev() {
            let rollup = usage_rollup::sum_up(&mut session, day).await?;
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            // Another server was faster, or a price has changed: the next run looks again.
            if usage_rollup::replace(&mut tx, &rollup, now).await? {
                tx.commit().await?;
                days += 1;
            } else {
                tx.roll_back().await?;
            }
        }
        Ok(days)
    }

    /// Adds slots of five minutes that are older than three days to their hours, and deletes hours that were kept for long enough.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn fold(&self) -> Result<(), Problem> {
        loop {
            let mut tx = self.custody.store.write().await?;
            let now = tx.now().await?;
            let is_folded = usage_hours::fold_oldest(&mut tx, Millis(now.0 - SLOTS_KEPT_MS)).await?;
            tx.commit().await?;
            if !is_folded {
                break;
            }
        }
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        usage_hours::delete(&mut tx, Millis(now.0 - HOURS_KEPT_MS)).await?;
        usage_rollup::delete_hours(&mut tx, Millis(now.0 - usage_rollup::HOURS_KEPT_MS)).await?;
        Ok(tx.commit().await?)
    }

    /// Tells whether there are roll-ups that the last ranking does not know. Time passes as well: what has become old leaves it.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn is_ranking_due(&self) -> Result<bool, Problem> {
        let mut session = self.custody.store.read().await?;
        let ranked = usage_top::last_made(&mut session).await?;
        let made = usage_rollup::last_made(&mut session).await?;
        Ok(match (made, ranked) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(made), Some(ranked)) => made > ranked || session.now().await?.0 - ranked.0 > 3_600_000,
        })
    }

    /// Ranks the subjects of each kind by what they cost.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn rank(&self) -> Result<(), Problem> {
        for period in Period::ALL {
            for dim in usage_rollup::SUBJECTS {
                let mut session = self.custody.store.read().await?;
                let now = session.now().await?;
                let tops = usage_top::rank(&mut session, period, dim, now).await?;
                drop(session);
                let mut tx = self.custody.store.write().await?;
                usage_top::replace(&mut tx, period, dim, &tops).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// The dearest subjects of a kind, as they were ranked last.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn tops(&self, period: Period, dim: &'static str) -> Result<Vec<Top>, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(usage_top::list(&mut session, period, dim).await?)
    }

    /// Makes every roll-up again: hours from the records of days from `kept_from` on, of which all are there, and the rest from the
    /// sums of days.
    ///
    /// # Errors
    /// [`Problem`].
    pub async fn rebuild(&self, kept_from: Millis) -> Result<Rebuilt, Problem> {
        self.admission.settle_now().await?;
        let now = self.custody.now().await?;
        let today = Window::Day.start(now).0;
        let first = (kept_from.0.max(0) + DAY_MS - 1).div_euclid(DAY_MS) * DAY_MS;
        let mut done = Rebuilt::default();
        let recorded = self.recorded_days(Millis(first)).await?;
        for day in recorded.into_iter().filter(|day| *day <= today) {
            let mut tx = self.custody.store.write().await?;
            let has_slots = day + DAY_MS > now.0 - SLOTS_KEPT_MS;
            usage_hours::rebuild_day(&mut tx, Millis(day), has_slots).await?;
            tx.commit().await?;
            done.days_of_records += 1;
        }
        let mut tx = self.custody.store.write().await?;
        usage_rollup::forget(&mut tx).await?;
        // Whole days: of a part of one, the hours would be booked to its last.
        let kept = Window::Day.start(Millis(now.0 - usage_rollup::HOURS_KEPT_MS)).0 + DAY_MS;
        usage_rollup::rebuild_hours(&mut tx, Millis(first.max(kept))).await?;
        tx.commit().await?;
        done.days = self.roll_up().await?;
        let mut tx = self.custody.store.write().await?;
        let detail = json!({ "daysOfRecords": done.days_of_records, "days": done.days });
        let entry = entry(&self.actor, "usage.rebuild", Target::kind("usage"), now, &detail);
        self.custody.append(&mut tx, vec![entry]).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// The days from an instant on that have sums.
    async fn recorded_days(&self, from: Millis) -> Result<Vec<i64>, Problem> {
        let mut session = self.custody.store.read().await?;
        Ok(usage_rollup::list_days(&mut session, from).await?)
    }
}
