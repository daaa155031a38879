//! The options that say when something ends, alike in every command that takes them.

use clap::Args;
use strongroom_model::{Clock, Millis};

use super::duration::parse_seconds;
use super::instant;

/// When something ends.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExpiryOptions {
    /// When it stops working: 90d, 2027-01-31, 2027-01-31T10:00, tomorrow, end-of-year; UTC unless an offset is given; also --expires-at
    #[arg(long, value_name = "WHEN", value_parser = instant::ahead, conflicts_with_all = ["expires_at", "expires_in"])]
    expires: Option<Millis>,

    /// The same as --expires. An option of its own, so that an error speaks of what was typed
    #[arg(long, value_name = "WHEN", value_parser = instant::ahead, conflicts_with = "expires_in", hide = true)]
    expires_at: Option<Millis>,

    /// How long it works, such as 90d, 12h or 30m; the same as --expires with a duration
    #[arg(long, value_name = "DURATION", value_parser = parse_seconds, hide = true)]
    expires_in: Option<i64>,
}

impl ExpiryOptions {
    /// The instant, if one was given.
    pub(in crate::cli) fn instant(&self) -> Option<Millis> {
        let in_seconds = |seconds| Clock::default().local_now().plus_seconds(seconds);
        self.expires.or(self.expires_at).or_else(|| self.expires_in.map(in_seconds))
    }
}
