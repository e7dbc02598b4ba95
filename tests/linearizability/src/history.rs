//! What a secret does when one operation follows another, and the check of a history of operations.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use todc_utils::linearizability::history::{Action, History};
use todc_utils::{Specification, WGLChecker};

use crate::load::FIRST;

/// An operation and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// The value was replaced, if the secret had the tag that was expected; the answer named the new tag.
    Replaced {
        expected: Option<u64>,
        value: u64,
        tag: u64,
    },
    /// The value was not replaced: the tag was another one (412).
    Kept { expected: u64 },
    /// A tool received the value.
    Resolved { value: u64 },
    /// The secret was read, without its value.
    Read { tag: u64 },
}

impl Operation {
    /// The tag that the client learned.
    pub(crate) fn tag(self) -> Option<u64> {
        match self {
            Self::Replaced { tag, .. } | Self::Read { tag } => Some(tag),
            Self::Kept { .. } | Self::Resolved { .. } => None,
        }
    }
}

/// An operation, and the tag that the secret must have before it. Tags increase with each change, so of all changes there
/// is one order only, which spares the search most of its work.
#[derive(Clone, Copy, Debug)]
struct Step {
    operation: Operation,
    /// Of a change, the tag of the change before it.
    after: Option<u64>,
}

/// A secret: its value and its tag. There is neither before the first step, which makes it.
struct Secret;

impl Specification for Secret {
    type State = Option<(u64, u64)>;
    type Operation = Step;

    fn init() -> Self::State {
        None
    }

    fn apply(step: &Step, state: &Self::State) -> (bool, Self::State) {
        let (value_now, tag_now) = state.unzip();
        match step.operation {
            Operation::Replaced {
                expected,
                value,
                tag,
            } => {
                let is_expected = expected.is_none() || expected == tag_now;
                (is_expected && step.after == tag_now, Some((value, tag)))
            }
            Operation::Kept { expected } => (tag_now != Some(expected), *state),
            Operation::Resolved { value } => (value_now == Some(value), *state),
            Operation::Read { tag } => (tag_now == Some(tag), *state),
        }
    }
}

/// An operation, and when it began and ended.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) operation: Operation,
}

/// Whether one order explains all answers about a secret that was made with its first value and `first_tag`: each operation
/// takes effect at one instant between its begin and its end.
pub(crate) fn is_linearizable(first_tag: u64, entries: &[Entry]) -> bool {
    let made = Operation::Replaced {
        expected: None,
        value: FIRST,
        tag: first_tag,
    };
    let operations = entries.iter().map(|entry| entry.operation);
    let changes = operations.filter(|operation| matches!(operation, Operation::Replaced { .. }));
    let mut tags: Vec<u64> = changes
        .filter_map(Operation::tag)
        .chain([first_tag])
        .collect();
    tags.sort_unstable();
    let step = |operation: Operation| {
        let place = tags.iter().position(|tag| operation.tag() == Some(*tag));
        let before = place.and_then(|place| place.checked_sub(1));
        let after = before.and_then(|before| tags.get(before)).copied();
        Step { operation, after }
    };
    let mut actions = Vec::with_capacity(2 * entries.len());
    for (process, entry) in entries.iter().enumerate() {
        let step = step(entry.operation);
        // What ends in the instant in which another begins counts as under way together with it.
        actions.push((entry.began, false, process, Action::Call(step)));
        actions.push((entry.ended, true, process, Action::Response(step)));
    }
    actions.sort_by_key(|(at, is_end, ..)| (*at, *is_end));
    let made = step(made);
    let made = [Action::Call(made), Action::Response(made)];
    // Each operation is a process of its own, so that the order of the entries does not matter.
    let made = made.into_iter().map(|action| (entries.len(), action));
    let actions = actions
        .into_iter()
        .map(|(_, _, process, action)| (process, action));
    WGLChecker::<Secret>::is_linearizable(History::from_actions(made.chain(actions).collect()))
}

/// The most operations that were under way at one instant.
pub(crate) fn overlapping(entries: &[Entry]) -> usize {
    let mut entries = entries.to_vec();
    entries.sort_by_key(|entry| entry.began);
    let (mut ends, mut most) = (BinaryHeap::new(), 0);
    for entry in entries {
        while ends.peek().is_some_and(|Reverse(end)| *end < entry.began) {
            ends.pop();
        }
        ends.push(Reverse(entry.ended));
        most = most.max(ends.len());
    }
    most
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn history_of(operations: &[(u64, u64, Operation)]) -> Vec<Entry> {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let entries = operations.iter().map(|(began, ended, operation)| Entry {
            began: at(*began),
            ended: at(*ended),
            operation: *operation,
        });
        entries.collect()
    }

    const FIRST_TAG: u64 = 7;

    fn replaced(expected: Option<u64>, value: u64, tag: u64) -> Operation {
        Operation::Replaced {
            expected,
            value,
            tag,
        }
    }

    fn is_explained(operations: &[(u64, u64, Operation)]) -> bool {
        is_linearizable(FIRST_TAG, &history_of(operations))
    }

    #[test]
    fn a_value_may_be_seen_from_the_begin_of_its_write_to_the_end_of_the_next() {
        let first = (0, 10, replaced(None, 1, 8));
        let second = (20, 30, replaced(None, 2, 9));
        for (began, value, is_right) in [
            (5, 1, true),
            (5, FIRST, true),
            (11, FIRST, false),
            (11, 1, true),
            (11, 2, false),
            (25, 1, true),
            (25, 2, true),
            (31, 1, false),
        ] {
            let read = (began, began + 1, Operation::Resolved { value });
            assert_eq!(is_explained(&[first, second, read]), is_right, "{read:?}");
        }
        assert!(!is_explained(&[(0, 1, Operation::Resolved { value: 1 })]));
    }

    #[test]
    fn a_value_does_not_come_back() {
        let resolved = |value| Operation::Resolved { value };
        let change = (0, 100, replaced(None, 1, 8));
        assert!(is_explained(&[
            change,
            (10, 20, resolved(FIRST)),
            (30, 40, resolved(1))
        ]));
        assert!(!is_explained(&[
            change,
            (10, 20, resolved(1)),
            (30, 40, resolved(FIRST))
        ]));
    }

    #[test]
    fn changes_take_effect_in_the_order_of_their_tags() {
        let read = (50, 60, Operation::Read { tag: 9 });
        assert!(is_explained(&[
            (0, 30, replaced(None, 1, 9)),
            (10, 40, replaced(None, 2, 8)),
            read
        ]));
        assert!(!is_explained(&[
            (0, 10, replaced(None, 1, 9)),
            (20, 40, replaced(None, 2, 8)),
            read
        ]));
    }

    #[test]
    fn a_conditional_change_needs_the_tag_that_it_names() {
        let change = (0, 10, replaced(None, 1, 8));
        let swap = (20, 30, replaced(Some(8), 2, 9));
        assert!(is_explained(&[
            change,
            swap,
            (40, 50, Operation::Read { tag: 9 })
        ]));
        assert!(!is_explained(&[
            change,
            swap,
            (20, 30, replaced(Some(8), 3, 10))
        ]));
        let kept = |expected| (40, 50, Operation::Kept { expected });
        assert!(is_explained(&[change, swap, kept(8)]));
        assert!(!is_explained(&[change, swap, kept(9)]));
    }

    #[test]
    fn operations_under_way_together_are_counted() {
        let read = Operation::Read { tag: 0 };
        let entries = history_of(&[(0, 10, read), (5, 15, read), (11, 20, read), (30, 40, read)]);
        assert_eq!(overlapping(&entries), 2);
    }
}
