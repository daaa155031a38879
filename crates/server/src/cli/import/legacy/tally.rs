//! Tally of the rows: their outcomes, and the proof that they are stored as they were read.

use serde::Serialize;
use strongroom_client::wire::import::ImportedRow;
use strongroom_crypto::row_digest::combine;

/// A row on its way.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: i64,
    pub(super) name: String,
    /// Over the row as it was read, secrets open.
    pub(super) digest: String,
    pub(super) notes: Vec<String>,
}

/// Outcomes of all rows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: Vec<Row>,
    /// Rows that the source counts.
    pub(super) expected: i64,
    /// Rows of which a secret opened.
    pub(super) opened: usize,
    /// Rows that were sealed under another key, or edited.
    pub(super) wrong_key: usize,
}

/// Outcome of one row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// Its id at the source.
    source_id: i64,
    name: Option<String>,
    /// `migrated`, `skipped` or `failed`.
    outcome: String,
    reason: Option<String>,
    /// The credential's id here.
    id: Option<i64>,
    /// Parts of it that have no place here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    #[serde(skip)]
    read: Option<String>,
    #[serde(skip)]
    stored: Option<String>,
}

/// The report at the end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report<'t> {
    dry_run: bool,
    /// Rows that the source counts.
    pub(super) source: i64,
    pub(super) migrated: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
    /// Over all rows that are to be here, as they were read; `None` when there is none, and in a dry run.
    pub(super) digest_read: Option<String>,
    /// Over the same rows, as they are stored.
    pub(super) digest_stored: Option<String>,
    /// Tells whether every one of these rows is stored as it was read.
    identical: Option<bool>,
    rows: &'t [Row],
}

impl Tally {
    /// A row that could not be sent.
    pub(super) fn unmappable(
        &mut self,
        source_id: i64,
        name: Option<String>,
        reason: String,
        is_wrong_key: bool,
    ) {
        self.wrong_key += usize::from(is_wrong_key);
        let (outcome, reason) = ("failed".to_owned(), Some(reason));
        self.rows.push(Row {
            source_id,
            name,
            outcome,
            reason,
            id: None,
            notes: Vec::new(),
            read: None,
            stored: None,
        });
    }

    /// A row that was sent, and the answer.
    pub(super) fn answered(&mut self, sent: Sent, imported: ImportedRow) {
        let mut notes = sent.notes;
        if let (Some(id), "migrated") = (imported.id, imported.outcome.as_str())
            && id != sent.id
        {
            notes.push(format!("it could not keep its id; here it has {id}"));
        }
        self.rows.push(Row {
            source_id: sent.id,
            name: Some(sent.name),
            outcome: imported.outcome,
            reason: imported.reason,
            id: imported.id,
            notes,
            read: Some(sent.digest),
            stored: imported.digest,
        });
    }

    /// Puts the rows into the order of the source's ids.
    pub(super) fn sort(&mut self) {
        self.rows.sort_by_key(|row| row.source_id);
    }

    /// Sums up. Failed rows are counted; every other row must be stored as it was read.
    pub(super) fn report(&self, dry_run: bool) -> Report<'_> {
        let count = |outcome: &str| self.rows.iter().filter(|row| row.outcome == outcome).count();
        let (migrated, skipped) = (count("migrated"), count("skipped"));
        let here = || self.rows.iter().filter(|row| !row.is_failed());
        let is_compared = !dry_run && here().next().is_some();
        let combined = |digest: fn(&Row) -> Option<&String>| {
            // A row that nobody vouches for stands for itself, and equals none.
            is_compared.then(|| combine(here().map(|row| digest(row).map_or("", String::as_str))))
        };
        let digest_read = combined(|row| row.read.as_ref());
        let digest_stored = combined(|row| row.stored.as_ref());
        Report {
            dry_run,
            source: self.expected,
            migrated,
            skipped,
            failed: self.rows.len() - migrated - skipped,
            identical: is_compared.then(|| digest_read == digest_stored && here().all(Row::is_proven)),
            digest_read,
            digest_stored,
            rows: &self.rows,
        }
    }
}

impl Row {
    fn is_failed(&self) -> bool {
        !matches!(self.outcome.as_str(), "migrated" | "skipped")
    }

    fn is_proven(&self) -> bool {
        self.read.is_some() && self.read == self.stored
    }

    /// Returns the words by which messages name it.
    pub(super) fn title(&self) -> String {
        match &self.name {
            Some(name) => format!("row {} \"{name}\"", self.source_id),
            None => format!("row {}", self.source_id),
        }
    }

