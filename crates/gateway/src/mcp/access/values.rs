//! The values that were sent to one server for one caller: everything that comes back is searched for them.

use std::collections::{HashMap, VecDeque};

use parking_lot::RwLock;
use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::json::Value;
use toolvault_core::redaction::Redactor;
use zeroize::Zeroizing;

/// How many values are kept; the oldest are forgotten first.
const MOST: usize = 4_096;

type Key = (SecretId, i64);

/// Grows with each value that is sent: it may come back at any later time.
#[derive(Default)]
pub(crate) struct Values {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    values: HashMap<Key, (String, Confidential)>,
    order: VecDeque<Key>,
    redactor: Option<Redactor>,
    generation: u64,
}

impl Values {
    /// Remembers values, before they are sent.
    pub(crate) fn add(&self, given: Vec<toolvault_vault::Given>) {
        let mut state = self.state.write();
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
