//! The chunked transfer coding, decoded (RFC 9112, section 7.1).

use bytes::{Bytes, BytesMut};

use crate::error::ProtocolError;

/// Most bytes of chunk extensions and trailers together, in one body. Digits and blanks of a chunk's line are not among
/// them; its size is bounded by 64 bits.
pub const MAX_CHUNK_OVERHEAD_BYTES: usize = 16 * 1024;

/// A body in chunks. Extensions are passed over, and trailers dropped, as a recipient may (RFC 9112, sections 7.1.1 and
/// 7.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunked {
    pub(crate) step: Step,
    /// Bytes that are still to come of the chunk that has begun.
    left: u64,
    /// Bytes of extensions and trailers so far.
    aside: usize,
}

/// The byte that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The first digit of a size.
    Size,
    /// More digits, or the end of them.
    MoreSize,
    /// The end of the digits, behind blanks.
    SizeEnd,
    /// The rest of a size's line.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// The first byte of a trailer, or of the last line.
    Trailer,
    /// The rest of a trailer's line.
    InTrailer,
    TrailerLf,
    LastLf,
    Over,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { step: Step::Size, left: 0, aside: 0 }
    }
}

impl Chunked {
    pub(crate) fn take(&mut self, received: &mut Bytes) -> Result<Bytes, ProtocolError> {
        let mut data = Bytes::new();
        // Chunks that came together leave together.
        let mut joined = BytesMut::new();
        while !received.is_empty() && self.step != Step::Over {
            if self.step == Step::Data {
                let here = usize::try_from(self.left).map_or(received.len(), |left| left.min(received.len()));
                self.left -= here as u64;
                if self.left == 0 {
                    self.step = Step::DataCr;
                }
                let piece = received.split_to(here);
                if data.is_empty() {
                    data = piece;
                } else {
                    if joined.is_empty() {
                        joined.reserve(data.len() + piece.len() + received.len());
                        joined.extend_from_slice(&data);
                    }
                    joined.extend_from_slice(&piece);
                }
                continue;
            }
            let mut used = 0;
            for byte in received.iter() {
                used += 1;
                self.step = self.step_over(*byte)?;
                if matches!(self.step, Step::Data | Step::Over) {
                    break;
                }
            }
            bytes::Buf::advance(received, used);
        }
        Ok(if joined.is_empty() { data } else { joined.freeze() })
    }

    /// Steps over a byte that is not data.
    fn step_over(&mut self, byte: u8) -> Result<Step, ProtocolError> {
        let broken = Err(ProtocolError::Chunk);
        if byte != b'\r' && matches!(self.step, Step::Extension | Step::Trailer | Step::InTrailer) {
            self.aside += 1;
            if self.aside > MAX_CHUNK_OVERHEAD_BYTES {
                return broken;
            }
        }
        match (self.step, byte) {
            (Step::Size | Step::MoreSize, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).map_or(0, u64::from);
                let left = self.left.checked_mul(16).and_then(|left| left.checked_add(digit));
                self.left = left.ok_or(ProtocolError::Chunk)?;
                Ok(Step::MoreSize)
            }
            (Step::MoreSize | Step::SizeEnd, b' ' | b'\t') => Ok(Step::SizeEnd),
            (Step::MoreSize | Step::SizeEnd, b';') => Ok(Step::Extension),
            (Step::MoreSize | Step::SizeEnd | Step::Extension, b'\r') => Ok(Step::SizeLf),
            // One without the other ends a line for some and not for others.
            (Step::Extension | Step::Trailer | Step::InTrailer, b'\n') => broken,
            (Step::Extension, _) => Ok(Step::Extension),
            (Step::SizeLf, b'\n') => Ok(if self.left == 0 { Step::Trailer } else { Step::Data }),
            (Step::DataCr, b'\r') => Ok(Step::DataLf),
            (Step::DataLf, b'\n') => Ok(Step::Size),
            (Step::Trailer, b'\r') => Ok(Step::LastLf),
            (Step::InTrailer, b'\r') => Ok(Step::TrailerLf),
            (Step::TrailerLf, b'\n') => Ok(Step::Trailer),
            (Step::Trailer | Step::InTrailer, _) => Ok(Step::InTrailer),
            (Step::LastLf, b'\n') => Ok(Step::Over),
            _ => broken,
        }
    }
}
