//! Usage as comma-separated values (RFC 4180): exact amounts, names that no spreadsheet takes for a formula.

use strongroom_client::wire::usage::{Usage, UsageRow};

/// What it is sent as.
pub(super) const CONTENT_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// The lines of a report.
pub(super) fn of(usage: &Usage) -> String {
    let names = [
        "requests",
        "key_uses",
        "client_errors",
        "provider_errors",
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
        "cost_nano_usd",
        "unpriced",
        "mean_first_byte_ms",
        "mean_total_ms",
    ];
    let mut text = cell(&usage.group_by);
    for name in usage.split_by.iter().map(String::as_str).chain(names) {
        text.push(',');
        text.push_str(&cell(name));
    }
    text.push_str("\r\n");
    for row in &usage.rows {
        text.push_str(&line(row));
    }
    text
}

fn line(row: &UsageRow) -> String {
    let or_empty = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let figures = [
        row.requests,
        row.key_uses,
        row.client_errors,
        row.provider_errors,
        row.input_tokens,
        row.cached_input_tokens,
        row.cache_write_tokens,
        row.output_tokens,
        row.reasoning_tokens,
        row.cost_nano_usd,
        row.unpriced,
    ];
    let mut cells = vec![cell(&row.key)];
    cells.extend(row.split_key.as_deref().map(cell));
    cells.extend(figures.map(|figure| figure.to_string()));
    cells.extend([or_empty(row.mean_first_byte_ms), or_empty(row.mean_total_ms)]);
    format!("{}\r\n", cells.join(","))
}

/// A text as a cell. A spreadsheet takes one that begins with `=`, `+`, `-` or `@` for a formula: names may be anybody's.
fn cell(text: &str) -> String {
    let begins_a_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guarded = if begins_a_formula { format!("'{text}") } else { text.to_owned() };
    if guarded.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", guarded.replace('"', "\"\""));
    }
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_starts_no_formula() {
        for (text, expected) in [
            ("gpt-4o", "gpt-4o"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-x,y", "\"'-x,y\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn every_line_has_the_columns_of_the_first() {
        let row = UsageRow { key: "a".to_owned(), split_key: Some("b".to_owned()), ..UsageRow::default() };
        let usage = Usage {
            group_by: "provider".to_owned(),
            split_by: Some("model".to_owned()),
            from: "2026-01-01".to_owned(),
            to: "2026-01-31".to_owned(),
            rows: vec![row],
            previous: None,
            forecast: None,
        };
        let text = of(&usage);
        let columns: Vec<_> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(columns, [15, 15], "{text}");
    }
}
