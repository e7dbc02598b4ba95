//! Pages removed, repeated, inserted and exchanged.

use super::*;

fn out_of_order(expected: usize, found: usize) -> Result<Head, ChainError> {
    let number = |place: usize| i64::try_from(place).unwrap();
    Err(ChainError::OutOfOrder {
        expected: number(expected),
        found: number(found),
    })
}

#[test]
fn a_removed_page_is_found() {
    for number in 1..=7 {
        let mut trail = trail();
        trail.pages.remove(number - 1);
        assert_eq!(trail.verify(), out_of_order(number, number + 1));
    }
}

#[test]
fn a_removed_page_whose_followers_were_renumbered_is_found() {
    for number in 1..=7 {
        let mut trail = trail();
        let removed = trail.pages.remove(number - 1);
        let records = removed.last_sequence - removed.first_sequence + 1;
        for page in &mut trail.pages[number - 1..] {
            page.number -= 1;
            page.first_sequence -= records;
            page.last_sequence -= records;
        }
        let verdict = trail.verify();
        let number = i64::try_from(number).unwrap();
        // The page after an epoch's last one also claims an epoch that does not exist yet.
        let expected = if [2, 5, 6].contains(&number) {
            ChainError::WrongEpoch(number)
        } else {
            ChainError::Changed(number)
        };
        assert_eq!(verdict, Err(expected), "page {number}");
    }
}

#[test]
fn a_repeated_page_is_found() {
    for number in 1..=8 {
        let mut trail = trail();
        trail.pages.insert(number, trail.pages[number - 1].clone());
        assert_eq!(trail.verify(), out_of_order(number + 1, number));
        // Renumbered to follow itself.
        let repeated = &mut trail.pages[number];
        let records = repeated.last_sequence - repeated.first_sequence + 1;
        repeated.number += 1;
        repeated.first_sequence += records;
        repeated.last_sequence += records;
        let next = i64::try_from(number + 1).unwrap();
        let verdict = trail.verify();
        let expected = if [2, 5, 6].contains(&number) {
            ChainError::WrongEpoch(next)
        } else {
            ChainError::Changed(next)
        };
        assert_eq!(verdict, Err(expected), "page {number}");
    }
}

#[test]
fn exchanged_pages_are_found() {
    for left in 1..=8 {
        for right in left + 1..=8 {
            let mut trail = trail();
            trail.pages.swap(left - 1, right - 1);
            assert_eq!(trail.verify(), out_of_order(left, right));
        }
    }
}

#[test]
fn exchanged_records_of_two_pages_are_found() {
    for left in 1..=8 {
        for right in left + 1..=8 {
            let mut trail = trail();
            let (before, after) = trail.pages.split_at_mut(right - 1);
            std::mem::swap(&mut before[left - 1].records, &mut after[0].records);
            let expected = ChainError::Changed(i64::try_from(left).unwrap());
            assert_eq!(trail.verify(), Err(expected), "{left} and {right}");
        }
    }
}

#[test]
fn a_page_of_another_trail_is_found() {
    let steps = [(2, false); 8];
    let foreign = Trail::new(2, &steps);
    let mut trail = Trail::new(1, &steps);
    trail.pages[4] = foreign.pages[4].clone();
    assert_eq!(trail.verify(), Err(ChainError::Changed(5)));
    trail.pages.clone_from(&foreign.pages);
    assert_eq!(trail.verify(), Err(ChainError::Changed(1)));
    trail.epochs.clone_from(&foreign.epochs);
    assert_eq!(trail.verify(), Err(ChainError::WrongFirstKey));
}
