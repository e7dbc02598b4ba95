//! The values that one caller's calls gave to one server: what is searched for in all that comes back from it.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use toolvault_core::confidential::Confidential;
use toolvault_core::identity::SecretId;
use toolvault_core::redaction::Redactor;

/// How many values are kept; whoever gives more loses the oldest versions.
const MOST: usize = 4_096;

/// Grows with each value that is given; what was given once may come back later.
#[derive(Default)]
pub(crate) struct Given {
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    values: BTreeMap<(SecretId, i64), (String, Confidential)>,
    redactor: Option<Redactor>,
    generation: u64,
}

impl Given {
    /// Notes values before they leave.
    pub(crate) fn add(&self, given: Vec<toolvault_vault::Given>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut is_new = false;
        for value in given.into_iter().filter(|value| value.redact) {
            let key = (value.secret_id, value.version);
            is_new |= state
                .values
                .insert(key, (value.secret_name, value.value))
                .is_none();
        }
        if !is_new {
            return;
        }
        while state.values.len() > MOST {
            state.values.pop_first();
        }
        let values = state.values.values();
        let texts = values.filter_map(|(name, value)| Some((name.as_str(), value.expose_text()?)));
        let redactor = Redactor::new(texts);
        state.redactor = Some(redactor);
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
        state
            .redactor
            .clone()
            .filter(|redactor| !redactor.is_empty())
    }
}
