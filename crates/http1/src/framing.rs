//! Framing of a response's body: where it ends, and how far it has come (RFC 9112, sections 6 and 7).

use bytes::Bytes;

use crate::chunked::Chunked;
use crate::chunked::Step;
use crate::error::ProtocolError;

/// Framing of a body, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// Bytes that are still to come.
    Length(u64),
    /// Chunks (RFC 9112, section 7.1).
    Chunked(Chunked),
    /// All bytes up to the end of the connection.
    UntilClosed,
}

impl Framing {
    /// Tells that the body has come to its end, as far as can be known without the end of the connection.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunked) => chunked.step == Step::Over,
            Self::UntilClosed => false,
        }
    }

    /// Takes the body's bytes out of `received`. Bytes behind its end stay.
    ///
    /// # Errors
    /// [`ProtocolError::Chunk`].
    pub fn take(&mut self, received: &mut Bytes) -> Result<Bytes, ProtocolError> {
        match self {
            Self::Length(left) => {
                let here = usize::try_from(*left).map_or(received.len(), |left| left.min(received.len()));
                *left -= here as u64;
                Ok(received.split_to(here))
            }
            Self::UntilClosed => Ok(std::mem::take(received)),
            Self::Chunked(chunked) => chunked.take(received),
        }
    }

    /// Notes that the connection has been closed.
    ///
    /// # Errors
    /// [`ProtocolError::Cut`] when there was more to come.
    pub fn close(&mut self) -> Result<(), ProtocolError> {
        match self {
            Self::UntilClosed => {
                *self = Self::Length(0);
                Ok(())
            }
            _ if self.is_over() => Ok(()),
            _ => Err(ProtocolError::Cut),
        }
    }
}
