//! Identifiers as separate types, so that a user's ID cannot be passed as a secret's.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::entropy::{Entropy, EntropyError};
use crate::timestamp::Timestamp;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new `UUIDv7` (RFC 9562, section 5.7) made at `now`.
            pub fn generate(entropy: &dyn Entropy, now: Timestamp) -> Result<Self, EntropyError> {
                let mut random = [0; 10];
                entropy.fill(&mut random)?;
                let milliseconds = u64::try_from(now.microseconds() / 1000).unwrap_or(0);
                Ok(Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()))
            }

            /// The sixteen bytes used in additional data and in tables.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

identifier!(
    /// One installation: everything that shares a database and a root key.
    InstallationId
);
identifier!(
    /// A user, who owns secrets and keys.
    UserId
);
identifier!(
    /// A secret of one user.
    SecretId
);
identifier!(
    /// A request that a person allow a call of a tool.
    ApprovalId
);
identifier!(
    /// A session of a browser, or a link that begins one.
    SignInId
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::deterministic::Deterministic;

    #[test]
    fn an_id_is_a_uuid_of_version_7_that_begins_with_its_millisecond() {
        let entropy = Deterministic::new(1);
        let now = Timestamp::from_microseconds(1_767_323_045_678_901);
        let first = SecretId::generate(&entropy, now).unwrap();
        let second = SecretId::generate(&entropy, now).unwrap();
        assert_ne!(first, second);
        for id in [first, second] {
            assert_eq!(id.0.get_version_num(), 7);
            assert_eq!(id.0.get_variant(), uuid::Variant::RFC4122);
            let mut milliseconds = [0; 8];
            milliseconds[2..].copy_from_slice(&id.as_bytes()[..6]);
            assert_eq!(u64::from_be_bytes(milliseconds), 1_767_323_045_678);
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let entropy = Deterministic::new(1);
        let ids: Vec<UserId> = (0..50)
            .map(|millisecond| {
                let now = Timestamp::from_microseconds(millisecond * 1000);
                UserId::generate(&entropy, now).unwrap()
            })
            .collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn no_id_is_made_without_randomness() {
        let now = Timestamp::from_microseconds(0);
        assert!(InstallationId::generate(&Deterministic::failing_after(1, 0), now).is_err());
    }
}
