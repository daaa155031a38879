//! One row of the original's table, whichever of its generations it comes from.

use std::fmt;

use strongroom_model::Millis;

use super::value;

/// The columns that are read where they exist. The table of the newest generation has them down to `updated_at`, the
/// oldest the rest as well and no `priority`.
pub(super) const COLUMNS: [&str; 20] = [
    "name",
    "provider",
    "api_key",
    "api_secret",
    "endpoint",
    "priority",
    "is_active",
    "is_global",
    "user_id",
    "rate_limit",
    "usage_count",
    "current_month_usage",
    "last_used",
    "created_at",
    "updated_at",
    "organization_id",
    "configuration",
    "daily_limit",
    "monthly_limit",
    "created_by",
];

/// Value of one column of one row, as the database holds it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// The table has no such column.
    Absent,
    Null,
    Text(String),
    /// Bytes that are no text.
    NotText,
}

/// A row of the original. `None` stands for a column that is absent or NULL, or whose value is named in
/// [`LegacyRow::unreadable`].
pub struct LegacyRow {
    /// The primary key.
    pub id: i64,
    /// Unique in the original.
    pub name: Option<String>,
    /// Lower case in the original; may be the alias `google`.
    pub provider: Option<String>,
    /// The key, sealed in the original's form.
    pub api_key: Option<String>,
    /// The second secret, sealed in the original's form.
    pub api_secret: Option<String>,
    /// A base URL.
    pub endpoint: Option<String>,
    /// Lower is tried first.
    pub priority: Option<i64>,
    /// The default `true` where the table has no such column.
    pub is_active: Option<bool>,
    /// The default `true` where the table has no such column.
    pub is_global: Option<bool>,
    /// The owner.
    pub user_id: Option<i64>,
    /// Requests per month, from whichever column meant that.
    pub monthly_limit: Option<i64>,
    /// Requests per day; the oldest generation only.
    pub daily_limit: Option<i64>,
    /// Requests per minute; the oldest generation only, in its column `rate_limit`.
    pub minute_limit: Option<i64>,
    /// Uses since ever.
    pub usage_count: Option<i64>,
    /// Uses of the month of `last_used`.
    pub current_month_usage: Option<i64>,
    /// When it was last used.
    pub last_used: Option<Millis>,
    /// When it was made.
    pub created_at: Option<Millis>,
    /// When it was last changed.
    pub updated_at: Option<Millis>,
    /// The organisation; the oldest generation only.
    pub organization_id: Option<String>,
    /// A JSON text, which may hold secrets; the oldest generation only.
    pub configuration: Option<String>,
    /// Its creator; the oldest generation only.
    pub created_by: Option<String>,
    /// The columns of this row whose values cannot be read as what the column means.
    pub unreadable: Vec<&'static str>,
}

impl fmt::Debug for LegacyRow {
    /// Neither sealed texts nor the configuration: they are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyRow").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl LegacyRow {
    /// Reads the cells of a row, which stand in the order of [`COLUMNS`].
    pub(super) fn read(id: i64, cells: Vec<Cell>) -> Self {
        let mut cells = Cells { cells, unreadable: Vec::new() };
        // Only where a month has a column of its own does `rate_limit` mean a minute.
        let oldest = !cells.is_absent("monthly_limit") || !cells.is_absent("daily_limit");
        let rate_limit = cells.integer("rate_limit");
        let monthly_limit = cells.integer("monthly_limit");
        Self {
            id,
            name: cells.text("name"),
            provider: cells.text("provider"),
            api_key: cells.filled_text("api_key"),
            api_secret: cells.filled_text("api_secret"),
            endpoint: cells.filled_text("endpoint"),
            priority: cells.integer("priority"),
            is_active: if cells.is_absent("is_active") { Some(true) } else { cells.boolean("is_active") },
            is_global: if cells.is_absent("is_global") { Some(true) } else { cells.boolean("is_global") },
            user_id: cells.integer("user_id"),
            monthly_limit: if oldest { monthly_limit } else { rate_limit },
            daily_limit: cells.integer("daily_limit"),
            minute_limit: if oldest { rate_limit } else { None },
            usage_count: cells.integer("usage_count"),
            current_month_usage: cells.integer("current_month_usage"),
            last_used: cells.time("last_used"),
            created_at: cells.time("created_at"),
            updated_at: cells.time("updated_at"),
            organization_id: cells.filled_text("organization_id"),
            configuration: cells.filled_text("configuration"),
            created_by: cells.filled_text("created_by"),
            unreadable: cells.unreadable,
        }
    }
}

