//! Codings of requests (RFC 9110, section 8.4.1, and RFC 8878 for zstd): taken off before a body is read, in bounded memory.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use strongroom_model::{Actor, Problem};

use super::{BodyMemory, MAX_BODY_BYTES, Reservation, SMALL_BODY_BYTES};

/// Bytes that are decoded at once: other calls have their turn in between.
const PIECE_BYTES: usize = 64 * 1024;
/// The largest window of zstd that is taken, in bytes; RFC 8878, section 3.1.1.1.2, asks for 8 MiB at least.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
const FIELD: &str = "content-encoding";

/// Coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Reads the coding from the headers; `None` when the body is as it is.
    ///
    /// # Errors
    /// [`Problem`] for a coding that is not taken, and for several of them.
    pub(in crate::gateway) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut found = None;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for name in value.to_str().unwrap_or("?").split(',').map(str::trim) {
                let coding = match name.to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    _ => {
                        let message = "this coding is not taken; send the body in gzip, deflate, br or zstd, or as it is";
                        return Err(Problem::invalid(FIELD, message));
                    }
                };
                if found.replace(coding).is_some() {
                    return Err(Problem::invalid(
                        FIELD,
                        "the body is coded more than once; code it once or not at all",
                    ));
                }
            }
        }
        Ok(found)
    }

    /// The coding that a text begins with the mark of (RFC 1952, section 2.3.1; RFC 1950, section 2.2; RFC 8878, section 3.1.1).
    pub(in crate::gateway) fn of_packed(text: &[u8]) -> Option<Self> {
        match text {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Self::Deflate),
            _ => text.starts_with(&ZSTD_MAGIC).then_some(Self::Zstd),
        }
    }

    /// The beginning of a coded text, as far as it can be decoded, of at most so many bytes; `true` when there is more.
    pub(in crate::gateway) fn decoded_beginning(self, coded: &[u8], most: usize) -> (Bytes, bool) {
        let mut decoded = Vec::new();
        let Ok(reader) = self.reader(coded) else { return (Bytes::new(), true) };
        let is_whole =
            reader.take(most as u64 + 1).read_to_end(&mut decoded).is_ok() && decoded.len() <= most;
        decoded.truncate(most);
        (Bytes::from(decoded), !is_whole)
    }

    fn reader(self, coded: &[u8]) -> Result<Reader<'_>, Problem> {
        Ok(match self {
            Self::Gzip => Reader::Gzip(MultiGzDecoder::new(coded)),
            // Some send it without the frame that RFC 9110 asks for, and all decoders take both. RFC 1950, section 2.2.
            Self::Deflate => match coded {
                [method, flags, ..]
                    if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31) =>
                {
                    Reader::Zlib(ZlibDecoder::new(coded))
                }
                _ => Reader::Deflate(DeflateDecoder::new(coded)),
            },
            Self::Brotli => Reader::Brotli(Box::new(Decompressor::new(coded, PIECE_BYTES))),
            Self::Zstd => Reader::Zstd(Box::new(frame(coded).map_err(|_| undecodable())?)),
        })
    }
}

type Frame<'a> = StreamingDecoder<&'a [u8], FrameDecoder>;

/// A body that is being decoded.
enum Reader<'a> {
    Gzip(MultiGzDecoder<&'a [u8]>),
    Zlib(ZlibDecoder<&'a [u8]>),
    Deflate(DeflateDecoder<&'a [u8]>),
    Brotli(Box<Decompressor<&'a [u8]>>),
    Zstd(Box<Frame<'a>>),
}

/// Fails when something follows that is not part of the body.
fn end(rest: &[u8]) -> io::Result<usize> {
    if rest.is_empty() { Ok(0) } else { Err(io::ErrorKind::InvalidData.into()) }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match self {
            Self::Gzip(decoder) => decoder.read(buffer)?,
            Self::Zlib(decoder) => decoder.read(buffer)?,
            Self::Deflate(decoder) => decoder.read(buffer)?,
            Self::Brotli(decoder) => decoder.read(buffer)?,
            Self::Zstd(decoder) => loop {
                let read = decoder.read(buffer)?;
                let rest = *decoder.get_ref();
                if read > 0 || rest.is_empty() {
                    break read;
                }
                **decoder = frame(rest)?;
            },
        };
        match self {
            Self::Zlib(decoder) if read == 0 => end(decoder.get_ref()),
            Self::Deflate(decoder) if read == 0 => end(decoder.get_ref()),
            _ => Ok(read),
        }
    }
}

/// The frame of zstd that begins here, unless it asks for more memory than is given.
fn frame(coded: &[u8]) -> io::Result<Frame<'_>> {
    match window(coded) {
        Some(window) if window <= MAX_WINDOW_BYTES => StreamingDecoder::new(coded).map_err(io::Error::other),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// The window that a frame of zstd asks for, in bytes (RFC 8878, section 3.1.1.1).
fn window(coded: &[u8]) -> Option<u64> {
    let frame = coded.strip_prefix(&ZSTD_MAGIC)?;
    let (descriptor, rest) = frame.split_first()?;
    if descriptor & 0x20 == 0 {
        let window = rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    let rest = rest.get([0, 1, 2, 4][usize::from(descriptor & 3)]..)?;
    let size = |bytes: usize| {
        let mut size = [0; 8];
        size[..bytes].copy_from_slice(rest.get(..bytes)?);
        Some(u64::from_le_bytes(size))
    };
    match descriptor >> 6 {
        0 => size(1),
        1 => size(2).map(|size| size + 256),
        2 => size(4),
        _ => size(8),
    }
}

fn undecodable() -> Problem {
    Problem::invalid("body", "the body is not in the coding that its Content-Encoding names, or was cut")
}

/// Decodes a body that has come whole, and where it is held from then on if it is not small. What it takes coded and decoded
/// together is no more than a body takes that is not coded: a few bytes cannot become very many.
///
/// # Errors
/// [`Problem`] when it is not so coded, becomes too long, or there is no room for now.
pub(super) async fn decode(
    coding: Coding,
    coded: Bytes,
    mut reservation: Option<Reservation>,
    memory: &BodyMemory,
    caller: &Actor,
) -> Result<(Bytes, Option<Reservation>), Problem> {
    let mut decoded = Vec::new();
    {
        let mut reader = coding.reader(&coded)?;
        loop {
            let length = coded.len() + decoded.len() + PIECE_BYTES;
            if length > SMALL_BODY_BYTES + PIECE_BYTES {
                let reservation =
                    reservation.get_or_insert_with(|| memory.reserve(&caller.label(), MAX_BODY_BYTES));
                let needed = length.min(MAX_BODY_BYTES).saturating_sub(reservation.taken());
                if needed > 0 {
                    reservation.take(needed).await?;
                }
            }
            // One more than may come tells whether too much does.
            let left = MAX_BODY_BYTES.saturating_sub(coded.len() + decoded.len());
            let most = (left + 1).min(PIECE_BYTES);
            let read = reader.by_ref().take(most as u64).read_to_end(&mut decoded);
            let read = read.map_err(|_| undecodable())?;
            if read > left {
                return Err(Problem::invalid(
                    "body",
                    format!(
                        "the body takes more than {} MiB, coded and decoded together; send less",
                        MAX_BODY_BYTES >> 20
                    ),
                ));
            }
            if read < most {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    drop(coded);
    decoded.shrink_to_fit();
    if decoded.len() <= SMALL_BODY_BYTES {
        reservation = None;
    }
    Ok((Bytes::from(decoded), reservation))
}

#[cfg(test)]
mod tests;
