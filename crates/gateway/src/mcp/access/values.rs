//! The values that were sent to one server for one caller: everything that comes back is searched for them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::json::Value;
use toolvault_core::redaction::Redactor;
use toolvault_vault::AppliedValue;
use zeroize::Zeroizing;

use super::Principal;

/// How many versions of one secret are remembered: the newest.
const VERSIONS: usize = 4;
/// How many bytes of values are remembered for one caller, at all servers together.
const BYTES_PER_CALLER: usize = 2 << 20;
/// How many for all callers.
const BYTES: usize = 64 << 20;
/// What a value takes beside its bytes, so that many small ones count too.
const OVERHEAD: usize = 128;

type Key = (SecretId, i64);

/// The values sent to one server for one caller. One that was sent may come back at any later time, so they are kept
/// until a bound is reached; then the oldest go first.
pub(crate) struct Values {
    budget: Budget,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    values: HashMap<Key, (String, Confidential)>,
    order: VecDeque<Key>,
    redactor: Option<Redactor>,
    generation: u64,
}

/// How many bytes of values all callers have.
#[derive(Default)]
pub(crate) struct Budgets {
    all: Arc<AtomicUsize>,
    callers: Mutex<HashMap<Principal, Arc<AtomicUsize>>>,
}

struct Budget {
    all: Arc<AtomicUsize>,
    caller: Arc<AtomicUsize>,
}

impl Budgets {
    fn of(&self, principal: &Principal) -> Budget {
        let mut callers = self.callers.lock();
        callers.retain(|_, used| Arc::strong_count(used) > 1);
        Budget {
            all: Arc::clone(&self.all),
            caller: Arc::clone(callers.entry(principal.clone()).or_default()),
        }
    }
}

impl Budget {
    fn take(&self, bytes: usize) {
        self.all.fetch_add(bytes, Ordering::Relaxed);
        self.caller.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        self.all.fetch_sub(bytes, Ordering::Relaxed);
        self.caller.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn is_exceeded(&self) -> bool {
        self.caller.load(Ordering::Relaxed) > BYTES_PER_CALLER
            || self.all.load(Ordering::Relaxed) > BYTES
    }
}

impl Values {
    /// No values yet, of a caller within `budgets`.
    pub(super) fn new(principal: &Principal, budgets: &Budgets) -> Self {
        Self {
            budget: budgets.of(principal),
            state: RwLock::default(),
        }
    }

    /// Remembers values, before they are sent.
    pub(crate) fn add(&self, sent: Vec<AppliedValue>) {
        let mut state = self.state.write();
        let mut newest = Vec::new();
        for value in sent.into_iter().filter(|value| value.redact) {
            let key = (value.secret_id, value.version);
            if let Entry::Vacant(entry) = state.values.entry(key) {
                self.budget.take(size(&value.value));
                entry.insert((value.secret_name, value.value));
                state.order.push_back(key);
                newest.push(key);
            }
        }
        if newest.is_empty() {
            return;
        }
        for (secret, _) in &newest {
            let versions = state.order.iter().filter(|(other, _)| other == secret);
            let surplus = versions.clone().count().saturating_sub(VERSIONS);
            let surplus: Vec<Key> = versions.take(surplus).copied().collect();
            for key in surplus {
                self.forget(&mut state, key);
            }
        }
        // What was sent last is never forgotten for itself.
        while self.budget.is_exceeded()
            && let Some(&oldest) = state.order.front()
            && !newest.contains(&oldest)
        {
            self.forget(&mut state, oldest);
        }
        let values = state.values.values();
        let texts = values.filter_map(|(name, value)| Some((name.as_str(), value.expose_text()?)));
        let redactor = Redactor::new(texts);
        state.redactor = (!redactor.is_empty()).then_some(redactor);
        state.generation += 1;
    }

    fn forget(&self, state: &mut State, key: Key) {
        state.order.retain(|other| *other != key);
        if let Some((_, value)) = state.values.remove(&key) {
            self.budget.give_back(size(&value));
        }
    }

    /// Changes whenever there is more to find.
    pub(crate) fn generation(&self) -> u64 {
        self.state.read().generation
    }

    /// What finds them; `None` if there are none.
    pub(crate) fn redactor(&self) -> Option<Redactor> {
        self.state.read().redactor.clone()
    }

    /// The JSON of `value` without the values, and whether one was found.
    pub(crate) fn redacted(&self, value: Value<'_>) -> (Zeroizing<Vec<u8>>, bool) {
        let mut out = Zeroizing::new(Vec::with_capacity(value.raw().len()));
        let Some(redactor) = self.redactor() else {
            out.extend_from_slice(value.raw().as_bytes());
            return (out, false);
        };
        let is_found = redactor.json(value, &mut out);
        (out, is_found)
    }

    /// Whether a text holds none of the values.
    pub(crate) fn is_harmless(&self, text: &str) -> bool {
        self.redactor()
            .is_none_or(|redactor| redactor.text(text).is_none())
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        let values = &self.state.get_mut().values;
        let bytes = values.values().map(|(_, value)| size(value)).sum();
        self.budget.give_back(bytes);
    }
}

fn size(value: &Confidential) -> usize {
    value.expose().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(number: u8) -> String {
        format!("\"00000000-0000-7000-8000-0000000000{number:02x}\"")
    }

    fn principal(number: u8) -> Principal {
        Principal {
            user: serde_json::from_str(&uuid(number)).unwrap(),
            actor: String::new(),
        }
    }

    fn sent(secret: u8, version: i64, value: &str) -> Vec<AppliedValue> {
        vec![AppliedValue {
            secret_id: serde_json::from_str(&uuid(secret)).unwrap(),
            secret_name: format!("secret-{secret}"),
            version,
            value: Confidential::from(value),
            redact: true,
        }]
    }

    fn finds(values: &Values, text: &str) -> bool {
        !values.is_harmless(text)
    }

    #[test]
    fn the_newest_four_versions_of_a_secret_are_found() {
        let values = Values::new(&principal(1), &Budgets::default());
        for version in 1..=6 {
            values.add(sent(1, version, &format!("the value number {version}")));
        }
        values.add(sent(2, 1, "the value of another secret"));
        for version in 1..=6 {
            let text = format!("it said: the value number {version}");
            assert_eq!(finds(&values, &text), version > 2, "{version}");
        }
        assert!(finds(&values, "the value of another secret"));
    }

    #[test]
    fn the_values_of_a_caller_are_bounded_in_bytes() {
        let budgets = Budgets::default();
        let first = Values::new(&principal(1), &budgets);
        let second = Values::new(&principal(1), &budgets);
        let value = |number: u8| format!("{number:03} {}", "x".repeat(400_000));
        for number in 0..5 {
            first.add(sent(number, 1, &value(number)));
        }
        assert!(finds(&first, &value(0)));
        // Of the same caller at another server: only its own values can make room.
        second.add(sent(100, 1, &value(100)));
        assert!(finds(&second, &value(100)));
        first.add(sent(5, 1, &value(5)));
        assert!(!finds(&first, &value(0)));
        assert!(finds(&first, &value(5)));
        drop(first);
        drop(second);
        assert_eq!(budgets.all.load(Ordering::Relaxed), 0);
        let other = Values::new(&principal(2), &budgets);
        assert_eq!(other.budget.caller.load(Ordering::Relaxed), 0);
        assert_eq!(budgets.callers.lock().len(), 1);
    }
}
