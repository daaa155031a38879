//! Tables at their own width, and fitted to a terminal.

use super::*;

/// Eight columns of which half are long.
fn long() -> Table {
    let mut table = Table::new(["id", "name", "provider", "requests", "cost", "made", "by", "note"]);
    for number in 0..3 {
        table.row([
            format!("AbCdEf01234{number}"),
            "production-openai-primary-with-a-long-name".to_owned(),
            "openrouter".to_owned(),
            "1234567".to_owned(),
            "$1234.5600".to_owned(),
            "2026-01-31T10:30:00Z".to_owned(),
            "user:7".to_owned(),
            "a sentence that goes on for longer than anybody has asked for".to_owned(),
        ]);
    }
    table
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn tables_are_plain_columns_without_trailing_space() {
    let mut table = Table::new(["name", "limit"]);
    table.row(["openai-primary".to_owned(), "5000".to_owned()]);
    table.row(["x".to_owned(), "-".to_owned()]);
    assert_eq!(table.to_string(), "NAME            LIMIT\nopenai-primary  5000\nx               -\n");
}

#[test]
fn a_stored_name_cannot_steer_the_terminal() {
    let mut table = Table::new(["name"]);
    table.row(["a\x1b[2J\r\nb\u{9b}".to_owned()]);
    let shown = table.to_string();
    assert_eq!(shown.lines().nth(1), Some("a\\u{1b}[2J\\r\\nb\\u{9b}"));
}

#[test]
fn nothing_is_left_out_where_no_terminal_is() {
    let shown = long().fitted(None);
    assert!(!shown.contains(ELLIPSIS), "{shown}");
    assert!(
        shown.contains("than anybody has asked for") && shown.contains("2026-01-31T10:30:00Z"),
        "{shown}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_and_numbers_and_ids_stay_whole() {
    for terminal in [80, 81, 100, 133] {
        let shown = long().fitted(Some(terminal));
        for line in lines(&shown) {
            assert!(line.width() <= terminal, "{terminal}: {} in {line}", line.width());
        }
        for whole in ["AbCdEf012341", "1234567", "$1234.5600", "2026-01-31", "user:7"] {
            assert!(shown.contains(whole), "{whole} at {terminal}: {shown}");
        }
        assert!(shown.contains(ELLIPSIS), "{shown}");
    }
    let wide = long().fitted(Some(400));
    assert_eq!(wide, long().to_string());
}

#[test]
fn room_that_there_is_is_used() {
    let shown = long().fitted(Some(100));
    let widest = lines(&shown).iter().map(|line| line.width()).max();
    assert_eq!(widest, Some(100), "{shown}");
}

#[test]
fn wide_characters_take_two_columns_and_marks_none() {
    let mut table = Table::new(["name", "state"]);
    table.row(["鍵の管理".to_owned(), "on".to_owned()]);
    table.row(["cafe\u{301}".to_owned(), "off".to_owned()]);
    assert_eq!(table.to_string(), "NAME      STATE\n鍵の管理  on\ncafe\u{301}      off\n");
    assert_eq!(shortened("鍵の管理鍵の管理", 8), "鍵の管…");
    assert_eq!(shortened("鍵の管理鍵の管理", 7), "鍵の管…");
    assert_eq!(shortened("鍵の管理鍵の管理", 6), "鍵の…");
    assert_eq!(shortened("cafe\u{301}teria", 5), "cafe\u{301}…");
    assert_eq!(shortened("short", 5), "short");
}

#[test]
fn of_an_instant_the_date_remains() {
    assert_eq!(shortened("2026-01-31T10:30:00Z", 12), "2026-01-31");
    assert_eq!(shortened("2026-01-31T10:30:00Z", 20), "2026-01-31T10:30:00Z");
    assert!(is_instant("2026-01-31T10:30:00.250Z") && !is_instant("2026-01-31") && !is_instant("sk-2026"));
}

#[test]
fn properties_are_shown_whole_with_lines_under_each_other() {
    let mut table = Table::of_properties();
    table.row(["name".to_owned(), "openai-primary".to_owned()]);
    table.row(["note".to_owned(), "one two three four five".to_owned()]);
    table.row(["endpoint".to_owned(), "https://llm.example.com/a/path/that/is/long".to_owned()]);
    assert_eq!(
        table.fitted(Some(24)),
        "PROPERTY  VALUE\nname      openai-primary\nnote      one two three\n          four five\nendpoint  \
         https://llm.example.com/a/path/that/is/long\n"
    );
}
