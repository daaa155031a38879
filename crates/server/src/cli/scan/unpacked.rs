//! Files that gzip has packed, up to a bound.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

/// Larger ones hold data, not keys that people wrote.
pub(super) const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The beginning of what gzip has packed by its one method (RFC 1952, 2.3.1).
const BEGINNING: [u8; 3] = [0x1f, 0x8b, 8];

/// Beginnings of what holds files, or one, in a packing that is not taken off here: zip (and documents and packages, which are zips),
/// bzip2, xz, zstd, 7z, rar, lz4, compress, cabinets.
const ARCHIVES: [&[u8]; 11] = [
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"BZh",
    b"\xfd7zXZ\0",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"\x04\x22\x4d\x18",
    b"\x1f\x9d",
    b"\x1f\xa0",
    b"MSCF\0\0\0\0",
];

/// Tells whether these bytes hold files that are not looked into.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    // The digit behind it is the size of its blocks: words begin with these letters too.
    let is_bzip = |bytes: &[u8]| bytes.get(3).is_some_and(|digit| (b'1'..=b'9').contains(digit));
    ARCHIVES.iter().any(|begins| bytes.starts_with(begins) && (*begins != b"BZh" || is_bzip(bytes)))
}

/// Bytes out of a packed file.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// True when these are all: none were too many, and none damaged.
    pub(super) is_whole: bool,
}

/// Tells whether gzip has packed these bytes.
pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&BEGINNING)
}

/// Returns what is packed in these bytes; `None` when nothing is.
pub(super) fn unpacked(bytes: &[u8]) -> Option<Unpacked> {
    is_packed(bytes).then(|| {
        let mut inside = Vec::new();
        // What was read before a fault stays.
        let read = MultiGzDecoder::new(bytes).take(MAX_FILE_BYTES + 1).read_to_end(&mut inside);
        let is_whole = read.is_ok() && inside.len() as u64 <= MAX_FILE_BYTES;
        Unpacked { bytes: inside, is_whole }
    })
}
