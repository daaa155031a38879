//! Every coding gives the body back; a body that is not coded as it says is refused; none takes more memory than it may.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

/// `{"model":"m"}`.
const BROTLI: &[u8] =
    &[0x0b, 0x06, 0x80, 0x7b, 0x22, 0x6d, 0x6f, 0x64, 0x65, 0x6c, 0x22, 0x3a, 0x22, 0x6d, 0x22, 0x7d, 0x03];
/// 17 MiB of zeros.
const BROTLI_BOMB: &[u8] = &[
    0xcb, 0xff, 0xff, 0x3f, 0xf8, 0x27, 0x00, 0xe2, 0xb1, 0x40, 0x20, 0xf7, 0xfe, 0x8f, 0xff, 0xff, 0x7f,
    0xf0, 0x4f, 0x00, 0xc4, 0x61, 0x11, 0x80, 0xee, 0xfd, 0x5f, 0xfd, 0xff, 0x3f, 0xfe, 0x09, 0x80, 0x38,
    0x2c, 0x00, 0xd0, 0xbd, 0x7f, 0x00,
];

fn coded(coding: Coding, text: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Coding::Zstd => compress_to_vec(text, CompressionLevel::Fastest),
        Coding::Brotli => unreachable!("there is no encoder"),
    }
}

fn bare_deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The body, and what it takes of the memory.
fn decoded(coding: Coding, coded: impl Into<Vec<u8>>) -> Result<(Vec<u8>, usize), Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (memory, caller) = (BodyMemory::default(), Actor::library());
    let (whole, reservation) =
        runtime.block_on(decode(coding, Bytes::from(coded.into()), None, &memory, &caller))?;
    Ok((whole.to_vec(), reservation.map_or(0, |reservation| reservation.taken())))
}

#[test]
fn a_coding_is_named_once_or_not_at_all() {
    let of = |values: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::CONTENT_ENCODING, HeaderValue::from_static(value));
        }
        Coding::of(&headers)
    };
    for (values, coding) in [
        (&[][..], None),
        (&["identity"], None),
        (&[""], None),
        (&["GZIP"], Some(Coding::Gzip)),
        (&["x-gzip"], Some(Coding::Gzip)),
        (&["deflate, identity"], Some(Coding::Deflate)),
        (&["br"], Some(Coding::Brotli)),
        (&["identity", " zstd "], Some(Coding::Zstd)),
    ] {
        assert_eq!(of(values).unwrap(), coding, "{values:?}");
    }
    for values in [&["gzip, gzip"][..], &["gzip", "br"], &["compress"], &["gzip;q=1"], &["aws-chunked"]] {
        assert_eq!(of(values).unwrap_err().field.as_deref(), Some("content-encoding"), "{values:?}");
    }
}

#[test]
fn what_no_encoder_of_ours_writes_is_read_too() {
    assert_eq!(decoded(Coding::Brotli, BROTLI).unwrap().0, br#"{"model":"m"}"#);
    assert_eq!(decoded(Coding::Deflate, bare_deflate(b"{}")).unwrap().0, b"{}");
    let several: Vec<u8> =
        ["{\"a\":", "1}"].iter().flat_map(|part| coded(Coding::Zstd, part.as_bytes())).collect();
    assert_eq!(decoded(Coding::Zstd, several).unwrap().0, br#"{"a":1}"#);
    let several: Vec<u8> =
        ["{\"a\":", "1}"].iter().flat_map(|part| coded(Coding::Gzip, part.as_bytes())).collect();
    assert_eq!(decoded(Coding::Gzip, several).unwrap().0, br#"{"a":1}"#);
}

#[test]
fn what_becomes_too_much_is_refused() {
    let zeros = vec![0; 17 << 20];
    let mut bombs: Vec<_> =
        [Coding::Gzip, Coding::Deflate, Coding::Zstd].map(|coding| (coding, coded(coding, &zeros))).into();
    bombs.push((Coding::Deflate, bare_deflate(&zeros)));
    bombs.push((Coding::Brotli, BROTLI_BOMB.to_vec()));
    for (coding, bomb) in bombs {
        let problem = decoded(coding, bomb).unwrap_err();
        assert!(problem.message.contains("more than 16 MiB"), "{coding:?}: {}", problem.message);
    }
}

#[test]
fn a_frame_of_zstd_cannot_ask_for_much_memory() {
    // A window of 2^41 bytes and more, then one of 16 MiB, then a length of 2^63 in one segment.
    for head in [&[0x00, 0xff][..], &[0x00, 14 << 3], &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80]] {
        let frame = [&ZSTD_MAGIC, head, &[0x01, 0x00, 0x00]].concat();
        assert!(decoded(Coding::Zstd, frame).is_err(), "{head:?}");
    }
    let frame = [&ZSTD_MAGIC[..], &[0x00, 13 << 3, 0x01, 0x00, 0x00]].concat();
    assert_eq!(decoded(Coding::Zstd, frame).unwrap().0, b"");
}

proptest! {
    #[test]
    fn what_was_coded_comes_back(text in proptest::collection::vec(any::<u8>(), 0..300), times in 1..600_usize) {
        let text = text.repeat(times);
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            let (whole, taken) = decoded(coding, coded(coding, &text)).unwrap();
            prop_assert!(whole == text, "{:?}", coding);
            prop_assert_eq!(taken > 0, text.len() > SMALL_BODY_BYTES);
        }
    }

    #[test]
    fn what_is_cut_or_followed_by_something_is_refused(text in "[a-z]{1,200}", cut in 1..20_usize) {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            let whole = coded(coding, text.as_bytes());
            let cut = whole.len().saturating_sub(cut).max(1);
            prop_assert!(decoded(coding, &whole[..cut]).is_err(), "{:?}", coding);
            prop_assert!(decoded(coding, [&whole[..], b"more"].concat()).is_err(), "{:?}", coding);
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes: Vec<u8>) {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let frame = [&ZSTD_MAGIC[..], &bytes].concat();
            let _ = decoded(coding, if coding == Coding::Zstd { frame } else { bytes.clone() });
        }
    }
}
