//! Which of several secrets for an argument of a tool is applied.
//!
//! [`Rank`] orders candidates, and [`PatternIndex`] finds them without looking at every pattern.

use std::cmp::Reverse;

use crate::identity::SecretId;
use crate::pattern::ToolPattern;
use crate::timestamp::Timestamp;

mod index;

pub use index::{PatternIndex, Patterned};

/// The precedence of a candidate: the greatest wins (contract, section 4 rule 5).
///
/// No two secrets have equal ranks, so the winner never depends on the order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    // The derived order compares the fields from first to last. That order is the rule.
    is_exact: bool,
    literal_chars: usize,
    effective_at: Timestamp,
    id: Reverse<SecretId>,
}

/// The criterion that put one rank before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// An exact name beats a pattern.
    ExactName,
    /// The pattern with more literal characters wins.
    MoreLiteralCharacters,
    /// The one whose value, binding or flag changed last wins.
    ChangedLast,
    /// The smallest id wins.
    SmallestId,
}

impl Rank {
    /// The rank of the secret `id`, bound to `pattern`, whose value, binding or flag last changed
    /// at `effective_at`.
    pub fn of(pattern: &ToolPattern, effective_at: Timestamp, id: SecretId) -> Self {
        Self {
            is_exact: pattern.is_exact(),
            literal_chars: pattern.literal_chars(),
            effective_at,
            id: Reverse(id),
        }
    }

    /// The first criterion in which the two differ, whichever of them it favours; `None` if they are equal.
    pub fn decided_by(&self, other: &Self) -> Option<Precedence> {
        if self.is_exact != other.is_exact {
            Some(Precedence::ExactName)
        } else if self.literal_chars != other.literal_chars {
            Some(Precedence::MoreLiteralCharacters)
        } else if self.effective_at != other.effective_at {
            Some(Precedence::ChangedLast)
        } else if self.id != other.id {
            Some(Precedence::SmallestId)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::tests::pattern;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn rank(text: &str, effective_at: i64, id: u128) -> Rank {
        let moment = Timestamp::from_microseconds(effective_at);
        Rank::of(&pattern(text), moment, SecretId(Uuid::from_u128(id)))
    }

    #[test]
    fn each_criterion_outweighs_all_that_follow() {
        for (winner, loser, why) in [
            (
                rank("abc", 1, 9),
                rank("abcdefgh*", 2, 1),
                Precedence::ExactName,
            ),
            (
                rank("abc*", 1, 9),
                rank("ab**********", 2, 1),
                Precedence::MoreLiteralCharacters,
            ),
            (
                rank("éé*", 1, 9),
                rank("é*", 2, 1),
                Precedence::MoreLiteralCharacters,
            ),
            (
                rank("a*b", 2, 9),
                rank("ab*", 1, 1),
                Precedence::ChangedLast,
            ),
            (rank("a*b", 1, 1), rank("ab*", 1, 9), Precedence::SmallestId),
        ] {
            assert!(winner > loser, "{winner:?} {loser:?}");
            assert_eq!(winner.decided_by(&loser), Some(why));
            assert_eq!(loser.decided_by(&winner), Some(why));
        }
        assert_eq!(rank("a", 1, 1).decided_by(&rank("a", 1, 1)), None);
    }

    proptest! {
        #[test]
        fn the_winner_does_not_depend_on_the_order_of_insertion(
            candidates in prop::collection::vec(("[ab*]{1,3}", 0_i64..3), 1..12),
            rotation in 0_usize..12,
        ) {
            let mut ranks: Vec<Rank> = (0_u128..)
                .zip(&candidates)
                .map(|(id, (text, effective_at))| rank(text, *effective_at, id))
                .collect();
            let winner = ranks.iter().max().copied();
            let turns = rotation % ranks.len();
            ranks.rotate_left(turns);
            prop_assert_eq!(ranks.iter().max().copied(), winner);
            ranks.reverse();
            prop_assert_eq!(ranks.iter().max().copied(), winner);
        }
    }
}
