//! Spend tags on the command line.

/// Reads a tag such as `project=search`.
pub(super) fn tag(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected a key and a value, such as project=search")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
