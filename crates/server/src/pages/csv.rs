//! Files with comma-separated values (RFC 4180), in which no spreadsheet finds a formula.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// A cell. What a spreadsheet would take for a formula is made text.
pub(super) fn cell(text: &str) -> String {
    let is_formula = text.trim_start_matches(' ').starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

/// A file of this name, which a browser saves.
pub(super) fn file(name: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")),
    ];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_no_cell_ends_early() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("a\",b\n"), "\"a\"\",b\n\"");
        for formula in ["+1", "-1", "@x", "\tx", "\rx", "\n=1", "  =1"] {
            assert!(cell(formula).starts_with("\"'"), "{formula:?}");
        }
        assert_eq!(cell("gpt-5"), "\"gpt-5\"");
    }
}