    /// Why it is not here, or not here as it was read.
    pub(super) fn trouble(&self, dry_run: bool) -> Option<String> {
        if self.is_failed() {
            let reason = self.reason.as_deref().unwrap_or("the server gave no reason");
            return Some(format!("failed: {reason}"));
        }
        if dry_run || self.is_proven() {
            return None;
        }
        Some(match self.outcome.as_str() {
            "skipped" => {
                "skipped, and what is stored under its name differs: it was changed here since, or it is \
                          another credential; compare the two"
                    .to_owned()
            }
            _ => "what is stored differs from what was read; compare the two".to_owned(),
        })
    }
}

impl Report<'_> {
    /// Tells whether every row of the source is here as it was read.
    pub(super) fn is_complete(&self) -> bool {
        self.failed == 0 && self.identical != Some(false) && self.has_all_rows()
    }

    /// Tells whether as many rows were read as the source counts.
    pub(super) fn has_all_rows(&self) -> bool {
        usize::try_from(self.source) == Ok(self.rows.len())
    }

    /// The digests in a word.
    pub(super) fn verdict(&self) -> &'static str {
        match self.identical {
            Some(true) if self.failed > 0 => "identical, without the failed rows",
            Some(true) => "identical",
            Some(false) => "different, see the rows above",
            None if self.dry_run => "not compared in a dry run",
            None => "nothing to compare",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expecting(expected: i64) -> Tally {
        Tally { expected, ..Tally::default() }
    }

    fn answer(tally: &mut Tally, id: i64, outcome: &str, stored: Option<&str>) {
        let sent = Sent { id, name: format!("n{id}"), digest: format!("d{id}"), notes: Vec::new() };
        let stored = stored.map(str::to_owned);
        let imported = ImportedRow {
            name: sent.name.clone(),
            outcome: outcome.to_owned(),
            reason: None,
            id: Some(id),
            digest: stored,
        };
        tally.answered(sent, imported);
    }

    #[test]
    fn digests_are_identical_only_when_every_row_is() {
        let mut tally = expecting(2);
        answer(&mut tally, 1, "migrated", Some("d1"));
        answer(&mut tally, 2, "skipped", Some("d2"));
        let report = tally.report(false);
        assert!(report.is_complete() && report.digest_read == report.digest_stored);
        assert_eq!(
            (report.source, report.migrated, report.skipped, report.failed, report.verdict()),
            (2, 1, 1, 0, "identical")
        );

        for stored in [Some("other"), None] {
            let mut tally = expecting(2);
            answer(&mut tally, 1, "migrated", Some("d1"));
            answer(&mut tally, 2, "skipped", stored);
            let report = tally.report(false);
            assert!(!report.is_complete() && report.digest_read != report.digest_stored);
            assert!(tally.rows[0].trouble(false).is_none());
            assert!(tally.rows[1].trouble(false).unwrap().contains("differs"));
        }
    }

    #[test]
    fn a_row_that_was_never_read_is_missed() {
        let mut tally = expecting(2);
        answer(&mut tally, 1, "migrated", Some("d1"));
        assert!(!tally.report(false).is_complete());
    }

    #[test]
    fn two_rows_that_changed_places_are_not_identical() {
        let mut tally = expecting(2);
        answer(&mut tally, 1, "migrated", Some("d2"));
        answer(&mut tally, 2, "migrated", Some("d1"));
        let report = tally.report(false);
        assert!(report.digest_read == report.digest_stored && !report.is_complete());
    }

    #[test]
    fn a_failed_row_is_counted_and_named() {
        let mut tally = expecting(2);
        answer(&mut tally, 1, "migrated", Some("d1"));
        tally.unmappable(9, None, "it has no name".to_owned(), false);
        let report = tally.report(false);
        assert_eq!(
            (report.source, report.failed, report.verdict()),
            (2, 1, "identical, without the failed rows")
        );
        assert!(!report.is_complete());
        assert_eq!(
            (tally.rows[1].title(), tally.rows[1].trouble(false)),
            ("row 9".to_owned(), Some("failed: it has no name".to_owned()))
        );
    }

    #[test]
    fn a_dry_run_compares_nothing() {
        let mut tally = expecting(1);
        answer(&mut tally, 1, "migrated", None);
        let report = tally.report(true);
        assert!(report.is_complete() && report.digest_read.is_none());
        assert!(tally.rows[0].trouble(true).is_none());
    }

    #[test]
    fn an_id_that_could_not_be_kept_is_noted() {
        let mut tally = expecting(2);
        let sent = Sent { id: 1, name: "a".to_owned(), digest: "d".to_owned(), notes: Vec::new() };
        let imported = ImportedRow {
            name: "a".to_owned(),
            outcome: "migrated".to_owned(),
            reason: None,
            id: Some(12),
            digest: None,
        };
        tally.answered(sent, imported);
        assert_eq!(tally.rows[0].notes, ["it could not keep its id; here it has 12"]);
    }
}
