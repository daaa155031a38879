//! Properties of alerts: whatever happens, each thing is told once.

use proptest::prelude::*;
use strongroom_model::Millis;
use strongroom_model::alert::{Change, Condition, Reading, Thresholds, Timing};

fn reading() -> impl Strategy<Value = Reading> {
    prop_oneof![Just(Reading::Above), Just(Reading::Between), Just(Reading::Below)]
}

proptest! {
    /// However use comes together, in small steps or in jumps, every threshold is crossed once.
    #[test]
    fn each_threshold_is_crossed_once_however_use_is_cut_into_steps(
        amount in 1_i64..1_000_000,
        mut steps in prop::collection::vec(0_i64..1_000_000, 0..50),
    ) {
        steps.push(amount);
        let (mut used, mut crossed) = (0_i64, Vec::new());
        for step in steps {
            let after = used + step;
            crossed.extend(Thresholds::USUAL.crossed(used, after, amount));
            used = after;
        }
        prop_assert_eq!(crossed, vec![80, 95, 100]);
    }

    /// It fires, is over, fires: never the same twice running, each time under another number, whatever the clock does.
    #[test]
    fn firing_and_being_over_take_turns(
        looks in prop::collection::vec((reading(), -50_i64..100), 0..200),
        for_ms in 0_i64..100,
        keep_ms in 0_i64..100,
    ) {
        let timing = Timing { for_ms, keep_ms };
        let (mut condition, mut now, mut last, mut episode) = (Condition::default(), 1000_i64, Change::Resolved, 0);
        for (reading, step) in looks {
            now += step;
            let (next, change) = condition.after(reading, Millis(now), timing);
            match change {
                Change::None => prop_assert_eq!(next.episode, condition.episode),
                Change::Fired => {
                    prop_assert_eq!(last, Change::Resolved);
                    prop_assert_eq!(reading, Reading::Above);
                    prop_assert_eq!(next.episode, episode + 1);
                    episode = next.episode;
                }
                Change::Resolved => {
                    prop_assert_eq!(last, Change::Fired);
                    prop_assert_eq!(reading, Reading::Below);
                }
            }
            prop_assert_eq!(next.phase.is_told(), match change {
                Change::None => condition.phase.is_told(),
                Change::Fired => true,
                Change::Resolved => false,
            });
            if change != Change::None {
                last = change;
            }
            condition = next;
        }
    }

    /// With a clock that goes forward it fires only after it was never under the line for as long as the rule says.
    #[test]
    fn it_never_fires_early(
        looks in prop::collection::vec((reading(), 1_i64..30), 1..100),
        for_ms in 1_i64..100,
    ) {
        let timing = Timing { for_ms, keep_ms: 0 };
        let (mut condition, mut now) = (Condition::default(), 0);
        let mut above_since: Option<i64> = None;
        for (reading, step) in looks {
            now += step;
            match reading {
                Reading::Above => above_since = above_since.or(Some(now)),
                Reading::Below => above_since = None,
                Reading::Between => {}
            }
            let (next, change) = condition.after(reading, Millis(now), timing);
            if change == Change::Fired {
                prop_assert!(above_since.is_some_and(|since| now - since >= for_ms));
            }
            condition = next;
        }
    }
}
