//! What is wrong until it is mended: looked at again and again, whether it still is.

use strongroom_model::alert::{Level, Rule, Settings};
use strongroom_model::{Millis, Problem};
use strongroom_store::alert::incident::{self, Incident, Subject};
use strongroom_store::{Session, credential, key, key_holder, meta, token};

use super::Alerts;
use super::figure::{Look, reading_of};
use crate::event::{Seen, end_lasting, note_lasting};

const DAY_MS: i64 = 86_400_000;
/// Incidents of a rule that are looked at in one turn.
const MAX_OPEN: i64 = 1000;
/// When a backup was proven the last time.
pub(super) const BACKUP_PROVEN: &str = "backup_proven_at_ms";

impl Alerts {
    /// Ends what is mended. Tells how much.
    pub(super) async fn watch_lasting(&self) -> Result<usize, Problem> {
        let mut over = Vec::new();
        {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            for rule in [Rule::Leak, Rule::CanaryRefused, Rule::RotationFailed] {
                for open in incident::list_open(&mut session, rule, MAX_OPEN).await? {
                    if let Some(cause) = mended(&mut session, &open, now).await? {
                        over.push((open, cause));
                    }
                }
            }
            let alive = key_holder::list(&mut session, now).await?;
            for rule in [Rule::ClockSkew, Rule::DbSlow] {
                for open in incident::list_open(&mut session, rule, MAX_OPEN).await? {
                    if !alive.iter().any(|holder| holder.node_uid == open.subject.id) {
                        over.push((open, "the server has ended"));
                    }
                }
            }
        }
        if over.is_empty() {
            return Ok(0);
        }
        let mut count = 0;
        let mut tx = self.custody.store.write().await?;
        let now = tx.now().await?;
        for (open, cause) in over {
            count += end_lasting(&mut tx, open.rule, &open.subject, cause, now).await?;
        }
        tx.commit().await?;
        Ok(count)
    }

    /// Writes down revoked tokens that somebody has shown to this server.
    pub(super) async fn flush_revoked_uses(&self) -> Result<usize, Problem> {
        let custody = &self.custody;
        let ids = custody.revoked_uses.take();
        if ids.is_empty() {
            return Ok(0);
        }
        let written = async {
            let mut tx = custody.store.write().await?;
            let now = tx.now().await?;
            for id in &ids {
                let seen = Seen::of(Rule::Leak, Level::Critical, Subject::of("token", id));
                note_lasting(custody, &mut tx, Seen { mark: 2, ..seen }, now).await?;
            }
            Ok::<(), Problem>(tx.commit().await?)
        };
        let written = written.await;
        let count = ids.len();
        if written.is_err() {
            custody.revoked_uses.put_back(ids);
        }
        written.map(|()| count)
    }

    /// Looks at whether this server has found something in the database that is not what we wrote, since the last look.
    async fn watch_integrity(&self) -> Result<usize, Problem> {
        let custody = &self.custody;
        let failures = custody.counters.integrity_failures.get();
        if self.seen.integrity.get() == failures {
            return Ok(0);
        }
        let mut tx = custody.store.write().await?;
        let now = tx.now().await?;
        let seen = Seen::of(Rule::Integrity, Level::Critical, Subject::of("node", custody.node));
        note_lasting(custody, &mut tx, seen, now).await?;
        tx.commit().await?;
        self.seen.integrity.set(failures);
        Ok(1)
    }

    /// Looks at this server: its clock, which says `local`, its commits, and what it found in the database.
    pub(super) async fn watch_node(&self, local: Millis) -> Result<usize, Problem> {
        let custody = &self.custody;
        let subject = Subject::of("node", custody.node);
        let mut count = self.watch_integrity().await?;
        let (now, clock, slow) = {
            let mut session = custody.store.read().await?;
            let now = session.now().await?;
            let clock = self.settings(&mut session, Rule::ClockSkew).await?;
            (now, clock, self.settings(&mut session, Rule::DbSlow).await?)
        };
        let away = (now.0.saturating_sub(local.0).saturating_abs()).div_euclid(1000);
        let line = clock.get(Rule::ClockSkew, "seconds");
        let reading = reading_of(away, line, (line / 2).max(1), &clock);
        let look = Look::of(Rule::ClockSkew, subject.clone(), Level::Critical, reading);
        let look = Look { value: away, threshold: line, ..look };
        count += self.judge_of(Rule::ClockSkew, vec![look], now, Some(&subject)).await?;
        if let Some(permille) = self.seen.slow_commits(custody.store.commit_times().counts()) {
            let reading = reading_of(permille, 50, 50, &slow);
            let look = Look::of(Rule::DbSlow, subject.clone(), Level::High, reading);
            let look = Look { value: permille, threshold: 50, ..look };
            count += self.judge_of(Rule::DbSlow, vec![look], now, Some(&subject)).await?;
        }
        Ok(count)
    }

    /// Looks at when a backup was proven the last time; of an installation that has none, how old it is.
    pub(super) async fn watch_backup(&self) -> Result<usize, Problem> {
        let (now, days, settings) = {
            let mut session = self.custody.store.read().await?;
            let now = session.now().await?;
            let proven = meta::get(&mut session, BACKUP_PROVEN).await?.and_then(|text| text.parse().ok());
            let since = match proven {
                Some(at) => at,
                None => key::list(&mut session).await?.first().map_or(now.0, |first| first.created_at_ms),
            };
            let settings = self.settings(&mut session, Rule::BackupOld).await?;
            (now, now.0.saturating_sub(since) / DAY_MS, settings)
        };
        let line = settings.get(Rule::BackupOld, "days");
        let reading = reading_of(days, line, line, &settings);
        let look = Look::of(Rule::BackupOld, Subject::of("backup", "all"), Level::High, reading);
        let look = Look { value: days, threshold: line, ..look };
        self.judge(Rule::BackupOld, vec![look], now).await
    }

    /// The settings of a rule.
    pub(super) async fn settings(&self, session: &mut Session, rule: Rule) -> Result<Settings, Problem> {
        Ok(strongroom_store::alert::rule::settings(session, rule).await?)
    }
}

/// Why something is not wrong any more; `None` while it is.
async fn mended(
    session: &mut Session,
    open: &Incident,
    now: Millis,
) -> Result<Option<&'static str>, Problem> {
    if open.subject.kind == "token" {
        // One that is shown after it was revoked cannot be revoked once more: somebody has to look.
        let stored = token::get(session, &open.subject.id).await?;
        let is_alive = stored.is_some_and(|stored| stored.token.is_alive(now));
        return Ok((open.mark == 1 && !is_alive).then_some("it was revoked"));
    }
    let Ok(uid) = open.subject.id.parse() else { return Ok(Some("it is gone")) };
    let Some(found) = credential::get_by_uid(session, uid, now).await? else {
        return Ok(Some("it was deleted"));
    };
    Ok(match open.rule {
        _ if found.frozen_at.is_some() => Some("it was frozen"),
        Rule::Leak => {
            let is_staged =
                found.staged.is_some_and(|staged| staged.number == open.mark && staged.percent > 0);
            (found.version_number != open.mark && !is_staged).then_some("its key was replaced")
        }
        Rule::CanaryRefused => (found.staged.is_some() || found.version_number > open.mark)
            .then_some("another version was staged or promoted"),
        _ => found
            .rotation_due()
            .is_none_or(|due| due > now)
            .then_some("its key is not due to be replaced any more"),
    })
}
