//! Pages of a list: where to go on, and how far.

/// The largest page that is handed out in one piece.
pub const MAX_LIMIT: i64 = 1000;

/// A page of `items` and, when there is more, the position after the last.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Start of the next page.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Makes a page of `limit` items from one more than that, with the position taken from the last kept item.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: i64, position: impl Fn(&T) -> i64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(position) } else { None };
        Self { items, next }
    }
}
