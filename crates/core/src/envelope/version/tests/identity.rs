//! The identity and the standing of a version are bound into its seals.

use super::super::*;
use super::fixture::{Blob, Fixture};
use crate::entropy::deterministic::Deterministic;

#[test]
fn no_part_of_the_identity_can_be_another() {
    let fixture = Fixture::new(1);
    let other = Fixture::new(2).identity;
    let sealed = fixture.seal();
    let identity = fixture.identity;
    let others = [
        (
            "installation",
            VersionIdentity {
                installation: other.installation,
                ..identity
            },
        ),
        (
            "user",
            VersionIdentity {
                user: other.user,
                ..identity
            },
        ),
        (
            "secret",
            VersionIdentity {
                secret: other.secret,
                ..identity
            },
        ),
        (
            "version",
            VersionIdentity {
                version: 1,
                ..identity
            },
        ),
        (
            "next version",
            VersionIdentity {
                version: 3,
                ..identity
            },
        ),
        (
            "negative version",
            VersionIdentity {
                version: -2,
                ..identity
            },
        ),
    ];
    for (what, wrong) in others {
        // The hash of the right row: the identity alone must suffice to refuse.
        Fixture::assert_closed(&sealed, &fixture.user_keys, &wrong, fixture.current(), what);
        // And the hash of the wrong row, as a server would compute it.
        let standing = Standing::Current(fixture.state.hash(&wrong));
        Fixture::assert_closed(&sealed, &fixture.user_keys, &wrong, standing, what);
    }
}

#[test]
fn ids_of_different_kinds_cannot_change_places() {
    let fixture = Fixture::new(1);
    let identity = fixture.identity;
    let swapped = VersionIdentity {
        user: UserId(identity.secret.0),
        secret: SecretId(identity.user.0),
        ..identity
    };
    let sealed = fixture.seal();
    Fixture::assert_closed(
        &sealed,
        &fixture.user_keys,
        &swapped,
        fixture.current(),
        "user and secret",
    );
}

#[test]
fn the_value_and_the_display_form_are_bound_by_themselves() {
    let fixture = Fixture::new(1);
    let other = Fixture::new(2).identity;
    let sealed = fixture.seal();
    let identity = fixture.identity;
    let (user_keys, current) = (&fixture.user_keys, fixture.current());
    let data_key = open_data_key(&sealed.data_key, user_keys, &identity, current).unwrap();
    for (part, blob) in [
        (Part::Value, &sealed.value),
        (Part::Display, &sealed.display),
    ] {
        let key = derive(&data_key, part).unwrap();
        for wrong in [
            VersionIdentity {
                installation: other.installation,
                ..identity
            },
            VersionIdentity {
                user: other.user,
                ..identity
            },
            VersionIdentity {
                secret: other.secret,
                ..identity
            },
            VersionIdentity {
                version: 1,
                ..identity
            },
        ] {
            let opened = open(&key, part_transcript(&wrong, part), blob).map(|_| ());
            assert_eq!(opened, Err(OpenError::Forged), "{wrong:?}");
        }
    }
}

#[test]
fn blobs_of_another_version_of_the_same_secret_do_not_fit() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    let mut older = Fixture::new(1);
    older.identity.version = 1;
    let older = older.seal();
    for blob in Blob::ALL {
        let mut mixed = sealed.clone();
        *blob.of_mut(&mut mixed) = blob.of(&older).clone();
        fixture.assert_refused(&mixed, blob, &format!("{blob:?} of version 1"));
    }
    assert!(fixture.open_value(&older).is_err());
}

#[test]
fn the_key_of_another_user_opens_nothing() {
    let fixture = Fixture::new(1);
    let sealed = fixture.seal();
    let other = Fixture::new(2).user_keys;
    Fixture::assert_closed(
        &sealed,
        &other,
        &fixture.identity,
        fixture.current(),
        "other key",
    );
}

