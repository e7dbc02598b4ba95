//! One user's secrets, indexed so that resolving does not scan them all.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use toolvault_core::identity::SecretId;
use toolvault_core::pattern::{ToolName, ToolPattern};
use toolvault_core::ranking::PatternIndex;
use toolvault_core::timestamp::Timestamp;

use crate::secret::Secret;

/// What the orders and the defaults take for one secret: a vector that grew has up to twice as many places as members.
const PLACES_WEIGHT: usize = 2 * (3 * 8 + 24);

/// Each order takes 8 bytes for a secret, and the defaults take 24.
#[derive(Default)]
pub(crate) struct Index {
    by_age: Vec<Arc<Secret>>,
    by_id: Vec<Arc<Secret>>,
    by_name: Vec<Arc<Secret>>,
    defaults: PatternIndex<Arc<Secret>>,
    canaries: Vec<Arc<Secret>>,
    words: Words,
    /// Whether a row differs from what was stored, or the rows are not the ones that the ledger counts.
    is_broken: bool,
    /// The generation of the ledger for these secrets.
    generation: i64,
    weight: usize,
}

fn age(secret: &Secret) -> (Timestamp, SecretId) {
    (secret.created_at, secret.id)
}

fn name(secret: &Secret) -> (&str, SecretId) {
    (&secret.name, secret.id)
}

/// How many secrets are bound to each tool and each argument, by the hashes of their names under a key of this map.
#[derive(Default)]
struct Words {
    hasher: RandomState,
    counts: HashMap<u64, u32>,
}

impl Words {
    fn of(secret: &Secret) -> impl Iterator<Item = &str> {
        [secret.tool(), secret.binding.argument.as_deref()]
            .into_iter()
            .flatten()
    }

    fn add(&mut self, secret: &Secret) {
        for word in Self::of(secret) {
            *self.counts.entry(self.hasher.hash_one(word)).or_default() += 1;
        }
    }

    fn remove(&mut self, secret: &Secret) {
        for word in Self::of(secret) {
            let hash = self.hasher.hash_one(word);
            if let Some(count) = self.counts.get_mut(&hash) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&hash);
                }
            }
        }
    }

    fn weight(&self) -> usize {
        self.counts.capacity() * (size_of::<(u64, u32)>() + 1)
    }
}

impl Index {
    /// An index of these secrets, which a ledger of this generation counts.
    pub(crate) fn new(mut secrets: Vec<Arc<Secret>>, generation: i64) -> Self {
        secrets.sort_by_key(|secret| age(secret));
        let mut by_id = secrets.clone();
        by_id.sort_by_key(|secret| secret.id);
        let mut by_name = secrets.clone();
        by_name.sort_by(|one, other| name(one).cmp(&name(other)));
        let mut defaults = PatternIndex::new();
        defaults.extend(secrets.iter().cloned());
        let canaries = secrets.iter().filter(|secret| secret.policy.canary);
        let canaries = canaries.cloned().collect();
        let mut words = Words::default();
        for secret in &secrets {
            words.add(secret);
        }
        Self {
            weight: secrets.iter().map(|secret| secret.weight()).sum(),
            by_age: secrets,
            by_id,
            by_name,
            defaults,
            canaries,
            words,
            generation,
            ..Self::default()
        }
    }

    /// Applies a change that led to `generation`, unless the index already includes it. Returns false if the index is
    /// useless: `change` returned false, or an earlier change was missed.
    pub(crate) fn follow(
        &mut self,
        generation: i64,
        change: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        if generation <= self.generation {
            return true;
        }
        if self.is_broken || generation != self.generation + 1 {
            return false;
        }
        self.generation = generation;
        change(self)
    }

    /// Adds a secret or replaces it.
    pub(crate) fn store(&mut self, secret: Arc<Secret>) {
        self.remove(secret.id);
        self.weight += secret.weight();
        self.words.add(&secret);
        let place = self
            .by_age
            .partition_point(|other| age(other) < age(&secret));
        self.by_age.insert(place, Arc::clone(&secret));
        let place = self
            .by_name
            .partition_point(|other| name(other) < name(&secret));
        self.by_name.insert(place, Arc::clone(&secret));
        self.defaults.insert(Arc::clone(&secret));
        if secret.policy.canary {
            self.canaries.push(Arc::clone(&secret));
        }
        let place = self.by_id.partition_point(|other| other.id < secret.id);
        self.by_id.insert(place, secret);
    }

    pub(crate) fn remove(&mut self, id: SecretId) {
        let Ok(place) = self.by_id.binary_search_by_key(&id, |secret| secret.id) else {
            return;
        };
        let secret = self.by_id.remove(place);
        self.weight = self.weight.saturating_sub(secret.weight());
        self.words.remove(&secret);
        if let Ok(place) = self
            .by_age
            .binary_search_by_key(&age(&secret), |other| age(other))
        {
            self.by_age.remove(place);
        }
        let found = self
            .by_name
            .binary_search_by(|other| name(other).cmp(&name(&secret)));
        if let Ok(place) = found {
            self.by_name.remove(place);
        }
        self.canaries.retain(|other| other.id != id);
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
        let place = self.by_id.binary_search_by_key(&id, |secret| secret.id);
        self.by_id.get(place.ok()?)
    }

    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<Secret>> {
        let begin = self.by_name.partition_point(|secret| *secret.name < *name);
        let rest = self.by_name.get(begin..).unwrap_or_default();
        rest.iter().take_while(move |secret| *secret.name == *name)
    }

    /// The defaults whose pattern matches the tool.
    pub(crate) fn defaults_for<'a>(
        &'a self,
        tool: &'a ToolName,
    ) -> impl Iterator<Item = &'a Arc<Secret>> {
        self.defaults.candidates(tool)
    }

    /// The defaults for a tool that `pattern` matches, too.
    pub(crate) fn defaults_beside<'a>(
        &'a self,
        pattern: &'a ToolPattern,
    ) -> impl Iterator<Item = &'a Arc<Secret>> {
        self.defaults.overlapping(pattern)
    }

    /// Whether a secret is bound to a tool or an argument of exactly this name.
    pub(crate) fn binds(&self, name: &str) -> bool {
        let words = &self.words;
        words.counts.contains_key(&words.hasher.hash_one(name))
    }

    /// Those that are never applied.
    pub(crate) fn canaries(&self) -> &[Arc<Secret>] {
        &self.canaries
    }

    /// All secrets, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.by_age.iter()
    }

    /// The generation of the ledger that counts these secrets.
    pub(crate) fn generation(&self) -> i64 {
        self.generation
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight + self.by_age.len() * PLACES_WEIGHT + self.words.weight()
    }
}
