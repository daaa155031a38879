//! The part of a request that is still to be written.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use zeroize::Zeroize;

use crate::connection::Transport;
use crate::error::BoxError;
use crate::request_body::{RequestBody, StreamingBody};
use crate::request_head::BodyLength;

/// Bytes of a request, in the order in which they leave.
pub(super) struct Outgoing<P> {
    /// The head, or what stands before a chunk.
    out: Vec<u8>,
    /// Bytes of that which have been written.
    written: usize,
    /// Data behind that.
    data: Bytes,
    /// The body behind that.
    rest: Option<(P, BodyLength)>,
    /// Set while a chunk has been written whose end has not.
    within_chunks: bool,
    /// Set while the transport may hold back what was written to it.
    needs_flush: bool,
    /// The end of writing. The response may come all the same: the peer need not read what it refuses.
    failed: Option<io::Error>,
}

impl<P> Default for Outgoing<P> {
    fn default() -> Self {
        Self {
            out: Vec::new(),
            written: 0,
            data: Bytes::new(),
            rest: None,
            within_chunks: false,
            needs_flush: false,
            failed: None,
        }
    }
}

/// Reason why a request cannot be written on.
enum WriteError {
    Transport(io::Error),
    /// Its body did not come whole.
    Body(BoxError),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Transport(error)
    }
}

impl<P> Outgoing<P> {
    fn is_over(&self) -> bool {
        self.written == self.out.len() && self.data.is_empty() && self.rest.is_none() && !self.needs_flush
    }

    /// Tells that all of it has left.
    pub(super) fn is_done(&self) -> bool {
        self.failed.is_none() && self.is_over()
    }

    /// The buffer of the head.
    pub(super) fn head(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// The error that writing ended with.
    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Notes that bytes of the head, or of what stands before a chunk, have been written. They have a key in them: nothing
    /// of them stays behind.
    pub(super) fn has_written(&mut self, bytes: usize) {
        self.written += bytes;
        self.needs_flush = true;
        if self.written == self.out.len() {
            self.out.fill(0);
            self.out.clear();
            self.written = 0;
        }
    }

    fn put(&mut self, data: Bytes, is_chunked: bool, is_last: bool) {
        if is_chunked && (is_last || !data.is_empty()) {
            let end = if std::mem::replace(&mut self.within_chunks, !is_last) { "\r\n" } else { "" };
            let last = if is_last { "\r\n" } else { "" };
            self.out.extend_from_slice(format!("{end}{:x}\r\n{last}", data.len()).as_bytes());
        }
        self.data = data;
        if is_last {
            self.rest = None;
        }
    }
}

impl<P: StreamingBody> Outgoing<P> {
    /// Takes a body that leaves behind the head.
    pub(super) fn continue_with(&mut self, body: RequestBody<P>) {
        let length = body.length();
        match body {
            RequestBody::Buffered(body) => self.data = body,
            RequestBody::Streaming(body) => self.rest = Some((body, length)),
        }
    }

    /// Writes as much as the transport takes.
    ///
    /// # Errors
    /// When the rest of the request does not come: nobody can answer half of one.
    pub(super) fn drive<S: Transport>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Result<(), BoxError> {
        if self.failed.is_some() || self.is_over() {
            return Ok(());
        }
        match self.poll(io, cx) {
            Poll::Ready(Err(WriteError::Transport(error))) => {
                self.failed = Some(error);
                self.rest = None;
                Ok(())
            }
            Poll::Ready(Err(WriteError::Body(error))) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    fn poll<S: Transport>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Poll<Result<(), WriteError>> {
        loop {
            if self.written < self.out.len() {
                let written = ready!(write(io, cx, &self.out[self.written..]))?;
                self.has_written(written);
            } else if !self.data.is_empty() {
                let written = ready!(write(io, cx, &self.data))?;
                bytes::Buf::advance(&mut self.data, written);
                self.needs_flush = true;
            } else if let Some((body, length)) = &mut self.rest {
                match Pin::new(body).poll_frame(cx) {
                    Poll::Ready(frame) => {
                        let is_chunked = *length == BodyLength::Chunked;
                        let is_last = frame.is_none();
                        // Trailers are not passed on.
                        let data = frame.transpose().map_err(|error| WriteError::Body(error.into()))?;
                        let data = data.and_then(|frame| frame.into_data().ok());
                        self.put(data.unwrap_or_default(), is_chunked, is_last);
                    }
                    // Bytes that are there should not wait for those that are not.
                    Poll::Pending => {
                        ready!(self.flush(io, cx))?;
                        return Poll::Pending;
                    }
                }
            } else {
                return self.flush(io, cx).map_err(Into::into);
            }
        }
    }

    fn flush<S: Transport>(&mut self, io: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.needs_flush {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<P> Drop for Outgoing<P> {
    fn drop(&mut self) {
        self.out.zeroize();
    }
}

/// Writes some of the bytes.
pub(super) fn write<S: Transport>(io: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(io).poll_write(cx, bytes))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}
