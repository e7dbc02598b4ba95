//! A trail whose first pages were pruned.

use super::trail::NOW;
use super::*;

/// The trail without its first pages, and the whole one.
fn pruned(pages: usize) -> (Trail, Trail) {
    let mut pruned = trail();
    pruned.prune(pages);
    (pruned, trail())
}

#[test]
fn the_rest_is_verified_from_the_first_public_key() {
    for pages in 0..=8 {
        let (pruned, whole) = pruned(pages);
        assert_eq!(pruned.verify(), Ok(whole.head), "{pages} pages");
        let other = [7; 32];
        let start = pruned.pruned.last().map_or(Head::EMPTY, Page::head);
        let epochs = pruned.epochs.clone();
        let refused = ChainVerifier::new(pruned.installation, Some(&other), epochs, start);
        assert_eq!(refused.unwrap_err(), ChainError::WrongFirstKey);
    }
}

#[test]
fn a_beginning_that_the_first_page_does_not_follow_is_found() {
    let edits: [fn(&mut Page); 3] = [
        |page| page.hash[0] ^= 1,
        |page| page.last_sequence += 1,
        |page| page.number += 1,
    ];
    for pages in 1..8 {
        for edit in edits {
            let (mut pruned, _) = pruned(pages);
            edit(pruned.pruned.last_mut().unwrap());
            assert!(pruned.verify().is_err(), "{pages} pages");
        }
        // More pages are gone than the beginning says, or fewer.
        let (mut fewer, _) = self::pruned(pages);
        fewer.pages.remove(0);
        let ends = fewer.pages.is_empty();
        assert_eq!(
            fewer.verify().is_err(),
            !ends,
            "only the head shows that the last page is gone"
        );
        let (mut more, whole) = self::pruned(pages);
        more.pages.insert(0, whole.pages[pages - 1].clone());
        assert!(more.verify().is_err());
    }
    for page in [-1, i64::MIN, i64::MAX] {
        let start = Head {
            page,
            ..Head::EMPTY
        };
        let whole = trail();
        let refused = ChainVerifier::new(whole.installation, None, whole.epochs, start);
        assert_eq!(refused.unwrap_err(), ChainError::WrongCut);
    }
}

#[test]
fn each_epoch_that_began_before_the_cut_is_certified() {
    // Epochs begin at pages 1, 3, 6 and 7; 6 pages are pruned.
    for epoch in [1, 2] {
        let edits: [fn(&mut Epoch); 5] = [
            |epoch| epoch.before = None,
            |epoch| epoch.before = epoch.before.map(|hash| hash.map(|byte| byte ^ 1)),
            |epoch| epoch.public_key[0] ^= 1,
            |epoch| epoch.certificate[0] ^= 1,
            |epoch| epoch.number += 1,
        ];
        for edit in edits {
            let (mut pruned, _) = pruned(6);
            edit(&mut pruned.epochs[epoch]);
            assert!(pruned.verify().is_err(), "epoch {epoch}");
        }
        let (mut removed, _) = pruned(6);
        removed.epochs.remove(epoch);
        assert!(removed.verify().is_err());
    }
    // An epoch with pages that are there has no other hash beside them, and the first one none at all.
    for epoch in [0, 3] {
        let (mut known, _) = pruned(6);
        known.epochs[epoch].before = Some([0; 32]);
        assert!(known.verify().is_err(), "epoch {epoch}");
    }
}

#[test]
fn a_checkpoint_before_the_cut_counts_as_pruned_and_not_as_truncated() {
    for pages in 0..8 {
        let (pruned, whole) = pruned(pages);
        let all = (1..=8).map(|page| whole.checkpoint(page));
        let ending = pruned.verify_against(all).unwrap();
        assert_eq!((ending.missed.as_slice(), ending.pruned), (&[][..], pages));
    }
}

#[test]
fn a_checkpoint_before_the_cut_that_is_forged_or_of_another_trail_is_missed() {
    let (pruned, whole) = pruned(5);
    let foreign = Trail::new(2, &[(1, false)]).checkpoint(1);
    assert_eq!(pruned.missed([foreign]), [(1, Missed::Foreign)]);
    let edits: [fn(&mut Checkpoint); 3] = [
        |checkpoint| checkpoint.hash[0] ^= 1,
        |checkpoint| checkpoint.signature[0] ^= 1,
        |checkpoint| checkpoint.sequence += 1,
    ];
    for edit in edits {
        let mut edited = whole.checkpoint(2);
        edit(&mut edited);
        assert_eq!(pruned.missed([edited]), [(2, Missed::Unsigned)]);
    }
    let mut unknown = whole.checkpoint(2);
    unknown.epoch = 99;
    assert_eq!(pruned.missed([unknown]), [(2, Missed::Replaced)]);

    // The holder of an epoch's key signs other pages with it: the last one of the epoch and the one at the cut are known,
    // and so is where the epoch begins and ends.
    let mut forked = trail();
    for page in &mut forked.pages {
        page.records = page.records.replace("tool", "fool");
    }
    forked.reseal_from(0, 1);
    for (page, is_known) in [(1, false), (2, true), (3, true), (5, true)] {
        let missed = pruned.missed([forked.checkpoint(page)]);
        let number = i64::try_from(page).unwrap();
        let expected = is_known.then_some((
            number,
            if page > 2 {
                Missed::Unsigned
            } else {
                Missed::Replaced
            },
        ));
        assert!(missed.into_iter().eq(expected), "page {page}");
    }
    forked.reseal_from(2, 2);
    for (page, is_known) in [(4, false), (5, true)] {
        let missed = pruned.missed([forked.checkpoint(page)]);
        let number = i64::try_from(page).unwrap();
        let expected = is_known.then_some((number, Missed::Replaced));
        assert!(missed.into_iter().eq(expected), "page {page}");
    }
    // The first page of the next epoch, and the one after it.
    for page in &forked.pages[2..4] {
        let mut beyond = Checkpoint::new(pruned.installation, page, NOW);
        beyond.epoch = 1;
        let page = Page {
            epoch: 1,
            ..page.clone()
        };
        let signed = page.signed(pruned.installation);
        let signature = forked.signers[0].pair().sign(signed.as_slice());
        beyond.signature = signature.as_ref().to_vec();
        assert_eq!(pruned.missed([beyond]), [(page.number, Missed::Replaced)]);
    }
}
