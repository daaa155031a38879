//! BodyMemory is never overdrawn, nobody waits in a circle, and no caller keeps the others out.

use futures::FutureExt;
use proptest::prelude::*;

use super::super::MAX_BODY_BYTES;
use super::*;

const MIB: usize = 1024 * 1024;

/// Takes so many bytes, if there is room for them at once.
fn take(reservation: &mut Reservation, bytes: usize) -> bool {
    let mut books = reservation.memory.books();
    let may = books.may_take(reservation.body, bytes);
    if may {
        books.give(reservation.body, bytes);
        reservation.taken += bytes;
    }
    may
}

#[test]
fn a_promise_takes_no_room_from_others() {
    let memory = BodyMemory::default();
    let mut promised: Vec<_> = (0..100).map(|_| memory.reserve("slow", MAX_BODY_BYTES)).collect();
    let begun =
        promised.iter_mut().filter_map(|reservation| take(reservation, 64 * 1024).then_some(())).count();
    assert_eq!(begun, COMMON_BYTES / MAX_BODY_BYTES, "the rest waits for its own");
    // What one of them may still need is kept, once for all.
    for (caller, bytes) in [("one", MAX_BODY_BYTES), ("other", MAX_BODY_BYTES), ("third", 15 * MIB)] {
        let mut other = memory.reserve(caller, bytes);
        assert!(take(&mut other, bytes), "{caller}");
        other.is_whole(bytes);
        promised.push(other);
    }
}

#[test]
fn one_caller_leaves_room_for_the_others() {
    let memory = BodyMemory::default();
    let mut all = Vec::new();
    for _ in 0..10 {
        let mut reservation = memory.reserve("greedy", MAX_BODY_BYTES);
        while reservation.taken() < MAX_BODY_BYTES && take(&mut reservation, MIB) {}
        if reservation.taken() == MAX_BODY_BYTES {
            reservation.is_whole(MAX_BODY_BYTES);
        }
        all.push(reservation);
    }
    let taken: usize = all.iter().map(Reservation::taken).sum();
    assert_eq!(taken, COMMON_BYTES);
    for caller in ["one", "other"] {
        let mut reservation = memory.reserve(caller, MAX_BODY_BYTES);
        assert!(take(&mut reservation, MAX_BODY_BYTES), "{caller}");
        reservation.is_whole(MAX_BODY_BYTES);
        all.push(reservation);
    }
    assert!(!take(&mut memory.reserve("third", MIB), MIB));
    drop(all);
    assert!(take(&mut memory.reserve("third", MIB), MIB));
}

#[test]
fn the_last_piece_of_a_body_waits_for_none_that_wait_for_it() {
    let memory = BodyMemory::default();
    let mut reservations: Vec<_> =
        (0..5).map(|caller| memory.reserve(&caller.to_string(), MAX_BODY_BYTES)).collect();
    for reservation in &mut reservations {
        assert!(take(reservation, 12 * MIB));
    }
    // What is free is just what each of them needs.
    assert!(take(&mut reservations[0], 3 * MIB));
    assert!(!take(&mut reservations[1], MIB), "then none of them could end");
    assert!(take(&mut reservations[0], MIB));
    reservations[0].is_whole(MAX_BODY_BYTES);
    assert!(!take(&mut reservations[1], MIB));
    drop(reservations.remove(0));
    assert!(take(&mut reservations[0], 4 * MIB));
}

#[tokio::test]
async fn what_a_whole_body_did_not_need_goes_to_whoever_waits() {
    let memory = BodyMemory::default();
    let mut first = memory.reserve("a", MAX_BODY_BYTES);
    assert!(take(&mut first, MAX_BODY_BYTES));
    let mut second = memory.reserve("a", MAX_BODY_BYTES);
    assert!(take(&mut second, MAX_BODY_BYTES));
    let mut third = memory.reserve("a", MIB);
    let mut waiting = Box::pin(third.take(MIB));
    assert!((&mut waiting).now_or_never().is_none());
    first.is_whole(MIB);
    assert!(matches!((&mut waiting).now_or_never(), Some(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_too_long_is_refused_and_leaves_nothing_behind() {
    let memory = BodyMemory::default();
    let mut holds: Vec<_> =
        (0..4).map(|caller| memory.reserve(&caller.to_string(), MAX_BODY_BYTES)).collect();
    for reservation in &mut holds {
        assert!(take(reservation, MAX_BODY_BYTES));
    }
    let mut late = memory.reserve("late", MIB);
    let problem = late.take(MIB).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    drop((late, holds));
    assert_eq!(memory.books().free, MEMORY_BYTES);
    assert!(memory.books().bodies.is_empty() && memory.books().waiting.is_empty());
}

proptest! {
    #[test]
    fn room_is_never_overdrawn_and_all_bodies_come_to_their_end(
        bodies in proptest::collection::vec((0_u8..5, 1_usize..=16, any::<bool>()), 1..60),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 1..200),
    ) {
        let memory = BodyMemory::default();
        let mut open: Vec<(Reservation, usize)> = bodies
            .iter()
            .map(|(caller, mib, is_long)| {
                let most = if *is_long { MAX_BODY_BYTES } else { mib * MIB };
                (memory.reserve(&caller.to_string(), most), mib * MIB)
            })
            .collect();
        let mut order = order.iter().cycle();
        while !open.is_empty() {
            let able: Vec<_> = (0..open.len()).filter(|at| memory.books().may_take(open[*at].0.body, MIB)).collect();
            prop_assert!(!able.is_empty(), "all wait for each other");
            let turn = able[order.next().expect("without an end").index(able.len())];
            let (reservation, length) = &mut open[turn];
            prop_assert!(take(reservation, MIB));
            if reservation.taken() == *length {
                reservation.is_whole(*length);
                // Its answer begins.
                open.swap_remove(turn);
            }
            let taken: usize = open.iter().map(|(reservation, _)| reservation.taken()).sum();
            prop_assert_eq!(taken + memory.books().free, MEMORY_BYTES);
        }
        prop_assert_eq!(memory.books().free, MEMORY_BYTES);
    }
}
