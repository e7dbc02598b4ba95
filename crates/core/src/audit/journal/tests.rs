//! A journal gives back its records up to the first byte that is not as it was written.

use super::*;
use crate::audit::record::{Action, Actor, Decision};
use crate::timestamp::Timestamp;

fn key(byte: u8) -> JournalKey {
    JournalKey::new([byte; 32], InstallationId(uuid::Uuid::from_u128(7)))
}

fn record(microseconds: i64) -> Record {
    let at = Timestamp::from_microseconds(microseconds);
    Record::new(
        at,
        &Actor::Anonymous,
        None,
        Action::SecretUsed,
        Decision::Allowed,
    )
}

/// A journal with three entries of one, two and one records, and where each begins.
fn journal() -> (Vec<u8>, Vec<usize>) {
    let key = key(1);
    let (mut journal, mut link) = key.begin(41);
    let mut begins = Vec::new();
    for records in [&[record(1)][..], &[record(2), record(3)], &[record(4)]] {
        let (entry, next) = key.entry(&link, records).unwrap();
        begins.push(journal.len());
        journal.extend(entry);
        link = next;
    }
    (journal, begins)
}

fn times(contents: &Contents) -> Vec<i64> {
    let records = contents.records.iter();
    records.map(|record| record.at.microseconds()).collect()
}

#[test]
fn what_was_written_is_read() {
    let contents = key(1).read(&journal().0);
    assert_eq!((contents.page, contents.end), (41, End::Whole));
    assert_eq!(times(&contents), [1, 2, 3, 4]);
    assert_eq!(contents.records.last(), Some(&record(4)));
    assert_eq!(key(1).read(&[]).end, End::Whole);
}

#[test]
fn the_layout_of_a_journal_is_fixed() {
    let (journal, begins) = journal();
    // Magic, page and MAC; then length, two MACs and the records. Journals of earlier versions must stay readable.
    assert_eq!(begins[0], 21 + 8 + 32);
    assert_eq!(journal[21..29], 41_i64.to_be_bytes());
    for (entry, next) in begins.iter().zip(&begins[1..]) {
        let text = entry + 4 + 32 + 32;
        let length = u32::try_from(next - text).unwrap();
        assert_eq!(journal[*entry..entry + 4], length.to_be_bytes());
        assert_eq!(&journal[text..=text], b"{");
        assert_eq!(&journal[next - 2..*next], b"}\n");
    }
}

#[test]
fn a_journal_cut_at_any_byte_keeps_its_whole_entries() {
    let (journal, begins) = journal();
    for length in HEADER..journal.len() {
        let contents = key(1).read(&journal[..length]);
        let whole = begins
            .iter()
            .skip(1)
            .filter(|begin| **begin <= length)
            .count();
        assert_eq!(
            times(&contents),
            &[1, 2, 3][..[0, 1, 3][whole]],
            "at {length}"
        );
        let is_between = begins.contains(&length);
        let end = if is_between { End::Whole } else { End::Torn };
        assert_eq!(contents.end, end, "at {length}");
    }
    for length in 1..HEADER {
        assert_eq!(
            key(1).read(&journal[..length]).end,
            End::Changed,
            "at {length}"
        );
    }
}

#[test]
fn what_a_power_cut_leaves_is_torn() {
    let (journal, begins) = journal();
    for length in HEADER..=journal.len() {
        // The file system has the length, but not the blocks behind this byte.
        for whole in [journal.len(), journal.len() + 4_096] {
            let mut left = journal[..length].to_vec();
            left.resize(whole, 0);
            let contents = key(1).read(&left);
            let end = if left == journal {
                End::Whole
            } else {
                End::Torn
            };
            assert_eq!(contents.end, end, "at {length} of {whole}");
            let ends = [begins[1], begins[2], journal.len()];
            let kept = ends.iter().filter(|end| **end <= length).count();
            assert_eq!(times(&contents), &[1, 2, 3, 4][..[0, 1, 3, 4][kept]]);
        }
    }
    for length in [1, HEADER, 4_096] {
        let contents = key(1).read(&vec![0; length]);
        assert_eq!((contents.page, contents.end), (0, End::Torn), "{length}");
        assert!(contents.records.is_empty());
    }
}

#[test]
fn zeros_before_other_bytes_are_a_change() {
    let (journal, begins) = journal();
    for at in 0..journal.len() - 1 {
        let mut changed = journal.clone();
        changed[at] = 0;
        if changed != journal {
            assert_eq!(key(1).read(&changed).end, End::Changed, "at {at}");
        }
    }
    let mut changed = journal;
    changed[begins[1]..begins[2]].fill(0);
    let contents = key(1).read(&changed);
    assert_eq!((times(&contents), contents.end), (vec![1], End::Changed));
}

#[test]
fn every_changed_byte_is_noticed() {
    let (journal, begins) = journal();
    for (at, bits) in (0..journal.len()).flat_map(|at| [(at, 1), (at, 0x80)]) {
        let mut changed = journal.clone();
        changed[at] ^= bits;
        let contents = key(1).read(&changed);
        assert_eq!(contents.end, End::Changed, "at {at}");
        // Nothing after the changed byte is believed.
        let before = begins.iter().skip(1).filter(|begin| **begin <= at).count();
        assert_eq!(times(&contents), &[1, 2, 3][..[0, 1, 3][before]], "at {at}");
    }
}

#[test]
fn an_incomplete_entry_with_a_changed_head_is_a_change() {
    let (journal, begins) = journal();
    for (at, bits) in (begins[2]..begins[2] + HEAD).flat_map(|at| [(at, 1), (at, 0x80)]) {
        for length in [begins[2] + HEAD, begins[2] + TEXT, journal.len() - 1] {
            let mut changed = journal[..length].to_vec();
            changed[at] ^= bits;
            let contents = key(1).read(&changed);
            assert_eq!(contents.end, End::Changed, "{at} of {length}");
            assert_eq!(times(&contents), [1, 2, 3]);
        }
    }
}

#[test]
fn entries_that_were_removed_or_exchanged_are_noticed() {
    let (journal, begins) = journal();
    let [first, second, third] = [
        begins[0]..begins[1],
        begins[1]..begins[2],
        begins[2]..journal.len(),
    ];
    let header = &journal[..HEADER];
    let removed = [header, &journal[first.clone()], &journal[third.clone()]].concat();
    let exchanged = [
        header,
        &journal[second],
        &journal[first.clone()],
        &journal[third],
    ]
    .concat();
    let repeated = [header, &journal[first.clone()], &journal[first]].concat();
    for (changed, kept) in [(removed, 1), (exchanged, 0), (repeated, 1)] {
        let contents = key(1).read(&changed);
        assert_eq!((contents.records.len(), contents.end), (kept, End::Changed));
    }
}

#[test]
fn another_installations_journal_is_not_read() {
    let contents = key(2).read(&journal().0);
    assert_eq!((contents.records.len(), contents.end), (0, End::Changed));
    let other = JournalKey::new([1; 32], InstallationId(uuid::Uuid::from_u128(8)));
    assert_eq!(other.read(&journal().0).end, End::Changed);
}
