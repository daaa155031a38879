//! How long answers took, in classes: counts that add up over any group, and the percentiles that they tell.

/// Classes of times. Each begins where the one before ends, and the last one has no end.
pub const CLASSES: usize = 12;

/// Where the classes of times to the first byte end, in milliseconds.
pub const FIRST_BYTE_BOUNDS_MS: [i64; CLASSES - 1] =
    [50, 100, 200, 350, 500, 750, 1000, 2000, 4000, 8000, 16_000];

/// Where the classes of times to the end of an answer end, in milliseconds.
pub const TOTAL_BOUNDS_MS: [i64; CLASSES - 1] =
    [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000, 120_000, 300_000];

/// The class of a time.
#[must_use]
pub fn class(bounds: &[i64; CLASSES - 1], milliseconds: i64) -> usize {
    bounds.iter().take_while(|bound| milliseconds >= **bound).count()
}

/// The time within which so many of a thousand answers came: between the ends of its class, as if they were spread evenly in it; of
/// the last class its beginning. `None` where there was no answer.
#[must_use]
pub fn percentile(bounds: &[i64; CLASSES - 1], counts: &[i64; CLASSES], per_thousand: u16) -> Option<i64> {
    let counts = counts.map(|count| i128::from(count.max(0)));
    let all: i128 = counts.iter().sum();
    if all == 0 {
        return None;
    }
    // The place of the answer that is looked for, from 1 on.
    let place = (all * i128::from(per_thousand.min(1000)) + 999).div_euclid(1000).max(1);
    let mut before = 0;
    for (class, count) in counts.into_iter().enumerate() {
        if before + count < place {
            before += count;
            continue;
        }
        let start = class.checked_sub(1).map_or(0, |below| bounds[below]);
        let Some(end) = bounds.get(class) else { return Some(start) };
        let within = i128::from(end - start) * (place - before) / count;
        return i64::try_from(i128::from(start) + within).ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_at_a_bound_is_of_the_class_behind_it() {
        for (time, expected) in
            [(0, 0), (49, 0), (50, 1), (99, 1), (100, 2), (15_999, 10), (16_000, 11), (i64::MAX, 11)]
        {
            assert_eq!(class(&FIRST_BYTE_BOUNDS_MS, time), expected, "{time}");
        }
    }

    #[test]
    fn a_percentile_lies_in_the_class_of_its_answer() {
        let mut counts = [0; CLASSES];
        assert_eq!(percentile(&FIRST_BYTE_BOUNDS_MS, &counts, 500), None);
        (counts[2], counts[7]) = (90, 10);
        assert_eq!(percentile(&FIRST_BYTE_BOUNDS_MS, &counts, 500), Some(155));
        assert_eq!(percentile(&FIRST_BYTE_BOUNDS_MS, &counts, 900), Some(200));
        assert_eq!(percentile(&FIRST_BYTE_BOUNDS_MS, &counts, 950), Some(1500));
        counts = [0; CLASSES];
        counts[11] = 1;
        assert_eq!(percentile(&FIRST_BYTE_BOUNDS_MS, &counts, 500), Some(16_000));
    }

    proptest! {
        #[test]
        fn the_half_of_single_times_is_within_the_bounds_of_its_class(mut times in prop::collection::vec(0_i64..400_000, 1..50)) {
            let mut counts = [0; CLASSES];
            for time in &times {
                counts[class(&TOTAL_BOUNDS_MS, *time)] += 1;
            }
            times.sort_unstable();
            let exact = times[(times.len() - 1) / 2];
            let told = percentile(&TOTAL_BOUNDS_MS, &counts, 500).unwrap();
            let of = class(&TOTAL_BOUNDS_MS, exact);
            let start = of.checked_sub(1).map_or(0, |below| TOTAL_BOUNDS_MS[below]);
            prop_assert!(told >= start && TOTAL_BOUNDS_MS.get(of).is_none_or(|end| told <= *end), "{told} for {exact}");
        }
    }
}