struct Cells {
    cells: Vec<Cell>,
    unreadable: Vec<&'static str>,
}

impl Cells {
    fn get(&self, column: &'static str) -> &Cell {
        let place = COLUMNS.iter().position(|it| *it == column);
        place.and_then(|place| self.cells.get(place)).unwrap_or(&Cell::Absent)
    }

    fn is_absent(&self, column: &'static str) -> bool {
        *self.get(column) == Cell::Absent
    }

    fn text(&mut self, column: &'static str) -> Option<String> {
        match self.get(column) {
            Cell::Text(text) => Some(text.clone()),
            Cell::Absent | Cell::Null => None,
            Cell::NotText => {
                self.unreadable.push(column);
                None
            }
        }
    }

    /// The original writes an empty text where it means none.
    fn filled_text(&mut self, column: &'static str) -> Option<String> {
        self.text(column).filter(|text| !text.is_empty())
    }

    fn parsed<T>(&mut self, column: &'static str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.filled_text(column)?;
        let value = parse(&text);
        if value.is_none() {
            self.unreadable.push(column);
        }
        value
    }

    fn integer(&mut self, column: &'static str) -> Option<i64> {
        self.parsed(column, value::integer)
    }

    fn boolean(&mut self, column: &'static str) -> Option<bool> {
        self.parsed(column, value::boolean)
    }

    fn time(&mut self, column: &'static str) -> Option<Millis> {
        self.parsed(column, value::time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[(&str, Cell)]) -> LegacyRow {
        let cell =
            |column: &&str| values.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.clone());
        LegacyRow::read(1, COLUMNS.iter().map(|column| cell(column).unwrap_or(Cell::Absent)).collect())
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn rate_limit_is_monthly_unless_the_table_has_a_monthly_limit_of_its_own() {
        let newer = row(&[("rate_limit", text("5000"))]);
        assert_eq!((newer.monthly_limit, newer.minute_limit), (Some(5000), None));
        let oldest = row(&[("rate_limit", text("60")), ("monthly_limit", text("5000"))]);
        assert_eq!((oldest.monthly_limit, oldest.minute_limit), (Some(5000), Some(60)));
        let unlimited = row(&[("rate_limit", text("60")), ("monthly_limit", Cell::Null)]);
        assert_eq!((unlimited.monthly_limit, unlimited.minute_limit), (None, Some(60)));
        let daily = row(&[("rate_limit", text("60")), ("daily_limit", text("9"))]);
        assert_eq!((daily.monthly_limit, daily.daily_limit, daily.minute_limit), (None, Some(9), Some(60)));
    }

    #[test]
    fn an_absent_flag_is_the_default_and_a_null_one_is_not() {
        let absent = row(&[]);
        assert_eq!(
            (absent.is_active, absent.is_global, absent.unreadable.len()),
            (Some(true), Some(true), 0)
        );
        let null = row(&[("is_active", Cell::Null), ("is_global", Cell::Null)]);
        assert_eq!((null.is_active, null.is_global), (None, None));
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_guessed() {
        let row = row(&[
            ("name", Cell::NotText),
            ("rate_limit", text("many")),
            ("is_active", text("perhaps")),
            ("last_used", text("yesterday")),
            ("endpoint", text("")),
        ]);
        assert_eq!(row.unreadable, ["rate_limit", "name", "is_active", "last_used"]);
        assert!(row.name.is_none() && row.monthly_limit.is_none() && row.is_active.is_none());
        assert!(row.last_used.is_none() && row.endpoint.is_none());
    }

    #[test]
    fn printing_a_row_shows_no_sealed_text_and_no_configuration() {
        let row = row(&[("api_key", text("canary")), ("configuration", text("canary")), ("name", text("a"))]);
        assert_eq!(format!("{row:?}"), "LegacyRow { id: 1, name: Some(\"a\"), .. }");
    }
}
