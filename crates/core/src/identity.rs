//! Identifiers as types of their own, so that a user's id is never taken for a secret's.

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

            /// The sixteen bytes that identify it in additional data and in tables.
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
    /// One installation: all that shares a database and a root key.
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
