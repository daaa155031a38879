//! Room is never overdrawn, nobody waits in a circle, and no caller keeps the others out.

use futures::FutureExt;
use proptest::prelude::*;

use super::super::MOST_BODY_BYTES;
use super::*;

const MIB: usize = 1024 * 1024;

/// Takes so many bytes, if there is room for them at once.
fn take(place: &mut Place, bytes: usize) -> bool {
    let mut books = place.room.books();
    let may = books.may_take(place.body, bytes);
    if may {
        books.give(place.body, bytes);
        place.taken += bytes;
    }
    may
}

#[test]
fn a_promise_takes_no_room_from_others() {
    let room = Room::default();
    let mut promised: Vec<_> = (0..100).map(|_| room.place("slow", MOST_BODY_BYTES)).collect();
    let begun = promised.iter_mut().filter_map(|place| take(place, 64 * 1024).then_some(())).count();
    assert_eq!(begun, COMMON_BYTES / MOST_BODY_BYTES, "the rest waits for its own");
    // What one of them may still need is kept, once for all.
    for (caller, bytes) in [("one", MOST_BODY_BYTES), ("other", MOST_BODY_BYTES), ("third", 15 * MIB)] {
        let mut other = room.place(caller, bytes);
        assert!(take(&mut other, bytes), "{caller}");
        other.is_whole(bytes);
        promised.push(other);
    }
}

#[test]
fn one_caller_leaves_room_for_the_others() {
    let room = Room::default();
    let mut all = Vec::new();
    for _ in 0..10 {
        let mut place = room.place("greedy", MOST_BODY_BYTES);
        while place.taken() < MOST_BODY_BYTES && take(&mut place, MIB) {}
        if place.taken() == MOST_BODY_BYTES {
            place.is_whole(MOST_BODY_BYTES);
        }
        all.push(place);
    }
    let taken: usize = all.iter().map(Place::taken).sum();
    assert_eq!(taken, COMMON_BYTES);
    for caller in ["one", "other"] {
        let mut place = room.place(caller, MOST_BODY_BYTES);
        assert!(take(&mut place, MOST_BODY_BYTES), "{caller}");
        place.is_whole(MOST_BODY_BYTES);
        all.push(place);
    }
    assert!(!take(&mut room.place("third", MIB), MIB));
    drop(all);
    assert!(take(&mut room.place("third", MIB), MIB));
}

#[test]
fn the_last_piece_of_a_body_waits_for_none_that_wait_for_it() {
    let room = Room::default();
    let mut places: Vec<_> = (0..5).map(|caller| room.place(&caller.to_string(), MOST_BODY_BYTES)).collect();
    for place in &mut places {
        assert!(take(place, 12 * MIB));
    }
    // What is free is just what each of them needs.
    assert!(take(&mut places[0], 3 * MIB));
    assert!(!take(&mut places[1], MIB), "then none of them could end");
    assert!(take(&mut places[0], MIB));
    places[0].is_whole(MOST_BODY_BYTES);
    assert!(!take(&mut places[1], MIB));
    drop(places.remove(0));
    assert!(take(&mut places[0], 4 * MIB));
}

#[tokio::test]
async fn what_a_whole_body_did_not_need_goes_to_whoever_waits() {
    let room = Room::default();
    let mut first = room.place("a", MOST_BODY_BYTES);
    assert!(take(&mut first, MOST_BODY_BYTES));
    let mut second = room.place("a", MOST_BODY_BYTES);
    assert!(take(&mut second, MOST_BODY_BYTES));
    let mut third = room.place("a", MIB);
    let mut waiting = Box::pin(third.take(MIB));
    assert!((&mut waiting).now_or_never().is_none());
    first.is_whole(MIB);
    assert!(matches!((&mut waiting).now_or_never(), Some(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_too_long_is_refused_and_leaves_nothing_behind() {
    let room = Room::default();
    let mut holds: Vec<_> = (0..4).map(|caller| room.place(&caller.to_string(), MOST_BODY_BYTES)).collect();
    for place in &mut holds {
        assert!(take(place, MOST_BODY_BYTES));
    }
    let mut late = room.place("late", MIB);
    let problem = late.take(MIB).await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::Unavailable);
    drop((late, holds));
    assert_eq!(room.books().free, ROOM_BYTES);
    assert!(room.books().bodies.is_empty() && room.books().waiting.is_empty());
}

proptest! {
    #[test]
    fn room_is_never_overdrawn_and_all_bodies_come_to_their_end(
        bodies in proptest::collection::vec((0_u8..5, 1_usize..=16, any::<bool>()), 1..60),
        order in proptest::collection::vec(any::<proptest::sample::Index>(), 1..200),
    ) {
        let room = Room::default();
        let mut open: Vec<(Place, usize)> = bodies
            .iter()
            .map(|(caller, mib, is_long)| {
                let most = if *is_long { MOST_BODY_BYTES } else { mib * MIB };
                (room.place(&caller.to_string(), most), mib * MIB)
            })
            .collect();
        let mut order = order.iter().cycle();
        while !open.is_empty() {
            let able: Vec<_> = (0..open.len()).filter(|at| room.books().may_take(open[*at].0.body, MIB)).collect();
            prop_assert!(!able.is_empty(), "all wait for each other");
            let turn = able[order.next().expect("without an end").index(able.len())];
            let (place, length) = &mut open[turn];
            prop_assert!(take(place, MIB));
            if place.taken() == *length {
                place.is_whole(*length);
                // Its answer begins.
                open.swap_remove(turn);
            }
            let taken: usize = open.iter().map(|(place, _)| place.taken()).sum();
            prop_assert_eq!(taken + room.books().free, ROOM_BYTES);
        }
        prop_assert_eq!(room.books().free, ROOM_BYTES);
    }
}
