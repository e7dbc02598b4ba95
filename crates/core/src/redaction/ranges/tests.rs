use super::*;

fn found(length: u32, id: u64) -> Found {
    Found {
        length: Reverse(length),
        id,
    }
}

/// The ranges after these were added, in order: start, end and number.
fn merged(added: &[(usize, usize, u64)]) -> Vec<(usize, usize, u64)> {
    let mut ranges = Ranges::default();
    for (start, end, id) in added {
        // The first is the longest.
        let length = 100 - u32::try_from(*id).unwrap();
        ranges.add(Range::new(*start, *end, found(length, *id)));
    }
    ranges
        .iter()
        .map(|range| (range.start, range.end, range.found.id))
        .collect()
}

#[test]
fn overlapping_ranges_are_one_and_others_stay() {
    assert_eq!(merged(&[(0, 5, 1), (5, 9, 2)]), [(0, 5, 1), (5, 9, 2)]);
    assert_eq!(merged(&[(5, 9, 2), (0, 5, 1)]), [(0, 5, 1), (5, 9, 2)]);
    assert_eq!(merged(&[(0, 6, 2), (5, 9, 1)]), [(0, 9, 1)]);
    assert_eq!(merged(&[(5, 9, 1), (0, 6, 2)]), [(0, 9, 1)]);
    assert_eq!(merged(&[(0, 9, 1), (2, 4, 2)]), [(0, 9, 1)]);
    assert_eq!(merged(&[(2, 4, 2), (0, 9, 1)]), [(0, 9, 1)]);
    let apart = [(0, 2, 1), (4, 6, 2), (8, 10, 3)];
    assert_eq!(merged(&[apart[2], apart[0], apart[1]]), apart);
    let all = [apart[0], apart[1], apart[2], (1, 9, 4)];
    assert_eq!(merged(&all), [(0, 10, 1)]);
    let all = [apart[0], apart[1], apart[2], (5, 8, 4)];
    assert_eq!(merged(&all), [(0, 2, 1), (4, 8, 2), (8, 10, 3)]);
}

#[test]
fn the_longest_value_comes_first_and_of_equal_ones_the_first_that_was_added() {
    assert!(found(9, 5) < found(8, 1));
    assert!(found(9, 1) < found(9, 2));
}

#[test]
fn ranges_are_taken_once_they_end() {
    let mut ranges = Ranges::default();
    for (start, end) in [(0, 4), (6, 8), (9, 12)] {
        ranges.add(Range::new(start, end, found(4, 1)));
    }
    assert_eq!(ranges.drain_until(3).count(), 0);
    let ends: Vec<usize> = ranges.drain_until(8).map(|range| range.end).collect();
    assert_eq!(ends, [4, 8]);
    assert_eq!(ranges.first().map(|range| range.start), Some(9));
    assert!(!ranges.is_empty());
    ranges.clear();
    assert!(ranges.is_empty() && ranges.first().is_none());
}
