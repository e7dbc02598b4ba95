//! Only a copy of a signed head can show that the end of the trail was truncated or rewritten.

use super::trail::NOW;
use super::*;

#[test]
fn an_older_state_of_the_trail_continued_otherwise_is_found_by_a_checkpoint_only() {
    let original = trail();
    let mut forked = trail();
    // The holder of the last epoch's key rewrites what that key signed.
    forked.pages[7].records = forked.pages[7].records.replace("tool", "fool");
    forked.reseal_from(7, 4);
    assert!(forked.verify().is_ok());
    let checkpoints = [original.checkpoint(7), original.checkpoint(8)];
    assert_eq!(forked.missed(checkpoints), [(8, Missed::Replaced)]);
}

#[test]
fn an_older_state_of_the_trail_that_went_on_with_other_keys_is_found() {
    let original = trail();
    let mut forked = trail();
    forked.pages.truncate(2);
    forked.epochs.truncate(1);
    forked.signers.truncate(1);
    forked.head = forked.pages[1].head();
    forked.begin_epoch();
    forked.append(1);
    assert!(forked.verify().is_ok());
    // The fork has an epoch with the number of this one, but not a second one.
    let [second, last] = [3, 8].map(|page| original.checkpoint(page));
    assert_eq!(second.epoch, 2);
    let expected = [(3, Missed::Unsigned), (8, Missed::Truncated)];
    assert_eq!(forked.missed([second, last]), expected);
}

#[test]
fn a_cut_off_end_with_its_epochs_is_found_by_a_checkpoint_only() {
    let whole = trail();
    for length in 0..8_usize {
        let mut cut = trail();
        cut.pages.truncate(length);
        let kept = i64::try_from(length).unwrap();
        // Epochs that begin after the new end reveal it.
        let left_over = cut.epochs.iter().find(|epoch| epoch.first_page > kept + 1);
        if let Some(epoch) = left_over {
            assert_eq!(
                cut.verify(),
                Err(ChainError::Uncertified(epoch.number)),
                "{length} pages"
            );
        }
        cut.epochs.retain(|epoch| epoch.first_page <= kept + 1);
        assert!(cut.verify().is_ok(), "{length} pages");
        for page in 1..=8 {
            let missed = cut.missed([whole.checkpoint(page)]);
            let number = i64::try_from(page).unwrap();
            let expected = (page > length).then_some((number, Missed::Truncated));
            assert!(
                missed.into_iter().eq(expected),
                "{length} pages, checkpoint {page}"
            );
        }
    }
}

#[test]
fn of_several_checkpoints_each_missing_one_is_named_once() {
    let whole = trail();
    let all = || (1..=8).rev().map(|page| whole.checkpoint(page));
    assert_eq!(whole.missed(all().chain(all())), []);
    let mut cut = trail();
    cut.pages.truncate(6);
    cut.epochs.retain(|epoch| epoch.first_page <= 7);
    let expected = [7, 8].map(|page| (page, Missed::Truncated));
    assert_eq!(cut.missed(all().chain(all())), expected);
}

#[test]
fn a_checkpoint_that_comes_too_late_is_not_taken_for_met() {
    let trail = trail();
    let mut verifier = trail.verifier().unwrap();
    for page in &trail.pages {
        verifier.page(page).unwrap();
    }
    let late = verifier.expecting([trail.checkpoint(3)]);
    let ending = late.finish().unwrap();
    assert_eq!(ending.missed, [(3, Missed::Truncated)]);
    assert_eq!(ending.head, trail.head);
}

#[test]
fn a_checkpoint_of_another_trail_or_place_is_not_agreed_with() {
    let trail = trail();
    let foreign = Trail::new(2, &[(1, false)]).checkpoint(1);
    assert_eq!(trail.missed([foreign]), [(1, Missed::Foreign)]);
    for page in [i64::MIN, 0, 9, i64::MAX] {
        let mut moved = Checkpoint::new(trail.installation, &trail.pages[2], NOW);
        moved.page = page;
        assert_eq!(trail.missed([moved]), [(page, Missed::Unsigned)]);
    }
    let edits: [fn(&mut Checkpoint); 4] = [
        |checkpoint| checkpoint.page = 4,
        |checkpoint| checkpoint.hash[31] ^= 1,
        |checkpoint| checkpoint.sequence += 1,
        |checkpoint| checkpoint.epoch += 1,
    ];
    for edit in edits {
        let mut edited = trail.checkpoint(3);
        edit(&mut edited);
        let expected = [(edited.page, Missed::Unsigned)];
        assert_eq!(trail.missed([edited]), expected);
    }
    // Of an epoch that the trail does not have, the page decides.
    let mut edited = trail.checkpoint(3);
    edited.epoch = 99;
    assert_eq!(trail.missed([edited]), [(3, Missed::Replaced)]);
}
