use std::collections::HashSet;
use std::hash::BuildHasher as _;

use super::*;
use crate::redaction::tests::Numbers;

fn hashes(seed: u64, count: usize) -> Vec<u64> {
    let mut numbers = Numbers(seed);
    (0..count).map(|_| numbers.next()).collect()
}

/// How many of ten thousand hashes that are not in the filter it reports.
fn reported(filter: &Filter) -> usize {
    let others = hashes(99, 10_000);
    others.iter().filter(|hash| filter.may_have(**hash)).count()
}

#[test]
fn every_hash_of_the_set_is_reported_and_few_others() {
    assert_eq!(reported(&Filter::default()), 0);
    for count in [1, 100, 1000, 4000] {
        let all = hashes(1, count);
        let mut grown = Filter::default();
        for hash in &all {
            grown.add(*hash);
        }
        for hash in &all {
            assert!(grown.may_have(*hash));
        }
        let made = Filter::of(all.iter().copied());
        for hash in &all {
            assert!(made.may_have(*hash));
        }
        // As many bits as two of 64 for each of at most four hashes.
        assert!(reported(&made) < 700, "{}", reported(&made));
        if count <= 1000 {
            assert!(reported(&grown) < 700, "{}", reported(&grown));
        }
    }
}

#[test]
fn a_filter_is_full_when_as_many_were_added_as_it_was_made_for() {
    let mut filter = Filter::default();
    for (index, hash) in hashes(2, 1025).into_iter().enumerate() {
        assert!(!filter.is_full(), "{index}");
        filter.add(hash);
    }
    assert!(filter.is_full());
    // One made of the same hashes has room for as many again.
    let mut filter = Filter::of(hashes(3, 4096).into_iter());
    for hash in hashes(4, 4096) {
        assert!(!filter.is_full());
        filter.add(hash);
    }
    assert!(!filter.is_full());
    filter.add(7);
    assert!(filter.is_full());
}

#[test]
fn the_slots_of_a_window_have_the_same_bits() {
    let mut filter = Filter::default();
    filter.add(0x0123_4567_89ab_cde8);
    for slot in 0..8 {
        assert!(filter.may_have(0x0123_4567_89ab_cde8 | slot));
    }
}

#[test]
fn hashes_are_spread_to_the_bits_that_tables_use() {
    let spread = Spread::default();
    // A table uses the highest seven bits, and as many of the lowest as it has entries.
    let high: HashSet<u64> = (0..1000_u64)
        .map(|hash| spread.hash_one(hash) >> 57)
        .collect();
    let low: HashSet<u64> = (0..1000_u64)
        .map(|hash| spread.hash_one(hash << 3) >> 3 & 1023)
        .collect();
    assert!(
        high.len() > 100 && low.len() > 600,
        "{} {}",
        high.len(),
        low.len()
    );
    let of_bytes = |bytes: &[u8]| {
        let mut hasher = Spreader::default();
        hasher.write(bytes);
        hasher.finish()
    };
    let texts: HashSet<u64> = (0..=255)
        .flat_map(|byte| [of_bytes(&[byte, 1]), of_bytes(&[1, byte, 2])])
        .collect();
    assert_eq!(texts.len(), 512);
}