#[test]
fn a_current_version_does_not_open_as_superseded_nor_the_reverse() {
    let fixture = Fixture::new(1);
    let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
    let mut sealed = fixture.seal();
    Fixture::assert_closed(
        &sealed,
        user_keys,
        identity,
        Standing::Superseded,
        "current",
    );
    sealed
        .rewrap(
            user_keys,
            identity,
            fixture.current(),
            Standing::Superseded,
            &fixture.entropy,
        )
        .unwrap();
    Fixture::assert_closed(
        &sealed,
        user_keys,
        identity,
        fixture.current(),
        "superseded",
    );
    assert!(
        sealed
            .open_value(user_keys, identity, Standing::Superseded)
            .is_ok()
    );
}

#[test]
fn rewrapping_keeps_value_and_display_and_ends_the_old_standing() {
    let fixture = Fixture::new(1);
    let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
    let sealed = fixture.seal();
    let mut renamed = fixture.state.clone();
    renamed.name = "linear-2".to_owned();
    let to = Standing::Current(renamed.hash(identity));
    let mut rewrapped = sealed.clone();
    rewrapped
        .rewrap(user_keys, identity, fixture.current(), to, &fixture.entropy)
        .unwrap();

    assert_eq!(rewrapped.value, sealed.value);
    assert_eq!(rewrapped.display, sealed.display);
    assert_ne!(rewrapped.data_key, sealed.data_key);
    Fixture::assert_closed(
        &rewrapped,
        user_keys,
        identity,
        fixture.current(),
        "old standing",
    );
    Fixture::assert_closed(&sealed, user_keys, identity, to, "old wrap");
    let value = rewrapped.open_value(user_keys, identity, to).unwrap();
    assert_eq!(value.expose(), fixture.open_value(&sealed).unwrap());
    assert_eq!(
        rewrapped.open_shown(user_keys, identity, to),
        fixture.open_shown(&sealed)
    );
}

#[test]
fn a_rewrap_moves_the_data_key_to_the_newest_key_of_the_user_and_nothing_else() {
    let fixture = Fixture::new(1);
    let identity = &fixture.identity;
    let sealed = fixture.seal();
    let now = fixture.state_time();
    let rotating = fixture.user_keys.clone().renew(now, &fixture.entropy);
    let rotating = rotating.unwrap();
    let alone = rotating.clone().without_former();
    let mut moved = sealed.clone();
    let standing = fixture.current();
    moved
        .rewrap(&rotating, identity, standing, standing, &fixture.entropy)
        .unwrap();
    assert_eq!(
        (&moved.value, &moved.display),
        (&sealed.value, &sealed.display)
    );
    for (keys, blobs, opens) in [
        (&fixture.user_keys, &sealed, true),
        (&fixture.user_keys, &moved, false),
        (&rotating, &sealed, true),
        (&rotating, &moved, true),
        (&alone, &sealed, false),
        (&alone, &moved, true),
    ] {
        assert_eq!(blobs.open_value(keys, identity, standing).is_ok(), opens);
    }
    let closed = moved.open_value(&alone, identity, Standing::Superseded);
    assert_eq!(closed.err(), Some(OpenError::Forged));
}

#[test]
fn rewrapping_from_the_wrong_standing_or_without_randomness_changes_nothing() {
    let fixture = Fixture::new(1);
    let (user_keys, identity) = (&fixture.user_keys, &fixture.identity);
    let sealed = fixture.seal();
    let mut kept = sealed.clone();
    let refused = kept.rewrap(
        user_keys,
        identity,
        Standing::Superseded,
        fixture.current(),
        &fixture.entropy,
    );
    assert!(matches!(refused, Err(RewrapError::Open(OpenError::Forged))));
    let exhausted = Deterministic::failing_after(1, 0);
    let refused = kept.rewrap(
        user_keys,
        identity,
        fixture.current(),
        Standing::Superseded,
        &exhausted,
    );
    assert!(matches!(refused, Err(RewrapError::Entropy(_))));
    for blob in Blob::ALL {
        assert_eq!(blob.of(&kept), blob.of(&sealed));
    }
    assert!(fixture.open_value(&kept).is_ok());
}
