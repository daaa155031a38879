//! Counters against the ledger: each equals what its lines and sums come to.

use strongroom_model::Millis;
use strongroom_model::limit::Window;

use crate::REGION;
use crate::dispatch::fetch_all;
use crate::error::StoreError;
use crate::session::Session;
use crate::sum::{bounded, total};

/// A counter that does not equal what the ledger says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    /// The credential or limit.
    pub subject_uid: String,
    /// The unit that is counted.
    pub unit: String,
    /// Over which window.
    pub window_kind: String,
    /// Which window.
    pub window_start_ms: i64,
    /// The counter's own figure, settled and adjusted.
    pub counted: i64,
    /// The sum of the ledger.
    pub recorded: i64,
}

macro_rules! counter_entries {
    () => {
        " FROM counter_entries e WHERE e.subject_uid = n.subject_uid AND e.unit = n.unit AND e.window_kind = n.window_kind \
         AND e.window_start_ms = n.window_start_ms AND e.region = n.region"
    };
}

/// Every monthly counter of a credential that does not equal its roll-ups and entries; none, as long as all is well.
///
/// # Errors
/// [`StoreError`].
pub async fn discrepancies(session: &mut Session) -> Result<Vec<Discrepancy>, StoreError> {
    // A month has at most 31 days: the window ends where the next counter of the subject may start.
    const SQL: &str = concat!(
        // Only those that differ come out, of very many; one that is out of bounds does not even go into the comparison.
        "SELECT * FROM (SELECT n.subject_uid, n.unit, n.window_kind, n.window_start_ms, n.settled, n.adjusted, (SELECT ",
        total!("e.settled"),
        counter_entries!(),
        ") AS entries_settled, (SELECT ",
        total!("e.adjusted"),
        counter_entries!(),
        ") AS entries_adjusted, (SELECT ",
        total!("d.requests"),
        " FROM usage_dims m JOIN usage_days d ON d.dims_uid = m.uid WHERE m.credential_uid = n.subject_uid \
         AND m.kind <> 'late' AND d.region = n.region AND d.day_start_ms >= n.window_start_ms AND d.day_start_ms < $2) AS recorded, \
         '' AS scope_kind, '' AS scope_uid, CAST(0 AS BIGINT) AS since_change \
         FROM counters n JOIN api_credentials c ON c.uid = n.subject_uid \
         WHERE n.unit = 'requests' AND n.window_kind = 'month' AND n.window_start_ms = $1) x \
         WHERE CASE WHEN settled BETWEEN -1152921504606846976 AND 1152921504606846976 \
         AND adjusted BETWEEN -1152921504606846976 AND 1152921504606846976 \
         THEN settled + adjusted - entries_adjusted <> entries_settled + recorded ELSE TRUE END"
    );
    const MONTHS: &str = "SELECT DISTINCT window_start_ms FROM counters WHERE unit = 'requests' AND window_kind = 'month' \
                          ORDER BY window_start_ms";
    let months: Vec<(i64,)> = fetch_all!(session, (i64,), MONTHS)?;
    let mut found = Vec::new();
    for (start,) in months {
        let end = strongroom_model::month::next(Millis(start));
        let rows = fetch_all!(session, Counted, SQL, start, end.0)?;
        found.extend(rows.into_iter().filter_map(Counted::compare));
    }
    Ok(found)
}

/// Every counter of a limit that does not equal the records that it counts, for windows of which all records are kept:
/// those that start at `kept_from` or later.
///
/// # Errors
/// [`StoreError`].
pub async fn limit_discrepancies(
    session: &mut Session,
    kept_from: Millis,
) -> Result<Vec<Discrepancy>, StoreError> {
    const KEYS: &str = concat!(
        "SELECT n.subject_uid, n.unit, n.window_kind, n.window_start_ms, n.settled, n.adjusted, (SELECT ",
        total!("e.settled"),
        counter_entries!(),
        ") AS entries_settled, (SELECT ",
        total!("e.adjusted"),
        counter_entries!(),
        ") AS entries_adjusted, CAST(0 AS BIGINT) AS recorded, l.scope_kind, l.scope_uid, l.since_change \
         FROM counters n JOIN limits l ON l.uid = n.subject_uid \
         WHERE n.region = $2 AND (CASE WHEN n.window_kind = 'prepaid' THEN l.created_at_ms ELSE n.window_start_ms END) >= $1"
    );
    const SUM: &str = concat!(
        "SELECT ",
        total!(
            "CASE WHEN $1 = 'tokens' THEN r.charged_tokens WHEN $1 = 'nano_usd' THEN r.charged_nano_usd \
             WHEN $2 = 'credential' THEN r.requests ELSE r.client_requests END"
        ),
        " FROM usage_lines r WHERE r.region = $3 AND r.generation >= $4 AND r.at_ms >= $5 AND r.at_ms < $6 \
         AND r.context_uid IN (SELECT c.uid FROM usage_dims m JOIN usage_contexts c ON c.dims_uid = m.uid \
         WHERE m.kind <> 'late' AND (($2 = 'credential' AND m.credential_uid = $7) OR ($2 = 'token' AND m.actor = $8) \
         OR ($2 = 'user' AND m.user_id = $9)))"
    );
    let mut found = Vec::new();
    for mut row in fetch_all!(session, Counted, KEYS, kept_from.0, REGION)? {
        let window = Window::from_name(&row.window_kind).unwrap_or(Window::Prepaid);
        let end = window.end(Millis(row.window_start_ms)).map_or(i64::MAX, |end| end.0);
        let token = format!("token:{}", row.scope_uid);
        let user: i64 = row.scope_uid.parse().unwrap_or(-1);
        let sums = fetch_all!(
            session,
            (i64,),
            SUM,
            &row.unit,
            &row.scope_kind,
            REGION,
            row.since_change,
            row.window_start_ms,
            end,
            &row.scope_uid,
            &token,
            user
        )?;
        row.recorded = sums.first().map_or(0, |(sum,)| *sum);
        found.extend(row.compare());
    }
    Ok(found)
}

/// A counter and what the ledger has about it.
#[derive(Debug, sqlx::FromRow)]
struct Counted {
    subject_uid: String,
    unit: String,
    window_kind: String,
    window_start_ms: i64,
    settled: i64,
    adjusted: i64,
    entries_settled: i64,
    entries_adjusted: i64,
    recorded: i64,
    scope_kind: String,
    scope_uid: String,
    since_change: i64,
}

impl Counted {
    /// The difference, if there is one. A counter that is full has stopped to count.
    fn compare(self) -> Option<Discrepancy> {
        let counted = self.settled.saturating_add(self.adjusted);
        let settled = bounded(self.entries_settled.saturating_add(self.recorded));
        let recorded = settled.saturating_add(bounded(self.entries_adjusted));
        (counted != recorded).then_some(Discrepancy {
            subject_uid: self.subject_uid,
            unit: self.unit,
            window_kind: self.window_kind,
            window_start_ms: self.window_start_ms,
            counted,
            recorded,
        })
    }
}
