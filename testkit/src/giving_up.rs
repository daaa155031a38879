//! Callers that go away: operations that are given up at each of their awaits in turn.

/// Polls a future so often, and drops it: at whatever await it has come to. `None` when it was not done by then.
pub async fn polled_so_often<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
