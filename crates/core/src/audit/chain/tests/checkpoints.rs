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
    assert_eq!(
        forked.verify_against(checkpoints),
        Err(ChainError::Truncated(8))
    );
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
            let verdict = cut.verify_against([whole.checkpoint(page)]);
            if page <= length {
                assert!(verdict.is_ok(), "{length} pages, checkpoint {page}");
            } else {
                let expected = ChainError::Truncated(i64::try_from(page).unwrap());
                assert_eq!(verdict, Err(expected), "{length} pages, checkpoint {page}");
            }
        }
    }
}

#[test]
fn of_several_checkpoints_the_first_missing_one_is_named() {
    let whole = trail();
    let all = || (1..=8).rev().map(|page| whole.checkpoint(page));
    assert!(whole.verify_against(all()).is_ok());
    assert!(whole.verify_against(all().chain(all())).is_ok());
    let mut cut = trail();
    cut.pages.truncate(5);
    assert_eq!(cut.verify_against(all()), Err(ChainError::Truncated(6)));
}

#[test]
fn a_checkpoint_that_comes_too_late_is_not_taken_for_met() {
    let trail = trail();
    let mut verifier = trail.verifier().unwrap();
    for page in &trail.pages {
        verifier.page(page).unwrap();
    }
    let late = verifier.expecting([trail.checkpoint(3)]).unwrap();
    assert_eq!(late.finish(), Err(ChainError::Truncated(3)));
}

#[test]
fn a_checkpoint_of_another_trail_or_place_is_refused() {
    let trail = trail();
    let foreign = Trail::new(2, &[(1, false)]).checkpoint(1);
    assert_eq!(
        trail.verify_against([foreign]),
        Err(ChainError::ForeignCheckpoint(1))
    );
    for page in [i64::MIN, 0, 9, i64::MAX] {
        let mut moved = Checkpoint::new(trail.installation, &trail.pages[2], NOW);
        moved.page = page;
        assert_eq!(
            trail.verify_against([moved]),
            Err(ChainError::Truncated(page))
        );
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
        let page = edited.page;
        assert_eq!(
            trail.verify_against([edited]),
            Err(ChainError::Truncated(page))
        );
    }
}
