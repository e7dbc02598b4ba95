//! One user's secrets, indexed so that resolving does not scan them all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;
use toolvault_core::identity::SecretId;
use toolvault_core::pattern::ToolName;
use toolvault_core::ranking::PatternIndex;
use toolvault_core::timestamp::Timestamp;

use crate::secret::Secret;

/// How many names of tools and arguments are remembered.
const MOST_NAMES: usize = 224;
/// How many bytes those have in all that stand for names with a value.
const MOST_BYTES: usize = 4 << 10;
/// The most memory that they take, in bytes: a map has up to twice as many places of 25 bytes as members.
const NAMES_WEIGHT: usize = MOST_NAMES * 2 * 25 + MOST_BYTES;

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
    searched: Mutex<Searched>,
}

/// What to record for names that were searched for the values, by their hashes under a key of this map: `None` for the
/// name itself. If those with a value were searched each time, the time would show which these are.
#[derive(Default)]
struct Searched {
    hasher: RandomState,
    names: HashMap<u64, Option<Box<str>>>,
    bytes: usize,
}

impl Searched {
    fn clear(&mut self) {
        self.names.clear();
        self.bytes = 0;
    }
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
        self.searched.get_mut().clear();
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

    /// What to record for a name, if it is known: the name itself if it holds none of the values.
    pub(crate) fn searched(&self, name: &str) -> Option<String> {
        let searched = self.searched.lock();
        let clean = searched.names.get(&searched.hasher.hash_one(name))?;
        Some(clean.as_deref().unwrap_or(name).to_owned())
    }

    /// Remembers what to record for a name after a search for the values of `generation`. When there are too many, all
    /// are forgotten.
    pub(crate) fn note_searched(&self, name: &str, clean: &str, generation: i64) {
        if generation != self.generation {
            return;
        }
        let mut searched = self.searched.lock();
        let clean = Some(clean).filter(|clean| *clean != name);
        let bytes = clean.map_or(0, str::len);
        if searched.names.len() == MOST_NAMES || searched.bytes + bytes > MOST_BYTES {
            searched.clear();
        }
        let hash = searched.hasher.hash_one(name);
        searched.names.insert(hash, clean.map(Box::from));
        searched.bytes += bytes;
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight + NAMES_WEIGHT
    }
}
