//! A chart of usage for a terminal: a bar for each group, as long as its share of the dearest one.

use strongroom_client::wire::usage::{Usage, UsageRow};
use unicode_width::UnicodeWidthStr;

use crate::cli::money::usd;
use crate::cli::printable::printable;

/// The widest that a name is written.
const MAX_NAME_COLUMNS: usize = 32;
/// The shortest that the longest bar is drawn.
const MIN_BAR_COLUMNS: usize = 10;
/// Eighths of a column, from one to all of them.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The chart, in lines of at most so many columns. Where nothing has a cost it is drawn by requests.
pub(super) fn of(usage: &Usage, columns: usize) -> String {
    let costs = usage.rows.iter().any(|row| row.cost_nano_usd > 0);
    let (measure, figure): (_, fn(&UsageRow) -> i64) =
        if costs { ("cost", |row| row.cost_nano_usd) } else { ("requests", |row| row.requests) };
    let shown = |row: &UsageRow| if costs { usd(row.cost_nano_usd) } else { row.requests.to_string() };
    let names: Vec<String> = usage.rows.iter().map(name).collect();
    let name_columns = names.iter().map(|name| name.width()).max().unwrap_or(0);
    let figure_columns = usage.rows.iter().map(|row| shown(row).width()).max().unwrap_or(0);
    let bar_columns = columns.saturating_sub(name_columns + figure_columns + 4).max(MIN_BAR_COLUMNS);
    let most = usage.rows.iter().map(figure).max().unwrap_or(0);
    let mut text = format!("{measure} by {}, {} to {}\n", printable(&usage.group_by), usage.from, usage.to);
    for (row, name) in usage.rows.iter().zip(&names) {
        let blanks = " ".repeat(name_columns - name.width());
        let (bar, shown) = (bar(figure(row), most, bar_columns), shown(row));
        text.push_str(&format!("{name}{blanks}  {shown:>figure_columns$}  {bar}\n"));
    }
    text
}

/// The name of a row, cut where it is too long.
fn name(row: &UsageRow) -> String {
    let key = if row.key.is_empty() { "-" } else { &row.key };
    let whole = match row.split_key.as_deref() {
        Some("") => format!("{key} · -"),
        Some(split) => format!("{key} · {split}"),
        None => key.to_owned(),
    };
    let mut cut = String::new();
    for character in printable(&whole).replace('\n', "\\n").chars() {
        if cut.width() >= MAX_NAME_COLUMNS {
            cut.pop();
            cut.push('…');
            break;
        }
        cut.push(character);
    }
    cut
}

/// A bar of this share of the columns. What is not nothing is seen.
fn bar(figure: i64, most: i64, columns: usize) -> String {
    if figure <= 0 || most <= 0 {
        return String::new();
    }
    let all = i128::try_from(columns * EIGHTHS.len()).unwrap_or(0);
    let eighths = (i128::from(figure) * all / i128::from(most)).clamp(1, all);
    let eighths = usize::try_from(eighths).unwrap_or(1);
    let mut bar = "█".repeat(eighths / EIGHTHS.len());
    if let Some(rest) = (eighths % EIGHTHS.len()).checked_sub(1) {
        bar.push(EIGHTHS[rest]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(rows: &[(&str, i64, i64)]) -> Usage {
        let row = |(key, cost, requests): &(&str, i64, i64)| UsageRow {
            key: (*key).to_owned(),
            cost_nano_usd: *cost,
            requests: *requests,
            ..UsageRow::default()
        };
        Usage {
            group_by: "model".to_owned(),
            split_by: None,
            from: "2026-01-01".to_owned(),
            to: "2026-01-31".to_owned(),
            rows: rows.iter().map(row).collect(),
            previous: None,
            forecast: None,
        }
    }

    #[test]
    fn bars_are_as_long_as_their_share_and_fit_the_terminal() {
        let drawn = of(&usage(&[("gpt-4o", 2_000_000_000, 1), ("mini", 1_000_000_000, 9), ("", 1, 1)]), 40);
        let lines: Vec<_> = drawn.lines().collect();
        assert_eq!(lines[0], "cost by model, 2026-01-01 to 2026-01-31");
        let count = |line: &str| line.chars().filter(|it| *it == '█').count();
        assert_eq!((count(lines[1]), count(lines[2]), count(lines[3])), (18, 9, 0), "{drawn}");
        assert!(lines[3].ends_with('▏'), "{drawn}");
        assert!(lines.iter().all(|line| line.width() <= 40), "{drawn}");
    }

    #[test]
    fn what_costs_nothing_is_drawn_by_requests() {
        let drawn = of(&usage(&[("a", 0, 4), ("b", 0, 0)]), 80);
        assert!(drawn.starts_with("requests by model") && drawn.contains("a  4  █"), "{drawn}");
    }

    #[test]
    fn a_name_is_cut_and_steers_nothing() {
        let row = UsageRow { key: format!("\u{1b}[31m{}", "x".repeat(200)), ..UsageRow::default() };
        let name = name(&row);
        assert!(
            name.width() <= MAX_NAME_COLUMNS && !name.contains('\u{1b}') && name.ends_with('…'),
            "{name}"
        );
    }
}
