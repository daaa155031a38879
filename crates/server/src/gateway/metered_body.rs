//! The body of a provider's answer: passed on as it comes, metered on the way, and its call settled at the end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use strongroom::call::{CallEnd, Running};
use strongroom_connectors::ai::gateway::{Meter, UsageFilter, UsageReader};
use strongroom_connectors::upstream::{self, Answer};
use strongroom_model::usage::{Metering, Terms, TokenUsage, Unpriced};
use tokio::time::{Instant, Sleep};

use super::header as headers;

/// Reason why an answer broke off.
#[derive(Debug)]
pub enum Broken {
    /// It paused for too long.
    Idle,
    /// The provider's side of it.
    Upstream(upstream::Broken),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Idle => f.write_str("the provider's answer paused for too long"),
            Self::Upstream(broken) => broken.fmt(f),
        }
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Idle => None,
            Self::Upstream(broken) => broken.source(),
        }
    }
}

/// Settlement of a call at the end of its answer.
#[derive(Debug)]
pub(super) struct Settlement {
    /// The call; taken when it is settled.
    pub(super) running: Option<Running>,
    /// Reads the answer.
    pub(super) reader: UsageReader,
    /// Place in the answer that tells what it consumed.
    pub(super) meter: Meter,
}

impl Settlement {
    /// Settles the call by what the provider has said up to here. However the answer ends: figures that are the provider's
    /// last word stay so when the rest is cut, and what was shown without them bounds nothing.
    fn settle(&mut self) {
        let Some(running) = self.running.take() else { return };
        let counts_no_tokens = |metering, unpriced| {
            let terms = Terms { unpriced, ..Terms::default() };
            CallEnd { usage: Some(TokenUsage { terms, ..<_>::default() }), metering, ..CallEnd::UNKNOWN }
        };
        let end = match self.meter {
            Meter::Free => counts_no_tokens(Metering::Reported, None),
            // What it costs nobody tells, and it is not nothing.
            Meter::Unmetered => counts_no_tokens(Metering::Unmetered, Some(Unpriced::OtherUse)),
            _ => CallEnd::of(self.reader.finish()),
        };
        let end = without_key(end, &running);
        running.settle(end);
    }
}

/// The end of a call without what a provider says in it that is the key: the ledger is read by many.
fn without_key(mut end: CallEnd, running: &Running) -> CallEnd {
    let Some(key) = running.api_key() else { return end };
    end.model = end.model.filter(|model| !headers::holds_key(model, key));
    end.raw_usage = end.raw_usage.filter(|raw| !headers::holds_key(raw.as_str(), key));
    end
}

/// A provider's answer, on its way to the client.
#[derive(Debug)]
pub struct MeteredBody<B = Answer> {
    inner: B,
    settlement: Settlement,
    filter: Option<UsageFilter>,
    /// Reason why it broke off, until the client is told.
    broken: Option<upstream::Broken>,
    is_over: bool,
    idle: Duration,
    /// Made when the answer pauses for the first time.
    timer: Option<Pin<Box<Sleep>>>,
    /// True while the timer runs.
    waits: bool,
}

impl<B> MeteredBody<B> {
    pub(super) fn new(inner: B, settlement: Settlement, filter: Option<UsageFilter>, idle: Duration) -> Self {
        Self { inner, settlement, filter, broken: None, is_over: false, idle, timer: None, waits: false }
    }
}

impl<B> Drop for MeteredBody<B> {
    fn drop(&mut self) {
        // The client is gone.
        self.settlement.settle();
    }
}

impl<B: Body<Data = Bytes, Error = upstream::Broken> + Unpin> Body for MeteredBody<B> {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = &mut *self;
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Some(error) = this.broken.take() {
            this.is_over = true;
            return Poll::Ready(Some(Err(Broken::Upstream(error))));
        }
        loop {
            match Pin::new(&mut this.inner).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.waits = false;
                    let data = match frame.into_data() {
                        Ok(data) => data,
                        Err(frame) => return Poll::Ready(Some(Ok(frame))),
                    };
                    this.settlement.reader.feed(&data);
                    let data = match &mut this.filter {
                        Some(filter) => filter.feed(data),
                        None => data,
                    };
                    // The last bytes are there: settled before they leave, so that whoever has them finds them counted.
                    if this.filter.is_none() && this.inner.is_end_stream() {
                        this.settlement.settle();
                    }
                    if !data.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    this.settlement.settle();
                    // An error ends the connection, and what was not written before it is lost: the head, and what came.
                    this.broken = Some(error);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(None) => {
                    this.settlement.settle();
                    this.is_over = true;
                    let rest = this.filter.as_mut().map(UsageFilter::finish).unwrap_or_default();
                    if rest.is_empty() {
                        return Poll::Ready(None);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(rest))));
                }
                Poll::Pending => break,
            }
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.idle)));
        if !this.waits {
            this.waits = true;
            timer.as_mut().reset(Instant::now() + this.idle);
        }
        if timer.as_mut().poll(context).is_ready() {
            this.settlement.settle();
            this.is_over = true;
            return Poll::Ready(Some(Err(Broken::Idle)));
        }
        Poll::Pending
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || (self.filter.is_none() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        if self.filter.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}
