//! URLs of SQLite files: as sqlx and SQLite write them, and as SQLAlchemy and Django do.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str};
use strongroom_model::Secret;

use super::{DatabaseUrl, FORMS};

/// Characters that would end the path in a `sqlite:` URL, or be taken for an escape.
pub(super) const IN_PATH: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#');

const IN_MEMORY: &str = "a database in memory forgets every credential when the process ends";

/// Reads what follows `sqlite:`. Behind a driver's name, as in `sqlite+aiosqlite:`, three slashes start a relative path:
/// SQLAlchemy alone writes drivers, and reads it so.
pub(super) fn parse(rest: &str, has_driver: bool, folder: &Path) -> Result<DatabaseUrl, String> {
    let (path, parameters) = rest.split_once('?').map_or((rest, ""), |(path, rest)| (path, rest));
    let path = match path.strip_prefix("//") {
        Some(path) if has_driver => match path.strip_prefix('/') {
            Some(path) => path,
            None if path.is_empty() => return Err(format!("{IN_MEMORY}; {FORMS}")),
            None => return Err(format!("a host has no meaning for SQLite; {FORMS}")),
        },
        Some(path) => path,
        None => path,
    };
    let slashes = rest.len() - rest.trim_start_matches('/').len();
    if !has_driver && slashes == 3 {
        check_three_slashes(path, folder)?;
    }
    if path.starts_with("localhost/") && slashes == 2 {
        return Err("a host has no meaning for SQLite; write sqlite: and the path".to_owned());
    }
    open(path, parameters, folder)
}

/// Reads what follows `file:` (<https://www.sqlite.org/uri.html>); a relative path there is relative to different things
/// in different programs.
pub(super) fn parse_file(rest: &str, folder: &Path) -> Result<DatabaseUrl, String> {
    let (path, parameters) = rest.split_once('?').map_or((rest, ""), |(path, rest)| (path, rest));
    let path = path
        .strip_prefix("//localhost/")
        .map_or_else(|| path.strip_prefix("//").unwrap_or(path).to_owned(), |path| format!("/{path}"));
    if path == ":memory:" || is_memory(parameters) {
        return Err(format!("{IN_MEMORY}; {FORMS}"));
    }
    if !path.starts_with('/') {
        return Err(
            "a relative path behind `file:` starts at the schema's folder in Prisma and at the working directory \
             elsewhere; write sqlite: and the path"
                .to_owned(),
        );
    }
    open(&path, parameters, folder)
}

/// Three slashes start an absolute path for sqlx and a relative one for SQLAlchemy and Django. Where only the second
/// can be meant it is not guessed.
fn check_three_slashes(path: &str, folder: &Path) -> Result<(), String> {
    let relative = path.trim_start_matches('/');
    let is_in_root = !relative.is_empty() && !relative.contains('/');
    let is_there = |path: &Path| path.parent().is_some_and(Path::is_dir);
    let is_only_relative = !is_there(Path::new(path)) && is_there(&folder.join(relative));
    if is_in_root || is_only_relative {
        return Err(
            "three slashes start a relative path in SQLAlchemy and Django, and an absolute one elsewhere; write \
             sqlite:PATH for a path from the working directory, or sqlite:/PATH for one from the root"
                .to_owned(),
        );
    }
    Ok(())
}

fn is_memory(parameters: &str) -> bool {
    parameters.split('&').any(|parameter| parameter == "mode=memory")
}

fn open(path: &str, parameters: &str, folder: &Path) -> Result<DatabaseUrl, String> {
    if path == ":memory:" || path == "/:memory:" || is_memory(parameters) {
        return Err(format!("{IN_MEMORY}; {FORMS}"));
    }
    if path.is_empty() || path.ends_with('/') {
        return Err(format!("the path of the SQLite database is missing; {FORMS}"));
    }
    let decoded = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| "the path of the SQLite database is not text in UTF-8; choose another".to_owned())?;
    let name = decoded.trim_start_matches('/');
    if name.starts_with("~/") || name == "~" {
        return Err("`~` is not expanded; write the whole path behind sqlite:".to_owned());
    }
    if name.as_bytes().get(1) == Some(&b':') && name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Err(
            "this is the path of a Windows drive; write sqlite: and a path of this machine".to_owned()
        );
    }
    let mut url = DatabaseUrl::sqlite(&folder.join(&*decoded))?;
    let mut kept = None;
    for (name, value) in url::form_urlencoded::parse(parameters.as_bytes()) {
        match (&*name, &*value) {
            ("mode", "rw" | "rwc") => kept = Some(value.into_owned()),
            ("mode" | "immutable", _) => {
                return Err(format!(
                    "`{name}` is set so that the database cannot be written to; leave it out, and {FORMS}"
                ));
            }
            _ => url.ignored.push(name.into_owned()),
        }
    }
    if let Some(mode) = kept {
        let text = format!("{}?mode={mode}", url.text.expose());
        url.shown.clone_from(&text);
        url.text = Secret::new(text);
    }
    Ok(url)
}
