//! Files that gzip has packed, up to a bound.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

/// Larger ones hold data, not keys that people wrote.
pub(super) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The beginning of what gzip has packed by its one method (RFC 1952, 2.3.1).
const BEGINNING: [u8; 3] = [0x1f, 0x8b, 8];

/// Bytes out of a packed file.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// True when these are all: none were too many, and none damaged.
    pub(super) is_whole: bool,
}

/// Returns what is packed in these bytes; `None` when nothing is.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Unpacked> {
    bytes.starts_with(&BEGINNING).then(|| {
        let mut inside = Vec::new();
        // What was read before a fault stays.
        let read = MultiGzDecoder::new(bytes).take(MAX_FILE_BYTES + 1).read_to_end(&mut inside);
        let is_whole = read.is_ok() && inside.len() as u64 <= MAX_FILE_BYTES;
        Unpacked { bytes: inside, is_whole }
    })
}
