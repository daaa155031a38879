//! How limits came to where they stand: samples from minute to minute, what was refused, and when they are going to be used up.

use strongroom_model::forecast::{self, Forecast};
use strongroom_model::{Millis, Problem, Uid};
use strongroom_store::limit_history;

use super::{LimitService, Standing};
use crate::custody::Custody;

pub use strongroom_store::limit_history::{LimitSample, RefusalSlot};

/// The history of a limit.
#[derive(Debug, Clone)]
pub struct History {
    /// Where it stands now.
    pub standing: Standing,
    /// Where it stood, in the order of time.
    pub samples: Vec<LimitSample>,
    /// What it refused, by five minutes.
    pub refusals: Vec<RefusalSlot>,
    /// When it is going to be used up at the rate of the last 24 hours of this window; `None` when it starts over before, or is not
    /// used.
    pub used_up_at: Option<Millis>,
    /// What is used at the end of its window; `None` with less than a day to tell by, and of windows that are shorter or never end.
    pub at_end: Option<Forecast>,
}

/// Milliseconds that the rate of a limit is told by.
const RATE_OVER_MS: i64 = 86_400_000;
/// Samples are by the minute for so long, in milliseconds, and then by the hour.
const BY_THE_MINUTE_MS: i64 = 2 * 86_400_000;
/// Samples and refusals are kept for so long, in milliseconds.
const KEPT_MS: i64 = 400 * 86_400_000;
/// The grain of samples, in milliseconds.
const MINUTE_MS: i64 = 60_000;

impl LimitService {
    /// The history of a limit since an instant.
    ///
    /// # Errors
    /// [`Problem`] of kind `NotFound`.
    pub async fn history(&self, uid: Uid, from: Millis) -> Result<History, Problem> {
        let standing = self.require(uid).await?;
        let mut session = self.custody.store.read().await?;
        let now = session.now().await?;
        let since = Millis(from.0.min(now.0 - RATE_OVER_MS));
        let mut samples = limit_history::list_samples(&mut session, uid, since).await?;
        let refusals = limit_history::list_refusals(&mut session, uid, from).await?;
        let used_up_at = used_up(&standing, &samples, now);
        samples.retain(|sample| sample.at_ms >= from.0);
        let at_end = super::at_end(&mut session, &standing.limit, standing.used, now).await?;
        Ok(History { standing, samples, refusals, used_up_at, at_end })
    }
}

/// When a limit is going to be used up, if that is before its window ends.
fn used_up(standing: &Standing, samples: &[LimitSample], now: Millis) -> Option<Millis> {
    let window = standing.limit.window.start(now);
    let first = samples
        .iter()
        .find(|sample| sample.window_start_ms == window.0 && sample.at_ms >= now.0 - RATE_OVER_MS)?;
    let before = (Millis(first.at_ms), first.settled.saturating_add(first.adjusted));
    let at = forecast::used_up(standing.limit.amount, before, (now, standing.used))?;
    standing.resets_at.is_none_or(|end| at < end).then_some(at)
}

/// Writes down what limits refused, if there is something.
///
/// # Errors
/// [`Problem`]; it is tried again with the next.
pub(crate) async fn write_refusals(custody: &Custody) -> Result<(), Problem> {
    let refusals = custody.refusals.take();
    if refusals.is_empty() {
        return Ok(());
    }
    let written = async {
        let mut tx = custody.store.write().await?;
        limit_history::add_refusals(&mut tx, &refusals).await?;
        Ok(tx.commit().await?)
    };
    let written: Result<(), Problem> = written.await;
    if written.is_err() {
        custody.refusals.put_back(refusals);
    }
    written
}

/// Tells whether a limit has counted or refused something within the last minutes.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn have_moved(custody: &Custody) -> Result<bool, Problem> {
    let mut session = custody.store.read().await?;
    let now = session.now().await?;
    Ok(!limit_history::moved(&mut session, Millis(now.0 - 2 * MINUTE_MS), now).await?.is_empty())
}

/// Notes where limits stand that have moved within the last minutes. Tells how many.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn sample(custody: &Custody) -> Result<usize, Problem> {
    let mut session = custody.store.read().await?;
    let now = session.now().await?;
    let mut samples = limit_history::moved(&mut session, Millis(now.0 - 2 * MINUTE_MS), now).await?;
    drop(session);
    for sample in &mut samples {
        sample.at_ms -= sample.at_ms.rem_euclid(MINUTE_MS);
    }
    let mut tx = custody.store.write().await?;
    limit_history::put(&mut tx, &samples).await?;
    tx.commit().await?;
    Ok(samples.len())
}

/// Thins out samples that are older than two days, and deletes what was kept for long enough.
///
/// # Errors
/// [`Problem`].
pub(crate) async fn retire(custody: &Custody) -> Result<(), Problem> {
    let mut tx = custody.store.write().await?;
    let now = tx.now().await?;
    limit_history::thin(&mut tx, Millis(now.0 - BY_THE_MINUTE_MS)).await?;
    limit_history::delete(&mut tx, Millis(now.0 - KEPT_MS)).await?;
    Ok(tx.commit().await?)
}
