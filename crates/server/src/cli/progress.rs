//! Progress of long work, drawn on stderr when that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::Output;

/// Starts a bar over `total` steps, or a counting spinner when nobody knows how many there are. It draws nothing when
/// stderr is no terminal.
#[must_use]
pub fn start(output: &Output, what: &'static str, total: Option<u64>) -> ProgressBar {
    if !output.draws_progress() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{msg} {wide_bar} {human_pos}/{human_len} {eta}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {human_pos}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
