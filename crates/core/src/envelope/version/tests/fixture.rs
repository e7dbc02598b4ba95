//! One sealed version, and everything needed to open it.

use std::collections::BTreeMap;

use super::super::*;
use crate::entropy::deterministic::Deterministic;
use crate::policy::Policy;
use crate::timestamp::Timestamp;

/// A blob of a stored version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blob {
    DataKey,
    Value,
    Display,
}

impl Blob {
    pub(super) const ALL: [Self; 3] = [Self::DataKey, Self::Value, Self::Display];

    pub(super) fn of(self, sealed: &SealedVersion) -> &Vec<u8> {
        match self {
            Self::DataKey => &sealed.data_key,
            Self::Value => &sealed.value,
            Self::Display => &sealed.display,
        }
    }

    pub(super) fn of_mut(self, sealed: &mut SealedVersion) -> &mut Vec<u8> {
        match self {
            Self::DataKey => &mut sealed.data_key,
            Self::Value => &mut sealed.value,
            Self::Display => &mut sealed.display,
        }
    }
}

/// A state that owns its fields, so that tests can change one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnedState {
    pub(super) name: String,
    pub(super) tool: Option<String>,
    pub(super) argument: Option<String>,
    pub(super) is_default: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) effective_at: i64,
    pub(super) policy: Policy,
}

impl OwnedState {
    pub(super) fn new() -> Self {
        let when = BTreeMap::from([
            (
                "owner".to_owned(),
                vec!["acme-*".to_owned(), "example".to_owned()],
            ),
            ("repository".to_owned(), vec!["*".to_owned()]),
        ]);
        Self {
            name: "linear".to_owned(),
            tool: Some("agno__linear__*".to_owned()),
            argument: Some("api_token".to_owned()),
            is_default: true,
            created_at: 1_000_000,
            updated_at: 2_000_000,
            effective_at: 2_000_000,
            policy: Policy {
                expires_at: Some(Timestamp::from_microseconds(9_000_000)),
                rotate_after_days: Some(90),
                when,
                protected: false,
                redact: true,
                canary: false,
                approval: None,
            },
        }
    }

    pub(super) fn hash(&self, identity: &VersionIdentity) -> StateHash {
        let state = SecretState {
            name: &self.name,
            tool: self.tool.as_deref(),
            argument: self.argument.as_deref(),
            is_default: self.is_default,
            created_at: Timestamp::from_microseconds(self.created_at),
            updated_at: Timestamp::from_microseconds(self.updated_at),
            effective_at: Timestamp::from_microseconds(self.effective_at),
            policy: &self.policy,
        };
        state.hash(identity)
    }
}

pub(super) struct Fixture {
    pub(super) entropy: Deterministic,
    pub(super) user_keys: UserKeys,
    pub(super) identity: VersionIdentity,
    pub(super) state: OwnedState,
}

impl Fixture {
    pub(super) fn new(seed: u64) -> Self {
        let entropy = Deterministic::new(seed);
        let now = Timestamp::from_microseconds(1_767_323_045_000_000);
        let user_keys = UserKeys::generate(&entropy).unwrap();
        let identity = VersionIdentity {
            installation: InstallationId::generate(&entropy, now).unwrap(),
            user: UserId::generate(&entropy, now).unwrap(),
            secret: SecretId::generate(&entropy, now).unwrap(),
            version: 2,
        };
        Self {
            entropy,
            user_keys,
            identity,
            state: OwnedState::new(),
        }
    }

    pub(super) fn state_time(&self) -> Timestamp {
        Timestamp::from_microseconds(self.state.updated_at)
    }

    pub(super) fn current(&self) -> Standing {
        Standing::Current(self.state.hash(&self.identity))
    }

    pub(super) fn seal(&self) -> SealedVersion {
        let shown = Shown {
            display: "lin********3456".into(),
            bytes: 19,
        };
        self.seal_value(&Confidential::from("lin_api_0123456"), &shown)
    }

    pub(super) fn seal_value(&self, value: &Confidential, shown: &Shown) -> SealedVersion {
        let (user_keys, identity) = (&self.user_keys, &self.identity);
        SealedVersion::seal(
            user_keys,
            identity,
            self.current(),
            value,
            shown,
            &self.entropy,
        )
        .unwrap()
    }

    pub(super) fn open_value(&self, sealed: &SealedVersion) -> Result<Vec<u8>, OpenError> {
        let value = sealed.open_value(&self.user_keys, &self.identity, self.current())?;
        Ok(value.expose().to_vec())
    }

    pub(super) fn open_shown(&self, sealed: &SealedVersion) -> Result<Shown, OpenError> {
        sealed.open_shown(&self.user_keys, &self.identity, self.current())
    }

    /// After a change of `part`, only what depends on it fails to open.
    pub(super) fn assert_refused(&self, changed: &SealedVersion, part: Blob, what: &str) {
        assert_eq!(
            self.open_value(changed).is_err(),
            part != Blob::Display,
            "{what}: value"
        );
        assert_eq!(
            self.open_shown(changed).is_err(),
            part != Blob::Value,
            "{what}: display"
        );
    }

    /// Nothing opens as `identity` in this `standing` with this key.
    pub(super) fn assert_closed(
        sealed: &SealedVersion,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        standing: Standing,
        what: &str,
    ) {
        let value = sealed.open_value(user_keys, identity, standing).map(|_| ());
        assert_eq!(value, Err(OpenError::Forged), "{what}: value");
        let shown = sealed.open_shown(user_keys, identity, standing).map(|_| ());
        assert_eq!(shown, Err(OpenError::Forged), "{what}: display");
    }
}

impl SealedVersion {
    pub(super) fn open_value(
        &self,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        standing: Standing,
    ) -> Result<Confidential, OpenError> {
        self.value().open(user_keys, identity, standing)
    }

    pub(super) fn rewrap(
        &mut self,
        user_keys: &UserKeys,
        identity: &VersionIdentity,
        from: Standing,
        to: Standing,
        entropy: &dyn Entropy,
    ) -> Result<(), RewrapError> {
        let mut value = self.value();
        let rewrapped = value.rewrap(user_keys, identity, from, to, entropy);
        let (data_key, value) = value.split();
        (self.data_key, self.value) = (data_key.to_vec(), value.to_vec());
        rewrapped
    }
}
