//! The rights of a key. No scope implies another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One right of a key (contract, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Create, list, change and delete the user's secrets and keys; reads no value.
    Manage,
    /// Call tools through the gateway; no value reaches the holder of the key.
    Use,
    /// Receive completed arguments, that is, read what a tool may receive.
    Resolve,
    /// Read the user's own audit trail.
    Audit,
    /// Users, quotas, anyone's keys, rotation, the whole audit trail; reads no value.
    Admin,
}

/// The text names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of 'manage', 'use', 'resolve', 'audit' and 'admin'")]
pub struct ScopeError;

impl Scope {
    /// All scopes in the order in which they are declared and shown.
    pub const ALL: [Self; 5] = [
        Self::Manage,
        Self::Use,
        Self::Resolve,
        Self::Audit,
        Self::Admin,
    ];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manage => "manage",
            Self::Use => "use",
            Self::Resolve => "resolve",
            Self::Audit => "audit",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or(ScopeError)
    }
}

/// A set of scopes; in JSON an array of their names in the declared order.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `scope` is in it.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether `outer` has every scope of this set.
    pub const fn is_subset_of(self, outer: Self) -> bool {
        self.0 & !outer.0 == 0
    }

    /// The scopes that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set and `scope`.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | scope.bit())
    }

    /// Its scopes in the declared order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |&scope| self.contains(scope))
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Scope>::deserialize(deserializer).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of the 32 sets with its scopes.
    fn all_sets() -> impl Iterator<Item = (ScopeSet, Vec<Scope>)> {
        (0_u8..32).map(|choice| {
            let chosen: Vec<Scope> = (0..)
                .zip(Scope::ALL)
                .filter(|(position, _)| choice & (1 << position) != 0)
                .map(|(_, scope)| scope)
                .collect();
            (chosen.iter().copied().collect(), chosen)
        })
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.to_string().parse(), Ok(scope));
            assert_eq!(
                serde_json::to_string(&scope).unwrap(),
                format!("\"{scope}\"")
            );
        }
        for text in ["", "Manage", "manage ", "root"] {
            assert_eq!(text.parse::<Scope>(), Err(ScopeError));
        }
    }

    #[test]
    fn sets_behave_as_sets() {
        for (left, left_scopes) in all_sets() {
            assert_eq!(left.iter().collect::<Vec<_>>(), left_scopes);
            assert_eq!(left.is_empty(), left_scopes.is_empty());
            for scope in Scope::ALL {
                assert_eq!(left.contains(scope), left_scopes.contains(&scope));
                assert!(left.with(scope).contains(scope));
            }
            for (right, right_scopes) in all_sets() {
                let within = left_scopes.iter().all(|scope| right_scopes.contains(scope));
                assert_eq!(left.is_subset_of(right), within);
                let shared = left_scopes
                    .iter()
                    .filter(|scope| right_scopes.contains(scope));
                assert_eq!(left.intersection(right), shared.copied().collect());
            }
        }
    }

    #[test]
    fn json_is_an_array_in_the_declared_order() {
        let read: ScopeSet = serde_json::from_str(r#"["admin","use","use","manage"]"#).unwrap();
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            r#"["manage","use","admin"]"#
        );
        assert_eq!(format!("{read:?}"), "{Manage, Use, Admin}");
        assert!(serde_json::from_str::<ScopeSet>(r#"["root"]"#).is_err());
        for (set, _) in all_sets() {
            let text = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<ScopeSet>(&text).unwrap(), set);
        }
    }
}
