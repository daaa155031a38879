//! Columns of text under a header in capitals, without lines; on a terminal they are as wide as it is.
//!
//! Widths are those that a terminal gives to characters (Unicode Standard Annex 11): an ideograph takes two columns, a
//! combining mark none.

use std::fmt::{self, Write as _};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::printable::printable;

/// Blank columns between two columns of text.
const GAP_COLUMNS: usize = 2;

/// The narrowest that a column of words or names is made.
const MIN_WORDS_COLUMNS: usize = 6;

/// The narrowest that a header is made above short cells.
const MIN_HEADER_COLUMNS: usize = 4;

/// Width of the date at the beginning of an instant, which is what is left of it in a narrow column.
const DATE_COLUMNS: usize = 10;

/// The sign that something was left out.
const ELLIPSIS: char = '…';

/// Rows under named columns.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// True when the last column holds sentences, which are broken into lines: nothing may be left out of them.
    is_properties: bool,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new<const N: usize>(columns: [&str; N]) -> Self {
        Self::of_columns(&columns)
    }

    /// A table with as many columns as there are names.
    pub(super) fn of_columns(columns: &[&str]) -> Self {
        Self {
            header: columns.iter().map(|name| name.to_uppercase()).collect(),
            rows: Vec::new(),
            is_properties: false,
        }
    }

    /// A table of the properties of one thing, whose values are always shown whole.
    pub(super) fn of_properties() -> Self {
        Self { is_properties: true, ..Self::new(["property", "value"]) }
    }

    /// Adds a row. Control characters are escaped: a stored name must not steer the terminal.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.row_of(&cells);
    }

    /// The same for a table whose number of columns depends on what is shown.
    pub(super) fn row_of(&mut self, cells: &[String]) {
        self.rows.push(cells.iter().map(|cell| printable(cell).replace('\n', "\\n")).collect());
    }

    /// The text of the table; where a terminal's width is given, cut to it as far as names, numbers and words stay readable.
    #[must_use]
    pub fn fitted(&self, terminal: Option<usize>) -> String {
        let columns: Vec<Column> = (0..self.header.len()).map(|number| self.column(number)).collect();
        let natural = || columns.iter().map(|column| column.natural).collect::<Vec<_>>();
        match terminal {
            None => self.text(&natural(), None),
            Some(terminal) if self.is_properties => self.text(&natural(), Some(terminal)),
            Some(terminal) => {
                let room = terminal.saturating_sub(GAP_COLUMNS * columns.len().saturating_sub(1));
                self.text(&shared(room, &columns), None)
            }
        }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }

    /// Numbers and ids are whole or wrong, of an instant the date says most, and of words the beginning.
    fn column(&self, number: usize) -> Column {
        let header = self.header[number].width();
        let is_id = self.header[number] == "ID";
        let least_of = |cell: &str| match cell.width() {
            width if is_id || is_number(cell) => width,
            _ if is_instant(cell) => DATE_COLUMNS,
            width => width.min(MIN_WORDS_COLUMNS),
        };
        Column {
            natural: self.cells(number).map(UnicodeWidthStr::width).fold(header, usize::max),
            least: self.cells(number).map(least_of).fold(header.min(MIN_HEADER_COLUMNS), usize::max),
            is_of_instants: self.cells(number).any(is_instant),
        }
    }

    fn text(&self, widths: &[usize], terminal: Option<usize>) -> String {
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                let is_last = column + 1 == widths.len();
                let shown = match terminal {
                    Some(terminal) if is_last => broken(cell, line.width(), terminal),
                    _ => shortened(cell, *width),
                };
                line.push_str(&shown);
                if !is_last {
                    line.extend(std::iter::repeat_n(' ', width.saturating_sub(shown.width()) + GAP_COLUMNS));
                }
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }
}

impl fmt::Display for Table {
    /// The table at its own width, as it is written to anything but a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fitted(None))
    }
}

/// The widths that a column may have.
#[derive(Debug, Clone, Copy)]
struct Column {
    /// The width of its text.
    natural: usize,
    /// The least at which it still says something.
    least: usize,
    /// An instant is shown whole or as its date, so that nothing between these widths is of use.
    is_of_instants: bool,
}

impl Column {
    fn at(self, cap: usize) -> usize {
        if self.natural <= cap {
            self.natural
        } else if self.is_of_instants {
            self.least
        } else {
            cap.max(self.least)
        }
    }
}

/// Widths that fit into the room: none is wider than its text, none narrower than its least, and the widest give first.
fn shared(room: usize, columns: &[Column]) -> Vec<usize> {
    let at = |cap: usize| columns.iter().map(|column| column.at(cap)).collect::<Vec<_>>();
    let widest = columns.iter().map(|column| column.natural).max().unwrap_or_default();
    let cap = (0..=widest).rev().find(|cap| at(*cap).iter().sum::<usize>() <= room).unwrap_or_default();
    let mut widths = at(cap);
    // What is left of the room is shared out among those that gave.
    let mut left = room.saturating_sub(widths.iter().sum());
    while left > 0 {
        let before = left;
        for (width, column) in widths.iter_mut().zip(columns) {
            if left > 0 && *width < column.natural && !column.is_of_instants {
                *width += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    widths
}

/// An amount, a share, a count or a dash.
fn is_number(cell: &str) -> bool {
    cell.chars().all(|it| it.is_ascii_digit() || "-+.,/%$".contains(it))
}

/// An instant as answers have it, such as `2026-01-31T10:30:00Z`.
fn is_instant(cell: &str) -> bool {
    let mut characters = cell.bytes().zip(b"0000-00-00T00:00:00");
    cell.len() >= 20
        && cell.ends_with('Z')
        && characters.all(|(it, like)| if like == &b'0' { it.is_ascii_digit() } else { it == *like })
}

/// The text, or so much of it that it takes this width with the sign that something is missing. Of an instant the date
/// remains, to which nothing needs to be added.
fn shortened(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    if is_instant(text) && width >= DATE_COLUMNS {
        return text.chars().take(DATE_COLUMNS).collect();
    }
    let (mut shown, mut taken) = (String::new(), 0);
    for character in text.chars() {
        taken += character.width().unwrap_or_default();
        if taken >= width {
            break;
        }
        shown.push(character);
    }
    shown.push(ELLIPSIS);
    shown
}

/// The text with line breaks in place of blanks, so that no line is wider than the terminal where its words are not; further
/// lines begin under the first.
fn broken(text: &str, indent: usize, terminal: usize) -> String {
    let room = terminal.saturating_sub(indent);
    if text.width() <= room {
        return text.to_owned();
    }
    let (mut shown, mut taken) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.width();
        if taken > 0 && taken + 1 + width > room {
            shown.push('\n');
            shown.extend(std::iter::repeat_n(' ', indent));
            taken = 0;
        } else if taken > 0 {
            shown.push(' ');
            taken += 1;
        }
        shown.push_str(word);
        taken += width;
    }
    shown
}

#[cfg(test)]
mod tests;
