//! A connection that is cut off when its client floods it with HTTP/2 frames that ask for work and carry no request.
//!
//! Each SETTINGS and PING frame has to be answered (RFC 9113, sections 6.5 and 6.7), and a client may send them without end.
//! hyper bounds streams, resets and header blocks, and counts none of these.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The beginning of every HTTP/2 connection (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEAD_BYTES: usize = 9;
/// Frames that carry no request, in one go: a client that measures its line sends a PING each round trip.
const MAX_BURST: u32 = 512;
/// The pause after which one more may come.
const REFILL_INTERVAL: Duration = Duration::from_millis(10);

/// Bytes of a connection on their way in, looked at.
pub(super) struct FrameGuard<S> {
    inner: S,
    place: Place,
    room: u32,
    since: Instant,
}

/// The place in the connection where its reader is.
enum Place {
    /// So many bytes of the preface have come.
    Preface(usize),
    /// It is HTTP/1: nothing is looked at.
    Plain,
    /// The head of a frame, of which this many bytes have come.
    Head([u8; HEAD_BYTES], usize),
    /// A frame, of which this many bytes are to come.
    Payload(usize),
}

impl<S> FrameGuard<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, place: Place::Preface(0), room: MAX_BURST, since: Instant::now() }
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Looks at the next bytes; false when there has been too much of what carries no request.
    fn look(&mut self, mut bytes: &[u8]) -> bool {
        while let Some(first) = bytes.first() {
            match &mut self.place {
                Place::Plain => return true,
                Place::Preface(come) => {
                    if PREFACE[*come] != *first {
                        self.place = Place::Plain;
                        return true;
                    }
                    *come += 1;
                    bytes = &bytes[1..];
                    if *come == PREFACE.len() {
                        self.place = Place::Head([0; HEAD_BYTES], 0);
                    }
                }
                Place::Head(head, come) => {
                    head[*come] = *first;
                    *come += 1;
                    bytes = &bytes[1..];
                    if *come == HEAD_BYTES {
                        let head = *head;
                        let length =
                            usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
                        self.place = if length == 0 {
                            Place::Head([0; HEAD_BYTES], 0)
                        } else {
                            Place::Payload(length)
                        };
                        if carries_nothing(head[3], head[4], length) && !self.take() {
                            return false;
                        }
                    }
                }
                Place::Payload(left) => {
                    let passed = bytes.len().min(*left);
                    *left -= passed;
                    bytes = &bytes[passed..];
                    if *left == 0 {
                        self.place = Place::Head([0; HEAD_BYTES], 0);
                    }
                }
            }
        }
        true
    }

    fn take(&mut self) -> bool {
        if self.room == 0 {
            let more = self.since.elapsed().as_millis() / REFILL_INTERVAL.as_millis();
            self.room = u32::try_from(more).unwrap_or(MAX_BURST).min(MAX_BURST);
            self.since = Instant::now();
        }
        self.room = match self.room.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }
}

/// Tells whether a frame is one that a client can send without end and without a request: PRIORITY, GOAWAY, SETTINGS and PING that are
/// no answers, DATA without data that ends nothing, and kinds that nobody knows.
fn carries_nothing(kind: u8, flags: u8, length: usize) -> bool {
    const FLAG: u8 = 0x1;
    match kind {
        0x0 => length == 0 && flags & FLAG == 0,
        0x4 | 0x6 => flags & FLAG == 0,
        0x2 | 0x7 => true,
        0x1 | 0x3 | 0x5 | 0x8 | 0x9 => false,
        _ => true,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameGuard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.inner).poll_read(cx, buffer);
        if matches!(this.place, Place::Plain) || !matches!(read, Poll::Ready(Ok(()))) {
            return read;
        }
        if this.look(&buffer.filled()[before..]) {
            return read;
        }
        tracing::warn!("cut off a client that sent HTTP/2 frames without end that carry no request");
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameGuard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 0];
        frame.extend_from_slice(payload);
        frame
    }

    fn guard() -> FrameGuard<()> {
        let mut guard = FrameGuard::new(());
        assert!(guard.look(PREFACE));
        guard
    }

    #[test]
    fn floods_of_every_kind_are_cut_off() {
        for (kind, flags, payload) in [
            (0x4, 0, &[][..]),
            (0x4, 0, &[0, 3, 0, 0, 0, 100]),
            (0x6, 0, &[0; 8]),
            (0x2, 0, &[0; 5]),
            (0x7, 0, &[0; 8]),
            (0x0, 0, &[]),
            (0xfa, 0, &[1, 2, 3]),
        ] {
            let mut guard = guard();
            let cut = (0..MAX_BURST * 4).find(|_| !guard.look(&frame(kind, flags, payload)));
            assert!(cut.is_some_and(|at| at >= MAX_BURST), "{kind}: {cut:?}");
        }
    }

    #[test]
    fn requests_answers_and_windows_are_not_counted() {
        for (kind, flags, payload) in [
            (0x0, 0, &[1; 100][..]),
            (0x0, 1, &[]),
            (0x1, 4, &[0; 30]),
            (0x4, 1, &[]),
            (0x6, 1, &[0; 8]),
            (0x8, 0, &[0, 0, 1, 0]),
        ] {
            let mut guard = guard();
            assert!((0..MAX_BURST * 4).all(|_| guard.look(&frame(kind, flags, payload))), "{kind}");
        }
    }

    #[test]
    fn http_1_is_not_looked_at() {
        let mut guard = FrameGuard::new(());
        assert!(guard.look(b"POST /v1/chat/completions HTTP/1.1\r\n"));
        assert!((0..10_000).all(|_| guard.look(&frame(0x6, 0, &[0; 8]))));
    }

    proptest::proptest! {
        #[test]
        fn where_the_bytes_are_cut_changes_nothing(cuts in proptest::collection::vec(1..40_usize, 1..200), frames in 500..540_u32) {
            let mut bytes = PREFACE.to_vec();
            bytes.extend((0..frames).flat_map(|_| frame(0x6, 0, &[0; 8])));
            let mut guard = FrameGuard::new(());
            let (mut rest, mut is_fine) = (&bytes[..], true);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || !is_fine {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                is_fine = guard.look(now);
                rest = later;
            }
            // A test machine that sleeps in between may let one more through for each refill.
            assert!(is_fine || frames > MAX_BURST);
        }
    }
}
