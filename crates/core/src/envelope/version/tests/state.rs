//! Everything that decides who receives a value is in the hash that its wrap is bound to.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::fixture::{Fixture, OwnedState};
use crate::policy::{Approval, Policy};
use crate::timestamp::Timestamp;

type Change = (&'static str, fn(&mut OwnedState));

const CHANGES: [Change; 23] = [
    ("name", |state| state.name.push('x')),
    ("name in other case", |state| {
        state.name = "Linear".to_owned();
    }),
    ("tool", |state| state.tool = Some("*".to_owned())),
    ("no tool", |state| state.tool = None),
    ("empty tool", |state| state.tool = Some(String::new())),
    ("argument", |state| {
        state.argument = Some("token".to_owned());
    }),
    ("no argument", |state| state.argument = None),
    ("tool and argument exchanged", |state| {
        std::mem::swap(&mut state.tool, &mut state.argument);
    }),
    ("flag", |state| state.is_default = false),
    ("created_at", |state| state.created_at += 1),
    ("updated_at", |state| state.updated_at += 1),
    ("effective_at", |state| state.effective_at += 1),
    ("expiry", |state| {
        state.policy.expires_at = Some(Timestamp::from_microseconds(9_000_001));
    }),
    ("no expiry", |state| state.policy.expires_at = None),
    ("rotation", |state| {
        state.policy.rotate_after_days = Some(91);
    }),
    ("no rotation", |state| state.policy.rotate_after_days = None),
    ("protection", |state| state.policy.protected = true),
    ("redaction", |state| state.policy.redact = false),
    ("protection and redaction exchanged", |state| {
        std::mem::swap(&mut state.policy.protected, &mut state.policy.redact);
    }),
    ("approval", |state| {
        state.policy.approval = Some(Approval::Always);
    }),
    ("another approval", |state| {
        state.policy.approval = Some(Approval::Writes);
    }),
    ("no conditions", |state| state.policy.when.clear()),
    ("canary", |state| state.policy.canary = true),
];

const CONDITION_CHANGES: [Change; 8] = [
    ("condition on another argument", |state| {
        let patterns = state.policy.when.remove("owner").unwrap();
        state.policy.when.insert("org".to_owned(), patterns);
    }),
    ("one condition less", |state| {
        state.policy.when.remove("repository");
    }),
    ("one condition more", |state| {
        state
            .policy
            .when
            .insert("branch".to_owned(), vec!["main".to_owned()]);
    }),
    ("condition without patterns", |state| {
        state.policy.when.insert("owner".to_owned(), Vec::new());
    }),
    ("wider pattern", |state| {
        state.policy.when.get_mut("owner").unwrap()[0] = "*".to_owned();
    }),
    ("patterns in another order", |state| {
        state.policy.when.get_mut("owner").unwrap().reverse();
    }),
    ("pattern under the other argument", |state| {
        let pattern = state.policy.when.get_mut("owner").unwrap().remove(1);
        state
            .policy
            .when
            .get_mut("repository")
            .unwrap()
            .push(pattern);
    }),
    ("argument that looks like a pattern before it", |state| {
        // The fields stay the same in the same order; only the counts between them move.
        state.policy.when = BTreeMap::from([(
            "owner".to_owned(),
            ["acme-*", "example", "repository", "*"]
                .map(str::to_owned)
                .to_vec(),
        )]);
    }),
];

#[test]
fn no_field_of_the_state_can_be_another() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    for (what, change) in CHANGES.into_iter().chain(CONDITION_CHANGES) {
        let mut state = fixture.state.clone();
        change(&mut state);
        assert_ne!(state, fixture.state, "{what}");
        let standing = Standing::Current(state.hash(&fixture.identity));
        Fixture::assert_closed(
            &sealed,
            &fixture.user_keys,
            &fixture.identity,
            standing,
            what,
        );
    }
    assert!(fixture.open_value(&sealed).is_ok());
}

#[test]
fn no_two_of_the_changed_states_have_one_hash() {
    let fixture = Fixture::new(1);
    let mut hashes: Vec<[u8; 32]> = CHANGES
        .into_iter()
        .chain(CONDITION_CHANGES)
        .map(|(_, change)| {
            let mut state = fixture.state.clone();
            change(&mut state);
            *state.hash(&fixture.identity).as_bytes()
        })
        .collect();
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn a_pattern_cannot_become_the_next_argument() {
    let fixture = Fixture::new(1);
    let hash = |when: [(&str, &[&str]); 2]| {
        let owned = |patterns: &[&str]| patterns.iter().map(|text| (*text).to_owned()).collect();
        let when = when.map(|(argument, patterns)| (argument.to_owned(), owned(patterns)));
        let mut state = fixture.state.clone();
        state.policy.when = BTreeMap::from(when);
        state.hash(&fixture.identity)
    };
    // The same texts in the same order, under as many arguments.
    let first = hash([("a", &["b"]), ("c", &["d"])]);
    let second = hash([("a", &["b", "c"]), ("d", &[])]);
    assert_ne!(first, second);
}

#[test]
fn the_hash_names_the_secret_and_the_version() {
    let fixture = Fixture::new(1);
    let hash = |identity: &VersionIdentity| fixture.state.hash(identity);
    let identity = fixture.identity;
    let other_secret = VersionIdentity {
        secret: Fixture::new(2).identity.secret,
        ..identity
    };
    assert_ne!(hash(&identity), hash(&other_secret));
    assert_ne!(
        hash(&identity),
        hash(&VersionIdentity {
            version: 3,
            ..identity
        })
    );
    assert_eq!(hash(&identity), hash(&identity.clone()));
}

fn text() -> impl Strategy<Value = String> {
    "[ab\u{0}1]{0,2}"
}

prop_compose! {
    /// Few possible values for each field, so that two states are often near each other.
    fn state()(
        name in text(),
        tool in prop::option::of(text()),
        argument in prop::option::of(text()),
        is_default in any::<bool>(),
        moments in [0_i64..2, 0..2, 0..2],
        expires_at in prop::option::of(0_i64..2),
        rotate_after_days in prop::option::of(0_u32..2),
        when in prop::collection::btree_map(text(), prop::collection::vec(text(), 0..3), 0..3),
        protected in any::<bool>(),
        redact in any::<bool>(),
        canary in any::<bool>(),
        approval in prop::option::of(prop::sample::select(&Approval::ALL)),
    ) -> OwnedState {
        let expires_at = expires_at.map(Timestamp::from_microseconds);
        OwnedState {
            name, tool, argument, is_default,
            created_at: moments[0], updated_at: moments[1], effective_at: moments[2],
            policy: Policy { expires_at, rotate_after_days, when, protected, redact, canary, approval },
        }
    }
}

proptest! {
    #[test]
    fn two_states_have_one_hash_only_if_they_are_equal(left in state(), right in state()) {
        let identity = Fixture::new(1).identity;
        prop_assert_eq!(left == right, left.hash(&identity) == right.hash(&identity));
    }

    #[test]
    fn states_that_differ_in_their_conditions_alone_have_different_hashes(
        state in state(),
        other in state(),
    ) {
        let identity = Fixture::new(1).identity;
        let mut changed = state.clone();
        changed.policy.when = other.policy.when;
        prop_assert_eq!(state == changed, state.hash(&identity) == changed.hash(&identity));
    }
}
