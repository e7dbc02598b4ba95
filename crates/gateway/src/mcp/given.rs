//! The values that one caller's calls gave to one server: what is searched for in all that comes back from it.

use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::json::Value;
use toolvault_core::redaction::Redactor;
use zeroize::Zeroizing;

/// How many values are kept; whoever gives more loses the ones that were given first.
const MOST: usize = 4_096;

type Key = (SecretId, i64);

/// Grows with each value that is given; what was given once may come back later.
#[derive(Default)]
pub(crate) struct Given {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    values: HashMap<Key, (String, Confidential)>,
    order: VecDeque<Key>,
    redactor: Option<Redactor>,
    generation: u64,
}

impl Given {
    /// Notes values before they leave.
    pub(crate) fn add(&self, given: Vec<toolvault_vault::Given>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let before = state.values.len();
        for value in given.into_iter().filter(|value| value.redact) {
            let key = (value.secret_id, value.version);
            let new = (value.secret_name, value.value);
            if state.values.insert(key, new).is_none() {
                state.order.push_back(key);
            }
        }
        if state.values.len() == before {
            return;
        }
        while state.values.len() > MOST
            && let Some(first) = state.order.pop_front()
        {
            state.values.remove(&first);
        }
        let values = state.values.values();
        let texts = values.filter_map(|(name, value)| Some((name.as_str(), value.expose_text()?)));
        let redactor = Redactor::new(texts);
        state.redactor = (!redactor.is_empty()).then_some(redactor);
        state.generation += 1;
    }

    /// Grows whenever there is more to find.
    pub(crate) fn generation(&self) -> u64 {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.generation
    }

    /// What finds them; none while nothing was given.
    pub(crate) fn redactor(&self) -> Option<Redactor> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.redactor.clone()
    }

    /// A value without anything that was given, and whether something was found.
    pub(crate) fn redacted(&self, value: Value<'_>) -> (Zeroizing<Vec<u8>>, bool) {
        let mut out = Zeroizing::new(Vec::with_capacity(value.raw().len()));
        let Some(redactor) = self.redactor() else {
            out.extend_from_slice(value.raw().as_bytes());
            return (out, false);
        };
        let is_found = redactor.json(value, &mut out);
        (out, is_found)
    }

    /// Whether a text holds nothing that was given.
    pub(crate) fn is_harmless(&self, text: &str) -> bool {
        self.redactor()
            .is_none_or(|redactor| redactor.text(text).is_none())
    }
}
