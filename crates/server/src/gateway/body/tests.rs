//! Bodies as they arrive: fast and slow, with and without a length, whole and not.

use std::convert::Infallible;

use futures::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::{Full, StreamBody};

use super::*;

/// Pieces of so many bytes, each after a pause.
fn pieces(pieces: Vec<(u64, usize)>) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
    let piece = |(pause, bytes): (u64, usize)| async move {
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        Ok(Frame::data(Bytes::from(vec![b'x'; bytes])))
    };
    StreamBody::new(Box::pin(stream::iter(pieces).then(piece)))
}

async fn read_of(body: impl Body<Data = Bytes> + Unpin) -> Result<(usize, usize), Problem> {
    let memory = BodyMemory::default();
    match read(&memory, &Actor::library(), body, None, Long::RefusedHere).await? {
        (RequestBody::Buffered(whole), reservation) => {
            Ok((whole.len(), reservation.as_ref().map_or(0, Reservation::taken)))
        }
        (RequestBody::Streaming(_), _) => panic!("it was asked for whole"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_small_takes_no_room_and_what_is_large_takes_what_it_has() {
    for (bytes, taken) in
        [(0, 0), (1, 0), (64 * 1024, 0), (64 * 1024 + 1, 64 * 1024 + 1), (MAX_BODY_BYTES, MAX_BODY_BYTES)]
    {
        let whole = Full::new(Bytes::from(vec![b'x'; bytes]));
        assert_eq!(read_of(whole).await.unwrap(), (bytes, taken));
        let cut = (0..bytes).step_by(50_000).map(|at| (1, 50_000.min(bytes - at))).collect();
        assert_eq!(read_of(pieces(cut)).await.unwrap(), (bytes, taken));
    }
    let error = read_of(pieces(vec![(0, MAX_BODY_BYTES), (0, 1)])).await.unwrap_err();
    assert!(error.message.contains("longer than 16 MiB"), "{}", error.message);
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_slowly_is_given_up() {
    let kib = 1024;
    for (what, pauses, is_fast) in [
        ("at once", vec![(0, kib), (0, kib)], true),
        ("begins late", vec![(9_900, kib)], true),
        ("begins too late", vec![(10_100, kib)], false),
        ("a byte in ten seconds", vec![(0, 1), (9_000, 1), (9_000, 1)], false),
        ("a byte in ten seconds behind 16 MB", vec![(0, 15_000_000), (25_000, 1), (25_000, 1)], false),
        ("one pause behind 16 MB", vec![(0, 15_000_000), (29_000, 1)], true),
        ("a long pause behind 16 MB", vec![(0, 15_000_000), (31_000, 1)], false),
        ("at 5 KiB a second", vec![(1_000, 5 * kib); 300], true),
        ("at 3 KiB a second", vec![(1_000, 3 * kib); 300], false),
        (
            "in spurts",
            vec![(15_000, 100 * kib); 10].into_iter().skip(1).fold(vec![(0, 100 * kib)], |mut all, one| {
                all.push(one);
                all
            }),
            true,
        ),
    ] {
        let read = read_of(pieces(pauses)).await;
        assert_eq!(read.is_ok(), is_fast, "{what}: {read:?}");
        if let Err(problem) = read {
            assert_eq!(problem.kind, ProblemKind::TooSlow, "{what}");
            assert!(problem.message.contains("4 KiB a second"), "{}", problem.message);
        }
    }
}
