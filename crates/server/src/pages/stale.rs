//! The last pages that each session was shown, for the time in which the database does not answer: old figures that say so are
//! better than none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use sha2::{Digest as _, Sha256};
use strongroom_model::{Clock, Millis, Secret};

/// Pages that are kept.
const MAX_PAGES: usize = 64;
/// The largest page that is kept, in bytes.
pub(super) const MAX_PAGE_BYTES: usize = 256 * 1024;
/// For so many milliseconds a page is shown again.
const KEPT_MS: i64 = 15 * 60_000;

/// A page as it was shown.
#[derive(Debug, Clone)]
struct Kept {
    at: Millis,
    body: Bytes,
}

/// The pages by the digest of the session's cookie and the address.
#[derive(Debug, Default)]
pub(super) struct StalePages {
    kept: Mutex<HashMap<[u8; 32], Kept>>,
    clock: Clock,
}

fn key(cookie: &Secret, address: &str) -> [u8; 32] {
    Sha256::new().chain_update(cookie.expose()).chain_update(b"\n").chain_update(address).finalize().into()
}

impl StalePages {
    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a page that this session was just shown.
    pub(super) fn keep(&self, cookie: &Secret, address: &str, body: &Bytes) {
        let at = self.clock.local_now();
        let mut kept = self.lock();
        kept.insert(key(cookie, address), Kept { at, body: body.clone() });
        while kept.len() > MAX_PAGES {
            let Some(oldest) = kept.iter().min_by_key(|(_, page)| page.at).map(|(key, _)| *key) else {
                break;
            };
            kept.remove(&oldest);
        }
    }

    /// The same page with a banner that says how old it is.
    pub(super) fn find(&self, cookie: &Secret, address: &str) -> Option<String> {
        let page = self.lock().get(&key(cookie, address)).cloned()?;
        if page.at.0 + KEPT_MS <= self.clock.local_now().0 {
            return None;
        }
        let text = String::from_utf8(page.body.to_vec()).ok()?;
        let (before, after) = text.split_once("<div class=\"head\"")?;
        let time = page.at.to_date_time();
        let banner = format!(
            "<p class=\"alert\" role=\"alert\">The database does not answer just now. These are the last figures, as of \
             {:02}:{:02}:{:02} UTC; nothing can be changed until it is back. <a href=\"\">Try again</a></p>",
            time.hour(),
            time.minute(),
            time.second()
        );
        Some(format!("{before}{banner}<div class=\"head\"{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_shown_again_to_its_own_session_for_a_while_and_says_how_old_it_is() {
        let clock = Clock::fixed(Millis(1_769_817_600_000));
        let pages = StalePages { kept: Mutex::default(), clock: clock.clone() };
        let (own, other) = (Secret::from("own"), Secret::from("other"));
        pages.keep(&own, "/dashboard", &Bytes::from_static(b"<main><div class=\"head\">x"));
        let shown = pages.find(&own, "/dashboard").unwrap();
        assert!(shown.contains("as of 00:00:00 UTC") && shown.ends_with("<div class=\"head\">x"), "{shown}");
        assert!(pages.find(&other, "/dashboard").is_none() && pages.find(&own, "/dashboard?x").is_none());
        clock.set(Millis(1_769_817_600_000 + KEPT_MS));
        assert!(pages.find(&own, "/dashboard").is_none());
    }

    #[test]
    fn no_more_pages_are_kept_than_there_is_room_for() {
        let pages = StalePages::default();
        for number in 0..MAX_PAGES + 20 {
            pages.keep(&Secret::from("own"), &format!("/{number}"), &Bytes::from_static(b"x"));
        }
        assert_eq!(pages.lock().len(), MAX_PAGES);
    }
}
