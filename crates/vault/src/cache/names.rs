//! What to record for names that were searched for a user's values. It is remembered longer than the user is cached:
//! where each use reads the database, each would otherwise open every value.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use toolvault_core::identity::UserId;

use super::slots::{Slots, Weigh};

/// How many names of tools and arguments are remembered for one user.
const MOST_NAMES: usize = 224;
/// How many bytes those have in all that stand for names with a value.
const MOST_BYTES: usize = 4 << 10;
/// The most memory that one user's names take, in bytes: a map has up to twice as many places of 25 bytes as members.
const WEIGHT: usize = MOST_NAMES * 2 * 25 + MOST_BYTES;

/// One user's names.
#[derive(Default)]
pub(crate) struct Names {
    /// Held by a search: several at once could take all memory and processors.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    known: Mutex<Known>,
}

/// By the hashes of the names under a key of this map. If only names without a value were remembered, the time would
/// show which these are.
#[derive(Default)]
struct Known {
    /// The generation of the ledger for the values that were searched for.
    generation: i64,
    hasher: RandomState,
    /// `None` stands for the name itself.
    names: HashMap<u64, Option<Box<str>>>,
    bytes: usize,
}

impl Weigh for Names {
    fn weight(&self) -> usize {
        WEIGHT
    }
}

/// A user, and when they were created: one who was deleted and signs in again with a token has the same ID, and
/// generations that begin at 0 again.
pub(crate) type Owner = (UserId, i64);

impl Slots<Owner, Names> {
    /// The names of a user.
    pub(crate) fn of(&self, user: Owner) -> Arc<Names> {
        self.get(&user).unwrap_or_else(|| {
            let fill = self.begin_fill(user);
            let names = Arc::default();
            fill.finish(&names);
            // Another caller may have been first.
            self.get(&user).unwrap_or(names)
        })
    }
}

impl Names {
    /// What to record for a name, if it was searched for the values of `generation`: the name itself if it has none.
    pub(crate) fn find(&self, name: &str, generation: i64) -> Option<String> {
        let known = self.known.lock();
        if known.generation != generation {
            return None;
        }
        let clean = known.names.get(&known.hasher.hash_one(name))?;
        Some(clean.as_deref().unwrap_or(name).to_owned())
    }

    /// Remembers what to record for a name after a search for the values of `generation`. When there are too many, or
    /// the generation is another, all are forgotten.
    pub(crate) fn note(&self, name: &str, clean: &str, generation: i64) {
        let mut known = self.known.lock();
        let clean = Some(clean).filter(|clean| *clean != name);
        let bytes = clean.map_or(0, str::len);
        let is_full = known.names.len() == MOST_NAMES || known.bytes + bytes > MOST_BYTES;
        if known.generation != generation || is_full {
            known.names.clear();
            known.bytes = 0;
            known.generation = generation;
        }
        let hash = known.hasher.hash_one(name);
        known.names.insert(hash, clean.map(Box::from));
        known.bytes += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_ends_with_its_generation() {
        let names = Names::default();
        names.note("tool", "tool", 1);
        names.note("with value", "with [secret:one]", 1);
        assert_eq!(names.find("tool", 1).unwrap(), "tool");
        assert_eq!(names.find("with value", 1).unwrap(), "with [secret:one]");
        assert!(names.find("tool", 2).is_none() && names.find("other", 1).is_none());
        names.note("other", "other", 2);
        assert!(names.find("tool", 1).is_none() && names.find("tool", 2).is_none());
        assert_eq!(names.find("other", 2).unwrap(), "other");
    }

    #[test]
    fn too_many_are_forgotten() {
        let names = Names::default();
        for number in 0..=MOST_NAMES {
            let name = number.to_string();
            names.note(&name, &name, 1);
        }
        assert!(names.find("0", 1).is_none());
        assert_eq!(names.known.lock().names.len(), 1);
        let clean = "x".repeat(MOST_BYTES / 2 + 1);
        names.note("first", &clean, 1);
        names.note("second", &clean, 1);
        assert!(names.find("first", 1).is_none());
        assert_eq!(names.find("second", 1).unwrap(), clean);
    }

    #[test]
    fn a_user_has_one_turn() {
        let slots = Slots::new(2 * WEIGHT);
        let [one, other] = [1, 2].map(|created_at| (UserId(uuid::Uuid::nil()), created_at));
        assert!(Arc::ptr_eq(&slots.of(one), &slots.of(one)));
        assert!(!Arc::ptr_eq(&slots.of(one), &slots.of(other)));
    }
}
