//! Changes each stored field of each page in place.

use super::*;

/// Changes the lines of a page.
type LineChange = (&'static str, fn(&mut Vec<String>));

/// Changes each page in turn; the verdict must name it.
fn assert_each_page(what: &str, change: impl Fn(&mut Page), verdict: impl Fn(&Page) -> ChainError) {
    let mut trail = trail();
    for place in 0..trail.pages.len() {
        let untouched = trail.pages[place].clone();
        change(&mut trail.pages[place]);
        assert_ne!(trail.pages[place], untouched, "{what}");
        let expected = verdict(&untouched);
        assert_eq!(
            trail.verify(),
            Err(expected),
            "{what} of page {}",
            place + 1
        );
        trail.pages[place] = untouched;
    }
}

#[test]
fn another_page_number_is_found() {
    for shift in [-100, -1, 1, 2, 100] {
        assert_each_page(
            &format!("number {shift:+}"),
            |page| page.number += shift,
            |page| ChainError::OutOfOrder {
                expected: page.number,
                found: page.number + shift,
            },
        );
    }
    for found in [0, i64::MIN, i64::MAX] {
        assert_each_page(
            "extreme number",
            |page| page.number = found,
            |page| ChainError::OutOfOrder {
                expected: page.number,
                found,
            },
        );
    }
}

#[test]
fn other_sequences_are_found() {
    let changed = |page: &Page| ChainError::Changed(page.number);
    for shift in [-1, 1, 2] {
        assert_each_page(
            "first sequence",
            |page| page.first_sequence += shift,
            changed,
        );
        assert_each_page("last sequence", |page| page.last_sequence += shift, changed);
        let both = |page: &mut Page| {
            page.first_sequence += shift;
            page.last_sequence += shift;
        };
        assert_each_page("both sequences", both, changed);
    }
    for extreme in [i64::MIN, i64::MAX] {
        assert_each_page(
            "first sequence",
            |page| page.first_sequence = extreme,
            changed,
        );
        assert_each_page(
            "last sequence",
            |page| page.last_sequence = extreme,
            changed,
        );
    }
}

#[test]
fn another_epoch_is_found() {
    for shift in [-1, 1, 5] {
        assert_each_page(
            "epoch",
            |page| page.epoch += shift,
            |page| ChainError::WrongEpoch(page.number),
        );
    }
}

#[test]
fn every_flipped_bit_of_the_records_is_found() {
    let mut trail = trail();
    let records = trail.pages[3].records.clone().into_bytes();
    let mut tried = 0;
    for bit in 0..records.len() * 8 {
        let mut changed = records.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // The column is text, so it cannot hold invalid UTF-8.
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        trail.pages[3].records = changed;
        assert_eq!(trail.verify(), Err(ChainError::Changed(4)), "bit {bit}");
        tried += 1;
    }
    assert!(tried > records.len() * 6, "{tried}");
}

#[test]
fn edited_lines_are_found() {
    let lines = |page: &Page| {
        page.records
            .lines()
            .map(|line| line.to_owned() + "\n")
            .collect()
    };
    let changes: [LineChange; 7] = [
        ("removed", |lines| drop(lines.pop())),
        ("removed in front", |lines| drop(lines.remove(0))),
        ("repeated", |lines| lines.push(lines[0].clone())),
        ("exchanged", |lines| lines.swap(0, 1)),
        ("emptied", Vec::clear),
        ("blank", |lines| lines.push("\n".to_owned())),
        ("respelled", |lines| {
            lines[0] = lines[0].replace("\":", "\": ");
        }),
    ];
    for (what, change) in changes {
        let edit = |page: &mut Page| {
            let mut lines: Vec<String> = lines(page);
            change(&mut lines);
            page.records = lines.concat();
        };
        assert_each_page(what, edit, |page| ChainError::Changed(page.number));
    }
}

#[test]
fn every_flipped_bit_of_a_hash_is_found() {
    for bit in 0..256 {
        assert_each_page(
            "hash",
            |page| page.hash[bit / 8] ^= 1 << (bit % 8),
            |page| ChainError::Changed(page.number),
        );
    }
}

#[test]
fn every_flipped_bit_and_truncation_of_a_signature_is_found() {
    let unsigned = |page: &Page| ChainError::Unsigned(page.number);
    for bit in (0..512).step_by(5) {
        assert_each_page(
            "signature",
            |page| page.signature[bit / 8] ^= 1 << (bit % 8),
            unsigned,
        );
    }
    for length in 0..64 {
        let mut trail = trail();
        trail.pages[6].signature.truncate(length);
        assert_eq!(
            trail.verify(),
            Err(ChainError::Unsigned(7)),
            "{length} bytes"
        );
    }
    assert_each_page("longer signature", |page| page.signature.push(0), unsigned);
}
