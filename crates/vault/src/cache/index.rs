//! One user's secrets, indexed so that resolving does not scan them all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_core::ranking::PatternIndex;
use toolvault_core::timestamp::Timestamp;

use crate::secret::Secret;

/// How many names of tools and arguments are remembered.
const MOST_HARMLESS: usize = 128;
/// The most memory that they take, in bytes: a set has up to twice as many places of 9 bytes as members.
const HARMLESS_WEIGHT: usize = MOST_HARMLESS * 2 * 9;

#[derive(Default)]
pub(crate) struct Index {
    by_age: BTreeMap<(Timestamp, SecretId), Arc<Secret>>,
    by_id: HashMap<SecretId, Arc<Secret>>,
    by_name: HashMap<String, BTreeSet<SecretId>>,
    defaults: PatternIndex<Arc<Secret>>,
    /// Whether a row differs from what was stored, or the rows are not the ones that the ledger counts.
    is_broken: bool,
    /// The generation of the ledger for these secrets.
    generation: i64,
    weight: usize,
    harmless: Mutex<Harmless>,
}

/// Names that hold none of the values, as hashes under a key of this set.
#[derive(Default)]
struct Harmless {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Index {
    /// An empty index for the secrets that a ledger of this generation counts.
    pub(crate) fn at(generation: i64) -> Self {
        Self {
            generation,
            ..Self::default()
        }
    }

    /// Applies a change that led to `generation`, unless the index already includes it. Returns false if an earlier
    /// change was missed: the index is then useless.
    pub(crate) fn follow(&mut self, generation: i64, change: impl FnOnce(&mut Self)) -> bool {
        if generation <= self.generation {
            return true;
        }
        if self.is_broken || generation != self.generation + 1 {
            return false;
        }
        change(self);
        self.generation = generation;
        true
    }

    /// Adds a secret or replaces it.
    pub(crate) fn store(&mut self, secret: Arc<Secret>) {
        self.remove(secret.id);
        self.harmless.get_mut().hashes.clear();
        self.weight += secret.weight();
        self.by_name
            .entry(secret.name.clone())
            .or_default()
            .insert(secret.id);
        if secret.binding.applies_by_itself()
            && let Some(pattern) = &secret.binding.tool
        {
            self.defaults.insert(pattern.clone(), Arc::clone(&secret));
        }
        self.by_age
            .insert((secret.created_at, secret.id), Arc::clone(&secret));
        self.by_id.insert(secret.id, secret);
    }

    pub(crate) fn remove(&mut self, id: SecretId) {
        let Some(secret) = self.by_id.remove(&id) else {
            return;
        };
        self.weight = self.weight.saturating_sub(secret.weight());
        self.by_age.remove(&(secret.created_at, id));
        if let Some(ids) = self.by_name.get_mut(&secret.name) {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_name.remove(&secret.name);
            }
        }
        if let Some(pattern) = &secret.binding.tool {
            self.defaults.remove(pattern, |other| other.id == id);
        }
    }

    /// Notes that a row was changed, is missing, or was put back.
    pub(crate) fn mark_broken(&mut self) {
        self.is_broken = true;
    }

    /// Whether the secrets are exactly as they were stored. If they are not, their bindings cannot be trusted, so no
    /// secret is resolved or listed.
    pub(crate) fn is_intact(&self) -> bool {
        !self.is_broken
    }

    pub(crate) fn get(&self, id: SecretId) -> Option<&Arc<Secret>> {
        self.by_id.get(&id)
    }

    pub(crate) fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Arc<Secret>> {
        self.by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|id| self.by_id.get(id))
    }

    /// The defaults whose pattern matches the tool.
    pub(crate) fn defaults_for<'a>(
        &'a self,
        tool: &'a ToolName,
    ) -> impl Iterator<Item = &'a Arc<Secret>> {
        self.defaults.candidates(tool).map(|(_, secret)| secret)
    }

    /// All secrets, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.by_age.values()
    }

    /// The generation of the ledger that counts these secrets.
    pub(crate) fn generation(&self) -> i64 {
        self.generation
    }

    /// Whether a name is known to hold none of the values.
    pub(crate) fn is_harmless(&self, name: &str) -> bool {
        let harmless = self.harmless.lock();
        harmless.hashes.contains(&harmless.hasher.hash_one(name))
    }

    /// Remembers that a name holds none of the values of `generation`. When there are too many, all are forgotten.
    pub(crate) fn note_harmless(&self, name: &str, generation: i64) {
        if generation != self.generation {
            return;
        }
        let mut harmless = self.harmless.lock();
        if harmless.hashes.len() == MOST_HARMLESS {
            harmless.hashes.clear();
        }
        let hash = harmless.hasher.hash_one(name);
        harmless.hashes.insert(hash);
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight + HARMLESS_WEIGHT
    }
}
